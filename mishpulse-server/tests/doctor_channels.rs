//! `mishpulse doctor` finds what is wrong with each kind of channel, sends nothing, and shows no secret.

#[path = "notify_parts/bot_api.rs"]
#[expect(dead_code, reason = "this test needs a part of it")]
mod bot_api;
#[path = "notify_parts/certificates.rs"]
mod certificates;
mod cli_parts;
#[path = "notify_parts/http.rs"]
#[expect(dead_code, reason = "this test needs a part of it")]
mod http;
#[path = "notify_parts/smtp.rs"]
#[expect(dead_code, reason = "this test needs a part of it")]
mod smtp;

use std::fs;
use std::path::Path;

use bot_api::{BotApi, CHAT, OLD_GROUP, TOKEN};
use certificates::Certificates;
use cli_parts::{mishpulse, said};
use serde_json::{Value, json};
use smtp::Aiosmtpd;

const PASSWORD: &str = "s3cret-password";

/// What the doctor says of the channels in `config`, a line each: `level: what -> advice`.
fn channels(config: &str, ca: Option<&Path>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mishpulse.toml"), config).unwrap();
    let mut command = mishpulse(folder.path(), &["doctor", "--json"]);
    if let Some(ca) = ca {
        command.env("SSL_CERT_FILE", ca);
    }
    let told = said(&mut command);
    for secret in [TOKEN, PASSWORD, "s3cret", "123456:"] {
        assert!(
            !told.stdout.contains(secret) && !told.stderr.contains(secret),
            "{}{}",
            told.stdout,
            told.stderr
        );
    }
    let json: Value = serde_json::from_str(&told.stdout).unwrap_or_else(|_| panic!("{told:?}"));
    let all = json["findings"].as_array().unwrap().iter();
    let ours = all.filter(|finding| finding["area"] == "channels").map(|finding| {
        let word = |name: &str| finding[name].as_str().unwrap_or_default();
        format!("{}: {} -> {}", word("level"), word("what"), word("advice"))
    });
    ours.collect()
}

fn check(config: &str, ca: Option<&Path>, expected: &[&[&str]]) {
    let told = channels(config, ca);
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (line, words) in told.iter().zip(expected) {
        for word in *words {
            assert!(line.contains(word), "`{word}` in {told:#?}");
        }
    }
}

fn telegram(token: &str, chat: &str, port: u16) -> String {
    format!(
        "[channels.tg]\nkind = \"telegram\"\nbot_token = \"{token}\"\nchat_id = \"{chat}\"\n\
         api_url = \"http://127.0.0.1:{port}\"\n"
    )
}

fn mail(port: u16, more: &str) -> String {
    format!(
        "[channels.mail]\nkind = \"email\"\nhost = \"localhost\"\nport = {port}\n\
         from = \"pulse@example.org\"\nto = [\"ops@example.org\"]\n{more}\n"
    )
}

fn account(password: &str) -> String {
    format!("username = \"pulse\"\npassword = \"{password}\"\n")
}

#[test]
fn telegram_knows_bot_and_chat() {
    let api = BotApi::start();
    let port = api.server.port;
    check(&telegram(TOKEN, CHAT, port), None, &[&["ok: tg: @mish_bot knows chat -1001234567890, \"Ops\""]]);
    let asked: Vec<_> = api.server.requests().iter().map(|request| request.line.clone()).collect();
    assert!(asked.iter().all(|line| !line.contains("send")), "{asked:?}");
    assert!(api.delivered().is_empty());

    let wrong = TOKEN.replace("ABC", "CBA");
    check(&telegram(&wrong, CHAT, port), None, &[&["problem: tg: ", "401: Unauthorized", "check bot_token"]]);
    check(&telegram(TOKEN, "-5", port), None, &[&["problem", "chat not found", "channel test tg"]]);
    check(
        &telegram(TOKEN, OLD_GROUP, port),
        None,
        &[&["ok: tg"], &["warning: tg: ", "write chat_id = \"-1001234567890\""]],
    );
    check(&telegram(TOKEN, CHAT, 1), None, &[&["problem", "connection to 127.0.0.1 failed", "firewall"]]);
}

#[test]
fn mail_is_let_in_and_sends_nothing() {
    let certificates = Certificates::new("localhost");
    let (cert, key) = (certificates.path("cert.pem"), certificates.path("key.pem"));
    for security in ["starttls", "tls"] {
        let order = json!({"tls": security, "cert": cert, "key": key, "user": "pulse", "password": PASSWORD});
        let server = Aiosmtpd::start(&order);
        let ours = format!("security = \"{security}\"\n");
        let ca = format!("ca_file = \"{}\"\n", certificates.path("ca.pem").display());
        check(
            &mail(server.port, &format!("{ours}{ca}{}", account(PASSWORD))),
            None,
            &[&["ok: mail: localhost port", "certificate that is trusted, and lets pulse in"]],
        );
        check(
            &mail(server.port, &format!("{ours}{ca}{}", account("wrong-s3cret"))),
            None,
            &[&["problem: mail: localhost does not let pulse in: 535", "check username and password"]],
        );
        check(
            &mail(server.port, &format!("{ours}{}", account(PASSWORD))),
            None,
            &[&["problem", "signed by nobody that is trusted here", "ca_file"]],
        );
        assert!(server.stop().is_empty(), "no mail was sent");
    }
}

#[test]
fn an_expired_certificate_is_told() {
    let certificates = Certificates::expired("localhost");
    let ca = certificates.path("ca.pem");
    let order =
        json!({"tls": "tls", "cert": certificates.path("cert.pem"), "key": certificates.path("key.pem")});
    let server = Aiosmtpd::start(&order);
    let config = mail(server.port, &format!("security = \"tls\"\nca_file = \"{}\"\n", ca.display()));
    check(&config, None, &[&["problem: mail", "its certificate has expired"]]);

    let server = http::Server::start_tls(&certificates, |_| http::Reply::new(200, ""));
    let config = webhook(&format!("https://localhost:{}/s3cret", server.port), "");
    check(&config, Some(&ca), &[&["problem: hook", "its certificate has expired"]]);
}

#[test]
fn a_clear_password_is_a_warning() {
    let server = Aiosmtpd::start(&json!({"user": "pulse", "password": PASSWORD, "clear_auth": true}));
    let config = mail(server.port, &format!("security = \"none\"\n{}", account(PASSWORD)));
    check(&config, None, &[&["ok: mail", "without encryption"], &["warning: mail", "in clear text"]]);
}

fn webhook(url: &str, more: &str) -> String {
    format!("[channels.hook]\nkind = \"webhook\"\nurl = \"{url}\"\n{more}\n")
}

#[test]
fn a_webhook_is_reached_and_hears_nothing() {
    let certificates = Certificates::new("localhost");
    let server = http::Server::start_tls(&certificates, |_| http::Reply::new(200, ""));
    let url = format!("https://localhost:{}/s3cret-path?key=s3cret", server.port);
    let ca = certificates.path("ca.pem");
    check(&webhook(&url, ""), Some(&ca), &[&["ok: hook: localhost port", "certificate that is trusted"]]);
    check(&webhook(&url, ""), None, &[&["problem: hook", "signed by nobody that is trusted here"]]);
    check(
        &webhook(&url, "allow_private = false"),
        Some(&ca),
        &[&["problem", "allow_private = false forbids"]],
    );
    assert!(server.requests().is_empty(), "{:?}", server.requests());

    let plain = http::Server::start(|_| http::Reply::new(200, ""));
    let url = format!("http://127.0.0.1:{}/s3cret", plain.port);
    check(&webhook(&url, ""), None, &[&["ok: hook: 127.0.0.1 port"]]);
    assert!(plain.requests().is_empty(), "{:?}", plain.requests());
}

#[test]
fn hosts_that_are_not_there_are_told_at_once() {
    let config = [
        webhook("http://hook.invalid/s3cret", ""),
        "[self_heartbeat]\nurl = \"http://127.0.0.1:1/api/heartbeat/s3cret\"\n".to_owned(),
        mail(1, "security = \"none\"\n").replace("localhost", "mail.invalid"),
    ];
    check(
        &config.concat(),
        None,
        &[
            &["problem: hook: ", "hook.invalid", "[channels.hook]"],
            &["problem: mail: ", "mail.invalid"],
            &["problem: self_heartbeat: no connection to 127.0.0.1 port 1"],
        ],
    );
}
