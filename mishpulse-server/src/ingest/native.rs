//! Our own dialect: `POST`, `GET` or `HEAD` of `/api/heartbeat/<token>`, with JSON or, where the body is empty, a query.

use std::borrow::Cow;
use std::sync::Arc;

use mishpulse_core::{Clock, Signal, SignalKind};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::config::Token;
use crate::engine::{BeatOutcome, Command, Inbox, Unavailable};
use crate::http::{Method, Query, Reply, Request, Router, StatusCode, header};

/// Adds the routes of this dialect.
#[must_use]
pub fn routes(router: Router, door: &Door) -> Router {
    let by_post = Arc::new(door.clone());
    let by_get = Arc::clone(&by_post);
    router
        // What is wanted of a request is taken out of it at once: as long as it is held, its connection cannot read into the
        // same memory again.
        .at(Method::POST, PATH, move |request: Request| {
            beat(Arc::clone(&by_post), from_request(&request), token(&request))
        })
        .at(Method::GET, PATH, move |request: Request| {
            let answer = beat(Arc::clone(&by_get), from_request(&request), token(&request));
            // Nobody in between may answer the next one, and a browser shows it as what it is.
            async {
                let answer = answer.await.with(header::CACHE_CONTROL, "no-store");
                answer.with(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            }
        })
}

/// Where beats come in.
#[derive(Clone)]
pub struct Door {
    /// The way to the engine.
    pub inbox: Inbox,
    /// Says when a beat came in.
    pub clock: Arc<dyn Clock + Send + Sync>,
}

const PATH: &str = "/api/heartbeat/{token}";
const RETRY_AFTER_SECS: &str = "1";

fn token(request: &Request) -> Option<Token> {
    request.param(0)?.parse().ok()
}

async fn beat(door: Arc<Door>, signal: Result<Signal, Mistake>, token: Option<Token>) -> Reply {
    let Door { inbox, clock } = &*door;
    let signal = match signal {
        Ok(signal) => signal,
        Err(mistake) => {
            inbox.metrics().beats.malformed.add_one();
            return Reply::problem(StatusCode::BAD_REQUEST, &mistake.to_string());
        }
    };
    let Some(token) = token else { return unknown_token(inbox) };
    let received = clock.now();
    match inbox.ask(|reply| Command::Beat { token, signal, received, reply }).await {
        Ok(BeatOutcome::Stored) => Reply::brief_json(StatusCode::OK, "{\"result\":\"ok\"}"),
        Ok(BeatOutcome::UnknownToken) => unknown_token(inbox),
        Err(Unavailable) => {
            inbox.metrics().beats.unavailable.add_one();
            Reply::problem(StatusCode::SERVICE_UNAVAILABLE, &Unavailable.to_string())
                .with(header::RETRY_AFTER, RETRY_AFTER_SECS)
        }
    }
}

fn unknown_token(inbox: &Inbox) -> Reply {
    inbox.metrics().beats.unknown_token.add_one();
    let detail =
        "no service has this token; check the URL, or list the services with `mishpulse service list`";
    Reply::problem(StatusCode::FORBIDDEN, detail)
}

/// Why a beat cannot be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Mistake {
    #[error("the body is not a JSON object ({0}); send {{\"status\":\"ok\"}}, or nothing at all for ok")]
    NotJson(String),
    #[error("`{0}` is no status; use ok, warning or error")]
    UnknownStatus(String),
}

/// The body of a beat. What else stands in it is ignored.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    status: Option<Text<'a>>,
    #[serde(borrow, default)]
    message: Option<Text<'a>>,
}

/// A text that is not copied where it stands in the body as it is meant; `Option<Cow<str>>` would always be.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// By any method: an error that is reported in the other place than is usual for it is none the less an error.
fn from_request(request: &Request) -> Result<Signal, Mistake> {
    if request.body.is_empty() { from_query(request.query()) } else { from_body(&request.body) }
}

fn from_body(body: &[u8]) -> Result<Signal, Mistake> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Ok(Signal::ok()),
        Some(b'{') => {}
        Some(_) => return Err(Mistake::NotJson("it begins with something else than `{`".to_owned())),
    }
    // As text: so what is no text is found once for all, and not string by string.
    let text = std::str::from_utf8(body).unwrap_or_default();
    if let Ok(body) = serde_json::from_str::<Body<'_>>(text) {
        let [status, message] = [&body.status, &body.message].map(|text| Some(&*text.as_ref()?.0));
        return signal(status, message);
    }
    // No beat is refused for its message, whatever that is.
    let mut body: Map<String, Value> =
        serde_json::from_str(&mended(body)).map_err(|error| Mistake::NotJson(error.to_string()))?;
    let mut text = |name| match body.remove(name)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    signal(text("status").as_deref(), text("message").as_deref())
}

/// `body` with what is no text replaced by `U+FFFD`: bytes that are not UTF-8, and halves of surrogate pairs, which some
/// languages write for such bytes.
fn mended(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut mended = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find('\\') {
        mended.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match (utf16_escape(rest), rest.get(6..).and_then(utf16_escape)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                mended.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            (Some(_), _) => 6,
            (None, _) => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        mended.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    mended.push_str(rest);
    mended
}

/// The unit of UTF-16 that `text` begins with, where that is an escape such as `\u00e9`.
fn utf16_escape(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

fn from_query(query: Query<'_>) -> Result<Signal, Mistake> {
    signal(query.find("status").as_deref(), query.find("message").as_deref())
}

fn signal(status: Option<&str>, message: Option<&str>) -> Result<Signal, Mistake> {
    let kind = match status {
        None => SignalKind::Ok,
        Some(status) => status.parse().map_err(|_| Mistake::UnknownStatus(shortened(status)))?,
    };
    Ok(Signal::new(kind, message.unwrap_or_default()))
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_ok() {
        for body in ["", " \n", "{}", r#"{"message":null}"#, r#"{"status":null}"#, r#"{"more":[1,{"a":2}]}"#]
        {
            assert_eq!(from_body(body.as_bytes()), Ok(Signal::ok()), "{body}");
        }
        assert_eq!(from_query(Query::new("")), Ok(Signal::ok()));
    }

    #[test]
    fn status_and_message_are_read() {
        let signal = Signal::new(SignalKind::Error, "disk \"full\" – 100%");
        let body = r#"{"status":"error","message":"disk \"full\" \u2013 100%"}"#;
        assert_eq!(from_body(body.as_bytes()), Ok(signal.clone()));
        assert_eq!(
            from_query(Query::new("status=error&message=disk+%22full%22+%E2%80%93+100%25")),
            Ok(signal)
        );
    }

    #[test]
    fn no_beat_is_refused_for_its_message() {
        let message = |body: &[u8]| from_body(body).unwrap().message.unwrap().as_str().to_owned();
        assert_eq!(message(br#"{"status":"error","message":42}"#), "42");
        assert_eq!(message(br#"{"message":{"code":7}}"#), r#"{"code":7}"#);
        assert_eq!(message(b"{\"message\":\"caf\xe9\"}"), "caf\u{fffd}");
        assert_eq!(message(br#"{"message":"file \udcff.txt"}"#), "file \u{fffd}.txt");
        assert_eq!(message(br#"{"message":"\ud83d\ude00 \udc00"}"#), "\u{1f600} \u{fffd}");
        assert_eq!(message(b"{\"message\":\"C:\\\\udev \xe9\"}"), "C:\\udev \u{fffd}");
        assert_eq!(message(br#"{"message":"a","message":"b"}"#), "b");
        assert_eq!(message(format!("{{\"message\":\"{}\"}}", "x".repeat(5000)).as_bytes()).len(), 4096);
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for body in
            ["ok", "[]", "{\"status\":", "{\"status\":1}", "{\"status\":\"fine\"}", "\u{feff}{}", "nul\0"]
        {
            assert!(from_body(body.as_bytes()).is_err(), "{body}");
        }
        assert!(from_body(b"{\"status\":\"\xff\"}").is_err());
        assert!(from_body(b"[\"error\"]").is_err());
        let nested = "[".repeat(60_000);
        assert!(from_body(format!("{{\"a\":{nested}").as_bytes()).is_err());
        assert_eq!(from_query(Query::new("status=fine")), Err(Mistake::UnknownStatus("fine".into())));
    }
}
