//! Channels are listed without secrets and tested for real, and the outbox shows what became of every letter.

mod harness;

use std::net::TcpListener;
use std::time::Duration;

use harness::inside::Inside;
use harness::{Hook, config, until};
use serde_json::{Value, json};

#[test]
fn channels_are_listed_without_secrets() {
    let server = Inside::start(
        r#"
[channels.ops]
kind = "telegram"
bot_token = "123456:the-bot-token"
chat_id = "-1001234567890"
message_thread_id = 7

[channels.mail]
kind = "email"
host = "127.0.0.1"
security = "none"
from = "MishPulse <pulse@example.org>"
to = ["ops@example.org", "Boss <boss@example.org>"]

[channels.hook]
kind = "webhook"
url = "https://example.org/the-secret-path?key=the-secret-query"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
headers = { "X-Key" = "the-secret-header" }
"#,
    );
    let answer = server.get("/api/channels");
    assert_eq!(
        answer.json(),
        json!([
            {"name": "hook", "kind": "webhook", "target": "https://example.org"},
            {"name": "mail", "kind": "email", "target": "ops@example.org, boss@example.org"},
            {"name": "ops", "kind": "telegram", "target": "chat -1001234567890, topic 7"},
        ])
    );
    assert!(!answer.body.contains("secret") && !answer.body.contains("token"));
}

#[test]
fn a_test_says_how_it_went() {
    let hook = Hook::start();
    let server = Inside::start(&config(&hook, ""));
    let answer = server.ask("POST", "/api/channels/hook/test", "");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let got = hook.got();
    assert_eq!((got.len(), got[0].event()), (1, "test"));
    assert_eq!(answer.json(), json!({"result": "ok", "channel": "hook", "delivery": got[0].id()}));

    hook.answer(403);
    let refused = server.ask("POST", "/api/channels/hook/test", "");
    assert_eq!(refused.status, 502);
    assert!(refused.json()["detail"].as_str().unwrap().contains("403"), "{}", refused.body);
    hook.answer(500);
    assert_eq!(server.ask("POST", "/api/channels/hook/test", "").status, 502, "it is not tried again");

    let missing = server.ask("POST", "/api/channels/nope/test", "");
    assert_eq!(missing.status, 404);
    assert!(missing.json()["detail"].as_str().unwrap().contains("hook"), "{}", missing.body);

    let deliveries = server.get("/api/deliveries").json();
    let states: Vec<&Value> = deliveries.as_array().unwrap().iter().map(|row| &row["state"]).collect();
    assert_eq!(states, ["failed", "failed", "sent"], "newest first");
    assert_eq!(hook.got().len(), 3);
}

#[test]
fn a_channel_that_nobody_listens_at_is_told_of() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server =
        Inside::start(&format!("[channels.hook]\nkind = \"webhook\"\nurl = \"http://{address}/secret\"\n"));
    let answer = server.ask("POST", "/api/channels/hook/test", "");
    assert_eq!(answer.status, 502);
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("127.0.0.1") && !detail.contains("secret"), "{detail}");
}

#[test]
fn the_outbox_shows_what_became_of_every_letter() {
    let hook = Hook::start();
    hook.answer(503);
    let server = Inside::start(&config(&hook, ""));
    server.make(r#"{"name": "a", "token": "t"}"#);
    server.beat("t", r#"{"status": "error", "message": "disk full"}"#);
    let limit = Duration::from_secs(10);
    let pending = until("a try was put off", limit, || {
        let rows = server.get("/api/deliveries?state=pending").json();
        (rows[0]["attempts"] == 1).then(|| rows[0].clone())
    });
    assert_eq!((&pending["service"], &pending["kind"]), (&json!("a"), &json!("error")));
    assert_eq!((&pending["channel"], &pending["digest"]), (&json!("hook"), &Value::Null));
    assert!(pending["last_error"].as_str().unwrap().contains("503"), "{pending}");
    assert!(harness::unix_ms(&pending["next_try"]) > harness::unix_ms(&pending["tried_at"]), "{pending}");
    assert_eq!(server.get("/api/deliveries?state=sent").json(), json!([]));

    hook.answer(200);
    server.clock.advance(mishpulse_core::Span::from_secs(5));
    let sent = until("it is sent", limit, || {
        // Any commit wakes the channel; the clock that it looks at has moved on.
        server.ask("POST", "/api/channels/hook/test", "");
        let rows = server.get("/api/deliveries?state=sent").json();
        rows.as_array().unwrap().iter().find(|row| row["id"] == pending["id"]).cloned()
    });
    assert_eq!(
        (&sent["attempts"], &sent["next_try"], &sent["last_error"]),
        (&json!(2), &Value::Null, &Value::Null)
    );
    assert_eq!(server.get("/api/deliveries?state=pending").json(), json!([]));
    let newest = server.get("/api/deliveries?limit=1");
    assert_eq!(newest.json().as_array().unwrap().len(), 1);
    let link = newest.header("link").unwrap();
    assert!(link.starts_with("</api/deliveries?limit=1&before="), "{link}");
}
