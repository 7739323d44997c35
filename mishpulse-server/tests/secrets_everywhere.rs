//! Secrets are planted wherever one can stand, and then looked for in all that the server ever wrote: the log at its most
//! talkative, every page and answer, metrics, the outbox, what the command line says of the file, and the data folder, where
//! only the tokens of services belong.

mod cli_parts;
mod harness;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use cli_parts::mishpulse;
use harness::{Server, request, until};

const CONFIG: &str = r#"
log_level = "trace"
admin_key = "${PLANTED_ADMIN_KEY}"

[limits]
key_failures = 1000

[keys.grafana]
key = "s3cret-read-key-0123456789abcdef"

[channels.hook]
kind = "webhook"
url = "http://127.0.0.1:9/s3cret-path/hook?key=s3cret-query"
secret = "whsec_czNjcmV0LXNpZ25pbmcta2V5LTAxMjM0NTY3ODk="
headers = { "X-Key" = "s3cret-header" }

[channels.tg]
kind = "telegram"
bot_token = "12345678:s3cret-bot-token-AAAAAAAAAAAAAAAAAAAA"
chat_id = "-100123"
api_url = "http://127.0.0.1:9"

[channels.mail]
kind = "email"
host = "127.0.0.1"
port = 9
security = "none"
username = "s3cret-user"
password = "${PLANTED_PASSWORD}"
from = "pulse@example.org"
to = ["ops@example.org"]

[self_heartbeat]
url = "http://127.0.0.1:9/api/heartbeat/s3cret-self-token"
every = "1s"

[[services]]
name = "a"
token = "t0ken-of-the-service"
timeout = "1s"
"#;

const ADMIN: &str = "s3cret-admin-key-0123456789abcdef";
/// What shows nowhere.
const SECRETS: [&str; 2] = ["s3cret", "czNjcmV0"];
/// What shows only to those who manage services, and in the database.
const TOKEN: &str = "t0ken-of";
const SOON: Duration = Duration::from_secs(30);

#[test]
fn no_secret_shows_in_anything_that_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mishpulse.toml");
    fs::write(&file, CONFIG).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mishpulse"));
    command.args(["serve", "--listen", "127.0.0.1:0"]).current_dir(folder.path()).env_clear();
    planted(&mut command).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
    let server = Server::start_by(command);
    let error = r#"{"status":"error","message":"disk full"}"#;
    assert_eq!(server.beat("t0ken-of-the-service", error).status, 200);
    for channel in ["hook", "tg", "mail"] {
        until(&format!("{channel} fails"), SOON, || {
            let log = server.log();
            let mut lines = log.lines().filter(|line| line.contains("not delivered"));
            lines.any(|line| line.contains(channel)).then_some(())
        });
    }

    let mut seen: Vec<(String, String)> = Vec::new();
    let paths = [
        "/",
        "/services/a",
        "/channels",
        "/sign-in",
        "/metrics",
        "/healthz",
        "/readyz",
        "/api/status",
        "/api/openapi.json",
        "/api/channels",
        "/api/deliveries",
        "/api/services/a/events",
        "/api/services",
        "/api/nothing",
        "/nothing",
        "/api/heartbeat/wrong",
    ];
    for key in ["", "wrong", "s3cret-read-key-0123456789abcdef", ADMIN] {
        let bearer = format!("Bearer {key}");
        for path in paths {
            for method in ["GET", "POST", "DELETE"] {
                // What is deleted would be gone.
                let body = (method == "POST").then_some("{\"nonsense\": s3cre}");
                let headers = [("authorization", bearer.as_str())];
                let headers = if key.is_empty() { &headers[..0] } else { &headers[..] };
                let answer = request(method, &server.url(path), body, headers);
                assert_ne!(answer.status, 0, "{method} {path}: {}", answer.body);
                seen.push((
                    format!("{method} {path} with key {key:?}"),
                    format!("{:?}\n{}", answer.headers, answer.body),
                ));
            }
        }
    }
    let tests = ["hook", "tg", "mail"].map(|channel| {
        let url = server.url(&format!("/api/channels/{channel}/test"));
        request("POST", &url, Some(""), &[("authorization", &format!("Bearer {ADMIN}"))])
    });
    seen.extend(tests.into_iter().map(|answer| ("a test of a channel".to_owned(), answer.body)));
    let check = planted(&mut mishpulse(folder.path(), &["check-config"])).output().unwrap();
    seen.push((
        "check-config".to_owned(),
        String::from_utf8_lossy(&[check.stdout, check.stderr].concat()).into_owned(),
    ));
    // With a variable missing, and with mistakes in secrets.
    let check = mishpulse(folder.path(), &["check-config"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(check.status.code(), Some(2));
    seen.push((
        "a mistake".to_owned(),
        String::from_utf8_lossy(&[check.stdout, check.stderr].concat()).into_owned(),
    ));
    seen.push(("the log".to_owned(), server.terminate()));
    for (place, text) in &seen {
        for secret in SECRETS {
            assert!(!text.contains(secret), "`{secret}` shows in {place}: {}", around(text, secret));
        }
        let may_know = place.contains(ADMIN) && place.contains("/api/services");
        assert!(may_know || !text.contains(TOKEN), "a token shows in {place}: {}", around(text, TOKEN));
    }
    let shown =
        seen.iter().find(|(place, _)| place.starts_with("GET /api/services with") && place.contains(ADMIN));
    assert!(shown.unwrap().1.contains(TOKEN), "who manages services sees their tokens");
    println!("{} texts, {} bytes", seen.len(), seen.iter().map(|(_, text)| text.len()).sum::<usize>());
    stored(&folder.path().join("mishpulse-data"));
}

/// Of the data folder only the database holds tokens, and nothing holds what stands in the file.
fn stored(folder: &Path) {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let text = String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned();
        for secret in SECRETS {
            assert!(!text.contains(secret), "`{secret}` is in {name}");
        }
        assert!(name.starts_with("mishpulse.db") || !text.contains(TOKEN), "a token is in {name}");
        names.push(name);
    }
    println!("data folder: {names:?}");
    assert!(names.iter().any(|name| name == "mishpulse.db"), "{names:?}");
}

fn planted(command: &mut Command) -> &mut Command {
    command.env("PLANTED_ADMIN_KEY", ADMIN).env("PLANTED_PASSWORD", "s3cret-password")
}

fn around(text: &str, secret: &str) -> String {
    text.lines().find(|line| line.contains(secret)).unwrap_or_default().chars().take(300).collect()
}
