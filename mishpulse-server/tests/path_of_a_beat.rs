//! A service is heard, complains, falls silent and comes back, and people hear of each exactly once.

mod harness;

use std::time::Duration;

use harness::{Hook, Server, config, service, unix_ms, wall_ms};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn alive_error_dead_recovered() {
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start();
    let server = Server::start(folder.path(), &config(&hook, &service("api-worker", "1s")));
    assert_eq!(server.service("api-worker")["status"], "new");
    assert_eq!(server.service("api-worker")["last_seen"], serde_json::Value::Null);

    let answer = server.beat("token-api-worker", r#"{"status":"ok","message":"all well"}"#);
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"result":"ok"}"#));
    let shown = server.service("api-worker");
    assert_eq!(shown["status"], "alive");
    assert_eq!(shown["message"], "all well");
    assert_eq!(unix_ms(&shown["deadline"]) - unix_ms(&shown["last_seen"]), 1000);

    assert_eq!(server.beat("token-api-worker", r#"{"status":"error","message":"disk full"}"#).status, 200);
    assert_eq!(server.beat("token-api-worker", r#"{"status":"error","message":"disk full"}"#).status, 200);
    let got = hook.wait_for(1, SOON);
    assert_eq!(got[0].event(), "service.error");
    assert_eq!(got[0].json["service"]["message"], "disk full");
    assert_eq!(got[0].json["previous_status"], "alive");
    let text = got[0].json["text"].as_str().unwrap();
    assert!(text.starts_with("🟠 Service api-worker reports an error: disk full\nSignal: "), "{text}");

    let got = hook.wait_for(2, SOON);
    assert_eq!(got[1].event(), "service.dead");
    let last_seen = unix_ms(&got[1].json["service"]["last_seen"]);
    assert_eq!(unix_ms(&got[1].json["at"]) - last_seen, 1000, "a death is stamped with its deadline");
    let late_ms = wall_ms(got[1].at) - last_seen - 1000;
    assert!((0..=300).contains(&late_ms), "the alert came {late_ms} ms after the deadline");
    assert_eq!(server.service("api-worker")["deadline"], serde_json::Value::Null);

    assert_eq!(server.get("/api/heartbeat/token-api-worker?status=ok").status, 200);
    let got = hook.wait_for(3, SOON);
    assert_eq!(got[2].event(), "service.recovered");
    assert_eq!(server.service("api-worker")["status"], "alive");
    assert_eq!(hook.events()[..3], ["service.error", "service.dead", "service.recovered"]);
    server.terminate();
}

#[test]
fn the_first_run_needs_no_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(folder.path(), &["--listen", "127.0.0.1:0"]);
    let log = server.log();
    let first: Vec<&str> = log.lines().take(3).collect();
    assert!(first[0].contains(&format!("listens on http://{}", server.address)), "{log}");
    assert!(first[1].starts_with("data folder: ") && first[1].ends_with("mishpulse-data"), "{log}");
    assert!(first[2].starts_with("admin key: in ") && first[2].ends_with("admin.key"), "{log}");
    let curl = harness::until("the curl line", SOON, || {
        server.log().lines().find(|line| line.trim().starts_with("curl")).map(str::to_owned)
    });
    let answer = std::process::Command::new("sh").args(["-c", &format!("{curl} -s")]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&answer.stdout), r#"{"result":"ok"}"#);
    assert_eq!(server.service("example")["status"], "alive");

    use std::os::unix::fs::PermissionsExt;
    for (file, mode) in
        [("", 0o700), ("admin.key", 0o600), ("mishpulse.db", 0o600), ("mishpulse.db-wal", 0o600)]
    {
        let path = folder.path().join("mishpulse-data").join(file);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
    }
    server.terminate();

    // A second start finds the example and makes no other.
    let server = Server::start_with(folder.path(), &["--listen", "127.0.0.1:0"]);
    assert!(!server.log().contains("curl"), "{}", server.log());
    assert_eq!(server.service("example")["status"], "alive");
}

#[test]
fn an_error_is_one_by_whichever_way_it_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &config(&Hook::start(), &service("job", "1h")));
    let status = || server.service("job")["status"].clone();
    for (way, (method, path, body)) in [
        ("the query of a POST", ("POST", "/api/heartbeat/token-job?status=error&message=q", "")),
        ("the body of a GET", ("GET", "/api/heartbeat/token-job", r#"{"status":"error"}"#)),
        (
            "a body goes before a query",
            ("POST", "/api/heartbeat/token-job?status=ok", r#"{"status":"error"}"#),
        ),
    ] {
        assert_eq!(server.beat("token-job", "").status, 200);
        assert_eq!(status(), "alive");
        let answer = harness::request(method, &server.url(path), Some(body), &[]);
        assert_eq!((answer.status, status().as_str()), (200, Some("error")), "{way}");
    }
    assert_eq!(server.post("/api/heartbeat/token-job?status=fine", "").status, 400);
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _server = Server::start_with(folder.path(), &["--listen", "127.0.0.1:0"]);
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_mishpulse"))
        .args(["--listen", "127.0.0.1:0"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("another server is using"), "{said}");
}
