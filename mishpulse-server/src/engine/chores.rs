//! What is done after a commit, a little at a time, because nobody waits for it.

use mishpulse_core::{Clock, Span, Timestamp};

use super::run::{Engine, Flow};
use crate::clock::Stopwatch;
use crate::store::Store;

impl<S: Store, C: Clock> Engine<S, C> {
    /// A turn, for the metrics.
    pub(super) fn timed_turn(&mut self) -> (Flow, bool) {
        let stopwatch = Stopwatch::start();
        let turned = self.turn(None);
        self.parts.intake.turned();
        self.parts.intake.metrics().longest_turn_us.note(stopwatch.elapsed_us());
        turned
    }

    /// Does a part of what the store put off, where its time has come.
    pub(super) fn tidy(&mut self, now: Timestamp) {
        if now < self.next_tidy {
            return;
        }
        self.is_untidy = self.parts.store.tidy(&self.dog, now).unwrap_or_else(|error| {
            tracing::warn!(%error, "what was put off could not be written; it is done later");
            false
        });
        self.next_tidy = now + if self.is_untidy { TIDY_AGAIN } else { TIDY_EVERY };
    }

    /// Drops history that is too old, a little at a time.
    pub(super) fn prune(&mut self, now: Timestamp) {
        if now < self.next_prune {
            return;
        }
        let before = now.unix_ms() - i64::try_from(self.parts.settings.history.as_ms()).unwrap_or(i64::MAX);
        let pause = match self.parts.store.prune(Timestamp::from_unix_ms(before), PRUNE_MAX) {
            Ok(dropped) if dropped >= u64::from(PRUNE_MAX) => PRUNE_AGAIN,
            Ok(_) => PRUNE_EVERY,
            Err(error) => {
                tracing::warn!(%error, "old history could not be dropped");
                PRUNE_EVERY
            }
        };
        self.next_prune = now + pause;
    }
}

/// The most lines of history that are dropped at once.
const PRUNE_MAX: u32 = 1000;
/// Between two parts of what the store put off, and after the last.
const TIDY_AGAIN: Span = Span::from_ms(5);
const TIDY_EVERY: Span = Span::from_secs(1);
const PRUNE_AGAIN: Span = Span::from_secs(1);
const PRUNE_EVERY: Span = Span::from_secs(600);
