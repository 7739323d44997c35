//! Whatever is sent to the management API gets an answer that says what to do, and changes nothing.

mod harness;

use harness::inside::Inside;
use serde_json::json;

#[test]
fn every_wrong_field_is_named() {
    let server = Inside::start("[channels.ops]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\n");
    let long = "я".repeat(129);
    let many: Vec<String> = (0..33).map(|number| format!("t{number}")).collect();
    let cases = [
        ("name", json!(""), "1 to 128 characters"),
        ("name", json!(long), "1 to 128 characters"),
        ("name", json!("a/b"), "`/`"),
        ("name", json!("a\u{0}b"), "control"),
        ("name", json!("a\u{85}b"), "control"),
        ("name", json!(null), "a text in quotes"),
        ("name", json!(7), "not a number"),
        ("token", json!(""), "A-Z"),
        ("token", json!("a b"), "A-Z"),
        ("token", json!("я"), "A-Z"),
        ("timeout", json!(300), "a text in quotes"),
        ("timeout", json!("300"), "unit"),
        ("timeout", json!("0s"), "100ms"),
        ("timeout", json!("4000d"), "3650d"),
        ("timeout", json!("99999999999999999999s"), "3650d"),
        ("grace", json!("-5m"), "whole numbers"),
        ("grace", json!({"s": 5}), "an object"),
        ("remind_every", json!("10ms"), "1s"),
        ("error_cooldown", json!("soon"), "whole numbers"),
        ("tags", json!("prod"), "a list"),
        ("tags", json!([1]), "not a number"),
        ("tags", json!(["a,b"]), "`,`"),
        ("tags", json!(many), "32"),
        ("channels", json!(["nope"]), "ops"),
        ("channels", json!(["../x"]), "A-Z"),
        ("notify_on", json!(["dead", "dying"]), "recovered"),
        ("notify_on", json!(["reminder"]), "remind_every"),
        ("resume_on_beat", json!("true"), "true or false"),
        ("description", json!("a\u{1b}[2J"), "control"),
        ("description", json!("x".repeat(5000)), "4096"),
        ("timeuot", json!("5m"), "timeout"),
        ("status", json!("alive"), "leave it out"),
        ("constructor", json!({}), "there are name"),
    ];
    for (field, value, hint) in cases {
        let mut body = json!({"name": "a"});
        body[field] = value;
        let answer = server.ask("POST", "/api/services", &body.to_string());
        assert_eq!(answer.status, 422, "{body}: {}", answer.body);
        let problem = answer.json();
        assert_eq!(problem["field"], field, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(hint), "{hint} in {problem}");
    }
    assert_eq!(server.get("/api/services").json(), json!([]), "nothing was made");
}

#[test]
fn what_is_no_object_is_refused() {
    let server = Inside::start("");
    server.make(r#"{"name": "a"}"#);
    let deep = format!("{}1{}", "{\"name\":".repeat(5_000), "}".repeat(5_000));
    let deep_list = format!("{{\"tags\":{}", "[".repeat(30_000));
    for body in [
        " ",
        "name=a",
        "[]",
        "\"a\"",
        "null",
        "{",
        "{\"name\":\"b\"} x",
        "{\"name\":\"\\ud800\"}",
        "{\"timeout\":1e999999}",
        "{'name':'b'}",
        &deep,
        &deep_list,
    ] {
        for (method, path) in
            [("POST", "/api/services"), ("PUT", "/api/services/b"), ("PATCH", "/api/services/a")]
        {
            let answer = server.ask(method, path, body);
            let start: String = body.chars().take(40).collect();
            assert_eq!(answer.status, 400, "{method} {start}: {}", answer.body);
            assert!(answer.body.len() < 500, "the answer does not repeat what came");
        }
    }
    let twice = server.ask("POST", "/api/services", r#"{"name": "x", "timeout": "1m", "timeout": "2m"}"#);
    assert_eq!((twice.status, &twice.json()["field"]), (422, &json!("timeout")));
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(70_000));
    assert_eq!(server.ask("POST", "/api/services", &long).status, 413);
    assert_eq!(server.get("/api/services").json().as_array().unwrap().len(), 1);
}

#[test]
fn names_in_paths_are_decoded_once_and_never_more() {
    let server = Inside::start("");
    for name in ["a b", "служба", "100%", "a%20b", "?x=1#y", "..", "\"quoted\"", "a\\b", "<b>", "👩‍👩‍👧"]
    {
        let made = server.ask("POST", "/api/services", &json!({ "name": name }).to_string());
        assert_eq!(made.status, 201, "{name}: {}", made.body);
        let path = made.header("location").unwrap();
        let shown = server.get(path);
        assert_eq!((shown.status, &shown.json()["name"]), (200, &json!(name)), "{path}");
        assert_eq!(server.ask("PUT", path, "{}").status, 200, "{path}");
        assert_eq!(server.ask("DELETE", path, "").status, 204, "{path}");
    }
    for path in ["a%2Fb", "%2F", "%00", "a%0Ab", "%FF", "%C3%28", &"x".repeat(129)] {
        let path = format!("/api/services/{path}");
        assert_eq!(server.get(&path).status, 404, "{path}");
        assert_eq!(server.ask("DELETE", &path, "").status, 404, "{path}");
        assert_eq!(server.ask("PATCH", &path, "{}").status, 404, "{path}");
        let put = server.ask("PUT", &path, "{}");
        assert_eq!((put.status, &put.json()["field"]), (422, &json!("name")), "{path}");
    }
    let other = server.ask("PUT", "/api/services/a", r#"{"name": "b"}"#);
    assert_eq!((other.status, &other.json()["field"]), (422, &json!("name")));
    assert_eq!(server.get("/api/services").json(), json!([]));
}

#[test]
fn wrong_queries_and_methods_are_told_what_is_right() {
    let server = Inside::start("");
    server.make(r#"{"name": "a"}"#);
    for path in [
        "/api/services?color=red",
        "/api/services?limit=0",
        "/api/services?status=fine",
        "/api/services/a/events?limit=1001",
        "/api/services/a/events?limit=x",
        "/api/services/a/events?before=-1",
        "/api/services/a/events?after=1",
        "/api/deliveries?state=lost",
        "/api/deliveries?before=9223372036854775808",
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
        assert!(answer.json()["detail"].as_str().unwrap().contains("use "), "{}", answer.body);
    }
    for (method, path, allowed) in [
        ("DELETE", "/api/services", "GET, POST, HEAD"),
        ("POST", "/api/services/a", "GET, PUT, PATCH, DELETE, HEAD"),
        ("GET", "/api/services/a/pause", "POST"),
        ("PATCH", "/api/channels", "GET, HEAD"),
    ] {
        let answer = server.ask(method, path, if method == "GET" { "" } else { "{}" });
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allowed)), "{method} {path}");
    }
}
