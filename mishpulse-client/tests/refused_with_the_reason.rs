//! A refusal is told with the server's own words, and not hammered at.

mod common;

use std::time::Duration;

use common::{Answer, Monitor, eventually};
use mishpulse_client::{Builder, Error, Status};

fn forbidden() -> Answer {
    let body =
        r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"no service has this token"}"#;
    Answer::Refuse(403, "content-type: application/problem+json\r\n".to_owned(), body.to_owned())
}

#[test]
fn refused_with_the_reason() {
    let monitor = Monitor::start();
    monitor.answers(forbidden());
    let error = mishpulse_client::beat(monitor.url(), Status::Ok).unwrap_err();
    assert_eq!(error.to_string(), "refused with status 403: no service has this token");
    assert!(!error.is_temporary());
    assert_eq!(monitor.beats().len(), 1, "an unknown token does not become known by asking again");
}

#[test]
fn a_pulse_that_is_refused_goes_on_at_its_interval() {
    let monitor = Monitor::start();
    monitor.answers(forbidden());
    let pulse = Builder::new(monitor.url()).interval(Duration::from_millis(400)).start().unwrap();
    eventually("the refusal", || matches!(pulse.last_error(), Some(Error::Refused { status: 403, .. })));
    assert!(!pulse.flush(Duration::from_secs(60)), "waiting is no use");
    monitor.answers(Answer::Ok);
    eventually("the token to be known", || pulse.last_error().is_none());
}

#[test]
fn a_server_that_is_busy_is_asked_again() {
    let monitor = Monitor::start();
    monitor.answers(Answer::Refuse(503, String::new(), String::new()));
    let url = monitor.url();
    let beat = std::thread::spawn(move || mishpulse_client::beat(url, Status::Ok));
    monitor.wait_for_number(1);
    monitor.answers(Answer::Ok);
    beat.join().unwrap().unwrap();
    assert_eq!(monitor.beats().len(), 2);
}

#[test]
fn when_to_come_back_is_passed_on() {
    let monitor = Monitor::start();
    monitor.answers(Answer::Refuse(503, "retry-after: 120\r\n".to_owned(), "busy\r\nx: y".to_owned()));
    let error = mishpulse_client::beat(monitor.url(), Status::Ok).unwrap_err();
    let expected = Error::Refused {
        status: 503,
        detail: "busy  x: y".to_owned(),
        retry_after: Some(Duration::from_secs(120)),
    };
    assert_eq!(error, expected);
    assert!(error.is_temporary());
}

#[test]
fn a_connection_closed_without_a_word_is_an_error() {
    let monitor = Monitor::start();
    monitor.answers(Answer::Close);
    let error = Builder::new(monitor.url()).retries(0).beat(Status::Ok).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}

#[test]
fn an_endless_answer_is_not_read_to_the_end() {
    let monitor = Monitor::start();
    monitor.answers(Answer::Refuse(500, String::new(), "x".repeat(3_000_000)));
    let error = Builder::new(monitor.url()).retries(0).beat(Status::Ok).unwrap_err();
    assert!(error.to_string().len() < 600, "{}", error.to_string().len());
}
