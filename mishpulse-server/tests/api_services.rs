//! Services are made, changed, renamed, paused and deleted over HTTP, each as the answer says.

mod harness;

use harness::inside::Inside;
use harness::unix_ms;
use mishpulse_core::Span;
use serde_json::{Value, json};

#[test]
fn a_service_is_made_with_the_defaults_and_shown() {
    let server = Inside::start("[defaults]\ngrace = \"10s\"\n");
    let answer = server.ask("POST", "/api/services", r#"{"name": "nightly backup"}"#);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("location"), Some("/api/services/nightly%20backup"));
    let made = answer.json();
    let token = made["token"].as_str().unwrap();
    assert_eq!(token.len(), 36, "the text of a UUID: {token}");
    let expected = json!({
        "name": "nightly backup", "status": "new", "last_seen": null, "message": null,
        "since": "2025-10-16T12:00:00Z", "deadline": null,
        "token": token, "heartbeat_url": format!("https://pulse.example.org/api/heartbeat/{token}"),
        "declared": false, "timeout": "5m", "grace": "10s", "tags": [], "channels": null,
        "notify_on": ["dead", "error", "recovered"], "remind_every": "0s", "error_cooldown": "5m",
        "resume_on_beat": true, "description": null,
    });
    assert_eq!(made, expected);
    let shown = server.get("/api/services/nightly%20backup");
    assert_eq!((shown.status, shown.json()), (200, expected.clone()));
    assert_eq!(shown.header("etag"), answer.header("etag"));
    assert_eq!(server.get("/api/services").json(), json!([expected]));
    server.beat(token, "");
    assert_eq!(server.get("/api/services/nightly%20backup").json()["status"], "alive");
}

#[test]
fn every_setting_is_taken_and_goes_back_to_its_default() {
    let hook = "[channels.ops]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\n";
    let server = Inside::start(hook);
    let before = server.make(r#"{"name": "a", "token": "my-own_token"}"#);
    assert_eq!(before["token"], "my-own_token");
    let settings = [
        ("timeout", json!("1h30m"), json!("1h30m")),
        ("grace", json!("1w"), json!("7d")),
        ("tags", json!(["prod", "база"]), json!(["prod", "база"])),
        ("channels", json!(["ops"]), json!(["ops"])),
        ("notify_on", json!(["warning"]), json!(["warning"])),
        ("remind_every", json!("2h"), json!("2h")),
        ("error_cooldown", json!("0s"), json!("0s")),
        ("resume_on_beat", json!(false), json!(false)),
        ("description", json!("one\nline"), json!("one\nline")),
    ];
    for (field, value, shown) in settings {
        let patched = server.ask("PATCH", "/api/services/a", &json!({ field: value }).to_string());
        assert_eq!(patched.status, 200, "{}", patched.body);
        let mut expected = before.clone();
        expected[field] = shown.clone();
        assert_eq!(patched.json(), expected, "only {field} is another");
        let patched = server.ask("PATCH", "/api/services/a", &json!({ field: null }).to_string());
        assert_eq!(patched.json(), before, "{field} is as at first");
    }
}

#[test]
fn another_timeout_moves_the_deadline_at_once() {
    let server = Inside::start("");
    server.make(r#"{"name": "a", "token": "t"}"#);
    server.beat("t", "");
    let deadline_after = |service: &Value| unix_ms(&service["deadline"]) - unix_ms(&service["last_seen"]);
    assert_eq!(deadline_after(&server.get("/api/services/a").json()), 300_000);
    server.clock.advance(Span::from_secs(5));
    let patched = server.ask("PATCH", "/api/services/a", r#"{"timeout": "1m"}"#).json();
    assert_eq!(deadline_after(&patched), 60_000);
    let killed = server.ask("PATCH", "/api/services/a", r#"{"timeout": "3s"}"#).json();
    assert_eq!(killed["status"], "dead", "it has been silent for longer than that");
}

#[test]
fn putting_twice_is_putting_once() {
    let server = Inside::start("");
    let settings = r#"{"timeout": "1m", "tags": ["a"]}"#;
    let first = server.ask("PUT", "/api/services/job", settings);
    assert_eq!((first.status, first.header("location")), (201, Some("/api/services/job")));
    let second = server.ask("PUT", "/api/services/job", settings);
    assert_eq!((second.status, second.json()), (200, first.json()));
    assert_eq!(second.header("etag"), first.header("etag"));
    // Just these settings: what is left out is as the defaults say, but the token stays.
    let third = server.ask("PUT", "/api/services/job", r#"{"name": "job", "grace": "1s"}"#).json();
    assert_eq!(
        (&third["timeout"], &third["grace"], &third["tags"]),
        (&json!("5m"), &json!("1s"), &json!([]))
    );
    assert_eq!(third["token"], first.json()["token"]);
    let events = server.get("/api/services/job/events").json();
    let actions: Vec<&Value> = events.as_array().unwrap().iter().map(|event| &event["action"]).collect();
    assert_eq!(actions, ["updated", "created"], "the second time nothing changed");
}

#[test]
fn conditions_keep_two_editors_apart() {
    let server = Inside::start("");
    server.make(r#"{"name": "a", "token": "t"}"#);
    let etag = |path: &str| server.get(path).header("etag").unwrap().to_owned();
    let read = etag("/api/services/a");
    assert!(read.starts_with('"') && read.len() > 10, "a strong tag: {read}");
    server.beat("t", r#"{"status": "warning"}"#);
    assert_eq!(etag("/api/services/a"), read, "a beat changes no setting");
    for method in ["PATCH", "PUT"] {
        let mine = [("if-match", etag("/api/services/a"))];
        let mine: Vec<(&str, &str)> = mine.iter().map(|(name, tag)| (*name, tag.as_str())).collect();
        let body = format!("{{\"description\": \"by {method}\"}}");
        let first = server.ask_with(&mine, method, "/api/services/a", &body);
        assert_eq!(first.status, 200, "{}", first.body);
        let late = server.ask_with(&mine, method, "/api/services/a", r#"{"description": "late"}"#);
        assert_eq!(late.status, 412, "{}", late.body);
        assert_eq!(server.get("/api/services/a").json()["description"], format!("by {method}"));
    }
    let old = [("if-match", read.as_str())];
    assert_eq!(server.ask_with(&old, "DELETE", "/api/services/a", "").status, 412);
    assert_eq!(server.ask_with(&[("if-none-match", "*")], "PUT", "/api/services/a", "{}").status, 412);
    assert_eq!(server.ask_with(&[("if-match", "*")], "PUT", "/api/services/b", "{}").status, 412);
    assert_eq!(server.ask_with(&[("if-none-match", "*")], "PUT", "/api/services/b", "{}").status, 201);
    let now = format!("\"other\", {}", etag("/api/services/a"));
    let weak = format!("W/{}", etag("/api/services/a"));
    assert_eq!(server.ask_with(&[("if-match", &weak)], "DELETE", "/api/services/a", "").status, 412);
    assert_eq!(server.ask_with(&[("if-match", &now)], "DELETE", "/api/services/a", "").status, 204);
    assert_eq!(server.get("/api/services/a").status, 404);
}

#[test]
fn names_and_tokens_stay_unique() {
    let server = Inside::start("");
    server.make(r#"{"name": "a", "token": "token-a"}"#);
    server.make(r#"{"name": "b", "token": "token-b"}"#);
    for (method, path, body, field) in [
        ("POST", "/api/services", r#"{"name": "a"}"#, "name"),
        ("POST", "/api/services", r#"{"name": "c", "token": "token-a"}"#, "token"),
        ("PATCH", "/api/services/b", r#"{"name": "a"}"#, "name"),
        ("PATCH", "/api/services/b", r#"{"token": "token-a"}"#, "token"),
        ("PUT", "/api/services/b", r#"{"token": "token-a"}"#, "token"),
        ("PUT", "/api/services/c", r#"{"token": "token-a"}"#, "token"),
    ] {
        let answer = server.ask(method, path, body);
        assert_eq!((answer.status, &answer.json()["field"]), (409, &json!(field)), "{method} {path} {body}");
    }
    assert_eq!(server.get("/api/services").json().as_array().unwrap().len(), 2);
}

#[test]
fn a_rename_keeps_token_and_history() {
    let server = Inside::start("");
    let before = server.make(r#"{"name": "old", "token": "t"}"#);
    server.beat("t", "");
    let renamed = server.ask("PATCH", "/api/services/old", r#"{"name": "новое имя"}"#);
    assert_eq!((renamed.status, &renamed.json()["token"]), (200, &before["token"]));
    assert_eq!(server.get("/api/services/old").status, 404);
    let path = "/api/services/%D0%BD%D0%BE%D0%B2%D0%BE%D0%B5%20%D0%B8%D0%BC%D1%8F";
    assert_eq!(server.get(path).json()["name"], "новое имя");
    let events = server.get(&format!("{path}/events")).json();
    assert!(events.as_array().unwrap().iter().any(|event| event["to"] == "alive"), "{events}");
    server.beat("t", "");
}

#[test]
fn pausing_resuming_and_rotating_answer_with_the_service() {
    let server = Inside::start("");
    let before = server.make(r#"{"name": "a", "token": "t"}"#);
    let post = |what: &str| server.ask("POST", &format!("/api/services/a/{what}"), "");
    assert_eq!(post("pause").json()["status"], "paused");
    assert_eq!(post("pause").json()["status"], "paused");
    assert_eq!(post("resume").json()["status"], "new", "it was never heard");
    server.beat("t", "");
    post("pause");
    server.clock.advance(Span::from_secs(5));
    let resumed = post("resume").json();
    assert_eq!(resumed["status"], "alive");
    assert_eq!(unix_ms(&resumed["deadline"]) - unix_ms(&resumed["last_seen"]), 305_000, "a fresh deadline");
    let rotated = post("rotate-token").json();
    assert_ne!(rotated["token"], before["token"]);
    assert_eq!(server.ask_as("", "POST", "/api/heartbeat/t", "", &[]).status, 403);
    server.beat(rotated["token"].as_str().unwrap(), "");
}

#[test]
fn what_is_deleted_is_gone_with_its_history() {
    let server = Inside::start("");
    server.make(r#"{"name": "a", "token": "t"}"#);
    server.beat("t", "");
    let deleted = server.ask("DELETE", "/api/services/a", "");
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    for (method, path) in [
        ("GET", "/api/services/a"),
        ("PATCH", "/api/services/a"),
        ("DELETE", "/api/services/a"),
        ("POST", "/api/services/a/pause"),
        ("POST", "/api/services/a/resume"),
        ("POST", "/api/services/a/rotate-token"),
        ("GET", "/api/services/a/events"),
    ] {
        let body = if method == "PATCH" { "{}" } else { "" };
        assert_eq!(server.ask(method, path, body).status, 404, "{method} {path}");
    }
    server.make(r#"{"name": "a", "token": "t"}"#);
    let events = server.get("/api/services/a/events").json();
    assert_eq!(events.as_array().unwrap().len(), 1, "its namesake starts anew: {events}");
}

#[test]
fn what_the_file_declares_is_changed_in_the_file() {
    let server = Inside::start(
        "[[services]]\nname = \"declared\"\ntoken = \"t\"\n[[services]]\nname = \"tokenless\"\n",
    );
    assert_eq!(server.get("/api/services/declared").json()["declared"], true);
    for (method, path, body) in [
        ("PATCH", "/api/services/declared", r#"{"name": "other"}"#),
        ("PATCH", "/api/services/declared", r#"{"token": "other"}"#),
        ("POST", "/api/services/declared/rotate-token", ""),
        ("PATCH", "/api/services/tokenless", r#"{"name": "other"}"#),
    ] {
        let answer = server.ask(method, path, body);
        assert_eq!(answer.status, 409, "{method} {path} {body}: {}", answer.body);
        assert!(answer.json()["detail"].as_str().unwrap().contains("configuration file"));
    }
    // The file says nothing of these.
    assert_eq!(server.ask("POST", "/api/services/tokenless/rotate-token", "").status, 200);
    assert_eq!(server.ask("PATCH", "/api/services/declared", r#"{"timeout": "1m"}"#).status, 200);
}

#[test]
fn there_are_no_more_services_than_allowed() {
    let server = Inside::start("[limits]\nservices = 2\n");
    server.make(r#"{"name": "a"}"#);
    server.make(r#"{"name": "b"}"#);
    let answer = server.ask("POST", "/api/services", r#"{"name": "c"}"#);
    assert_eq!(answer.status, 409);
    assert!(answer.json()["detail"].as_str().unwrap().contains("limit"), "{}", answer.body);
    assert_eq!(server.ask("PUT", "/api/services/a", "{}").status, 200);
}
