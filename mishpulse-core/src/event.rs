//! What comes out of a watchdog.

use core::fmt;
use core::str::FromStr;

use crate::blind::Gap;
use crate::error::UnknownWord;
use crate::id::ServiceId;
use crate::service::Status;
use crate::signal::Message;
use crate::time::Timestamp;

/// Something that became true. `K` is how the driver names its services.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<K = ServiceId> {
    /// A service has another status. Keep it, as history.
    Changed(Change<K>),
    /// A person must hear of something. Comes after the change that it is about.
    Alert(Alert<K>),
    /// The watcher itself was away, and silence in that time is held against nobody.
    Blind(Gap),
}

/// A change of status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<K = ServiceId> {
    /// Whose.
    pub service: K,
    /// What it was: always what the last change of this service led to.
    pub from: Status,
    /// What it is.
    pub to: Status,
    /// When that became true, which may be before it was noticed: a death is stamped with its deadline.
    pub at: Timestamp,
}

/// A decision that a person must hear of a service, with all that there is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert<K = ServiceId> {
    /// Whose.
    pub service: K,
    /// Of what.
    pub kind: AlertKind,
    /// When it became true.
    pub at: Timestamp,
    /// Its status before.
    pub from: Status,
    /// Its status now; the same as before for a reminder and for another error.
    pub to: Status,
    /// When the trouble began: the last signal before the silence, or the first error. For a warning, `at`.
    pub began: Timestamp,
    /// Since when it has had the status that this is about: of a reminder the time of death or of the first error.
    pub since: Timestamp,
    /// When it was last heard.
    pub last_seen: Option<Timestamp>,
    /// What it said last.
    pub message: Option<Message>,
}

/// Of what a person hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
#[non_exhaustive]
#[repr(u8)]
pub enum AlertKind {
    /// It has been silent for longer than allowed.
    Dead,
    /// It reports an error, or another one than before.
    Error,
    /// It reports a warning.
    Warning,
    /// It is well again.
    Recovered,
    /// It is still dead or in error.
    Reminder,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Dead, Self::Error, Self::Warning, Self::Recovered, Self::Reminder];

    /// The word for it: `dead`, `error`, `warning`, `recovered` or `reminder`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Recovered => "recovered",
            Self::Reminder => "reminder",
        }
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AlertKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownWord { expected: "dead, error, warning, recovered, reminder" })
    }
}

impl Event {
    /// The same event of the service that the driver calls `key`; `None` where it has no name for it.
    pub(crate) fn keyed<K>(self, key: impl FnOnce(ServiceId) -> Option<K>) -> Option<Event<K>> {
        Some(match self {
            Self::Changed(Change { service, from, to, at }) => {
                Event::Changed(Change { service: key(service)?, from, to, at })
            }
            Self::Alert(alert) => {
                let key = key(alert.service)?;
                Event::Alert(alert.of(key))
            }
            Self::Blind(gap) => Event::Blind(gap),
        })
    }
}

impl<A> Alert<A> {
    /// The same alert of another service.
    pub(crate) fn of<K>(self, service: K) -> Alert<K> {
        let Self { service: _, kind, at, from, to, began, since, last_seen, message } = self;
        Alert { service, kind, at, from, to, began, since, last_seen, message }
    }
}
