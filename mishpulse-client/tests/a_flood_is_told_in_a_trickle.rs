//! An app that changes its mind all the time makes 5 beats at once and then one a second, always of the latest.

mod common;

use std::time::{Duration, Instant};

use common::Monitor;

#[test]
fn a_flood_is_told_in_a_trickle() {
    let monitor = Monitor::start();
    let pulse = mishpulse_client::start(monitor.url());
    monitor.wait_for_number(1);
    let started = Instant::now();
    let mut number = 0;
    while started.elapsed() < Duration::from_millis(2500) {
        number += 1;
        pulse.warning(number);
    }
    let beats = monitor.beats().len();
    assert!((3..=12).contains(&beats), "{beats} beats of {number} changes");
    pulse.warning("the last");
    assert!(pulse.flush(common::PATIENCE));
    assert_eq!(monitor.beats().last().unwrap().message.as_deref(), Some("the last"));
}
