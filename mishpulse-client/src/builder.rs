//! Everything that can be set, and the three things that can be made of it.

use std::env;
use std::fmt;
use std::time::Duration;

use ureq::Proxy;

use crate::error::Error;
use crate::job::Job;
use crate::pulse::{self, Pulse};
use crate::send::{Sender, Settings};
use crate::signal::{Signal, bounded_to};
use crate::url::Url;

/// The settings of a [`Pulse`], a [`Job`] or a single [`beat`](Self::beat).
///
/// ```no_run
/// use std::time::Duration;
///
/// let _pulse = mishpulse_client::Builder::new("https://pulse.example.org/api/heartbeat/TOKEN")
///     .interval(Duration::from_secs(30))
///     .app_name("importer")
///     .start()?;
/// # Ok::<(), mishpulse_client::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until `start`, `beat` or `job`"]
pub struct Builder {
    url: Result<Url, Error>,
    pub(crate) interval: Duration,
    timeout: Duration,
    pub(crate) retries: u32,
    app_name: Option<String>,
    proxy: Option<Result<Proxy, Error>>,
    #[cfg(feature = "tls")]
    root_certificates: Option<Result<ureq::tls::RootCerts, Error>>,
    pub(crate) flush_timeout: Duration,
    pub(crate) report_panics: bool,
    pub(crate) quiet: bool,
}

impl Builder {
    /// For the heartbeat address `url`, `http://HOST:PORT/api/heartbeat/TOKEN`, as the monitor shows it.
    ///
    /// A bad one is reported by what is made of the builder.
    pub fn new(url: impl AsRef<str>) -> Self {
        Self::with(Url::parse(url.as_ref()))
    }

    /// For the heartbeat address in the environment variable `MISHPULSE_URL`.
    ///
    /// Where it is missing or empty that is an [`Error::BadUrl`] of what is made of the builder.
    pub fn from_env() -> Self {
        match env::var(VARIABLE) {
            Ok(url) if !url.trim().is_empty() => Self::new(url),
            _ => Self::with(Err(Error::BadUrl { reason: format!("{VARIABLE} is not set") })),
        }
    }

    fn with(url: Result<Url, Error>) -> Self {
        Self {
            url,
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(10),
            retries: 5,
            app_name: None,
            proxy: None,
            #[cfg(feature = "tls")]
            root_certificates: None,
            flush_timeout: Duration::from_secs(2),
            report_panics: true,
            quiet: false,
        }
    }

    /// The time from one regular beat to the next: 60 s unless set; what is outside 10 ms to 30 days is taken to
    /// the nearer end. Let the service's timeout in the monitor be at least twice as long.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.clamp(TIME_MIN, Duration::from_secs(30 * 24 * 3600));
        self
    }

    /// The time for one try, from the look-up of the name to the last byte of the answer: 10 s unless set; 10 ms to
    /// 5 minutes. [`beat`](Self::beat) and a [`Job`] take no longer than this with all their retries.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.clamp(TIME_MIN, Duration::from_secs(300));
        self
    }

    /// How often a failed heartbeat is tried again at growing distances: 5 unless set.
    ///
    /// A pulse waits 1 s, 2 s, 4 s and so on, at most the interval, each wait shortened by chance by up to half; after
    /// that it goes on trying once an interval for as long as it lives. A refusal that a retry cannot help (an
    /// unknown token) waits for the next interval at once.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// A name that is put before every message, `importer: disk full`; at most 128 bytes of it.
    pub fn app_name(mut self, name: impl fmt::Display) -> Self {
        self.app_name = Some(bounded_to(name, NAME_BYTES_MAX)).filter(|name| !name.is_empty());
        self
    }

    /// An HTTP proxy, `http://USER:PASSWORD@HOST:PORT`, through which everything is sent with `CONNECT`.
    ///
    /// None unless set: the proxy variables of the environment are not looked at.
    pub fn proxy(mut self, proxy: impl AsRef<str>) -> Self {
        let bad = |_| Error::BadSetting {
            setting: "proxy",
            reason: "expected http://USER:PASSWORD@HOST:PORT".to_owned(),
        };
        self.proxy = Some(Proxy::new(proxy.as_ref()).map_err(bad));
        self
    }

    /// Trusts these certificates, one or several in PEM, as roots instead of Mozilla's: for a monitor behind a
    /// private certificate authority.
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.root_certificates = Some(parse_roots(pem.as_ref()));
        self
    }

    /// How long the drop of a [`Pulse`] may take to deliver what the monitor does not know yet, and how long a
    /// panicking thread waits for its report: 2 s unless set; at most 1 minute. Zero waits for nothing.
    pub fn flush_timeout(mut self, timeout: Duration) -> Self {
        self.flush_timeout = timeout.min(Duration::from_secs(60));
        self
    }

    /// Whether a panic anywhere in the program is reported as an error: true unless set.
    pub fn report_panics(mut self, report: bool) -> Self {
        self.report_panics = report;
        self
    }

    /// Writes nothing to stderr. Otherwise each kind of trouble (refused, unreachable, ...) is told there once.
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Starts to beat from a background thread; the first beat leaves at once.
    ///
    /// Nothing is waited for: whether the monitor is there shows in [`Pulse::last_error`].
    ///
    /// # Errors
    /// [`Error::BadUrl`], [`Error::BadSetting`], or [`Error::NoThread`] where the system gives no thread.
    pub fn start(self) -> Result<Pulse, Error> {
        let keep_connection = self.interval < KEPT_BELOW;
        let sender = self.sender(keep_connection)?;
        Pulse::start(&self, sender)
    }

    /// Like [`start`](Self::start), but for a program that runs just as well without a monitor: an error is told once
    /// on stderr and kept in [`Pulse::last_error`], and the pulse that comes back does nothing.
    pub fn start_anyway(self) -> Pulse {
        let (quiet, flush_timeout) = (self.quiet, self.flush_timeout);
        self.start().unwrap_or_else(|error| pulse::idle(error, quiet, flush_timeout))
    }

    /// Sends one heartbeat now and waits for the answer, at most the [`timeout`](Self::timeout) with all retries.
    ///
    /// # Errors
    /// Any [`Error`] but [`Error::NoThread`].
    pub fn beat(&self, signal: impl Into<Signal>) -> Result<(), Error> {
        self.sender(false)?.send_patiently(&signal.into())
    }

    /// Begins a job that will say how it ended; nothing is sent yet. Never fails: a bad address is an error of the
    /// report, and told once on stderr.
    pub fn job(&self) -> Job {
        Job::begin(self.sender(false), self.quiet, self.report_panics)
    }

    fn sender(&self, keep_connection: bool) -> Result<Sender, Error> {
        let settings = Settings {
            timeout: self.timeout,
            retries: self.retries,
            app_name: self.app_name.clone(),
            proxy: self.proxy.clone().transpose()?,
            keep_connection,
            #[cfg(feature = "tls")]
            root_certificates: self.root_certificates.clone().transpose()?,
        };
        Ok(Sender::new(self.url.clone()?, settings))
    }
}

/// Neither the token nor the proxy's password is shown.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("url", &self.url)
            .field("interval", &self.interval)
            .field("timeout", &self.timeout)
            .field("retries", &self.retries)
            .field("app_name", &self.app_name)
            .field("proxy", &self.proxy.is_some())
            .field("flush_timeout", &self.flush_timeout)
            .field("report_panics", &self.report_panics)
            .field("quiet", &self.quiet)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "tls")]
fn parse_roots(pem: &[u8]) -> Result<ureq::tls::RootCerts, Error> {
    use ureq::tls::{PemItem, RootCerts, parse_pem};

    let bad = |reason: &str| Error::BadSetting { setting: "root_certificates", reason: reason.to_owned() };
    let mut certificates = Vec::new();
    for item in parse_pem(pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(bad("it is no valid PEM")),
        }
    }
    if certificates.is_empty() {
        return Err(bad("there is no certificate in it: expected -----BEGIN CERTIFICATE-----"));
    }
    Ok(RootCerts::from(certificates))
}

pub(crate) const VARIABLE: &str = "MISHPULSE_URL";
const TIME_MIN: Duration = Duration::from_millis(10);
const NAME_BYTES_MAX: usize = 128;
/// A connection is kept open between beats only where they come so often that it saves something; a server would
/// have closed it before the next beat otherwise.
const KEPT_BELOW: Duration = Duration::from_secs(10);
