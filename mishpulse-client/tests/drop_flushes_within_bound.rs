//! Dropping a pulse delivers what the monitor does not know yet, in bounded time whatever the monitor does.

mod common;

use std::time::{Duration, Instant};

use common::{Answer, Monitor};
use mishpulse_client::Builder;

const BOUND: Duration = Duration::from_millis(500);

fn time(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

#[test]
fn the_last_word_is_delivered() {
    let monitor = Monitor::start();
    let pulse = mishpulse_client::start(monitor.url());
    pulse.error("the last word");
    drop(pulse);
    let beats = monitor.beats();
    assert_eq!(beats.last().unwrap().message.as_deref(), Some("the last word"), "{beats:#?}");
}

#[test]
fn nothing_new_takes_no_time() {
    let monitor = Monitor::start();
    let pulse = mishpulse_client::start(monitor.url());
    assert!(pulse.flush(common::PATIENCE));
    let time = time(|| drop(pulse));
    assert!(time < BOUND, "{time:?}");
    assert_eq!(monitor.beats().len(), 1);
}

#[test]
fn a_hanging_monitor_is_not_waited_for() {
    let monitor = Monitor::start();
    monitor.answers(Answer::Hang);
    let pulse = Builder::new(monitor.url()).flush_timeout(BOUND).start().unwrap();
    monitor.wait_for_number(1);
    pulse.error("unheard");
    assert!(!pulse.flush(Duration::from_millis(50)));
    let time = time(|| drop(pulse));
    assert!(time >= BOUND && time < BOUND * 3, "{time:?}");
}

#[test]
fn a_monitor_that_is_away_is_tried_until_the_bound() {
    let pulse = Builder::new(common::nobody()).flush_timeout(BOUND).quiet().start().unwrap();
    pulse.error("unheard");
    let time = time(|| drop(pulse));
    assert!(time < BOUND * 3, "{time:?}");
}

#[test]
fn all_is_well_is_not_worth_waiting_for() {
    let pulse =
        Builder::new(common::nobody()).flush_timeout(Duration::from_secs(60)).quiet().start().unwrap();
    let time = time(|| drop(pulse));
    assert!(time < Duration::from_secs(5), "{time:?}");
}

#[test]
fn a_monitor_that_comes_back_in_time_is_told() {
    let monitor = Monitor::start();
    let pulse = Builder::new(monitor.url()).flush_timeout(common::PATIENCE).quiet().start().unwrap();
    monitor.wait_for_number(1);
    let port = monitor.leaves();
    pulse.error("the last word");
    let dropping = std::thread::spawn(move || drop(pulse));
    let monitor = Monitor::at(port);
    assert_eq!(monitor.wait_for_status("error").message.as_deref(), Some("the last word"));
    dropping.join().unwrap();
}
