//! A loop of the app that has to keep turning.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::shared::{Shared, lock};
use crate::signal::bounded_to;

/// Ties the heartbeats of a [`Pulse`](crate::Pulse) to a loop of the app: made by [`Pulse::watch`](crate::Pulse::watch).
///
/// While [`tick`](Self::tick) is called at least once each `every`, nothing changes. When it is not, the pulse turns
/// into the error `stalled for 90 s` at that moment, and back into ok with the next tick. Dropping the watch ends
/// the watching without a word: the loop is over.
#[must_use = "dropping it at once ends the watching"]
pub struct Watch {
    shared: Arc<Shared>,
    pace: Arc<Pace>,
}

impl Watch {
    pub(crate) fn start(shared: &Arc<Shared>, every: Duration, name: Option<String>) -> Self {
        let every = every.clamp(EVERY_MIN, EVERY_MAX);
        let pace = Arc::new(Pace {
            every,
            name,
            started: Instant::now(),
            last_tick_us: AtomicU64::new(0),
            stalled: AtomicBool::new(false),
        });
        lock(&shared.paces).push(Arc::clone(&pace));
        // So that the sender takes the new deadline into account.
        shared.wake();
        Self { shared: Arc::clone(shared), pace }
    }

    /// Says that the loop has come round: one clock reading (some 25 ns, no system call on the usual platforms) and
    /// an atomic store. Only the tick that ends a stall wakes the sender.
    #[inline]
    pub fn tick(&self) {
        self.pace.last_tick_us.store(self.pace.now_us(Instant::now()), Ordering::SeqCst);
        if self.pace.stalled.load(Ordering::SeqCst) {
            self.shared.wake();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        lock(&self.shared.paces).retain(|pace| !Arc::ptr_eq(pace, &self.pace));
        self.shared.wake();
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("every", &self.pace.every)
            .field("name", &self.pace.name)
            .finish_non_exhaustive()
    }
}

/// What a watch and the sender share.
pub(crate) struct Pace {
    every: Duration,
    name: Option<String>,
    started: Instant,
    last_tick_us: AtomicU64,
    stalled: AtomicBool,
}

impl Pace {
    /// When it stalls unless there is a tick before, none while it is stalled. `awake_since` is when this process
    /// last came back from being stopped: nobody could tick before.
    pub(crate) fn deadline(&self, awake_since: Instant) -> Option<Instant> {
        (!self.stalled.load(Ordering::Acquire)).then(|| self.last_tick().max(awake_since) + self.every)
    }

    /// Looks whether it is stalled at `now`.
    pub(crate) fn look(&self, now: Instant, awake_since: Instant) -> bool {
        // Told before the tick is read: a tick that comes between finds it and wakes the sender.
        self.stalled.store(true, Ordering::SeqCst);
        let stalled = self.last_tick().max(awake_since) + self.every <= now;
        self.stalled.store(stalled, Ordering::SeqCst);
        stalled
    }

    /// The same words for as long as it lasts, since each new message of an error is an alarm of its own.
    pub(crate) fn message(&self) -> String {
        let name = self.name.as_deref().map(|name| format!("{name} ")).unwrap_or_default();
        let every = self.every;
        match every.subsec_millis() {
            0 => format!("{name}stalled for {} s", every.as_secs()),
            _ if every < Duration::from_secs(1) => format!("{name}stalled for {} ms", every.as_millis()),
            _ => format!("{name}stalled for {:.1} s", every.as_secs_f64()),
        }
    }

    fn last_tick(&self) -> Instant {
        self.started + Duration::from_micros(self.last_tick_us.load(Ordering::SeqCst))
    }

    fn now_us(&self, now: Instant) -> u64 {
        u64::try_from(now.duration_since(self.started).as_micros()).unwrap_or(u64::MAX)
    }
}

/// A name that fits into a message and leaves room for the rest of it.
pub(crate) fn watch_name(name: impl fmt::Display) -> String {
    bounded_to(name, NAME_BYTES_MAX)
}

const EVERY_MIN: Duration = Duration::from_millis(10);
const EVERY_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
const NAME_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(every: Duration) -> Pace {
        Pace {
            every,
            name: None,
            started: Instant::now(),
            last_tick_us: AtomicU64::new(0),
            stalled: AtomicBool::new(false),
        }
    }

    #[test]
    fn stalls_when_the_time_is_over_and_not_before() {
        let pace = pace(Duration::from_secs(90));
        let start = pace.started;
        assert!(!pace.look(start + Duration::from_millis(89_999), start));
        assert_eq!(pace.deadline(start), Some(start + Duration::from_secs(90)));
        assert!(pace.look(start + Duration::from_secs(90), start));
        assert_eq!(pace.deadline(start), None);
        pace.last_tick_us.store(90_000_000, Ordering::Relaxed);
        assert!(!pace.look(start + Duration::from_secs(91), start));
    }

    #[test]
    fn a_process_that_was_stopped_gets_its_time_again() {
        let pace = pace(Duration::from_secs(90));
        let start = pace.started;
        let awake = start + Duration::from_secs(1000);
        assert!(!pace.look(awake + Duration::from_secs(89), awake));
        assert!(pace.look(awake + Duration::from_secs(90), awake));
    }

    #[test]
    fn says_for_how_long() {
        for (ms, text) in
            [(90_000, "stalled for 90 s"), (250, "stalled for 250 ms"), (1_500, "stalled for 1.5 s")]
        {
            assert_eq!(pace(Duration::from_millis(ms)).message(), text);
        }
    }
}
