//! One HTTP request that posts JSON, for the channels that work so: bounded in time and size, without proxies, redirects
//! or a second try, and with errors that say what to do and hold no secret.

use std::io::Read as _;
use std::net::IpAddr;
use std::time::Duration;

use ureq::http::{StatusCode, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Error};

use super::Refusal;
use super::address::{Names, OnlyPrivate};
use super::text::{blotted, shortened};
use super::tls;

/// Posts, each time on a connection of its own.
#[derive(Debug)]
pub(super) struct Poster {
    agent: Agent,
    timeout: Duration,
}

/// What the other side answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: StatusCode,
    /// The field `Retry-After`, as it came.
    pub(super) retry_after: Option<String>,
    /// The start of the body, as far as it came.
    pub(super) body: Vec<u8>,
}

impl Poster {
    /// Posts within `timeout`, look-up of the name and all; to any address, or only to public ones.
    pub(super) fn new(timeout: Duration, only_public: bool) -> Self {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(tls::provider());
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // A proxy would look names up itself, past the check of addresses.
            .proxy(None)
            // An idle connection may be gone when it is used again, and then nobody knows what arrived.
            .max_idle_connections(0)
            .user_agent(USER_AGENT)
            .accept("application/json")
            .input_buffer_size(BUFFER_BYTES)
            .output_buffer_size(BUFFER_BYTES)
            .tls_config(tls.build())
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), Names::new(only_public));
        Self { agent, timeout }
    }

    /// Posts `body` and waits for the answer. Once its status is there it counts, whatever becomes of its body.
    ///
    /// # Errors
    /// [`Refusal`] where no status was received.
    pub(super) fn post(&self, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, Refusal> {
        let mut request = self.agent.post(url).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send(body).map_err(|error| self.refusal(&error, url))?;
        let status = response.status();
        let retry_after =
            response.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        let reader = response.into_body().into_reader();
        // A body that breaks off, or never ends, changes nothing: the status was received.
        let _ = reader.take(BODY_BYTES_MAX).read_to_end(&mut body);
        Ok(Answer { status, retry_after, body })
    }

    /// Why there was no answer. What the network or a broken peer did may pass; only what cannot ever work is final.
    fn refusal(&self, error: &Error, url: &str) -> Refusal {
        let uri = url.parse::<Uri>().unwrap_or_default();
        let host = uri.host().unwrap_or("the server");
        if let Some(error) = tls_error(error) {
            let trust = "install its CA on this machine";
            return Refusal::later(format!("{host} cannot be trusted: {}", tls::explain(error, trust)));
        }
        match error {
            Error::Timeout(ureq::Timeout::Resolve) => {
                Refusal::later(format!("looking up {host} took too long"))
            }
            Error::Timeout(_) => {
                Refusal::later(format!("{host} did not answer within {} s", self.timeout.as_secs_f32()))
            }
            Error::HostNotFound => Refusal::later(format!("the name {host} does not resolve")),
            Error::Io(cause) => Refusal::later(format!("the connection to {host} failed: {cause}")),
            Error::Other(cause) if cause.is::<OnlyPrivate>() => {
                let why = format!("{host} is a private address, which allow_private = false forbids");
                match host.trim_matches(['[', ']']).parse::<IpAddr>() {
                    Ok(_) => Refusal::last(why),
                    Err(_) => Refusal::later(why),
                }
            }
            Error::BadUri(_) | Error::Http(_) => {
                Refusal::last(format!("the request to {host} cannot be made: check its URL and headers"))
            }
            Error::Protocol(_) | Error::LargeResponseHeader(..) => {
                Refusal::later(format!("{host} does not answer in HTTP: check scheme and port"))
            }
            _ => Refusal::later(format!("the request to {host} failed")),
        }
    }
}

impl Answer {
    /// The status and the first line of the body, with each of `secrets` blotted out.
    pub(super) fn quoted(&self, secrets: &[String]) -> String {
        let mut body = String::from_utf8_lossy(&self.body).into_owned();
        for secret in secrets {
            body = body.replace(secret.as_str(), "***");
        }
        let secrets = secrets.iter().map(String::as_str);
        let mut lines = body.lines().map(|line| blotted(line, secrets.clone()));
        let first = lines.find(|line| !line.is_empty()).unwrap_or_default();
        let reason = self.status.canonical_reason().unwrap_or_default();
        let status = format!("{} {reason}", self.status.as_u16());
        match first.as_str() {
            "" => status.trim().to_owned(),
            first => format!("{}: {}", status.trim(), shortened(first.to_owned(), QUOTE_CHARS_MAX)),
        }
    }
}

fn tls_error(error: &Error) -> Option<&rustls::Error> {
    match error {
        Error::Rustls(error) => Some(error),
        Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}

const USER_AGENT: &str = concat!("MishPulse/", env!("CARGO_PKG_VERSION"));

/// The most bytes of an answer's body that are read.
const BODY_BYTES_MAX: u64 = 64 * 1024;

/// The most characters of an answer's body that an error quotes.
const QUOTE_CHARS_MAX: usize = 200;

const BUFFER_BYTES: usize = 16 * 1024;
