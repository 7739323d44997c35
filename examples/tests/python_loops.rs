//! The Python loops keep their service alive, tell of errors, and come through a server that goes away.
//!
//! `MISHPULSE_TEST_PYTHON` names the interpreter; it needs `requests` for one of them.

mod common;

use std::env;
use std::fs;
use std::process::Command;

use common::{Program, Server, example, until};
use tempfile::TempDir;

fn python() -> String {
    env::var("MISHPULSE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

#[test]
fn the_loop_with_requests() {
    let python = python();
    let has_requests = Command::new(&python).args(["-c", "import requests"]).output();
    assert!(
        has_requests.is_ok_and(|output| output.status.success()),
        "{python} has no `requests`: set MISHPULSE_TEST_PYTHON to an interpreter that has"
    );
    let mut server = Server::start(&[("loop", "2s")]);
    let mut command = Command::new(python);
    command.arg(example("loop.py")).arg("0.2").env("MISHPULSE_URL", server.beat_url("loop"));
    let mut app = Program::start(&mut command);
    server.wait_for("loop", "alive");

    server.kill();
    app.wait_for_line("no heartbeat: ");
    let last_seen = {
        server.restart();
        server.service("loop").unwrap()["last_seen"].clone()
    };
    let back = server.wait_for_beat("loop", &last_seen);
    assert_eq!(back["status"], "alive");

    app.kill();
    server.wait_for("loop", "dead");
}

#[test]
fn the_hardened_loop() {
    let mut server = Server::start(&[("loop", "4s")]);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("work");
    fs::write(&file, "enough").unwrap();
    let mut command = Command::new(python());
    command
        .args([example("loop_hardened.py"), file.clone()])
        .arg("0.5")
        .env("MISHPULSE_URL", server.beat_url("loop"));
    let mut app = Program::start(&mut command);
    server.wait_for("loop", "alive");

    // An exception is told, and the loop goes on.
    fs::remove_file(&file).unwrap();
    let error = server.wait_for("loop", "error");
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("FileNotFoundError: "), "{message}");
    fs::write(&file, "enough").unwrap();
    let alive = server.wait_for("loop", "alive");

    // A server that hangs, then one that is gone.
    server.signal("STOP");
    app.wait_for_line("no heartbeat: TimeoutError: ");
    server.kill();
    until("it says that nobody is there", || app.output().contains("refused").then_some(()));
    server.restart();
    let known = server.service("loop").unwrap();
    let back = server.wait_for_beat("loop", &known["last_seen"]);
    assert_eq!((&back["status"], &back["since"]), (&"alive".into(), &alive["since"]));

    app.kill();
    server.wait_for("loop", "dead");
}

#[test]
fn the_hardened_loop_does_not_insist_on_an_unknown_token() {
    let server = Server::start(&[]);
    let mut command = Command::new(python());
    command
        .args([example("loop_hardened.py"), example("loop.py")])
        .arg("60")
        .env("MISHPULSE_URL", server.beat_url("nobody"));
    let mut app = Program::start(&mut command);
    // With retries this line would come after 30 s, the patience of the test.
    app.wait_for_line("no heartbeat: refused with status 403");
    assert!(app.is_running());
}
