//! The hand-over: the latest state, written by the app's threads and read by the sender thread.
//!
//! It is one atomic word of sequence and status. `ok()` where all was well already is a load of it, no
//! more: there is nothing to tell, the regular beats say so anyway. A message goes through a mutex that the sender
//! holds only while it copies it. The sender is woken when the state changes, once, however often it does.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use crate::error::Error;
use crate::progress::Progress;
use crate::signal::{Signal, Status};
use crate::watch::Pace;

/// One pulse as both sides see it. Its size does not depend on how often or how long it is used.
///
/// It has no `Debug`, since a message of the app may hold the secret address.
pub(crate) struct Shared {
    /// `sequence << 3 | has a message << 2 | status`. Written by `ok` alone, or by whoever holds `note`.
    word: AtomicU64,
    note: Mutex<Note>,
    /// Set by who changes the state, cleared by the sender before it looks: one wake-up for many changes.
    told: AtomicBool,
    sender: OnceLock<Thread>,
    pub(crate) paces: Mutex<Vec<Arc<Pace>>>,
    pub(crate) progress: Progress,
}

/// The last state that came with a message.
struct Note {
    sequence: u64,
    signal: Signal,
    /// Not yet looked at by the sender.
    fresh: bool,
    /// What it goes back to once it has been told for an interval in which nobody renewed it.
    passing: Option<Signal>,
    renewed: bool,
}

/// What the sender finds when it looks.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) sequence: u64,
    /// The state, if it is another than the one of the sequence asked with.
    pub(crate) changed: Option<Signal>,
    /// An error that was followed by another state before anyone looked.
    pub(crate) overtaken: Option<Signal>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            word: AtomicU64::new(pack(1, false, Status::Ok)),
            note: Mutex::new(Note {
                sequence: 0,
                signal: Signal::ok(),
                fresh: false,
                passing: None,
                renewed: false,
            }),
            told: AtomicBool::new(false),
            sender: OnceLock::new(),
            paces: Mutex::new(Vec::new()),
            progress: Progress::new(),
        }
    }

    /// One that nobody sends for, because of `error`.
    pub(crate) fn idle(error: Error) -> Self {
        let shared = Self::new();
        shared.progress.tried(Err(error));
        shared.progress.finished();
        shared
    }

    /// Hands over that all is well. One atomic load where it was so before.
    #[inline]
    pub(crate) fn ok(&self) {
        let word = self.word.load(Ordering::Relaxed);
        if word & STATE_MASK != OK {
            self.back_to_ok();
        }
    }

    #[cold]
    fn back_to_ok(&self) {
        let mut word = self.word.load(Ordering::Relaxed);
        while word & STATE_MASK != OK {
            let next = pack(sequence(word) + 1, false, Status::Ok);
            match self.word.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return self.tell(),
                Err(now) => word = now,
            }
        }
    }

    /// Hands over a state that holds until there is another.
    pub(crate) fn set(&self, signal: Signal) {
        let mut note = lock(&self.note);
        let word = self.word.load(Ordering::Acquire);
        if note.sequence == sequence(word) && note.signal == signal {
            // Said again: what was passing is now to stay.
            note.passing = None;
            return;
        }
        self.replace(&mut note, word, signal, None);
        drop(note);
        self.tell();
    }

    /// Hands over an error that ends by itself, one interval after it was last handed over. One that the app has
    /// said to be lasting stays as it is.
    #[cfg(any(feature = "log", feature = "tracing", test))]
    pub(crate) fn set_passing(&self, signal: Signal) {
        let mut note = lock(&self.note);
        let word = self.word.load(Ordering::Acquire);
        let is_note = note.sequence == sequence(word);
        if is_note && note.passing.is_some() {
            note.renewed = true;
            if note.signal == signal {
                return;
            }
        } else if status(word) == Status::Error {
            return;
        }
        let before = if is_note { note.signal.clone() } else { Signal::from(status(word)) };
        let back = note.passing.take().filter(|_| is_note).unwrap_or(before);
        self.replace(&mut note, word, signal, Some(back));
        drop(note);
        self.tell();
    }

    fn replace(&self, note: &mut Note, mut word: u64, signal: Signal, passing: Option<Signal>) {
        loop {
            let next = pack(sequence(word) + 1, signal.message().is_some(), signal.status());
            match self.word.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    *note = Note { sequence: sequence(next), signal, fresh: true, passing, renewed: false };
                    return;
                }
                // Only `ok` can have come between.
                Err(now) => word = now,
            }
        }
    }

    fn tell(&self) {
        if !self.told.swap(true, Ordering::AcqRel) {
            self.wake();
        }
    }

    pub(crate) fn wake(&self) {
        if let Some(sender) = self.sender.get() {
            sender.unpark();
        }
    }

    // The sender's side.

    pub(crate) fn sent_by(&self, sender: Thread) {
        // There is one sender for the life of this.
        let _ = self.sender.set(sender);
    }

    /// The state now, for a sender that has seen `seen`.
    pub(crate) fn look(&self, seen: u64) -> Look {
        // A swap, so that the change of whoever found it still set is seen below.
        self.told.swap(false, Ordering::AcqRel);
        let mut note = lock(&self.note);
        let word = self.word.load(Ordering::Acquire);
        let sequence = sequence(word);
        let fresh = mem::take(&mut note.fresh);
        let is_note = note.sequence == sequence;
        let overtaken = fresh && !is_note && note.signal.status() == Status::Error;
        let changed = (sequence != seen).then(|| match is_note {
            true => note.signal.clone(),
            false => Signal::from(status(word)),
        });
        Look { sequence, changed, overtaken: overtaken.then(|| note.signal.clone()) }
    }

    /// Called when an interval is over: lets go of a passing state that nobody renewed.
    pub(crate) fn interval_over(&self) {
        let mut note = lock(&self.note);
        let word = self.word.load(Ordering::Acquire);
        if note.sequence != sequence(word) || note.passing.is_none() || mem::take(&mut note.renewed) {
            return;
        }
        if let Some(back) = note.passing.take() {
            self.replace(&mut note, word, back, None);
        }
    }

    // Waiting for the sender.

    /// Waits at most `limit` until the monitor knows the state of this moment; false where it does not, at once
    /// where waiting is no use.
    pub(crate) fn flush(&self, limit: Duration) -> bool {
        self.progress.flush(sequence(self.word.load(Ordering::Acquire)), limit, || self.wake())
    }

    /// Tells the sender to deliver what is new and to end; true once it has, false after `limit`.
    pub(crate) fn stop(&self, limit: Duration) -> bool {
        self.progress.stop(limit, || self.wake())
    }
}

/// A lock that a panic elsewhere does not close: nothing here is left half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const fn pack(sequence: u64, with_message: bool, status: Status) -> u64 {
    let status = match status {
        Status::Ok => OK,
        Status::Warning => 1,
        Status::Error => 2,
    };
    sequence << 3 | (with_message as u64) << 2 | status
}

const fn sequence(word: u64) -> u64 {
    word >> 3
}

const fn status(word: u64) -> Status {
    match word & 3 {
        OK => Status::Ok,
        1 => Status::Warning,
        _ => Status::Error,
    }
}

const OK: u64 = 0;
const STATE_MASK: u64 = 0b111;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_again_changes_nothing() {
        let shared = Shared::new();
        let seen = shared.look(0).sequence;
        shared.ok();
        shared.set(Signal::ok());
        shared.ok();
        let look = shared.look(seen);
        assert!(look.changed.is_none() || look.changed == Some(Signal::ok()));
        assert!(look.overtaken.is_none());
    }

    #[test]
    fn the_latest_state_is_found_and_one_overtaken_error() {
        let shared = Shared::new();
        let seen = shared.look(0).sequence;
        shared.error("first");
        shared.error("second");
        shared.ok();
        let look = shared.look(seen);
        assert_eq!((look.changed, look.overtaken), (Some(Signal::ok()), Some(Signal::error("second"))));
        let again = shared.look(look.sequence);
        assert_eq!((again.changed, again.overtaken), (None, None));

        shared.error("third");
        shared.set(Signal::warning("fourth"));
        assert_eq!(shared.look(0).changed, Some(Signal::warning("fourth")));
    }

    #[test]
    fn what_is_passing_goes_back_to_what_was_before() {
        let shared = Shared::new();
        shared.set(Signal::warning("91 %"));
        shared.set_passing(Signal::error("one"));
        shared.set_passing(Signal::error("two"));
        shared.set_passing(Signal::error("two"));
        shared.interval_over();
        assert_eq!(shared.look(0).changed, Some(Signal::error("two")), "renewed in this interval");
        shared.interval_over();
        assert_eq!(shared.look(0).changed, Some(Signal::warning("91 %")));
        shared.interval_over();
        assert_eq!(shared.look(0).changed, Some(Signal::warning("91 %")));
    }

    #[test]
    fn what_is_lasting_is_not_made_passing() {
        let shared = Shared::new();
        shared.error("lasting");
        shared.set_passing(Signal::error("passing"));
        assert_eq!(shared.look(0).changed, Some(Signal::error("lasting")));
        shared.ok();
        shared.set_passing(Signal::error("lasting now"));
        shared.error("lasting now");
        shared.interval_over();
        assert_eq!(shared.look(0).changed, Some(Signal::error("lasting now")));
    }

    #[test]
    fn every_change_of_many_threads_is_found_in_the_end() {
        let shared = Shared::new();
        std::thread::scope(|scope| {
            for number in 0..4 {
                let shared = &shared;
                scope.spawn(move || {
                    for _ in 0..5_000 {
                        shared.error(number);
                        shared.ok();
                        shared.set_passing(Signal::error("passing"));
                        shared.look(0);
                        shared.interval_over();
                    }
                });
            }
        });
        shared.error("the last");
        assert_eq!(shared.look(0).changed, Some(Signal::error("the last")));
        shared.ok();
        assert_eq!(shared.look(0).changed, Some(Signal::ok()));
    }

    impl Shared {
        fn error(&self, message: impl std::fmt::Display) {
            self.set(Signal::error(message));
        }
    }
}
