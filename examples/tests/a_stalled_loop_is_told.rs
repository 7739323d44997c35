//! A loop that hangs is an error within its interval, while one that turns never is: in real programs.

mod common;

use std::process::Command;
use std::time::{Duration, Instant};

use common::{BUSY, Program, Server};

const STALLED_AFTER: Duration = Duration::from_secs(1);

fn start(program: &str, server: &Server, service: &str, more: &[(&str, &str)]) -> Program {
    let mut command = Command::new(program);
    command
        .env("MISHPULSE_URL", server.beat_url(service))
        .envs([("ROUND", "100ms"), ("STALLED_AFTER", "1s"), ("INTERVAL", "250ms")])
        .envs(more.iter().copied());
    Program::start(&mut command)
}

/// One that hangs is told in time; one that does not has one status, alive, all the while.
fn hangs_in_time(program: &str, hang_after: &str, last_words: &str, message: &str) {
    let server = Server::start(&[("stuck", "10s"), ("healthy", "10s")]);
    let mut healthy = start(program, &server, "healthy", &[]);
    let alive_since = server.wait_for("healthy", "alive")["since"].clone();

    let mut stuck = start(program, &server, "stuck", &[(hang_after, "5")]);
    server.wait_for("stuck", "alive");
    stuck.wait_for_line(last_words);
    let hangs_since = Instant::now();
    let told = server.wait_for("stuck", "error");
    let after = hangs_since.elapsed();
    assert_eq!(told["message"], message);
    assert!(after > STALLED_AFTER / 2 && after < STALLED_AFTER + BUSY, "told after {after:?}");
    assert!(stuck.is_running(), "the process is there, as if all were well");

    // It keeps beating, so it stays an error and does not become dead.
    let error_since = told["since"].clone();
    let beaten = server.wait_for_beat("stuck", &told["last_seen"]);
    assert_eq!((&beaten["status"], &beaten["since"]), (&told["status"], &error_since));

    let now = server.service("healthy").unwrap();
    assert_eq!((&now["status"], &now["since"]), (&"alive".into(), &alive_since), "{}", healthy.output());
    assert!(healthy.is_running());
}

#[test]
fn a_worker_in_a_deadlock() {
    hangs_in_time(env!("CARGO_BIN_EXE_worker"), "DEADLOCK_AFTER", "round 5: a deadlock", "stalled for 1 s");
}

#[test]
fn a_tokio_task_that_waits_for_ever() {
    hangs_in_time(env!("CARGO_BIN_EXE_tokio_task"), "HANG_AFTER", "order 5: hangs", "orders stalled for 1 s");
}

#[test]
fn a_killed_worker_is_dead() {
    let server = Server::start(&[("worker", "1s")]);
    let mut worker = start(env!("CARGO_BIN_EXE_worker"), &server, "worker", &[]);
    let alive = server.wait_for("worker", "alive");
    // Longer than the timeout, so that it is the beats that keep it alive.
    worker.wait_for_line("round 15: sold");
    assert_eq!(server.service("worker").unwrap()["since"], alive["since"]);
    worker.kill();
    server.wait_for("worker", "dead");
}
