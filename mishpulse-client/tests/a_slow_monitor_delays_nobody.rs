//! A monitor that never answers costs the app nothing: every call comes back at once, and the try is given up.

mod common;

use std::time::{Duration, Instant};

use common::{Answer, Monitor, eventually};
use mishpulse_client::{Builder, Error};

#[test]
fn a_slow_monitor_delays_nobody() {
    let monitor = Monitor::start();
    monitor.answers(Answer::Hang);
    let pulse = Builder::new(monitor.url()).timeout(Duration::from_millis(300)).start().unwrap();
    monitor.wait_for_number(1);
    let started = Instant::now();
    for number in 0..1000 {
        pulse.ok();
        pulse.error(number);
        pulse.warning(number);
    }
    assert!(started.elapsed() < Duration::from_millis(250), "{:?}", started.elapsed());
    eventually("the try to be given up", || {
        pulse.last_error() == Some(Error::Timeout { after: Duration::from_millis(300) })
    });
    monitor.answers(Answer::Ok);
    monitor.wait_for("the latest", |beat| beat.message.as_deref() == Some("999"));
}
