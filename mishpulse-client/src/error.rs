//! Why a heartbeat did not arrive.

use std::time::Duration;

/// Why a heartbeat did not arrive, or why a [`Pulse`](crate::Pulse) could not be started.
///
/// The secret token of the address is in none of the texts: not in `Display`, not in `Debug`, and not where the
/// server repeats it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is none that a heartbeat can be sent to. Nothing was sent.
    #[error("bad heartbeat address: {reason}")]
    BadUrl {
        /// What is wrong with it and what to write instead.
        reason: String,
    },

    /// A setting of the [`Builder`](crate::Builder) cannot be used. Nothing was sent.
    #[error("bad setting {setting}: {reason}")]
    BadSetting {
        /// The method of the builder that set it.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },

    /// The server answered, and did not take the heartbeat.
    #[error("refused with status {status}: {detail}")]
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
    #[error("no answer within {} ms", .after.as_millis())]
    Timeout {
        /// How long was waited.
        after: Duration,
    },

    /// There was no conversation: the name is unknown, the connection was refused or broken, or the certificate is
    /// not trusted.
    #[error("unreachable: {reason}")]
    Unreachable {
        /// What the network or the TLS layer says about it.
        reason: String,
    },

    /// The operating system gave no thread to send from.
    #[error("no thread to send from: {reason}")]
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
