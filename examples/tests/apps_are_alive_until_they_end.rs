//! The small apps are alive from their start, and dead when they are killed.

mod common;

use std::fs;
use std::process::Command;

use common::{Program, Server, fetch};
use tempfile::TempDir;

#[test]
fn one_line_is_enough() {
    let server = Server::start(&[("app", "2s")]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_one_line"));
    let mut app = Program::start(command.env("MISHPULSE_URL", server.beat_url("app")));
    server.wait_for("app", "alive");
    assert!(app.is_running(), "{}", app.output());
    app.kill();
    server.wait_for("app", "dead");
    assert_eq!(app.output(), "");
}

#[test]
fn one_line_without_a_monitor_does_no_harm() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_one_line"));
    let mut app = Program::start(command.env_remove("MISHPULSE_URL"));
    app.wait_for_line("mishpulse: no heartbeats: ");
    assert!(app.is_running());
}

#[test]
fn a_web_service_beats_while_it_can_answer() {
    let server = Server::start(&[("web", "2s")]);
    let folder = TempDir::new().unwrap();
    let page = folder.path().join("page.html");
    fs::write(&page, "hello").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_web_service"));
    command.env("MISHPULSE_URL", server.beat_url("web")).env("PAGE", &page).envs([
        ("LISTEN", "127.0.0.1:0"),
        ("INTERVAL", "250ms"),
        ("STALLED_AFTER", "5s"),
    ]);
    let mut web = Program::start(&mut command);
    let url = format!("http://{}/", web.wait_for_line("listens on http://"));

    server.wait_for("web", "alive");
    assert_eq!(fetch(&url), Some((200, "hello".to_owned())));

    fs::remove_file(&page).unwrap();
    assert_eq!(fetch(&url).unwrap().0, 500);
    let error = server.wait_for("web", "error");
    assert_eq!(error["message"], "GET /: No such file or directory (os error 2)");
    fs::write(&page, "hello again").unwrap();
    assert_eq!(fetch(&url).unwrap().0, 200);
    server.wait_for("web", "alive");

    web.kill();
    server.wait_for("web", "dead");
}

#[test]
fn the_core_needs_no_server() {
    let mut app = Program::start(&mut Command::new(env!("CARGO_BIN_EXE_embedded_core")));
    assert!(app.wait().success());
    app.wait_for_line("pump-1 is alive now");
    app.wait_for_line("pump-2 is dead now");
    app.wait_for_line("  tell someone: dead of pump-2");
    assert!(!app.output().contains("pump-1 is dead"), "{}", app.output());
}

#[test]
fn an_embedded_server_watches_its_own_program() {
    let mut server = Server::start(&[]);
    server.wait_for("this-program", "alive");
    server.terminate();
    server.restart();
    server.wait_for("this-program", "alive");
}
