//! Rings when there are letters to deliver.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Rung by the engine after a commit that put letters into the outbox; the notifier's threads wait for it.
#[derive(Debug, Default)]
pub struct Bell {
    rings: Mutex<u64>,
    rang: Condvar,
}

impl Bell {
    /// Wakes everyone who waits.
    pub fn ring(&self) {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.rang.notify_all();
    }

    /// How often it has rung; to be taken before looking for letters.
    #[must_use]
    pub fn rings(&self) -> u64 {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it has rung more often than `heard`, at most for `wait`.
    pub fn wait(&self, heard: u64, wait: Duration) {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        // Whether it rang or time is up: whoever waits looks for letters again.
        drop(self.rang.wait_timeout_while(rings, wait, |rings| *rings == heard));
    }
}
