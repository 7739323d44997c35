//! How far the monitor knows, for those who wait for it: told by the sender thread, waited for by a flush and the end.

use std::process;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::shared::lock;

/// How far the monitor knows, and who waits.
#[derive(Debug)]
pub(crate) struct Progress {
    facts: Mutex<Facts>,
    changed: Condvar,
    /// A forked child has a copy of this, but not the sender.
    process: u32,
}

#[derive(Debug, Default)]
struct Facts {
    /// The state up to which the monitor knows all; none before the first beat.
    delivered: Option<u64>,
    tries: u64,
    last_error: Option<Error>,
    hurry_until: Option<Instant>,
    stopping: bool,
    finished: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { facts: Mutex::default(), changed: Condvar::new(), process: process::id() }
    }

    /// The monitor knows everything up to `sequence`.
    pub(crate) fn delivered(&self, sequence: u64) {
        let mut facts = lock(&self.facts);
        if facts.delivered != Some(sequence) {
            facts.delivered = Some(sequence);
            self.changed.notify_all();
        }
    }

    pub(crate) fn tried(&self, outcome: Result<(), Error>) {
        let mut facts = lock(&self.facts);
        facts.tries += 1;
        facts.last_error = outcome.err();
        self.changed.notify_all();
    }

    /// Nobody sends any more.
    pub(crate) fn finished(&self) {
        lock(&self.facts).finished = true;
        self.changed.notify_all();
    }

    /// Until when somebody waits, if that is still ahead, and whether it is for the end.
    pub(crate) fn waited_for(&self, now: Instant) -> (Option<Instant>, bool) {
        let facts = lock(&self.facts);
        (facts.hurry_until.filter(|until| *until > now), facts.stopping)
    }

    /// Why the last try did not get through; none before the first one.
    pub(crate) fn last_error(&self) -> Option<Error> {
        lock(&self.facts).last_error.clone()
    }

    /// Whether this is the copy of a forked process, where waiting would be for nobody.
    pub(crate) fn is_elsewhere(&self) -> bool {
        process::id() != self.process
    }

    /// Waits at most `limit` until the monitor knows the state `target`; false where it does not, at once where
    /// waiting is no use.
    pub(crate) fn flush(&self, target: u64, limit: Duration, wake: impl FnOnce()) -> bool {
        if self.is_elsewhere() {
            return false;
        }
        let until = Instant::now() + limit;
        let mut facts = lock(&self.facts);
        let tries_before = facts.tries;
        facts.hurry_until = facts.hurry_until.max(Some(until));
        wake();
        loop {
            if facts.delivered.is_some_and(|sequence| sequence >= target) {
                return true;
            }
            let hopeless = facts.tries > tries_before
                && facts.last_error.as_ref().is_some_and(|error| !error.is_temporary());
            let left = until.saturating_duration_since(Instant::now());
            if facts.finished || hopeless || left.is_zero() {
                return false;
            }
            facts = self.wait(facts, left);
        }
    }

    /// Asks the sender to end; true once it has, false after `limit`.
    pub(crate) fn stop(&self, limit: Duration, wake: impl FnOnce()) -> bool {
        let until = Instant::now() + limit;
        let mut facts = lock(&self.facts);
        facts.stopping = true;
        facts.hurry_until = Some(until);
        wake();
        while !facts.finished {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            facts = self.wait(facts, left);
        }
        true
    }

    fn wait<'a>(&self, facts: MutexGuard<'a, Facts>, limit: Duration) -> MutexGuard<'a, Facts> {
        self.changed.wait_timeout(facts, limit).unwrap_or_else(PoisonError::into_inner).0
    }
}
