//! The facts of one service: all that storage keeps of what happened to it. Nothing in here is derived.

use alloc::boxed::Box;
use core::fmt;
use core::str::FromStr;

use crate::error::UnknownWord;
use crate::policy::Policy;
use crate::signal::{Message, Signal};
use crate::time::{Span, Timestamp};

/// What is believed of a service now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Status {
    /// Never heard of yet.
    New,
    /// Heard in time, and well.
    Alive,
    /// Heard in time, with a warning.
    Warning,
    /// Heard in time, with an error.
    Error,
    /// Silent for longer than allowed.
    Dead,
    /// Not watched for a while, at someone's wish.
    Paused,
}

impl Status {
    /// Every status, in the order of their declaration.
    pub const ALL: [Self; 6] = [Self::New, Self::Alive, Self::Warning, Self::Error, Self::Dead, Self::Paused];

    /// The word for it: `new`, `alive`, `warning`, `error`, `dead` or `paused`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Alive => "alive",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Dead => "dead",
            Self::Paused => "paused",
        }
    }

    /// Whether its silence is being measured.
    #[must_use]
    pub const fn is_timed(self) -> bool {
        matches!(self, Self::Alive | Self::Warning | Self::Error)
    }

    /// Whether it is `dead` or in `error`.
    #[must_use]
    pub const fn is_trouble(self) -> bool {
        matches!(self, Self::Dead | Self::Error)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Status {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownWord { expected: "new, alive, warning, error, dead, paused" })
    }
}

/// The facts of one service. Store these, give them back to
/// [`Watchdog::restore`](crate::Watchdog::restore), and it goes on as if nothing had been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// What is believed of it.
    pub status: Status,
    /// When that became true.
    pub since: Timestamp,
    /// When it was last heard, whatever it said.
    pub last_seen: Option<Timestamp>,
    /// From when its silence counts: from the last signal, or later where it was resumed or pardoned.
    pub silent_from: Timestamp,
    /// Whether its silence was pardoned because the watcher was away; once until it is heard again.
    pub pardoned: bool,
    /// What few have; `None` where it would be empty.
    said: Option<Box<Said>>,
}

/// What was said by a service and of it, behind one pointer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Said {
    message: Option<Message>,
    trouble: Option<Box<Trouble>>,
}

/// What people were told of a service that is dead or in error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// When it was last well: its last signal before it fell silent, or its first error.
    pub began: Timestamp,
    /// When the last alert of an error was raised.
    pub error_told_at: Option<Timestamp>,
    /// What that alert said.
    pub error_told: Option<Message>,
    /// From when the time to the next reminder counts, where that is not since it got its status: when the last one was
    /// due, or from when there is anything to remind of.
    pub reminded_at: Option<Timestamp>,
    /// Whether any alert of this trouble was raised; only then is its end told.
    pub told: bool,
}

impl Service {
    /// A service that was never heard, watched since `now`.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self {
            status: Status::New,
            since: now,
            last_seen: None,
            silent_from: now,
            pardoned: false,
            said: None,
        }
    }

    /// What it said last.
    #[inline]
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        self.said.as_ref()?.message.as_ref()
    }

    /// Makes it have said `message` last.
    #[inline]
    pub fn set_message(&mut self, message: Option<Message>) {
        if self.said.is_some() || message.is_some() {
            self.said.get_or_insert_default().message = message;
            self.tidy();
        }
    }

    /// What people were told, while it is dead or in error; `None` where they were told nothing.
    #[must_use]
    pub fn trouble(&self) -> Option<&Trouble> {
        self.said.as_ref()?.trouble.as_deref()
    }

    /// Makes `trouble` what people were told.
    pub fn set_trouble(&mut self, trouble: Option<Trouble>) {
        if self.said.is_some() || trouble.is_some() {
            self.said.get_or_insert_default().trouble = trouble.map(Box::new);
            self.tidy();
        }
    }

    pub(crate) fn trouble_mut(&mut self) -> Option<&mut Trouble> {
        self.said.as_mut()?.trouble.as_deref_mut()
    }

    /// Its trouble; where there is none, one that began at `began`.
    pub(crate) fn trouble_since(&mut self, began: Timestamp) -> &mut Trouble {
        let said = self.said.get_or_insert_default();
        said.trouble.get_or_insert_with(|| Box::new(Trouble::new(began)))
    }

    /// Keeps no box with nothing in it.
    fn tidy(&mut self) {
        self.said.take_if(|said| said.message.is_none() && said.trouble.is_none());
    }

    /// Until when it must be heard. At this very moment it is still alive, a millisecond later it is dead.
    /// `None` where its silence is not measured: new, dead or paused.
    #[inline]
    #[must_use]
    pub fn deadline(&self, policy: &Policy) -> Option<Timestamp> {
        self.status.is_timed().then(|| self.silent_from + policy.allowance())
    }

    /// Records that it was heard.
    pub(crate) fn hear(&mut self, signal: Signal, now: Timestamp) {
        self.last_seen = Some(now);
        self.set_message(signal.message);
        self.silent_from = now;
        self.pardoned = false;
    }

    /// When something happens to it if nothing is heard of it: its death or its next reminder.
    pub(crate) fn due(&self, policy: &Policy) -> Option<Due> {
        let death = self.deadline(policy).and_then(|deadline| {
            let at = deadline.checked_add(Span::from_ms(1))?;
            Some(Due { at, what: What::Death { deadline } })
        });
        let reminder = self.reminder(policy).map(|at| Due { at, what: What::Reminder });
        match (death, reminder) {
            (Some(death), Some(reminder)) if reminder.at < death.at => Some(reminder),
            (death, reminder) => death.or(reminder),
        }
    }

    fn reminder(&self, policy: &Policy) -> Option<Timestamp> {
        let every = policy.reminder()?;
        let trouble = self.trouble().filter(|trouble| trouble.told && self.status.is_trouble())?;
        trouble.reminded_at.unwrap_or(self.since).checked_add(every)
    }
}

/// What happens next to a service if nothing is heard of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    /// The first millisecond at which it is so.
    pub(crate) at: Timestamp,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// It has been silent for longer than until `deadline`.
    Death { deadline: Timestamp },
    /// People are reminded of its trouble.
    Reminder,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_few_have_takes_no_room_where_it_is_not() {
        assert_eq!(size_of::<Option<Service>>(), 40);
        let now = Timestamp::from_unix_ms(7);
        let mut service = Service::new(now);
        service.set_message(Message::new("disk full"));
        service.trouble_since(now).told = true;
        service.set_message(None);
        assert!(service.message().is_none() && service.trouble().is_some_and(|trouble| trouble.told));
        service.set_message(Message::new("again"));
        service.set_trouble(None);
        assert_eq!((service.message().map(Message::as_str), service.trouble()), (Some("again"), None));
        service.set_message(None);
        assert_eq!(service, Service::new(now));
    }
}
