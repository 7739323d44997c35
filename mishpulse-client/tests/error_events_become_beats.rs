//! ERROR records of `log` and ERROR events of `tracing` become error beats, which pass after an interval.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::Monitor;
use mishpulse_client::Builder;
use tracing_subscriber::prelude::*;

#[test]
fn records_of_log() {
    static PASSED_ON: AtomicUsize = AtomicUsize::new(0);
    struct Count;
    impl log::Log for Count {
        fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
            metadata.target() == "app"
        }
        fn log(&self, _: &log::Record<'_>) {
            PASSED_ON.fetch_add(1, Ordering::SeqCst);
        }
        fn flush(&self) {}
    }
    let monitor = Monitor::start();
    let pulse = Builder::new(monitor.url()).interval(Duration::from_millis(300)).start().unwrap();
    log::set_boxed_logger(Box::new(pulse.logger(Count))).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    monitor.wait_for_status("ok");
    monitor.forget();
    log::warn!(target: "app", "not yet");
    log::error!(target: "app", "disk {}", "full");
    assert_eq!(monitor.wait_for_number(1)[0].message.as_deref(), Some("app: disk full"));
    assert_eq!(PASSED_ON.load(Ordering::SeqCst), 2);
    monitor.forget();
    monitor.wait_for_status("ok");

    // What the app itself has called an error does not pass.
    pulse.error("lasting");
    monitor.wait_for("the app's error", |beat| beat.message.as_deref() == Some("lasting"));
    monitor.forget();
    log::error!(target: "app", "disk full");
    assert!(monitor.wait_for_number(3).iter().all(|beat| beat.message.as_deref() == Some("lasting")));
}

#[test]
fn events_of_tracing() {
    let monitor = Monitor::start();
    let pulse = Builder::new(monitor.url()).interval(Duration::from_millis(300)).start().unwrap();
    let _guard = tracing_subscriber::registry().with(pulse.layer()).set_default();
    monitor.wait_for_status("ok");
    pulse.warning("91 %");
    monitor.wait_for_status("warning");
    monitor.forget();
    tracing::warn!(target: "app", "not yet");
    tracing::error!(target: "app", disk = "sda", used = 100, "disk {}", "full");
    let message = monitor.wait_for_status("error").message;
    assert_eq!(message.as_deref(), Some("app: disk full disk=\"sda\" used=100"));
    monitor.forget();
    let message = monitor.wait_for_status("warning").message;
    assert_eq!(message.as_deref(), Some("91 %"), "back to what was said before");
}
