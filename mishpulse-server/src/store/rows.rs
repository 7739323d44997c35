//! What is stored, as plain data: the words that the engine, the store and the notifier share.

use mishpulse_core::{AlertKind, Gap, Service, ServiceId, Span, Status, Timestamp};
use serde::{Deserialize, Serialize};

use crate::config::{ChannelName, Overrides, ServiceName, Tag, Token};

/// One service: who it is, what it set, what happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRow {
    /// Its handle, which is also its key in the store.
    pub id: ServiceId,
    /// Who it is and what it set.
    pub identity: Identity,
    /// What happened to it.
    pub facts: Service,
}

/// Who a service is and what it set itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its unique name.
    pub name: ServiceName,
    /// Its unique secret.
    pub token: Token,
    /// What it sets itself.
    pub overrides: Overrides,
    /// Whether the configuration file declares it.
    pub declared: bool,
}

/// What a server needs beside its services to go on where it stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// When the server was away, as far as it still counts.
    pub gaps: Vec<Gap>,
    /// Until when the last server is known to have listened; `None` where there was none.
    pub seen: Option<Timestamp>,
    /// The last signal before the last silence of everyone that people were told of.
    pub silence: Option<Timestamp>,
}

/// One line of the history: a change of status, an alert, a time of blindness or a change by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Whose; `None` for what concerns the server itself.
    pub service: Option<ServiceId>,
    /// When it became true.
    pub at: Timestamp,
    /// What it was.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
#[non_exhaustive]
pub enum EventKind {
    /// The status changed.
    Transition {
        /// What it was.
        from: Status,
        /// What it is.
        to: Status,
        /// What the service said.
        message: Option<String>,
    },
    /// People were told.
    Alert {
        /// Of what.
        alert: AlertKind,
        /// What the service said.
        message: Option<String>,
    },
    /// The server was not listening.
    Blind {
        /// Since when.
        from: Timestamp,
    },
    /// Nothing was heard from anyone, and more than half of all fell silent.
    Silence {
        /// The last signal from anyone.
        since: Timestamp,
        /// How many had fallen silent when people were told.
        silent: usize,
        /// Of how many.
        of: usize,
    },
    /// Someone changed something by hand.
    Edit {
        /// What was done: `created`, `updated`, `paused`, `resumed`, `token rotated`.
        action: String,
        /// The name of the key that did it, or `config`.
        by: String,
    },
}

/// A change of status alone, for whoever adds up times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransitionRow {
    /// When it became true.
    pub at: Timestamp,
    /// What the status was.
    pub from: Status,
    /// What it is since.
    pub to: Status,
}

/// The id of a delivery: the text of a version 7 UUID, the same on every try.
pub type DeliveryId = uuid::Uuid;

/// What one alert tells one channel: a snapshot, so that a late delivery still says what was true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Of what.
    pub kind: LetterKind,
    /// When it became true.
    pub at: Timestamp,
    /// When the trouble began: the last signal before the silence, or the first error.
    pub began: Timestamp,
    /// Since when the service has had the status that this is about.
    pub since: Timestamp,
    /// How long it may be silent, timeout and grace together.
    pub allowance: Span,
    /// The service; `None` for a digest, a silence of everyone and a test.
    pub service: Option<About>,
    /// Of a digest: the services it stands for, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<ServiceName>,
    /// Whether it leaves in a digest where it can: what it is a part of was told already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_gathered: bool,
}

/// Of what a letter tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LetterKind {
    /// A test, sent by hand.
    Test,
    /// Nothing is heard from anyone.
    Silence {
        /// How many have fallen silent.
        silent: u32,
        /// Of how many.
        of: u32,
    },
    /// One alert of one service.
    #[serde(untagged)]
    Alert(AlertKind),
    /// Many alerts of a kind at once, named one by one.
    #[serde(untagged)]
    Digest {
        /// The kind of all of them.
        digest: AlertKind,
    },
}

impl LetterKind {
    /// The word for it: that of the alert, `digest`, `silence` or `test`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alert(kind) => kind.as_str(),
            Self::Digest { .. } => "digest",
            Self::Silence { .. } => "silence",
            Self::Test => "test",
        }
    }
}

/// A service, as a letter speaks of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its name.
    pub name: ServiceName,
    /// Its status after the change.
    pub status: Status,
    /// Its status before.
    pub previous_status: Status,
    /// When it was last heard.
    pub last_seen: Option<Timestamp>,
    /// What it said last.
    pub message: Option<String>,
    /// Its labels.
    pub tags: Vec<Tag>,
}

/// One letter on its way to one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its place in the order of all deliveries.
    pub seq: i64,
    /// Its id, the same on every try.
    pub id: DeliveryId,
    /// The service it is about; `None` for a digest, a silence of everyone, a test, or a service that is no more.
    pub service: Option<ServiceId>,
    /// The channel it goes to.
    pub channel: ChannelName,
    /// What it tells.
    pub letter: Letter,
    /// When the alert was decided.
    pub created_at: Timestamp,
    /// What has become of it.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, while pending.
    pub next_try: Timestamp,
    /// When it was last tried or settled.
    pub tried_at: Option<Timestamp>,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// The digest that carries it, if one does.
    pub digest: Option<DeliveryId>,
    /// Of a recovery: the delivery that told of the trouble on this channel.
    pub in_reply_to: Option<DeliveryId>,
}

/// What has become of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It is still to be accepted.
    Pending,
    /// It was accepted, itself or the digest that carries it.
    Sent,
    /// It was refused for good, or has expired.
    Failed,
}
