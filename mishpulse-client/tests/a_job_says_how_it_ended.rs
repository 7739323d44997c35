//! A job reports ok, its error, its panic, or that it ended without a word; its result is never touched.

mod common;

use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use common::{Answer, Monitor, nobody};
use mishpulse_client::{Builder, Job, job};

fn last(monitor: &Monitor) -> (String, Option<String>) {
    let beats = monitor.beats();
    assert_eq!(beats.len(), 1, "one job, one beat: {beats:#?}");
    monitor.forget();
    (beats[0].status.clone(), beats[0].message.clone())
}

fn says(status: &str, message: Option<&str>) -> (String, Option<String>) {
    (status.to_owned(), message.map(str::to_owned))
}

#[test]
fn a_job_says_how_it_ended() {
    let monitor = Monitor::start();
    assert_eq!(job(monitor.url(), || Ok::<_, String>(7)), Ok(7));
    assert_eq!(last(&monitor), says("ok", None));

    assert_eq!(job(monitor.url(), || Err::<(), _>("disk full")), Err("disk full"));
    assert_eq!(last(&monitor), says("error", Some("disk full")));

    let drink = "coffee".to_owned();
    let line = line!() + 1;
    let work = || -> Result<(), String> { panic!("no more {drink}") };
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| job(monitor.url(), work)));
    let payload = outcome.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(*payload, "no more coffee", "the panic goes on as it was");
    let (status, message) = last(&monitor);
    let place =
        format!("panicked at mishpulse-client/tests/a_job_says_how_it_ended.rs:{line}: no more coffee");
    assert!(status == "error" && message.as_deref().unwrap().ends_with(&place), "{message:?}");
}

#[test]
fn a_guard_says_how_it_ended() {
    let monitor = Monitor::start();
    Job::start(monitor.url()).ok().unwrap();
    assert_eq!(last(&monitor), says("ok", None));
    Job::start(monitor.url()).warning("3 files skipped").unwrap();
    assert_eq!(last(&monitor), says("warning", Some("3 files skipped")));
    Builder::new(monitor.url()).app_name("backup").job().error("disk full").unwrap();
    assert_eq!(last(&monitor), says("error", Some("backup: disk full")));
    drop(Job::start(monitor.url()));
    assert_eq!(last(&monitor), says("error", Some("the job ended without a word")));
}

#[test]
fn a_job_is_none_the_worse_for_a_monitor_that_is_away() {
    let started = Instant::now();
    let builder = Builder::new(nobody()).timeout(Duration::from_millis(300)).quiet();
    drop(builder.job());
    builder.job().ok().unwrap_err();
    let monitor = Monitor::start();
    monitor.answers(Answer::Hang);
    Builder::new(monitor.url()).timeout(Duration::from_millis(300)).job().ok().unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
