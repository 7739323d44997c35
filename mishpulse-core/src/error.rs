//! What can be refused.

use crate::id::ServiceId;

/// Why a text is not a [`Span`](crate::Span).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseSpanError {
    /// There is nothing in it.
    #[error("a duration is missing; write one such as \"90s\", \"5m\", \"1h30m\" or \"2d\"")]
    Empty,
    /// It starts, or goes on, with something else than a number.
    #[error("a duration is whole numbers with units, such as \"90s\", \"5m\", \"1h30m\" or \"2d\"")]
    NoNumber,
    /// A number stands without a unit.
    #[error("a duration needs a unit after each whole number, such as \"90s\", \"5m\", \"1h30m\" or \"2d\"")]
    NoUnit,
    /// The unit is none of ours.
    #[error("the units of a duration are ms, s, m, h, d and w")]
    UnknownUnit,
    /// A unit comes twice, or after a shorter one.
    #[error("the units of a duration go from the longest to the shortest, each once, such as \"1h30m\"")]
    Order,
    /// It is more than [`Span::LONGEST`](crate::Span::LONGEST).
    #[error("a duration is at most 3650d")]
    TooLong,
}

/// Why a policy cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The timeout is zero: the service would be dead as soon as it had spoken.
    #[error("a timeout must be longer than zero")]
    ZeroTimeout,
    /// Reminders every zero seconds would never end.
    #[error("the time between reminders must be longer than zero")]
    ZeroReminder,
    /// A length of time is above [`Span::LONGEST`](crate::Span::LONGEST).
    #[error("a duration is at most 3650d")]
    TooLong,
}

/// There is no such service: it was never watched, or it has been forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this service is not watched")]
pub struct UnknownService;

/// Why a watchdog cannot be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Two services came with the same handle.
    #[error("two services have the handle {0}")]
    Duplicate(ServiceId),
}

/// The key is watched already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this key is watched already")]
pub struct AlreadyWatched;

/// A word that is none of those expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {expected}")]
pub struct UnknownWord {
    /// The words that would have been understood.
    pub expected: &'static str,
}
