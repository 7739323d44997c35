//! A status leaves at once, is repeated by the regular beats, and holds until there is another.

mod common;

use std::thread;
use std::time::{Duration, Instant};

use common::Monitor;
use mishpulse_client::{Builder, Signal, Status};

#[test]
fn a_status_holds_until_the_next() {
    let monitor = Monitor::start();
    let pulse =
        Builder::new(monitor.url()).interval(Duration::from_secs(1)).app_name("importer").start().unwrap();
    // Let the sender fall asleep, so that it has to be woken.
    assert!(pulse.flush(common::PATIENCE));
    thread::sleep(Duration::from_millis(100));

    let said = Instant::now();
    pulse.error(format_args!("disk {} is \"full\"\n", "sda"));
    let beat = monitor.wait_for_status("error");
    assert!(beat.at - said < Duration::from_millis(600), "it did not wait for the next regular beat");
    assert_eq!(beat.message.as_deref(), Some("importer: disk sda is \"full\"\n"));
    monitor.forget();
    assert!(monitor.wait_for_number(2).iter().all(|beat| beat.status == "error"));

    pulse.warning("91 %");
    monitor.wait_for("the warning", |beat| beat.message.as_deref() == Some("importer: 91 %"));
    pulse.ok();
    assert_eq!(monitor.wait_for_status("ok").message, None);
    pulse.signal(Signal::new(Status::Ok, Some("12 files")));
    monitor.wait_for("ok with a message", |beat| beat.message.as_deref() == Some("importer: 12 files"));
    monitor.forget();
    pulse.ok();
    assert_eq!(monitor.wait_for_status("ok").message, None);
}

#[test]
fn the_same_said_again_is_sent_once() {
    let monitor = Monitor::start();
    let pulse = mishpulse_client::start(monitor.url());
    for _ in 0..1000 {
        pulse.error("disk full");
        assert!(pulse.flush(common::PATIENCE));
    }
    assert!(monitor.beats().len() <= 2, "{:#?}", monitor.beats());
}
