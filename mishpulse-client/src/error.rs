//! Why a heartbeat did not arrive.

use std::fmt;
use std::time::Duration;

/// Why a heartbeat did not arrive, or why a [`Pulse`](crate::Pulse) could not be started.
///
/// The secret token of the address is in none of the texts: not in `Display`, not in `Debug`, and not where the
/// server repeats it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The address is none that a heartbeat can be sent to. Nothing was sent.
    BadUrl {
        /// What is wrong with it and what to write instead.
        reason: String,
    },

    /// A setting of the [`Builder`](crate::Builder) cannot be used. Nothing was sent.
    BadSetting {
        /// The method of the builder that set it.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },

    /// The server answered, and did not take the heartbeat.
    Refused {
        /// The HTTP status: 403 for an unknown token, 503 where the server cannot store now, 3xx for a redirect,
        /// which is never followed.
        status: u16,
        /// What the server says about it, at most 512 bytes.
        detail: String,
        /// How long the server asks to wait before the next try.
        retry_after: Option<Duration>,
    },

    /// No answer came in time. The server may have taken the heartbeat all the same.
    Timeout {
        /// How long was waited.
        after: Duration,
    },

    /// There was no conversation: the name is unknown, the connection was refused or broken, or the certificate is
    /// not trusted.
    Unreachable {
        /// What the network or the TLS layer says about it.
        reason: String,
    },

    /// The operating system gave no thread to send from.
    NoThread {
        /// What the operating system says about it.
        reason: String,
    },
}

impl Error {
    /// Whether the same heartbeat may get through later although nobody changes anything: true for
    /// [`Timeout`](Self::Timeout), [`Unreachable`](Self::Unreachable) and a refusal with 408, 425, 429 or 5xx.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::BadUrl { .. } | Self::BadSetting { .. } | Self::NoThread { .. } => false,
        }
    }

    /// A bit for each kind, so that each is told once.
    pub(crate) const fn kind_bit(&self) -> u8 {
        match self {
            Self::BadUrl { .. } => 1,
            Self::BadSetting { .. } => 1 << 1,
            Self::Refused { .. } => 1 << 2,
            Self::Timeout { .. } => 1 << 3,
            Self::Unreachable { .. } => 1 << 4,
            Self::NoThread { .. } => 1 << 5,
        }
    }
}

// By hand rather than derived: the derive is six more crates for an app to compile.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadUrl { reason } => write!(f, "bad heartbeat address: {reason}"),
            Self::BadSetting { setting, reason } => write!(f, "bad setting {setting}: {reason}"),
            Self::Refused { status, detail, .. } => write!(f, "refused with status {status}: {detail}"),
            Self::Timeout { after } => write!(f, "no answer within {} ms", after.as_millis()),
            Self::Unreachable { reason } => write!(f, "unreachable: {reason}"),
            Self::NoThread { reason } => write!(f, "no thread to send from: {reason}"),
        }
    }
}

impl std::error::Error for Error {}
