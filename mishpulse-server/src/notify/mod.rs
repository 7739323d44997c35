//! Telling people: one file a channel, and one thread for each that is configured.

use std::path::PathBuf;
use std::sync::Arc;

use mishpulse_core::{Clock, Span};

use crate::store::rows::{DeliveryId, Letter};

mod address;
mod clerk;
mod email;
mod message;
mod notifier;
mod post;
mod probe;
mod reach;
mod retry;
mod samples;
mod smtp;
mod storm;
mod telegram;
mod template;
pub(crate) mod text;
pub(crate) mod text_en;
pub(crate) mod text_ru;
mod tls;
mod trial;
mod webhook;
mod worker;

pub use clerk::{Clerk, Paper, STORE_PAUSE, Step};
pub use email::Email;
pub use message::{DIGEST_NAMES_MAX, Texts};
pub use notifier::{Notifier, NotifierError, OpenHistory, ReadyChannels};
pub use probe::{Seen, probe, probe_url};
pub use retry::Dice;
pub use telegram::Telegram;
pub use template::TemplateError;
pub use trial::{TRIAL_TIMEOUT, TrialError, Trials};
pub use webhook::Webhook;
pub use worker::{Office, Worker};

/// A way to tell people. Its methods block; each channel has a thread of its own, so that one that hangs delays no other.
pub trait Channel: Send {
    /// Sends one parcel and waits for the answer, at most [`SEND_TIMEOUT`].
    ///
    /// # Errors
    /// [`Refusal`] says whether another try makes sense.
    fn send(&mut self, parcel: &Parcel<'_>) -> Result<(), Refusal>;

    /// Looks whether a parcel would get through, as far as that shows without sending one.
    ///
    /// # Errors
    /// [`Refusal`] where it would not.
    fn probe(&mut self) -> Result<Seen, Refusal>;

    /// The most bytes that a text may have here. A digest names fewer services where its text would be longer.
    fn text_bytes_max(&self) -> usize {
        64 * 1024
    }
}

/// One letter, ready to go.
#[derive(Debug)]
pub struct Parcel<'a> {
    /// The id of the delivery, the same on every try.
    pub id: DeliveryId,
    /// What it tells, for channels that send data.
    pub letter: &'a Letter,
    /// What it tells, in words.
    pub text: &'a str,
    /// The delivery that told of the trouble whose end this is.
    pub in_reply_to: Option<DeliveryId>,
}

/// Why a parcel was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It may be accepted later: try again, not before `after` where the channel says so.
    #[error("{why}")]
    Later {
        /// What happened, without secrets.
        why: String,
        /// The least time that the channel asked to wait.
        after: Option<Span>,
    },
    /// It will never be accepted as things stand.
    #[error("{why}")]
    Final {
        /// What happened, without secrets, and what the operator can do.
        why: String,
    },
}

impl Refusal {
    /// A refusal that another try may change.
    pub fn later(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), after: None }
    }

    /// A refusal for good.
    pub fn last(why: impl Into<String>) -> Self {
        Self::Final { why: why.into() }
    }
}

/// A channel that cannot be used as it is set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The certificates of the private CA.
    #[error("{}: {detail}", file.display())]
    CaFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The certificates that the system trusts.
    #[error("the system's CA certificates cannot be read: {0}; install ca-certificates or set ca_file")]
    Roots(String),
    /// TLS itself.
    #[error("TLS cannot be used: {0}")]
    Tls(String),
    /// The thread's own small runtime.
    #[error("the mail client cannot start: {0}")]
    Runtime(String),
}

/// The clock that the channels share with the rest of the server.
pub type SharedClock = Arc<dyn Clock + Send + Sync>;

/// The longest that one try may take, name look-up and all.
pub const SEND_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);
