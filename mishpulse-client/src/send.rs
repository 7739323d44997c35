//! One heartbeat over HTTP, and nothing that outlives it but an idle connection.

use std::fmt::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::{Duration, Instant};

use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Proxy};

use crate::error::Error;
use crate::own;
use crate::resolve::OneLookup;
use crate::schedule::Jitter;
use crate::signal::{Signal, bounded, bounded_to};
use crate::url::Url;

/// Sends heartbeats to one address.
pub(crate) struct Sender {
    agent: Agent,
    url: Url,
    settings: Settings,
}

/// How to send, as the builder was told.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) timeout: Duration,
    pub(crate) retries: u32,
    pub(crate) app_name: Option<String>,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) keep_connection: bool,
    #[cfg(feature = "tls")]
    pub(crate) root_certificates: Option<ureq::tls::RootCerts>,
}

impl Sender {
    pub(crate) fn new(url: Url, settings: Settings) -> Self {
        let timeout = Some(settings.timeout);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // The token is in the path: it must not follow a redirect to whoever it points at.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(settings.proxy.clone())
            .user_agent(USER_AGENT)
            .timeout_global(timeout)
            .timeout_resolve(timeout)
            .timeout_connect(timeout)
            .timeout_send_request(timeout)
            .timeout_send_body(timeout)
            .timeout_recv_response(timeout)
            .timeout_recv_body(timeout)
            .input_buffer_size(BUFFER_BYTES)
            .output_buffer_size(BUFFER_BYTES)
            .max_response_header_size(BUFFER_BYTES)
            .max_idle_connections(usize::from(settings.keep_connection))
            .max_idle_connections_per_host(usize::from(settings.keep_connection));
        #[cfg(feature = "tls")]
        let config = {
            // No provider is named: ureq takes the one that the process has installed, else ring, and never asks
            // rustls to choose by its features, which panics in a program that has compiled in two.
            let tls = ureq::tls::TlsConfig::builder();
            config.tls_config(match &settings.root_certificates {
                Some(certificates) => tls.root_certs(certificates.clone()).build(),
                None => tls.build(),
            })
        };
        let agent = Agent::with_parts(config.build(), DefaultConnector::default(), OneLookup::default());
        Self { agent, url, settings }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// One try of at most `timeout`.
    pub(crate) fn send(&self, signal: &Signal, timeout: Duration) -> Result<(), Error> {
        let _own = own::enter();
        // The HTTP library is not expected to panic; if it does, that is not to become the app's panic.
        panic::catch_unwind(AssertUnwindSafe(|| self.exchange(signal, timeout)))
            .unwrap_or_else(|_| Err(Error::Unreachable { reason: "the HTTP library panicked".to_owned() }))
    }

    fn exchange(&self, signal: &Signal, timeout: Duration) -> Result<(), Error> {
        let timeout = timeout.min(self.settings.timeout);
        let request = self.agent.post(self.url.secret_uri()).header("content-type", "application/json");
        // A request with settings of its own shares less with the agent: only where it is needed.
        let request = if timeout < self.settings.timeout {
            request.config().timeout_global(Some(timeout)).build()
        } else {
            request
        };
        let mut response = request.send(self.body(signal)).map_err(|error| self.explain(error, timeout))?;
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let retry_after = header("retry-after").and_then(|value| value.trim().parse().ok());
        let location = header("location").map(str::to_owned);
        // Read even where it is not looked at, so that the connection can be used again.
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        if (200..300).contains(&status) {
            return Ok(());
        }
        let detail = match location {
            Some(to) if (300..400).contains(&status) => {
                format!("redirects are not followed; the address it points to is {to}")
            }
            _ => detail(&body.unwrap_or_default()),
        };
        let retry_after = retry_after.map(Duration::from_secs);
        Err(Error::Refused { status, detail: self.printable(&detail), retry_after })
    }

    /// Tries and tries again, the waits between included, for at most the timeout.
    pub(crate) fn send_patiently(&self, signal: &Signal) -> Result<(), Error> {
        let started = Instant::now();
        let mut jitter = Jitter::new();
        let mut tries = 0;
        loop {
            let used = if tries == 0 { Duration::ZERO } else { started.elapsed() };
            let left = self.settings.timeout.saturating_sub(used).max(LEAST_TIMEOUT);
            let error = match self.send(signal, left) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let wait = jitter.shorten(FIRST_WAIT.saturating_mul(1 << tries.min(16)));
            let wait = match &error {
                Error::Refused { retry_after: Some(asked), .. } => wait.max(*asked),
                _ => wait,
            };
            let over = started.elapsed().saturating_add(wait) >= self.settings.timeout;
            if tries >= self.settings.retries || over || !error.is_temporary() {
                return Err(error);
            }
            tries += 1;
            thread::sleep(wait);
        }
    }

    fn body(&self, signal: &Signal) -> String {
        let mut body = format!("{{\"status\":\"{}\"", signal.status());
        if let Some(message) = signal.message() {
            let message = match &self.settings.app_name {
                Some(name) => bounded(format_args!("{name}: {message}")),
                None => message.to_owned(),
            };
            body.push_str(",\"message\":");
            push_json_string(&mut body, &self.url.hide_in_message(&message));
        }
        body.push('}');
        body
    }

    fn explain(&self, error: ureq::Error, timeout: Duration) -> Error {
        match error {
            ureq::Error::Timeout(_) => Error::Timeout { after: timeout },
            ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::TimedOut => {
                Error::Timeout { after: timeout }
            }
            ureq::Error::Io(io) => Error::Unreachable { reason: self.printable(&io.to_string()) },
            ureq::Error::HostNotFound => Error::Unreachable { reason: "host not found".to_owned() },
            // These carry the address.
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                Error::BadUrl { reason: "the HTTP library does not take it".to_owned() }
            }
            other => Error::Unreachable { reason: self.printable(&other.to_string()) },
        }
    }

    /// A text from outside made fit for a log line: no secret, no control characters, a bound.
    fn printable(&self, text: &str) -> String {
        let text = self.url.hide_in(text);
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        bounded_to(line.trim(), DETAIL_BYTES_MAX)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What the server says: `detail` of a problem document (RFC 9457), else the body itself.
fn detail(body: &str) -> String {
    let told = body.split_once("\"detail\"").and_then(|(_, rest)| {
        let text = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        Some(json_text(text))
    });
    match told {
        Some(text) if !text.is_empty() => text,
        _ if body.trim().is_empty() => "no reason given".to_owned(),
        _ => body.to_owned(),
    }
}

/// The text of a JSON string from behind its opening quote to its closing one.
fn json_text(escaped: &str) -> String {
    let mut text = String::new();
    let mut rest = escaped.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => break,
            '\\' => match rest.next() {
                Some('u') => {
                    let code = u32::from_str_radix(&rest.by_ref().take(4).collect::<String>(), 16);
                    text.push(code.ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                Some('n' | 'r' | 't' | 'b' | 'f') => text.push(' '),
                Some(other) => text.push(other),
                None => break,
            },
            _ => text.push(c),
        }
    }
    text
}

fn push_json_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

pub(crate) const LEAST_TIMEOUT: Duration = Duration::from_millis(10);
const FIRST_WAIT: Duration = Duration::from_millis(500);
const BUFFER_BYTES: usize = 16 * 1024;
const ANSWER_BYTES_MAX: u64 = 8 * 1024;
const DETAIL_BYTES_MAX: usize = 512;
const USER_AGENT: &str = concat!("mishpulse-client/", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detail_of_a_problem_is_found() {
        let body = r#"{"type":"about:blank","title":"Forbidden","status":403, "detail" : "no \"such\" token\u2026"}"#;
        assert_eq!(detail(body), "no \"such\" token\u{2026}");
        assert_eq!(detail("<h1>nope</h1>"), "<h1>nope</h1>");
        assert_eq!(detail(r#"{"detail":7}"#), r#"{"detail":7}"#);
        assert_eq!(detail(r#"{"detail":"cut \"#), "cut ");
        assert_eq!(detail(""), "no reason given");
    }

    #[test]
    fn a_message_becomes_a_json_string() {
        let mut out = String::new();
        push_json_string(&mut out, "a \"b\" \\ \n\u{1} é");
        assert_eq!(out, r#""a \"b\" \\ \n\u0001 é""#);
    }
}
