//! The token of the address is in nothing that is printed, kept or sent but the request itself.

mod common;

use std::fmt::Write;
use std::sync::Mutex;
use std::time::Duration;

use common::{Answer, Monitor, TOKEN, as_a_program, eventually, nobody};
use mishpulse_client::{Builder, Error, Job, Signal};

fn hides(text: &str) {
    assert!(!text.contains(TOKEN) && !text.contains("passw0rd"), "{text}");
}

fn hidden(error: &Error) {
    hides(&format!("{error} {error:?} {error:#?}"));
}

#[test]
fn not_in_errors() {
    for bad in [
        format!("ftp://h/{TOKEN}"),
        format!("{TOKEN} with a space"),
        TOKEN.to_owned(),
        format!("http://h:999999/{TOKEN}"),
        format!("http://[::1/{TOKEN}"),
    ] {
        hidden(&Builder::new(&bad).beat(Signal::ok()).unwrap_err());
        hides(&format!("{:?}", Builder::new(&bad)));
        hides(&format!("{:?}", mishpulse_client::start(&bad)));
        hides(&format!("{:?}", Builder::new(&bad).quiet().job()));
    }
    hidden(&Builder::new(nobody()).retries(0).beat(Signal::ok()).unwrap_err());
    let https = nobody().replace("http", "https").replace("//", "//me:passw0rd@");
    hidden(&Builder::new(https).retries(0).beat(Signal::ok()).unwrap_err());
    let proxy = Builder::new(nobody()).proxy("http://me:passw0rd@localhost:1").retries(0);
    hides(&format!("{proxy:?}"));
    hidden(&proxy.beat(Signal::ok()).unwrap_err());
    hidden(&Builder::new(nobody()).proxy("passw0rd://me:passw0rd@").beat(Signal::ok()).unwrap_err());
}

#[test]
fn not_where_the_server_repeats_it() {
    let monitor = Monitor::start();
    for (status, headers) in [(403, String::new()), (301, format!("location: https://other{TOKEN}/\r\n"))] {
        let body = format!("{{\"detail\":\"token {TOKEN} is unknown\"}}");
        monitor.answers(Answer::Refuse(status, headers, body));
        let error = mishpulse_client::beat(monitor.url(), Signal::ok()).unwrap_err();
        hidden(&error);
        assert!(error.to_string().contains("***"), "{error}");
    }
}

#[test]
fn not_in_debug_or_messages() {
    let monitor = Monitor::start();
    let pulse = mishpulse_client::start(monitor.url());
    pulse.error(format_args!("cannot open {}", monitor.url()));
    hides(&monitor.wait_for_status("error").message.unwrap());
    let mut text = String::new();
    let builder = Builder::new(monitor.url());
    let job = Job::start(monitor.url());
    let watch = pulse.watch(Duration::from_secs(1));
    write!(text, "{pulse:?} {pulse:#?} {builder:?} {job:?} {watch:?}").unwrap();
    hides(&text);
    job.ok().unwrap();
    assert!(text.contains("/api/heartbeat/***"), "but where it goes is shown: {text}");
}

#[test]
fn not_on_stderr() {
    if let Ok(url) = std::env::var("AS_PROGRAM") {
        let pulse = mishpulse_client::start(url);
        let _bad = mishpulse_client::start(format!("http://:1/{TOKEN}"));
        eventually("the trouble", || pulse.last_error().is_some());
        panic!("at the end");
    }
    let program = as_a_program("not_on_stderr", &[("AS_PROGRAM", &nobody())]);
    let text = String::from_utf8_lossy(&program.stderr);
    hides(&text);
    assert_eq!(text.matches("mishpulse: ").count(), 2, "{text}");
}

/// The HTTP library's records up to the level `Debug`; with `Trace` it writes down all it sends, as the docs say.
#[test]
fn not_in_debug_records() {
    static RECORDS: Mutex<String> = Mutex::new(String::new());
    struct Keep;
    impl log::Log for Keep {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            writeln!(RECORDS.lock().unwrap(), "{}: {}", record.target(), record.args()).unwrap();
        }
        fn flush(&self) {}
    }
    log::set_logger(&Keep).unwrap();
    log::set_max_level(log::LevelFilter::Debug);
    let monitor = Monitor::start();
    mishpulse_client::beat(monitor.url(), Signal::error("x")).unwrap();
    let records = RECORDS.lock().unwrap();
    assert!(records.contains("ureq"), "{records}");
    hides(&records);
}
