//! Asking a server over HTTP.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::http::{Method, Request, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::args::ServerOptions;
use super::data::FoundKey;
use super::{FAILED, MISTAKE, NO_SERVER};

/// A server, and the key to it.
pub(super) struct Server {
    agent: Agent,
    base: String,
    key: Result<FoundKey, String>,
}

/// What it answered, read whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) json: Value,
    /// Where the next page of a list is, from the root of the server.
    pub(super) next: Option<String>,
}

/// Why it did not do what it was asked. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum RemoteError {
    #[error("`--url` (or $MISHPULSE_URL) is no URL of a server; write it as http://127.0.0.1:8080")]
    BadUrl,
    #[error(
        "no admin key: {0}\ngive it in $MISHPULSE_ADMIN_KEY, or say with --data-dir where the data folder of the server is"
    )]
    NoKey(String),
    #[error(
        "{base} cannot be reached: {why}\nis the server running there? Start it with `mishpulse serve`, or say with --url where it is"
    )]
    Unreachable { base: String, why: String },
    #[error("{base} does not take the admin key from {from}: {detail}")]
    WrongKey { base: String, from: String, detail: String },
    #[error("{base} asks for a key: {detail}\n{why}")]
    KeyNeeded { base: String, detail: String, why: String },
    #[error("{detail}")]
    Refused { detail: String },
    #[error("{base} answered {status} and nothing that can be understood; is it a MishPulse server?")]
    Strange { base: String, status: u16 },
}

impl RemoteError {
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Self::BadUrl => MISTAKE,
            Self::Refused { .. } => FAILED,
            Self::NoKey(_)
            | Self::Unreachable { .. }
            | Self::WrongKey { .. }
            | Self::KeyNeeded { .. }
            | Self::Strange { .. } => NO_SERVER,
        }
    }
}

/// What asks a server, each time for `patience` at most; every status is an answer.
pub(super) fn agent(patience: Duration, user_agent: &str) -> Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let agent = Agent::config_builder()
        .http_status_as_error(false)
        // A key is not to follow a redirect to whoever it points at.
        .max_redirects(0)
        .max_redirects_will_error(false)
        // Nor to a proxy that the environment happens to name.
        .proxy(None)
        .timeout_global(Some(patience))
        .user_agent(user_agent)
        .tls_config(tls)
        .build();
    agent.into()
}

impl Server {
    /// The server that `options` name. Nothing is asked yet.
    ///
    /// # Errors
    /// [`RemoteError::BadUrl`].
    pub(super) fn new(options: &ServerOptions) -> Result<Self, RemoteError> {
        let agent = agent(TIMEOUT, concat!("mishpulse/", env!("CARGO_PKG_VERSION")));
        Ok(Self { agent, base: base(&options.url)?, key: options.data.admin_key() })
    }

    /// Asks as the holder of the admin key.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub(super) fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, RemoteError> {
        if let Err(why) = &self.key {
            return Err(RemoteError::NoKey(why.clone()));
        }
        self.send(method, path, body)
    }

    /// Asks for what is open to all, or to holders of a key: with the key, if one was found.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub(super) fn look(&self, path: &str) -> Result<Answer, RemoteError> {
        self.send(Method::GET, path, None)
    }

    fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, RemoteError> {
        let unreachable = |error: &ureq::Error| RemoteError::Unreachable {
            base: self.base.clone(),
            why: match error {
                ureq::Error::Timeout(_) => format!("no answer within {} s", TIMEOUT.as_secs()),
                ureq::Error::HostNotFound => "its name is not known".to_owned(),
                other => other.to_string().trim_start_matches("io: ").to_owned(),
            },
        };
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        let request = match &self.key {
            Ok(found) => request.header("authorization", format!("Bearer {}", found.key.reveal())),
            Err(_) => request,
        };
        let request = request.header("content-type", "application/json");
        let sent = match body {
            Some(body) => self.agent.run(request.body(body.to_string()).map_err(|_| RemoteError::BadUrl)?),
            None => self.agent.run(request.body(()).map_err(|_| RemoteError::BadUrl)?),
        };
        let mut answer = sent.map_err(|error| unreachable(&error))?;
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let text = text.map_err(|error| unreachable(&error))?;
        self.judge(&answer, text)
    }

    fn judge(&self, answer: &ureq::http::Response<Body>, text: String) -> Result<Answer, RemoteError> {
        let (base, status) = (self.base.clone(), answer.status());
        let next = answer.headers().get("link").and_then(|link| link.to_str().ok()).and_then(next_page);
        let json: Option<Value> = serde_json::from_str(&text).ok();
        if status.is_success() {
            return match json {
                Some(json) => Ok(Answer { text, json, next }),
                None if status.as_u16() == NO_CONTENT => Ok(Answer { text, json: Value::Null, next }),
                None => Err(RemoteError::Strange { base, status: status.as_u16() }),
            };
        }
        let word = |name: &str| Some(json.as_ref()?.get(name)?.as_str()?.to_owned());
        let Some(detail) = word("detail") else {
            return Err(RemoteError::Strange { base, status: status.as_u16() });
        };
        Err(match (status.as_u16(), &self.key) {
            (401 | 403, Ok(found)) => RemoteError::WrongKey { base, from: found.from.clone(), detail },
            (401 | 403, Err(why)) => RemoteError::KeyNeeded { base, detail, why: why.clone() },
            _ => RemoteError::Refused { detail: naming(word("field"), detail) },
        })
    }
}

/// What is wrong, with the field that it is about.
fn naming(field: Option<String>, detail: String) -> String {
    match field {
        Some(field) if !detail.contains(&field) => format!("{field}: {detail}"),
        _ => detail,
    }
}

/// `text` as a part of a path.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

/// The answer to what leaves nothing to show.
const NO_CONTENT: u16 = 204;
const TIMEOUT: Duration = Duration::from_secs(30);
/// Room for two million services.
const ANSWER_BYTES_MAX: u64 = 1 << 30;
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where the server is, without a slash at the end.
///
/// A heartbeat URL ends in a token, which is no part of it: all from `/api/heartbeat/` on is left out. What stands before that is
/// kept, as a proxy may have the server in a folder.
pub(super) fn base(url: &str) -> Result<String, RemoteError> {
    let uri: Uri = url.trim().parse().map_err(|_| RemoteError::BadUrl)?;
    let (Some("http" | "https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(RemoteError::BadUrl);
    };
    let path = uri.path().split(HEARTBEAT).next().unwrap_or_default().trim_end_matches('/');
    Ok(format!("{}://{authority}{path}", uri.scheme_str().unwrap_or("http")))
}

const HEARTBEAT: &str = "/api/heartbeat/";

/// The path and query of `<...>; rel="next"` in a `Link` header.
fn next_page(link: &str) -> Option<String> {
    let next = link.split(',').find(|part| part.contains("rel=\"next\"") || part.contains("rel=next"))?;
    let target = next.split_once('<')?.1.split_once('>')?.0;
    let uri: Uri = target.parse().ok()?;
    uri.path_and_query().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_url_says_where_the_server_is() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("https://h/api/heartbeat/t0ken?x=1", "https://h"),
            ("https://h:1/pulse/api/heartbeat/t0ken/", "https://h:1/pulse"),
            (" https://h/pulse/ ", "https://h/pulse"),
        ] {
            assert_eq!(base(url).expect(url), expected);
        }
        for wrong in ["", "127.0.0.1:8080", "ftp://h", "/api", "http://"] {
            assert!(matches!(base(wrong), Err(RemoteError::BadUrl)), "{wrong}");
        }
    }

    #[test]
    fn the_next_page_is_found() {
        let link = "</api/services?limit=2>; rel=\"first\", <http://h/api/services?after=b%20c&limit=2>; rel=\"next\"";
        assert_eq!(next_page(link).as_deref(), Some("/api/services?after=b%20c&limit=2"));
        assert_eq!(next_page("</a>; rel=\"prev\""), None);
    }

    #[test]
    fn names_are_parts_of_a_path() {
        assert_eq!(encoded("a b/ü?.-"), "a%20b%2F%C3%BC%3F.-");
    }
}
