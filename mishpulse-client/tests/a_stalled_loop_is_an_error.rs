//! A loop that stops turning is an error when its time is over, and ok with the next tick.

mod common;

use std::thread;
use std::time::{Duration, Instant};

use common::Monitor;
use mishpulse_client::Builder;

#[test]
fn a_stalled_loop_is_an_error() {
    let monitor = Monitor::start();
    let pulse = mishpulse_client::start(monitor.url());
    let every = Duration::from_millis(500);
    let watch = pulse.watch_named("importer", every);
    for _ in 0..20 {
        watch.tick();
        thread::sleep(Duration::from_millis(50));
    }
    assert!(monitor.beats().iter().all(|beat| beat.status == "ok"), "{:#?}", monitor.beats());

    watch.tick();
    let last_tick = Instant::now();
    let error = monitor.wait_for_status("error");
    assert_eq!(error.message.as_deref(), Some("importer stalled for 500 ms"));
    let late = error.at - last_tick;
    assert!(late >= every - Duration::from_millis(5) && late < every * 2, "told after {late:?}");

    // Let the sender fall asleep, so that it is the tick that wakes it.
    assert!(pulse.flush(common::PATIENCE));
    thread::sleep(Duration::from_millis(100));
    monitor.forget();
    watch.tick();
    let ticked = Instant::now();
    let ok = monitor.wait_for_status("ok");
    assert!(ok.at < ticked + every, "told at once, not with the next beat");
}

#[test]
fn a_healthy_loop_is_never_reported() {
    let monitor = Monitor::start();
    let pulse = Builder::new(monitor.url()).interval(Duration::from_millis(50)).start().unwrap();
    let watch = pulse.watch(Duration::from_millis(700));
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(2) {
        watch.tick();
        thread::sleep(Duration::from_millis(20));
    }
    let beats = monitor.beats();
    assert!(beats.len() > 10 && beats.iter().all(|beat| beat.status == "ok"), "{beats:#?}");
}

#[test]
fn a_loop_that_is_over_is_not_watched() {
    let monitor = Monitor::start();
    let pulse = Builder::new(monitor.url()).interval(Duration::from_millis(50)).start().unwrap();
    drop(pulse.watch(Duration::from_millis(100)));
    let started = Instant::now();
    let beats = monitor.wait_until("300 ms of beats", |beats| {
        (started.elapsed() > Duration::from_millis(300)).then(|| beats.to_vec())
    });
    assert!(beats.iter().all(|beat| beat.status == "ok"), "{beats:#?}");
}

#[test]
fn one_of_two_loops_is_named() {
    let monitor = Monitor::start();
    let pulse = Builder::new(monitor.url()).interval(Duration::from_millis(50)).start().unwrap();
    let _fine = pulse.watch_named("fine", Duration::from_secs(60));
    let _stuck = pulse.watch_named("stuck", Duration::from_millis(100));
    let message = monitor.wait_for_status("error").message;
    assert_eq!(message.as_deref(), Some("stuck stalled for 100 ms"));
    // The app's own words come first.
    pulse.error("disk full");
    monitor.wait_for("the app's error", |beat| beat.message.as_deref() == Some("disk full"));
    monitor.forget();
    pulse.ok();
    let message =
        monitor.wait_for("the stall again", |beat| beat.message.as_deref() != Some("disk full")).message;
    assert_eq!(message.as_deref(), Some("stuck stalled for 100 ms"));
}
