//! The watcher looks, but cannot be told anything: no connection can be accepted, or what comes in is turned away.

use crate::blind::Gap;
use crate::time::{Span, Timestamp};
use crate::watchdog::Watchdog;

impl Watchdog {
    /// Nobody could be heard from `since` on, and it is still so.
    ///
    /// Until [`hears`](Self::hears) is called nothing more falls due whose time is after `since`: no death, no reminder. A
    /// signal that gets through all the same counts as ever, and jumps of time are part of the deafness. Does nothing where it
    /// is deaf already. Store [`listened_until`](Self::listened_until) for as long, instead of the time.
    pub fn deaf(&mut self, since: Timestamp, now: Timestamp) {
        if self.deaf_since.is_some() {
            self.advance(now);
            return;
        }
        // Where time jumped before that, someone was away until then.
        let now = now.max(self.now);
        self.advance(since.min(now));
        self.deaf_since = Some(since.min(now));
        self.now = now;
    }

    /// Everybody can be heard again. The time since it was deaf counts as having been away: whoever it was too long for gets
    /// one full allowance from now, as after any other absence, and for all others it counts as silence. O(n) where it was too
    /// long for anyone. Does nothing where it is not deaf.
    pub fn hears(&mut self, now: Timestamp) {
        self.advance(now);
        let Some(from) = self.deaf_since.take() else { return };
        let gap = Gap { from, until: self.now, away: self.now.since(from) };
        if gap.away > self.blind_after_least && !self.is_empty() {
            self.be_blind(gap);
        }
    }

    /// Since when nobody can be heard; `None` where everybody can.
    #[must_use]
    pub const fn deaf_since(&self) -> Option<Timestamp> {
        self.deaf_since
    }

    /// Until when this watchdog is known to have listened: the time, or since when it is deaf. What
    /// [`restore`](Self::restore) takes as `seen`.
    #[must_use]
    pub fn listened_until(&self) -> Timestamp {
        self.until(self.now)
    }

    /// Until when things fall due, at `now`.
    pub(crate) fn until(&self, now: Timestamp) -> Timestamp {
        self.deaf_since.map_or(now, |since| since.min(now))
    }

    /// When to look next where all that is due is held back.
    pub(crate) fn next_look_while_deaf(&self) -> Option<Timestamp> {
        self.deaf_since.map(|_| self.now + self.blind_after_least.half().max(Span::from_ms(1)))
    }
}
