//! Whether the server can be told anything: the listener says so, and the engine asks.
//!
//! Plain atomics, as the counters are: neither knows of the other.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use mishpulse_core::{Clock, Span, Timestamp};

/// Since when nobody new can be heard, if it is so. Cheap to clone.
#[derive(Clone)]
pub struct Ear {
    clock: Arc<dyn Clock + Send + Sync>,
    times: Arc<Times>,
}

struct Times {
    deaf_since_ms: AtomicI64,
    heard_since_ms: AtomicI64,
}

impl Ear {
    /// One that hears, and goes by `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock + Send + Sync>) -> Self {
        let times = Times { deaf_since_ms: AtomicI64::new(NEVER), heard_since_ms: AtomicI64::new(NEVER) };
        Self { clock, times: Arc::new(times) }
    }

    /// Nobody can be heard, from now on or since it was said first. Whether to say so in the log: it is news, after at least
    /// a minute in which everybody was heard.
    pub fn cannot_hear(&self) -> bool {
        if self.deaf_since().is_some() {
            return false;
        }
        let now = self.clock.now();
        self.times.deaf_since_ms.store(now.unix_ms(), Ordering::Release);
        self.heard_since().is_none_or(|since| now.since(since) >= CALM)
    }

    /// Everybody can be heard.
    pub fn hears(&self) {
        if self.deaf_since().is_some() {
            self.times.heard_since_ms.store(self.clock.now().unix_ms(), Ordering::Release);
            self.times.deaf_since_ms.store(NEVER, Ordering::Release);
        }
    }

    /// Since when nobody can be heard; `None` where everybody can.
    #[must_use]
    pub fn deaf_since(&self) -> Option<Timestamp> {
        time(&self.times.deaf_since_ms)
    }

    /// When everybody could be heard again, after it was deaf last.
    #[must_use]
    pub fn heard_since(&self) -> Option<Timestamp> {
        time(&self.times.heard_since_ms)
    }
}

impl fmt::Debug for Ear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ear").field(&self.deaf_since()).finish()
    }
}

fn time(ms: &AtomicI64) -> Option<Timestamp> {
    let ms = ms.load(Ordering::Acquire);
    (ms != NEVER).then(|| Timestamp::from_unix_ms(ms))
}

/// Where places are taken and given back all the time, one line in the log is enough.
const CALM: Span = Span::from_secs(60);
const NEVER: i64 = i64::MIN;

#[cfg(test)]
mod tests {
    use mishpulse_core::ManualClock;

    use super::*;

    #[test]
    fn it_is_deaf_since_it_was_said_first() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_ms(1000)));
        let ear = Ear::new(Arc::clone(&clock) as _);
        assert_eq!(ear.deaf_since(), None);
        assert!(ear.cannot_hear());
        clock.advance(Span::from_secs(1));
        assert!(!ear.cannot_hear());
        assert_eq!(ear.clone().deaf_since(), Some(Timestamp::from_unix_ms(1000)));
        ear.hears();
        clock.advance(Span::from_secs(1));
        ear.hears();
        assert_eq!((ear.deaf_since(), ear.heard_since()), (None, Some(Timestamp::from_unix_ms(2000))));
        assert!(!ear.cannot_hear(), "that is no news");
        assert_eq!(ear.deaf_since(), Some(Timestamp::from_unix_ms(3000)));
    }
}
