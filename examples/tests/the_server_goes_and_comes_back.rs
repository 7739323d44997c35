//! The client against a real server that dies, hangs and comes back: no service is wrong for longer than its interval.

mod common;

use std::process::Command;
use std::time::{Duration, Instant};

use common::{BUSY, Program, Server, until};
use mishpulse_client::{Builder, Error, Pulse};

const INTERVAL: Duration = Duration::from_secs(1);
/// Of the service: what is silent for longer is dead.
const TIMEOUT: &str = "3s";
/// How long the server is away: longer than the service may be silent.
const AWAY: Duration = Duration::from_millis(3500);

fn pulse(server: &Server) -> Pulse {
    let builder = Builder::new(server.beat_url("app")).interval(INTERVAL).quiet();
    // So that a try against a server that hangs is over before the server is back.
    builder.timeout(Duration::from_millis(500)).start().unwrap()
}

/// Waits until the server is away for as long as it shall be, and the client has found out.
fn stay_away(pulse: &Pulse) {
    let gone = Instant::now();
    until("the client finds nobody", || pulse.last_error());
    until("the server was away for long enough", || (gone.elapsed() > AWAY).then_some(()));
}

/// The service is alive all the while from before the server was away until a beat afterwards, which comes in time.
fn stays_alive(away: impl FnOnce(&mut Server, &Pulse)) {
    let mut server = Server::start(&[("app", TIMEOUT)]);
    let pulse = pulse(&server);
    let before = server.wait_for("app", "alive");
    let last_seen = server.wait_for_beat("app", &before["last_seen"])["last_seen"].clone();

    away(&mut server, &pulse);
    let back = Instant::now();
    let after = server.wait_for_beat("app", &last_seen);
    let resumed = back.elapsed();
    assert!(resumed < INTERVAL + BUSY, "the first beat came after {resumed:?}");
    assert_eq!((&after["status"], &after["since"]), (&"alive".into(), &before["since"]));

    // And it is the beats that keep it alive from now on.
    let timeout = Instant::now();
    until("longer than the timeout", || {
        let now = server.service("app").unwrap();
        assert_eq!((&now["status"], &now["since"]), (&"alive".into(), &before["since"]));
        (timeout.elapsed() > AWAY).then_some(())
    });
    assert_eq!(pulse.last_error(), None);
}

#[test]
fn killed() {
    stays_alive(|server, pulse| {
        server.kill();
        stay_away(pulse);
        server.restart();
    });
}

#[test]
fn stopped_as_by_a_service_manager() {
    stays_alive(|server, pulse| {
        server.terminate();
        stay_away(pulse);
        server.restart();
    });
}

#[test]
fn hanging() {
    stays_alive(|server, pulse| {
        server.signal("STOP");
        stay_away(pulse);
        assert!(matches!(pulse.last_error(), Some(Error::Timeout { .. })), "{:?}", pulse.last_error());
        server.signal("CONT");
    });
}

#[test]
fn what_happens_meanwhile_is_told_within_an_interval() {
    let mut server = Server::start(&[("app", TIMEOUT)]);
    let pulse = pulse(&server);
    server.wait_for("app", "alive");

    // Trouble while the server is away is known after it is back.
    server.kill();
    pulse.error("disk full");
    stay_away(&pulse);
    server.restart();
    let back = Instant::now();
    let error = server.wait_for("app", "error");
    assert!(back.elapsed() < INTERVAL + BUSY, "told after {:?}", back.elapsed());
    assert_eq!(error["message"], "disk full");

    // So is the end of trouble.
    server.kill();
    pulse.ok();
    stay_away(&pulse);
    server.restart();
    let back = Instant::now();
    server.wait_for("app", "alive");
    assert!(back.elapsed() < INTERVAL + BUSY, "told after {:?}", back.elapsed());
}

/// What dies while the server is away is found by it within one timeout after it is back.
#[test]
fn an_app_that_dies_meanwhile_is_found() {
    let mut server = Server::start(&[("app", TIMEOUT)]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_worker"));
    command.env("MISHPULSE_URL", server.beat_url("app")).envs([
        ("ROUND", "100ms"),
        ("INTERVAL", "500ms"),
        ("STALLED_AFTER", "5s"),
    ]);
    let mut worker = Program::start(&mut command);
    let alive = server.wait_for("app", "alive");
    server.kill();
    worker.kill();
    server.restart();
    assert_eq!(
        server.service("app").unwrap()["since"],
        alive["since"],
        "nobody is blamed for the server's absence"
    );
    server.wait_for("app", "dead");
}

#[test]
fn an_unknown_token_is_told() {
    let server = Server::start(&[]);
    let pulse = pulse(&server);
    let error = until("the refusal", || pulse.last_error());
    assert!(matches!(error, Error::Refused { status: 403, .. }), "{error:?}");
    assert!(!error.is_temporary());
    let (shown, debug) = (error.to_string(), format!("{error:?} {pulse:?}"));
    assert!(!shown.contains("token-app") && !debug.contains("token-app"), "{shown} {debug}");
    assert!(!pulse.flush(Duration::from_secs(20)), "nothing can be delivered");

    let single = mishpulse_client::beat(server.beat_url("app"), mishpulse_client::Status::Ok).unwrap_err();
    assert!(matches!(single, Error::Refused { status: 403, .. }), "{single:?}");
}
