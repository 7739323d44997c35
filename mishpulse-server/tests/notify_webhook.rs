//! A webhook and everything that may become of a try: what is final, what may pass, and what arrives.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use mishpulse_core::{ManualClock, Timestamp};
use mishpulse_server::config::{Secret, SecretBytes, WebhookSettings};
use mishpulse_server::notify::Webhook;
use sha2::Sha256;

#[path = "notify_parts/certificates.rs"]
mod certificates;
#[path = "notify_parts/http.rs"]
mod http;
#[path = "notify_parts/letters.rs"]
mod letters;

use certificates::Certificates;
use http::{Reply, Server};
use letters::{AT, Expected, check, id, send};

const KEY: &[u8] = b"a key of twenty-four bytes, or more";

fn settings(url: &str) -> WebhookSettings {
    WebhookSettings {
        url: Secret::new(url),
        secret: Some(SecretBytes::new(KEY)),
        headers: vec![("X-Env".to_owned(), Secret::new("prod-token-1"))],
        allow_private: true,
    }
}

fn webhook(settings: &WebhookSettings) -> Webhook {
    webhook_with(settings, Duration::from_secs(20))
}

fn webhook_with(settings: &WebhookSettings, timeout: Duration) -> Webhook {
    let clock = Arc::new(ManualClock::new(Timestamp::from_unix_ms(AT + 1_500)));
    Webhook::new(settings, clock, timeout)
}

#[test]
fn the_matrix() {
    let answer = Reply::new;
    let retry = |status| Reply::Answer(status, "Retry-After: 30\r\n", "busy".to_owned());
    let moved = Reply::Answer(308, "Location: http://127.0.0.1:1/\r\n", String::new());
    for (case, reply, expected) in [
        ("accepts, 200", answer(200, "thanks"), Expected::Sent),
        ("accepts, 202", answer(202, ""), Expected::Sent),
        ("accepts, 204", answer(204, ""), Expected::Sent),
        ("accepts, then breaks off", Reply::CutBody(200), Expected::Sent),
        (
            "refuses for good, 400",
            answer(400, "no such field\nx"),
            Expected::Final("answered 400 Bad Request: no such field"),
        ),
        ("refuses for good, 401", answer(401, ""), Expected::Final("answered 401 Unauthorized")),
        ("refuses for good, 404", answer(404, ""), Expected::Final("answered 404 Not Found")),
        ("refuses for good, 410", answer(410, ""), Expected::Final("answered 410 Gone")),
        ("refuses for good, breaks off", Reply::CutBody(422), Expected::Final("answered 422 Unprocessable")),
        ("redirects", moved, Expected::Final("redirects are not followed: use the final URL")),
        ("temporary, 408", answer(408, ""), Expected::Later("answered 408", None)),
        ("temporary, 425", answer(425, ""), Expected::Later("answered 425", None)),
        ("temporary, 429", retry(429), Expected::Later("answered 429 Too Many Requests: busy", Some(30))),
        ("5xx, 500", answer(500, ""), Expected::Later("answered 500", None)),
        ("5xx, 503", retry(503), Expected::Later("answered 503 Service Unavailable: busy", Some(30))),
        ("closes mid-answer", Reply::CutHead, Expected::Later("the connection to 127.0.0.1 failed", None)),
        ("does not speak HTTP", Reply::Babble, Expected::Later("does not answer in HTTP", None)),
        ("accepts and never answers", Reply::Hang, Expected::Later("did not answer within 1 s", None)),
    ] {
        let timeout = Duration::from_secs(if matches!(reply, Reply::Hang) { 1 } else { 20 });
        let server = Server::start(move |_| reply.clone());
        let url = format!("http://127.0.0.1:{}/hook", server.port);
        let mut webhook = webhook_with(&settings(&url), timeout);
        check(case, expected, &send(&mut webhook, 1));
        // Whatever was answered, a try asks once.
        assert_eq!(server.requests().len(), 1, "{case}");
    }
}

#[test]
fn the_matrix_before_anything_is_asked() {
    let unknown = Certificates::new("localhost");
    let tls = Server::start_tls(&unknown, |_| Reply::new(200, ""));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (case, url, expected) in [
        (
            "name does not resolve",
            "http://hooks.invalid/".to_owned(),
            Expected::Later("the name hooks.invalid does not resolve", None),
        ),
        (
            "nobody listens",
            format!("http://127.0.0.1:{free}/"),
            Expected::Later("the connection to 127.0.0.1 failed", None),
        ),
        (
            "wrong certificate, unknown CA",
            format!("https://localhost:{}/", tls.port),
            Expected::Later("localhost cannot be trusted: its certificate is signed by nobody", None),
        ),
    ] {
        check(case, expected, &send(&mut webhook(&settings(&url)), 1));
    }
    assert!(tls.requests().is_empty());
}

/// The system's roots are read from where `SSL_CERT_FILE` says, so a second process is started with it.
#[test]
fn a_trusted_certificate_is_taken_for_its_own_name_only() {
    if let Ok(url) = std::env::var("MISHPULSE_TEST_TRUSTED_URL") {
        let result = send(&mut webhook(&settings(&url)), 1);
        return match std::env::var("MISHPULSE_TEST_TRUSTED_NAME").as_deref() {
            Ok("right") => check("right certificate", Expected::Sent, &result),
            _ => {
                let expected = Expected::Later("its certificate is for another name", None);
                check("wrong certificate, another name", expected, &result);
            }
        };
    }
    for (name, certificate_name) in [("right", "localhost"), ("wrong", "hooks.example.org")] {
        let certificates = Certificates::new(certificate_name);
        let server = Server::start_tls(&certificates, |_| Reply::new(200, ""));
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_trusted_certificate_is_taken_for_its_own_name_only", "--nocapture"])
            // A proxy of the environment is not for alarms.
            .env("ALL_PROXY", "http://127.0.0.1:1")
            .env("SSL_CERT_FILE", certificates.path("ca.pem"))
            .env("MISHPULSE_TEST_TRUSTED_URL", format!("https://localhost:{}/", server.port))
            .env("MISHPULSE_TEST_TRUSTED_NAME", name)
            .status()
            .unwrap();
        assert!(status.success(), "{name}");
        assert_eq!(server.requests().len(), usize::from(name == "right"));
    }
}

#[test]
fn a_receiver_can_check_who_wrote_and_see_a_second_try() {
    let server = Server::start(|request| {
        let is_first = request.header("webhook-timestamp") == Some("1760616481");
        Reply::new(if is_first { 500 } else { 200 }, "")
    });
    let settings = settings(&format!("http://127.0.0.1:{}/hook?key=1", server.port));
    let clock = Arc::new(ManualClock::new(Timestamp::from_unix_ms(AT + 1_500)));
    let mut webhook = Webhook::new(&settings, clock.clone(), Duration::from_secs(5));
    send(&mut webhook, 1).unwrap_err();
    clock.set(Timestamp::from_unix_ms(AT + 60_000));
    send(&mut webhook, 1).unwrap();

    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for (request, timestamp) in requests.iter().zip(["1760616481", "1760616540"]) {
        assert_eq!(request.line, "POST /hook?key=1");
        let (id, signature) =
            (request.header("webhook-id").unwrap(), request.header("webhook-signature").unwrap());
        assert_eq!(id, self::id(1).to_string());
        assert_eq!(request.header("webhook-timestamp"), Some(timestamp));
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(&request.body);
        mac.verify_slice(&STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap()).unwrap();
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.header("user-agent"), Some(concat!("MishPulse/", env!("CARGO_PKG_VERSION"))));
        assert_eq!(request.header("x-env"), Some("prod-token-1"));
        assert_eq!(request.json()["event"], "service.dead");
    }
    assert_eq!(requests[0].body, requests[1].body);
}

#[test]
fn an_error_quotes_no_secret() {
    let server = Server::start(|request| {
        let echo = format!("{} {:?}", request.line, request.headers);
        Reply::new(403, &format!("{echo}\u{1b}[31m\u{7}"))
    });
    let settings =
        settings(&format!("http://127.0.0.1:{}/services/T0000/SeCrEtPaTh?token=SeCrEtQuErY", server.port));
    let said = send(&mut webhook(&settings), 1).unwrap_err().to_string();
    assert!(said.contains("403 Forbidden: POST "), "{said}");
    for secret in ["SeCrEt", "prod-token-1", "\u{1b}", "\u{7}"] {
        assert!(!said.contains(secret), "{secret:?} in {said}");
    }
}

#[test]
fn private_addresses_are_no_target_where_they_must_not_be() {
    let server = Server::start(|_| Reply::new(200, ""));
    let port = server.port;
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1", "0.0.0.0"] {
        let settings =
            WebhookSettings { allow_private: false, ..settings(&format!("http://{host}:{port}/")) };
        let expected = Expected::Final("is a private address, which allow_private = false forbids");
        check(&format!("private: {host}"), expected, &send(&mut webhook(&settings), 1));
    }
    // Names, and spellings that only the look-up understands: what they stand for may change.
    for host in ["localhost", "2130706433", "0x7f.1", "127.1"] {
        let settings =
            WebhookSettings { allow_private: false, ..settings(&format!("http://{host}:{port}/")) };
        let expected = Expected::Later("is a private address, which allow_private = false forbids", None);
        check(&format!("private: {host}"), expected, &send(&mut webhook(&settings), 1));
    }
    assert!(server.requests().is_empty());
    send(&mut webhook(&settings(&format!("http://localhost:{port}/"))), 1).unwrap();
}

#[test]
fn an_answer_without_end_is_no_reason_to_wait() {
    let server = Server::start(|_| Reply::new(500, &"x".repeat(10_000_000)));
    let said = send(&mut webhook(&settings(&format!("http://127.0.0.1:{}/", server.port))), 1)
        .unwrap_err()
        .to_string();
    assert!(said.ends_with("xxx…") && said.chars().count() < 300, "{said}");
}
