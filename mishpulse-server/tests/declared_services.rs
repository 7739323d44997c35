//! Services follow the file: renamed, with tokens that change hands, or refused with a word on what is wrong.

mod harness;

use harness::{Server, service};

fn entry(name: &str, token: &str) -> String {
    format!("[[services]]\nname = \"{name}\"\ntoken = \"{token}\"\n\n")
}

#[test]
fn a_service_that_is_renamed_in_the_file_keeps_its_history() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &entry("old", "t1"));
    assert_eq!(server.beat("t1", r#"{"message":"hello"}"#).status, 200);
    server.terminate();
    let server = Server::start(folder.path(), &entry("new", "t1"));
    assert_eq!(server.service("new")["message"], "hello");
    assert_eq!(server.service("old"), serde_json::Value::Null);
}

#[test]
fn tokens_change_hands() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &(entry("a", "t1") + &entry("b", "t2")));
    server.terminate();
    let server = Server::start(folder.path(), &(entry("a", "t2") + &entry("b", "t1")));
    assert_eq!(server.beat("t1", r#"{"message":"to b"}"#).status, 200);
    assert_eq!(server.service("b")["message"], "to b");
    assert_eq!(server.service("a")["status"], "new");
}

#[test]
fn one_that_leaves_the_file_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &(service("a", "5m") + &service("b", "5m")));
    server.terminate();
    let server = Server::start(folder.path(), &service("a", "5m"));
    assert_eq!(server.service("b")["status"], "new");
    let log = server.terminate();
    assert!(log.contains("no longer declared"), "{log}");
}

#[test]
fn a_token_that_another_service_keeps_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &entry("a", "t1"));
    let key = std::fs::read_to_string(folder.path().join("mishpulse-data/admin.key")).unwrap();
    let key = format!("Bearer {}", key.trim());
    let made = harness::request(
        "POST",
        &server.url("/api/services"),
        Some(r#"{"name":"by-hand","token":"t9"}"#),
        &[("authorization", &key)],
    );
    assert_eq!(made.status, 201, "{}", made.body);
    server.terminate();
    std::fs::write(folder.path().join("mishpulse.toml"), entry("a", "t1") + &entry("c", "t9")).unwrap();
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_mishpulse"))
        .args(["--listen", "127.0.0.1:0"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("token of service `c` is that of `by-hand`"), "{said}");
}
