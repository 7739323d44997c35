//! While the monitor is away the app notices nothing and only the latest status is kept; when it is back it hears
//! that one.

mod common;

use std::time::{Duration, Instant};

use common::{Monitor, eventually};
use mishpulse_client::{Builder, Error};

#[test]
fn monitor_away_then_back() {
    let monitor = Monitor::start();
    let pulse = Builder::new(monitor.url()).interval(Duration::from_millis(100)).start().unwrap();
    monitor.wait_for_number(2);
    let port = monitor.leaves();
    eventually("the trouble to show", || pulse.last_error().is_some());
    assert!(matches!(pulse.last_error(), Some(Error::Unreachable { .. })));

    let started = Instant::now();
    for number in 0..10_000 {
        pulse.error(format_args!("error {number}"));
        pulse.ok();
        pulse.warning(format_args!("warning {number}"));
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());

    let monitor = Monitor::at(port);
    // A last error may be told before it; no other of the 30,000 is.
    let beat = monitor.wait_for_status("warning");
    assert_eq!(beat.message.as_deref(), Some("warning 9999"));
    let others = monitor.beats().into_iter().filter(|beat| beat.message.as_deref() != Some("warning 9999"));
    assert!(others.clone().count() <= 1, "{:#?}", others.collect::<Vec<_>>());
    eventually("all to be well", || pulse.last_error().is_none());
}

#[test]
fn an_app_may_start_before_its_monitor() {
    let port = common::closed_port();
    let url = format!("http://127.0.0.1:{port}/api/heartbeat/{}", common::TOKEN);
    let pulse = Builder::new(url).interval(Duration::from_millis(100)).start().unwrap();
    eventually("the trouble to show", || pulse.last_error().is_some());
    Monitor::at(port).wait_for_status("ok");
}
