//! No token, key, password or webhook address ever reaches a log line, whatever goes wrong and however much is logged.

mod cli_parts;
mod harness;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};

use cli_parts::{SOON, mishpulse};
use harness::{request, until};

/// Everything that must not show; what is sent to the server carries `wr0ng`, what it is told carries `s3cret`.
const CONFIG: &str = r#"
log_level = "trace"
log_format = "FORMAT"
status_access = "key"
admin_key = "s3cret-admin-key-0123456789abcdef"

[keys.grafana]
key = "s3cret-read-key-0123456789abcdef"

[channels.hook]
kind = "webhook"
url = "http://127.0.0.1:1/s3cret-path/hook?key=s3cret-query"
secret = "whsec_czNjcmV0LXNpZ25pbmcta2V5LTAxMjM0NTY3ODk="
headers = { "X-Key" = "s3cret-header" }

[channels.tg]
kind = "telegram"
bot_token = "12345678:s3cret-bot-token-AAAAAAAAAAAAAAAAAAAA"
chat_id = "-100123"
api_url = "http://127.0.0.1:1"

[channels.mail]
kind = "email"
host = "127.0.0.1"
port = 1
security = "none"
username = "pulse"
password = "s3cret-password"
from = "pulse@example.org"
to = ["ops@example.org"]

[self_heartbeat]
url = "http://127.0.0.1:1/api/heartbeat/s3cret-self-token"
every = "1s"

[[services]]
name = "a"
token = "s3cret-service-token"
timeout = "1s"

"#;

const SECRETS: [&str; 3] = ["s3cret", "wr0ng", "czNjcmV0"];

#[test]
fn in_text() {
    secrets_stay_out_of_the_log("text");
}

#[test]
fn in_json() {
    secrets_stay_out_of_the_log("json");
}

fn secrets_stay_out_of_the_log(format: &str) {
    let folder = tempfile::tempdir().unwrap();
    let config = CONFIG.replace("FORMAT", format);
    fs::write(folder.path().join("mishpulse.toml"), &config).unwrap();
    let mut server = serve(folder.path());
    let url = until("the server says its address", SOON, || {
        let log = log(folder.path());
        let rest = log.split("listens on ").nth(1)?;
        rest.split_once('\n').map(|(url, _)| url.trim_end_matches(['"', '}']).to_owned())
    });

    // It works with the right secrets, and says no to wrong ones.
    let post = |path: &str, body: &str, key: &str| {
        let key = format!("Bearer {key}");
        request("POST", &format!("{url}{path}"), Some(body), &[("authorization", &key)]).status
    };
    let get = |path: &str, key: &str| {
        let key = format!("Bearer {key}");
        request("GET", &format!("{url}{path}"), None, &[("authorization", &key)]).status
    };
    until("the server is ready", SOON, || (get("/readyz", "") == 200).then_some(()));
    let error = r#"{"status":"error","message":"disk full"}"#;
    assert_eq!(post("/api/heartbeat/s3cret-service-token", error, ""), 200);
    assert_eq!(post("/api/heartbeat/s3cret-service-token", "s3cret nonsense", ""), 400);
    assert_eq!(post("/api/heartbeat/wr0ng-token", "", ""), 403);
    assert_eq!(get("/api/heartbeat/wr0ng-token?message=wr0ng-message", ""), 403);
    assert_eq!(get("/api/status", "wr0ng-key"), 401);
    assert_eq!(get("/api/status", "s3cret-read-key-0123456789abcdef"), 200);
    assert_eq!(get("/metrics", "s3cret-admin-key-0123456789abcdef"), 200);
    assert_eq!(get("/metrics", "wr0ng-key"), 401);
    for key in ["wr0ng-key", "s3cret-read-key-0123456789abcdef", "s3cret-admin-key-0123456789abcdef"] {
        post("/api/services", r#"{"name":"b","token":"s3cret-token-of-b"}"#, key);
        post("/api/services/b/rotate-token", "", key);
        get("/api/channels", key);
        get("/api/services", key);
    }
    // The address itself is no secret; what follows it is.
    for channel in ["hook", "tg", "mail"] {
        until(&format!("{channel} fails"), SOON, || {
            let log = log(folder.path());
            let mut lines = log.lines().filter(|line| line.contains("not delivered"));
            lines.any(|line| line.contains(channel)).then_some(())
        });
    }
    until("its own heartbeat fails", SOON, || {
        log(folder.path()).contains("own heartbeat was not taken").then_some(())
    });

    // A mistake in the file is told without what stands there.
    for (right, wrong) in [
        ("12345678:s3cret-bot-token-AAAAAAAAAAAAAAAAAAAA", "s3cret bot token"),
        ("http://127.0.0.1:1/s3cret-path/hook?key=s3cret-query", "s3cret-path"),
        ("whsec_czNjcmV0LXNpZ25pbmcta2V5LTAxMjM0NTY3ODk=", "whsec_czNjcmV0!"),
        ("token = \"s3cret-service-token\"", "token = \"s3cret/service/token\""),
        ("admin_key = \"s3cret-admin-key-0123456789abcdef\"", "admin_key = \"s3cret"),
    ] {
        let before = log(folder.path()).matches("nothing has changed").count();
        fs::write(folder.path().join("mishpulse.toml"), config.replacen(right, wrong, 1)).unwrap();
        signal("-HUP", &server);
        until(&format!("the mistake in {right} is found"), SOON, || {
            (log(folder.path()).matches("nothing has changed").count() > before).then_some(())
        });
    }
    // And so are changes.
    fs::write(folder.path().join("mishpulse.toml"), config.replace("s3cret", "s3cret-other")).unwrap();
    signal("-HUP", &server);
    until("the file is taken", SOON, || log(folder.path()).contains("was read again").then_some(()));
    signal("-TERM", &server);
    assert!(until("the server stops", SOON, || server.try_wait().unwrap()).success());

    let log = log(folder.path());
    for secret in SECRETS {
        let found = log.lines().find(|line| line.contains(secret));
        assert!(found.is_none(), "`{secret}` is in the log: {}", found.unwrap_or_default());
    }
    if format == "json" {
        let lines = log.lines().filter(|line| line.starts_with('{'));
        let objects = lines.filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count();
        assert!(objects > 10, "{log}");
    }
}

fn serve(folder: &Path) -> Child {
    let log = File::create(folder.join("log")).unwrap();
    mishpulse(folder, &["serve", "--listen", "127.0.0.1:0"])
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "1")
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// All that it wrote.
fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap()
}

fn signal(name: &str, server: &Child) {
    let id = server.id().to_string();
    assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
}
