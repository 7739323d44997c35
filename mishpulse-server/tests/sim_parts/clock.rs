//! Time, as the simulation tells it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use mishpulse_core::{Clock, Timestamp};

/// The server's clock: true time, which the simulation moves, plus what this start of the server took the wall clock to be
/// ahead, plus what the disk has taken in this turn. Clones share it.
#[derive(Clone, Default)]
pub struct SimClock(Arc<Hands>);

#[derive(Default)]
struct Hands {
    true_ms: AtomicI64,
    ahead_ms: AtomicI64,
    lag_ms: AtomicI64,
}

impl SimClock {
    /// Moves true time.
    pub fn set(&self, true_ms: i64) {
        self.0.true_ms.store(true_ms, Ordering::Relaxed);
    }

    /// What a server that starts now is ahead of true time.
    pub fn be_ahead(&self, ms: i64) {
        self.0.ahead_ms.store(ms, Ordering::Relaxed);
    }

    /// The disk takes its time, and the thread that waits for it with it.
    pub fn lag(&self, ms: i64) {
        self.0.lag_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// How long the disk took since this was asked last.
    pub fn take_lag(&self) -> i64 {
        self.0.lag_ms.swap(0, Ordering::Relaxed)
    }

    /// Milliseconds.
    pub fn ms(&self) -> i64 {
        let Hands { true_ms, ahead_ms, lag_ms } = &*self.0;
        [true_ms, ahead_ms, lag_ms].into_iter().map(|hand| hand.load(Ordering::Relaxed)).sum()
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.ms())
    }
}
