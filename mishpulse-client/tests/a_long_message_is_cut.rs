//! A message is cut to 4,096 bytes at a character boundary, with the name of the app in it.

mod common;

use common::Monitor;
use mishpulse_client::{Builder, MESSAGE_BYTES_MAX};

#[test]
fn a_long_message_is_cut() {
    let monitor = Monitor::start();
    let pulse = Builder::new(monitor.url()).app_name("app").start().unwrap();
    pulse.error("ж".repeat(1_000_000));
    let message = monitor.wait_for_status("error").message.unwrap();
    assert_eq!(message.len(), MESSAGE_BYTES_MAX - 1);
    assert!(message.starts_with("app: жж") && message.ends_with('ж'));
}
