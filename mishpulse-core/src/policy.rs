//! What was asked for a service: how long it may be silent, and of what people want to hear.

use core::fmt;

use crate::error::PolicyError;
use crate::event::AlertKind;
use crate::time::Span;

/// The settings of one service, parsed: a policy that exists can be followed.
///
/// Services that share a policy share its memory.
///
/// ```
/// use mishpulse_core::{Policy, Span};
///
/// let policy = Policy::new(Span::from_secs(300))?.grace(Span::from_secs(60))?;
/// assert_eq!(policy.allowance(), Span::from_secs(360));
/// # Ok::<(), mishpulse_core::PolicyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Policy {
    timeout: Span,
    grace: Span,
    error_cooldown: Span,
    remind_every: Option<Span>,
    notify_on: AlertKinds,
    resume_on_beat: bool,
}

impl Policy {
    /// A service that is expected to speak at least once in `timeout` (1 ms to 3,650 days).
    ///
    /// Without grace or reminders, told of are `dead`, `error` and `recovered`, a new error text at most every five
    /// minutes, and a beat resumes it when it is paused.
    ///
    /// # Errors
    /// [`PolicyError`] where `timeout` is zero or too long.
    pub const fn new(timeout: Span) -> Result<Self, PolicyError> {
        if timeout.as_ms() == 0 {
            return Err(PolicyError::ZeroTimeout);
        }
        if timeout.as_ms() > Span::LONGEST.as_ms() {
            return Err(PolicyError::TooLong);
        }
        Ok(Self {
            timeout,
            grace: Span::ZERO,
            error_cooldown: Span::from_secs(300),
            remind_every: None,
            notify_on: AlertKinds::DEFAULT,
            resume_on_beat: true,
        })
    }

    /// How much longer than its timeout it may be silent before it counts as dead (0 to 3,650 days).
    ///
    /// # Errors
    /// [`PolicyError::TooLong`].
    pub fn grace(self, grace: Span) -> Result<Self, PolicyError> {
        Ok(Self { grace: within_range(grace)?, ..self })
    }

    /// The least time between two alerts of different errors while it stays in error (0 to 3,650 days).
    ///
    /// # Errors
    /// [`PolicyError::TooLong`].
    pub fn error_cooldown(self, error_cooldown: Span) -> Result<Self, PolicyError> {
        Ok(Self { error_cooldown: within_range(error_cooldown)?, ..self })
    }

    /// A reminder each so long while it is dead or in error; `None`, as at first, for none.
    ///
    /// # Errors
    /// [`PolicyError`] where it is zero or too long.
    pub fn remind_every(self, remind_every: Option<Span>) -> Result<Self, PolicyError> {
        match remind_every {
            Some(Span::ZERO) => Err(PolicyError::ZeroReminder),
            Some(span) => Ok(Self { remind_every: Some(within_range(span)?), ..self }),
            None => Ok(Self { remind_every: None, ..self }),
        }
    }

    /// Which kinds of alert it raises.
    #[must_use]
    pub const fn notify_on(self, kinds: AlertKinds) -> Self {
        Self { notify_on: kinds, ..self }
    }

    /// Whether a beat resumes it while it is paused.
    #[must_use]
    pub const fn resume_on_beat(self, resume: bool) -> Self {
        Self { resume_on_beat: resume, ..self }
    }

    /// How long it may be silent: timeout and grace together.
    #[must_use]
    pub fn allowance(&self) -> Span {
        self.timeout + self.grace
    }

    /// The timeout alone.
    #[must_use]
    pub const fn timeout_span(&self) -> Span {
        self.timeout
    }

    /// Whether it raises alerts of `kind`. Reminders follow [`remind_every`](Self::remind_every) alone.
    #[must_use]
    pub const fn tells(&self, kind: AlertKind) -> bool {
        self.notify_on.contains(kind)
    }

    pub(crate) const fn cooldown(&self) -> Span {
        self.error_cooldown
    }

    pub(crate) const fn reminder(&self) -> Option<Span> {
        self.remind_every
    }

    pub(crate) const fn resumes_on_beat(&self) -> bool {
        self.resume_on_beat
    }
}

fn within_range(span: Span) -> Result<Span, PolicyError> {
    if span > Span::LONGEST { Err(PolicyError::TooLong) } else { Ok(span) }
}

/// A set of [`AlertKind`]s.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlertKinds(u8);

impl AlertKinds {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// `dead`, `error` and `recovered`.
    pub const DEFAULT: Self =
        Self::NONE.with(AlertKind::Dead).with(AlertKind::Error).with(AlertKind::Recovered);

    /// These and `kind`.
    #[must_use]
    pub const fn with(self, kind: AlertKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    /// Whether `kind` is one of them.
    #[must_use]
    pub const fn contains(self, kind: AlertKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}

impl FromIterator<AlertKind> for AlertKinds {
    fn from_iter<I: IntoIterator<Item = AlertKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for AlertKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(AlertKind::ALL.into_iter().filter(|kind| self.contains(*kind))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_followed_is_refused() {
        assert_eq!(Policy::new(Span::ZERO), Err(PolicyError::ZeroTimeout));
        assert_eq!(Policy::new(Span::LONGEST + Span::from_ms(1)), Err(PolicyError::TooLong));
        let policy = Policy::new(Span::from_ms(1)).unwrap();
        assert_eq!(policy.remind_every(Some(Span::ZERO)), Err(PolicyError::ZeroReminder));
        assert_eq!(policy.grace(Span::LONGEST + Span::from_ms(1)), Err(PolicyError::TooLong));
    }
}
