//! The description of the API says what the server really answers, and `docs/api.md` speaks of every route.

mod api_parts;
mod harness;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use api_parts::document::Document;
use harness::inside::{ADMIN, Inside, READER};
use harness::{Answer, Hook, config};
use serde_json::Value;

#[test]
fn the_description_holds_just_the_routes_that_there_are() {
    let document = Document::new();
    let described: BTreeSet<String> =
        document.operations().map(|(method, path, _)| format!("{method} {path}")).collect();
    assert_eq!(described, routes(&Inside::start("")));
}

#[test]
fn docs_speak_of_every_route() {
    let docs = include_str!("../../docs/api.md");
    for route in routes(&Inside::start("")) {
        assert!(docs.contains(&format!("`{route}`")), "docs/api.md says nothing of `{route}`");
    }
    for (_, path, operation) in Document::new().operations() {
        for status in operation["responses"].as_object().unwrap().keys() {
            assert!(
                docs.contains(&format!("| {status} |")),
                "docs/api.md does not explain {status} of {path}"
            );
        }
    }
}

#[test]
fn the_description_is_in_itself_right() {
    let document = Document::new();
    assert_eq!(document.json()["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (method, path, operation) in document.operations() {
        let at = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{at}: its id is taken");
        assert!(operation["summary"].is_string(), "{at}");
        let shared = &document.json()["paths"][path]["parameters"];
        let parameters = [&operation["parameters"], shared];
        let parameters = parameters.iter().filter_map(|list| list.as_array()).flatten();
        let in_path: BTreeSet<String> = parameters
            .map(|parameter| document.resolved(parameter))
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap()))
            .collect();
        let open: BTreeSet<String> =
            path.split('/').filter(|part| part.starts_with('{')).map(str::to_owned).collect();
        assert_eq!(in_path, open, "{at}");
    }
    check_references(&document, document.json());
}

fn check_references(document: &Document, value: &Value) {
    document.resolved(value);
    match value {
        Value::Object(fields) => fields.values().for_each(|field| check_references(document, field)),
        Value::Array(elements) => elements.iter().for_each(|element| check_references(document, element)),
        _ => {}
    }
}

fn routes(server: &Inside) -> BTreeSet<String> {
    server.running().router().routes().map(|(method, path)| format!("{method} {path}")).collect()
}

/// Asks, and holds each answer against the description.
struct Driver {
    server: Inside,
    document: Document,
    driven: BTreeSet<String>,
}

impl Driver {
    /// `path` with what stands in braces filled by `filled`.
    fn ask(&mut self, method: &str, path: &str, filled: &str, body: &str, status: u16) -> Answer {
        self.ask_as(ADMIN, method, path, filled, body, &[], status)
    }

    #[expect(clippy::too_many_arguments, reason = "a request has as many parts, and each line below is one")]
    fn ask_as(
        &mut self,
        key: &str,
        method: &str,
        path: &str,
        filled: &str,
        body: &str,
        headers: &[(&str, &str)],
        status: u16,
    ) -> Answer {
        let answer = self.server.ask_as(key, method, filled, body, headers);
        assert_eq!(answer.status, status, "{method} {filled}: {}", answer.body);
        self.document.check(method, path, &answer);
        self.driven.insert(format!("{method} {path}"));
        answer
    }
}

#[test]
fn every_route_answers_as_described() {
    let hook = Hook::start();
    let server = Inside::start(&config(&hook, "[limits]\nkey_failures = 4\n"));
    let mut driver = Driver { server, document: Document::new(), driven: BTreeSet::new() };
    drive_services(&mut driver);
    drive_beats_and_lists(&mut driver, &hook);
    drive_pages(&mut driver);
    drive_events(&mut driver);
    drive_keys(&mut driver);
    let described: BTreeSet<String> =
        driver.document.operations().map(|(method, path, _)| format!("{method} {path}")).collect();
    let left: Vec<_> = described.difference(&driver.driven).collect();
    assert!(left.is_empty(), "nobody asked {left:?}");
}

const SERVICES: &str = "/api/services";
const SERVICE: &str = "/api/services/{name}";

fn drive_services(driver: &mut Driver) {
    let a = "/api/services/a";
    let full = r#"{"name": "a", "token": "t", "timeout": "1m", "grace": "1s", "tags": ["x"], "channels": ["hook"],
        "notify_on": ["dead", "error", "warning", "recovered"], "remind_every": "1h", "error_cooldown": "1s",
        "resume_on_beat": false, "description": "d"}"#;
    let too_long = format!("{{\"name\": \"{}\"}}", "x".repeat(70_000));
    driver.ask("POST", SERVICES, SERVICES, full, 201);
    driver.ask("POST", SERVICES, SERVICES, full, 409);
    driver.ask("POST", SERVICES, SERVICES, "{}", 422);
    driver.ask("POST", SERVICES, SERVICES, "x", 400);
    driver.ask("POST", SERVICES, SERVICES, &too_long, 413);
    driver.ask_as(READER, "POST", SERVICES, SERVICES, "{}", &[], 403);
    driver.ask("GET", SERVICES, SERVICES, "", 200);
    driver.ask_as(READER, "GET", SERVICES, SERVICES, "", &[], 200);
    driver.ask("GET", SERVICES, "/api/services?limit=0", "", 400);
    driver.ask("GET", SERVICE, a, "", 200);
    driver.ask("GET", SERVICE, "/api/services/b", "", 404);
    driver.ask("PUT", SERVICE, "/api/services/b", "{}", 201);
    driver.ask("PUT", SERVICE, "/api/services/b", "{}", 200);
    driver.ask("PUT", SERVICE, "/api/services/b", "x", 400);
    driver.ask("PUT", SERVICE, "/api/services/b", r#"{"token": "t"}"#, 409);
    driver.ask("PUT", SERVICE, "/api/services/b", r#"{"x": 1}"#, 422);
    driver.ask("PUT", SERVICE, "/api/services/b", &too_long, 413);
    driver.ask_as(ADMIN, "PUT", SERVICE, "/api/services/b", "{}", &[("if-none-match", "*")], 412);
    driver.ask_as(READER, "PUT", SERVICE, "/api/services/b", "{}", &[], 403);
    driver.ask("PATCH", SERVICE, "/api/services/b", r#"{"description": null}"#, 200);
    driver.ask("PATCH", SERVICE, "/api/services/b", "x", 400);
    driver.ask("PATCH", SERVICE, "/api/services/c", "{}", 404);
    driver.ask("PATCH", SERVICE, "/api/services/b", r#"{"name": "a"}"#, 409);
    driver.ask("PATCH", SERVICE, "/api/services/b", r#"{"x": 1}"#, 422);
    driver.ask("PATCH", SERVICE, "/api/services/b", &too_long, 413);
    driver.ask_as(ADMIN, "PATCH", SERVICE, "/api/services/b", "{}", &[("if-match", "\"x\"")], 412);
    driver.ask_as(READER, "PATCH", SERVICE, "/api/services/b", "{}", &[], 403);
    driver.ask_as(ADMIN, "DELETE", SERVICE, "/api/services/b", "", &[("if-match", "\"x\"")], 412);
    driver.ask_as(READER, "DELETE", SERVICE, "/api/services/b", "", &[], 403);
    driver.ask("DELETE", SERVICE, "/api/services/b", "", 204);
    driver.ask("DELETE", SERVICE, "/api/services/b", "", 404);
    for action in ["pause", "resume", "rotate-token"] {
        let path = format!("{SERVICE}/{action}");
        driver.ask("POST", &path, &format!("{a}/{action}"), "", 200);
        driver.ask("POST", &path, &format!("/api/services/c/{action}"), "", 404);
        driver.ask_as(READER, "POST", &path, &format!("{a}/{action}"), "", &[], 403);
    }
    driver.ask("PATCH", SERVICE, a, r#"{"token": "t"}"#, 200);
}

fn drive_beats_and_lists(driver: &mut Driver, hook: &Hook) {
    let (beat, t) = ("/api/heartbeat/{token}", "/api/heartbeat/t");
    for body in ["", r#"{"status": "warning"}"#, r#"{"status": "error", "message": "m"}"#] {
        driver.ask_as("", "POST", beat, t, body, &[], 200);
    }
    driver.ask_as("", "POST", beat, t, "x", &[], 400);
    driver.ask_as("", "POST", beat, "/api/heartbeat/x", "", &[], 403);
    driver.ask_as("", "POST", beat, t, &"x".repeat(70_000), &[], 413);
    driver.ask_as("", "GET", beat, "/api/heartbeat/t?status=ok", "", &[], 200);
    driver.ask_as("", "GET", beat, "/api/heartbeat/t?status=x", "", &[], 400);
    driver.ask_as("", "GET", beat, "/api/heartbeat/x", "", &[], 403);
    let test = "/api/channels/{name}/test";
    driver.ask("POST", test, "/api/channels/hook/test", "", 200);
    driver.ask("POST", test, "/api/channels/x/test", "", 404);
    driver.ask_as(READER, "POST", test, "/api/channels/hook/test", "", &[], 403);
    hook.answer(410);
    driver.ask("POST", test, "/api/channels/hook/test", "", 502);
    driver.ask("GET", "/api/channels", "/api/channels", "", 200);
    let rows = driver.ask("GET", "/api/deliveries", "/api/deliveries", "", 200).json();
    assert!(rows.as_array().unwrap().len() > 3, "there is something to hold against the description: {rows}");
    driver.ask("GET", "/api/deliveries", "/api/deliveries?limit=1", "", 200);
    driver.ask("GET", "/api/deliveries", "/api/deliveries?state=x", "", 400);
    let events = "/api/services/{name}/events";
    let rows = driver.ask("GET", events, "/api/services/a/events", "", 200).json();
    for kind in ["edit", "transition", "alert"] {
        assert!(rows.as_array().unwrap().iter().any(|event| event["event"] == kind), "{kind} in {rows}");
    }
    driver.ask("GET", events, "/api/services/x/events", "", 404);
    driver.ask("GET", events, "/api/services/a/events?limit=x", "", 400);
    driver.ask_as("", "GET", "/api/status", "/api/status", "", &[], 200);
    driver.ask_as("", "GET", "/api/status", "/api/status?x=1", "", &[], 400);
    for path in ["/healthz", "/readyz", "/metrics", "/api/openapi.json"] {
        driver.ask_as("", "GET", path, path, "", &[], 200);
    }
}

fn drive_pages(driver: &mut Driver) {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let signing = format!("key={ADMIN}&next=/");
    driver.ask_as("", "GET", "/sign-in", "/sign-in", "", &[], 200);
    driver.ask_as("", "POST", "/sign-in", "/sign-in", "key=x", &form, 403);
    let signed = driver.ask_as("", "POST", "/sign-in", "/sign-in", &signing, &form, 303);
    let cookie = signed.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let cookie = [("cookie", cookie.as_str())];
    driver.ask_as("", "GET", "/", "/", "", &[], 200);
    driver.ask_as("", "GET", "/favicon.svg", "/favicon.svg", "", &[], 200);
    driver.ask_as("", "GET", "/assets/{file}", "/assets/x", "", &[], 404);
    driver.ask_as("", "GET", "/services/{name}", "/services/a", "", &[], 200);
    driver.ask_as("", "GET", "/services/{name}", "/services/x", "", &[], 404);
    driver.ask_as("", "GET", "/services", "/services?name=..", "", &[], 404);
    for (path, filled) in [
        ("/add", "/add"),
        ("/channels", "/channels"),
        ("/services/{name}/edit", "/services/a/edit"),
        ("/services/{name}/rotate", "/services/a/rotate"),
        ("/services/{name}/delete", "/services/a/delete"),
    ] {
        driver.ask_as("", "GET", path, filled, "", &[], 303);
        driver.ask_as("", "GET", path, filled, "", &cookie, 200);
    }
    for (path, filled) in [
        ("/add", "/add"),
        ("/channels/{name}/test", "/channels/hook/test"),
        ("/services/{name}/edit", "/services/a/edit"),
        ("/services/{name}/pause", "/services/a/pause"),
        ("/services/{name}/resume", "/services/a/resume"),
        ("/services/{name}/rotate", "/services/a/rotate"),
        ("/services/{name}/delete", "/services/a/delete"),
        ("/sign-out", "/sign-out"),
    ] {
        driver.ask_as("", "POST", path, filled, "x=y", &form, 403);
    }
    let page = driver.ask_as("", "GET", "/services/{name}", "/services/a", "", &cookie, 200);
    let badge = page.body.split("/badge/").nth(1).and_then(|rest| rest.split('.').next()).unwrap();
    for ending in ["svg", "json"] {
        let filled = format!("/badge/{badge}.{ending}");
        driver.ask_as("", "GET", "/badge/{file}", &filled, "", &[], 200);
    }
    driver.ask_as("", "GET", "/badge/{file}", "/badge/0-0.svg", "", &[], 404);
}

/// A stream has no end: its head and its first line are enough.
fn drive_events(driver: &mut Driver) {
    let mut stream = TcpStream::connect(driver.server.address).unwrap();
    stream.write_all(b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let head = lines.by_ref().take_while(|line| !line.is_empty());
    let headers = head.filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_owned(), value.to_owned()))
    });
    let answer = Answer { status, headers: headers.collect(), body: String::new() };
    driver.document.check("GET", "/events", &answer);
    assert!(lines.any(|line| line == "event: hello"));
    driver.driven.insert("GET /events".to_owned());
}

fn drive_keys(driver: &mut Driver) {
    let described: Vec<(String, String)> = (driver.document.operations())
        .filter(|(_, _, operation)| operation["responses"].get("401").is_some())
        .filter(|(_, path, _)| !["/api/status", "/metrics", "/events"].contains(path))
        .map(|(method, path, _)| (method, path.to_owned()))
        .collect();
    assert!(described.len() > 12, "{described:?}");
    for (method, path) in &described {
        driver.ask_as("", method, path, path, "", &[], 401);
    }
    for _ in 0..4 {
        driver.ask_as("wrong", "GET", "/api/channels", "/api/channels", "", &[], 401);
    }
    for (method, path) in &described {
        driver.ask_as(ADMIN, method, path, path, "", &[], 429);
    }
}
