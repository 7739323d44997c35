//! A URL that takes JSON, signed by Standard Webhooks (<https://www.standardwebhooks.com>) where there is a key.
//!
//! The body: `id` (that of the delivery), `event` (`service.dead` and so on, `service.digest`, `server.silence` or `test`), `at`, `text`; of
//! one service also `service` and `previous_status`; of a digest `digest` (the kind of all in it) and `services` (their
//! names); of a silence of everyone (`server.silence`) `silence`: `since`, `silent` and `of`.
//!
//! 2xx is success. 408, 425, 429 and 5xx may pass; any other answer is final: redirects are not followed, since the data
//! would go where nobody asked for it to go.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use mishpulse_core::{Span, Timestamp};
use serde::Serialize;
use sha2::Sha256;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::post::{Answer, Poster};
use super::{Channel, Parcel, Refusal, Seen, SharedClock, probe_url};
use crate::config::WebhookSettings;
use crate::stamp::rfc3339;
use crate::store::rows::LetterKind;

/// A URL that takes JSON.
pub struct Webhook {
    settings: WebhookSettings,
    poster: Poster,
    clock: SharedClock,
    secrets: Vec<String>,
    timeout: Duration,
}

impl Webhook {
    /// The channel of `settings`, each try of which takes at most `timeout`.
    #[must_use]
    pub fn new(settings: &WebhookSettings, clock: SharedClock, timeout: Duration) -> Self {
        let poster = Poster::new(timeout, !settings.allow_private);
        Self { settings: settings.clone(), poster, clock, secrets: secrets(settings), timeout }
    }
}

impl Channel for Webhook {
    fn send(&mut self, parcel: &Parcel<'_>) -> Result<(), Refusal> {
        let body = body(parcel);
        let id = parcel.id.to_string();
        let timestamp = self.clock.now().unix_ms().div_euclid(1000).to_string();
        let signature =
            self.settings.secret.as_ref().map(|key| signature(key.reveal(), &id, &timestamp, &body));
        let mut headers = vec![("webhook-id", id.as_str()), ("webhook-timestamp", &timestamp)];
        headers.extend(signature.as_deref().map(|signature| ("webhook-signature", signature)));
        headers.extend(self.settings.headers.iter().map(|(name, value)| (name.as_str(), value.reveal())));
        let answer = self.poster.post(self.settings.url.reveal(), &headers, &body)?;
        self.judge(&answer)
    }

    /// Connects, with TLS where that is asked for, and posts nothing.
    fn probe(&mut self) -> Result<Seen, Refusal> {
        probe_url(self.settings.url.reveal(), self.settings.allow_private, self.timeout)
    }
}

impl Webhook {
    fn judge(&self, answer: &Answer) -> Result<(), Refusal> {
        let why = || format!("the webhook answered {}", answer.quoted(&self.secrets));
        match answer.status.as_u16() {
            200..=299 => Ok(()),
            300..=399 => {
                Err(Refusal::last(format!("{}; redirects are not followed: use the final URL", why())))
            }
            408 | 425 | 429 | 500.. => {
                let header = answer.retry_after.as_deref();
                let after = header.and_then(|header| retry_after(header, self.clock.now()));
                Err(Refusal::Later { why: why(), after })
            }
            _ => Err(Refusal::last(why())),
        }
    }
}

/// What is posted, in the order in which people read it.
#[derive(Serialize)]
struct Body<'a> {
    id: String,
    event: String,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<Service<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    services: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silence: Option<Silence>,
    text: &'a str,
}

#[derive(Serialize)]
struct Service<'a> {
    name: &'a str,
    status: &'static str,
    last_seen: Option<String>,
    message: Option<&'a str>,
    tags: Vec<&'a str>,
}

#[derive(Serialize)]
struct Silence {
    since: String,
    silent: u32,
    of: u32,
}

fn body(parcel: &Parcel<'_>) -> Vec<u8> {
    let letter = parcel.letter;
    let (event, digest) = match letter.kind {
        LetterKind::Test => ("test".to_owned(), None),
        LetterKind::Silence { .. } => ("server.silence".to_owned(), None),
        LetterKind::Alert(kind) => (format!("service.{kind}"), None),
        LetterKind::Digest { digest } => ("service.digest".to_owned(), Some(digest.as_str())),
    };
    let body = Body {
        id: parcel.id.to_string(),
        event,
        at: rfc3339(letter.at),
        service: letter.service.as_ref().map(|about| Service {
            name: about.name.as_str(),
            status: about.status.as_str(),
            last_seen: about.last_seen.map(rfc3339),
            message: about.message.as_deref(),
            tags: about.tags.iter().map(|tag| tag.as_str()).collect(),
        }),
        previous_status: letter.service.as_ref().map(|about| about.previous_status.as_str()),
        digest,
        services: digest.map(|_| letter.names.iter().map(|name| name.as_str()).collect()),
        silence: match letter.kind {
            LetterKind::Silence { silent, of } => Some(Silence { since: rfc3339(letter.began), silent, of }),
            _ => None,
        },
        text: parcel.text,
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

/// The field `webhook-signature` of version 1: an HMAC over the id, the time and the body.
fn signature(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// How long a `Retry-After` asks to wait, by seconds or by a date (RFC 9110, 10.2.3); [`RETRY_AFTER_MAX`] at most.
fn retry_after(header: &str, now: Timestamp) -> Option<Span> {
    let asked = match header.trim().parse::<u64>() {
        Ok(seconds) => Span::from_secs(seconds),
        Err(_) => {
            let date = OffsetDateTime::parse(header.trim(), &Rfc2822).ok()?;
            Timestamp::from_unix_ms(date.unix_timestamp().saturating_mul(1000)).since(now)
        }
    };
    Some(asked.min(RETRY_AFTER_MAX))
}

/// What an answer might echo and nobody may read: the parts of the URL that look like keys, and the values of headers.
fn secrets(settings: &WebhookSettings) -> Vec<String> {
    let url = settings.url.reveal();
    let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|start| &rest[start..]));
    let parts = path.into_iter().flat_map(|path| path.split(['/', '?', '&', '=', '#']));
    let values = settings.headers.iter().map(|(_, value)| value.reveal());
    let long = parts.chain(values).filter(|part| part.len() >= SECRET_BYTES_MIN);
    let whole = [url].into_iter().chain(path.filter(|path| path.len() > 1));
    // The receiver has the key as well, and may say which it expected.
    let key = settings.secret.as_ref().map(|key| STANDARD.encode(key.reveal()));
    whole.chain(long).map(str::to_owned).chain(key).collect()
}

/// A receiver that asks for more patience than this would hold an alarm back too long.
const RETRY_AFTER_MAX: Span = Span::from_secs(3600);

/// The least length at which a part of a URL or a header's value may be a key.
const SECRET_BYTES_MIN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::samples;

    /// The example that the specification's own libraries are tested with.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(
            signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_receiver_may_ask_for_patience() {
        let now = samples::at("12:00");
        for (header, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("999999", Some(3600)),
            ("Thu, 16 Oct 2025 12:00:30 GMT", Some(30)),
            ("Thu, 16 Oct 2025 11:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(retry_after(header, now), expected.map(Span::from_secs), "{header}");
        }
    }

    #[test]
    fn a_body_says_all_of_a_service() {
        let id = uuid::Uuid::nil();
        let mut letter = samples::error();
        letter.service.as_mut().unwrap().message = Some("\"},\n\u{202e}{\"".to_owned());
        let json: serde_json::Value =
            serde_json::from_slice(&body(&Parcel { id, letter: &letter, text: "t\"\n", in_reply_to: None }))
                .unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "id": "00000000-0000-0000-0000-000000000000",
                "event": "service.error",
                "at": "2025-10-16T12:03:00Z",
                "service": {
                    "name": "api-worker",
                    "status": "error",
                    "last_seen": "2025-10-16T12:03:00Z",
                    "message": "\"},\n\u{202e}{\"",
                    "tags": ["prod"],
                },
                "previous_status": "alive",
                "text": "t\"\n",
            })
        );
    }

    #[test]
    fn digests_and_tests_have_their_own_events() {
        let id = uuid::Uuid::nil();
        let json = |letter| {
            let bytes = body(&Parcel { id, letter: &letter, text: "t", in_reply_to: None });
            serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()
        };
        let digest = json(samples::digest(mishpulse_core::AlertKind::Error, 2));
        assert_eq!(digest["event"], "service.digest");
        assert_eq!(digest["digest"], "error");
        assert_eq!(digest["services"], serde_json::json!(["a", "b"]));
        assert_eq!(digest.get("service"), None);
        let silence = json(samples::silence(16, 30));
        assert_eq!(silence["event"], "server.silence");
        let expected = serde_json::json!({"since": "2025-10-16T12:03:00Z", "silent": 16, "of": 30});
        assert_eq!(silence["silence"], expected);
        assert_eq!(json(samples::test())["event"], "test");
        assert_eq!(json(samples::test()).get("services"), None);
    }
}
