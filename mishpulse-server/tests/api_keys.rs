//! Only holders of a key get in, those of a read-only key change nothing and see no token, and guessing takes time.

mod harness;

use harness::inside::{ADMIN, Inside, READER};
use mishpulse_core::Span;
use serde_json::{Value, json};

const LOOKING: [(&str, &str); 5] = [
    ("GET", "/api/services"),
    ("GET", "/api/services/a"),
    ("GET", "/api/services/a/events"),
    ("GET", "/api/channels"),
    ("GET", "/api/deliveries"),
];
const CHANGING: [(&str, &str); 8] = [
    ("POST", "/api/services"),
    ("PUT", "/api/services/a"),
    ("PATCH", "/api/services/a"),
    ("DELETE", "/api/services/a"),
    ("POST", "/api/services/a/pause"),
    ("POST", "/api/services/a/resume"),
    ("POST", "/api/services/a/rotate-token"),
    ("POST", "/api/channels/ops/test"),
];

#[test]
fn without_the_right_key_nothing_is_seen_or_changed() {
    let server = Inside::start("[limits]\nkey_failures = 1000\n");
    let made = server.make(r#"{"name": "a", "token": "the-token"}"#);
    let before = server.get("/api/services/a").json();
    for (method, path) in LOOKING.into_iter().chain(CHANGING) {
        for key in ["", "wrong", &ADMIN[1..], "the-token"] {
            let answer = server.ask_as(key, method, path, "", &[]);
            assert_eq!(answer.status, 401, "{method} {path} with {key:?}");
            assert!(answer.header("www-authenticate").is_some_and(|way| way.starts_with("Bearer")));
            assert!(!answer.body.contains("the-token"));
        }
    }
    for (method, path) in CHANGING {
        let answer = server.ask_as(READER, method, path, "{}", &[]);
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.body);
    }
    for (method, path) in LOOKING {
        let answer = server.ask_as(READER, method, path, "", &[]);
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        assert!(!answer.body.contains("the-token") && !answer.body.contains("heartbeat"), "{}", answer.body);
    }
    assert_eq!(server.get("/api/services/a").json(), before);
    assert_eq!(made["token"], "the-token", "admins see it");
    for scheme in ["bearer", "BEARER"] {
        let key = format!("{scheme} {ADMIN}");
        let answer = server.ask_as("", "GET", "/api/services", "", &[("authorization", &key)]);
        assert_eq!(answer.status, 200, "{scheme}");
    }
}

#[test]
fn the_history_says_whose_key_it_was() {
    let deputy = "deputys-key-of-the-tests-0123456789abcdef";
    let config = format!("[keys.deputy]\nkey = \"{deputy}\"\naccess = \"admin\"\n");
    let server = Inside::start(&config);
    server.make(r#"{"name": "a"}"#);
    server.ask_as(deputy, "PATCH", "/api/services/a", r#"{"timeout": "1m"}"#, &[]);
    server.ask_as(deputy, "POST", "/api/services/a/pause", "", &[]);
    server.ask("POST", "/api/services/a/rotate-token", "");
    let events = server.ask_as(READER, "GET", "/api/services/a/events", "", &[]).json();
    let edits: Vec<(&str, &str)> = (events.as_array().unwrap().iter())
        .filter(|event| event["event"] == "edit")
        .map(|event| (event["action"].as_str().unwrap(), event["by"].as_str().unwrap()))
        .collect();
    let expected =
        [("token rotated", "admin"), ("paused", "deputy"), ("updated", "deputy"), ("created", "admin")];
    assert_eq!(edits, expected);
}

#[test]
fn guessing_takes_more_and_more_time() {
    let server = Inside::start("[limits]\nkey_failures = 3\n");
    let ask = |key: &str| server.ask_as(key, "GET", "/api/channels", "", &[]);
    // No key at all is no guess.
    for _ in 0..5 {
        assert_eq!(ask("").status, 401);
    }
    for guess in ["a", "b"] {
        assert_eq!(ask(guess).status, 401);
    }
    assert_eq!(ask(READER).status, 200, "a right key makes up for wrong ones");
    for guess in ["a", "b", "c"] {
        assert_eq!(ask(guess).status, 401);
    }
    for secs in ["1", "2", "4"] {
        for key in ["d", ADMIN] {
            let answer = ask(key);
            assert_eq!((answer.status, answer.header("retry-after")), (429, Some(secs)), "{key}");
        }
        // Beats and what is open to all do not wait.
        assert_eq!(server.ask_as("", "GET", "/api/status", "", &[]).status, 200);
        server.clock.advance(Span::from_secs(secs.parse().unwrap()));
        assert_eq!(ask("e").status, 401);
    }
    server.clock.advance(Span::from_secs(8));
    assert_eq!(ask(ADMIN).status, 200);
    assert_eq!(ask("f").status, 401, "and from the start");
    assert_eq!(ask(ADMIN).status, 200);
}

#[test]
fn a_closed_status_opens_to_any_key() {
    let server = Inside::start("status_access = \"key\"\n");
    server.make(r#"{"name": "a", "token": "the-token"}"#);
    assert_eq!(server.ask_as("", "GET", "/api/status", "", &[]).status, 401);
    let shown = server.ask_as(READER, "GET", "/api/status", "", &[]);
    assert_eq!((shown.status, &shown.json()[0]["name"]), (200, &json!("a")));
    assert_eq!(shown.json()[0]["token"], Value::Null);
    assert_eq!(server.ask_as("", "GET", "/api/openapi.json", "", &[]).status, 200);
}
