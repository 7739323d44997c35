//! What the engine can be asked, and what it answers.

use mishpulse_core::{Signal, Timestamp};
use tokio::sync::oneshot;

use super::row::Row;
use crate::config::{FieldError, ServiceName, Settings, Token};
use crate::store::rows::Identity;
use crate::store::{NewDelivery, Settlement};

/// Something for the engine to do. The answer comes after the commit; where it cannot be kept, nothing of it is.
pub enum Command {
    /// A service was heard.
    Beat {
        /// Whose token came.
        token: Token,
        /// What it said.
        signal: Signal,
        /// When it came in.
        received: Timestamp,
        /// Gets the answer.
        reply: Reply<BeatOutcome>,
    },
    /// A person or a program changes something.
    Edit {
        /// What; boxed, so that beats, which are nearly all commands, are small.
        edit: Box<Edit>,
        /// The name of the key that does it.
        by: String,
        /// Gets the answer.
        reply: Reply<Result<Edited, EditError>>,
    },
    /// A try to deliver has ended.
    Settle {
        /// How.
        settlement: Settlement,
        /// Gets the answer.
        reply: Reply<()>,
    },
    /// A letter of the notifier's own goes into the outbox: a digest or a test.
    Post {
        /// The letter.
        delivery: Box<NewDelivery>,
        /// Gets the answer.
        reply: Reply<()>,
    },
    /// The configuration was read again.
    Reconfigure {
        /// What it says now.
        settings: std::sync::Arc<Settings>,
        /// Gets the answer.
        reply: Reply<Result<(), EditError>>,
    },
    /// Stop after what is being done.
    Stop,
}

/// Where an answer goes.
pub type Reply<T> = oneshot::Sender<Result<T, Unavailable>>;

/// Nothing of it was kept: the store does not take writes, or there is too much to do. It may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be stored now; nothing of it was kept, send it again")]
pub struct Unavailable;

/// What became of a beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeatOutcome {
    /// It is kept.
    Stored,
    /// No service has this token.
    UnknownToken,
}

/// A change by hand.
pub enum Edit {
    /// Makes a service.
    Create(Identity),
    /// Makes other what a service is or sets, by its present identity.
    Update {
        /// Which.
        name: ServiceName,
        /// Says what it is to be.
        change: Judge<Identity>,
    },
    /// Drops a service and its history.
    Delete {
        /// Which.
        name: ServiceName,
        /// Says whether it is the one that is meant, by its present identity.
        check: Judge<()>,
    },
    /// Pauses a service.
    Pause(ServiceName),
    /// Resumes a service.
    Resume(ServiceName),
    /// Gives a service another token.
    RotateToken(ServiceName, Token),
}

/// Looks at what a service is now, inside the engine's turn, and decides.
pub type Judge<T> = Box<dyn FnOnce(&Identity) -> Result<T, EditError> + Send>;

/// What there is after an edit.
#[derive(Debug, Clone, PartialEq)]
pub enum Edited {
    /// The service, as it is now.
    Service(Box<Row>),
    /// Nothing: it was deleted.
    Deleted,
}

/// Why an edit is refused; nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// No service has this name.
    #[error("there is no service `{0}`")]
    NotFound(ServiceName),
    /// Another service has this name.
    #[error("a service `{0}` exists already; choose another name")]
    NameTaken(ServiceName),
    /// Another service has this token.
    #[error("another service has this token; choose another, or leave it out to get a new one")]
    TokenTaken,
    /// The token that the configuration file gives a service is another's.
    #[error("the token of service `{name}` is that of `{other}` already; give one of them another token")]
    TokenOf {
        /// Which.
        name: ServiceName,
        /// Whose token it is.
        other: ServiceName,
    },
    /// A value cannot be.
    #[error(transparent)]
    Wrong(#[from] FieldError),
    /// The service is not as whoever edits it believes.
    #[error(
        "the service is not as `If-Match` or `If-None-Match` demands; read it again, and send the ETag that it has now"
    )]
    Changed,
    /// Its name stands in the configuration file.
    #[error("the configuration file declares `{0}`; rename it there, and have the file read again")]
    NameDeclared(ServiceName),
    /// Its token stands in the configuration file.
    #[error(
        "the token of `{0}` stands in the configuration file; change it there, and have the file read again"
    )]
    TokenDeclared(ServiceName),
    /// There are as many services as allowed.
    #[error(
        "there are {0} services already, which is the limit; delete some, or raise `services` in [limits]"
    )]
    TooMany(usize),
}
