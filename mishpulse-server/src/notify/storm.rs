//! Whether a letter belongs to a storm, so that it leaves in a digest.

use std::collections::VecDeque;

use mishpulse_core::{Span, Timestamp};

/// Remembers the last alerts that left by one channel.
///
/// Once [`ALERTS`] have gone within [`WITHIN`], the rest of that storm leave as digests. A letter belongs to the storm if so
/// many left just now, or were decided just before it: a channel that is slow does not make a storm look calm.
#[derive(Debug, Default)]
pub(super) struct Storm {
    last: VecDeque<Left>,
}

#[derive(Debug)]
struct Left {
    decided_at: Timestamp,
    left_at: Timestamp,
}

/// So many alerts leave one by one.
pub(super) const ALERTS: usize = 10;
/// Alerts this close together are one storm.
pub(super) const WITHIN: Span = Span::from_secs(10);

impl Storm {
    /// Whether a letter that was decided at `decided_at` leaves in a digest, if it leaves at `now`.
    #[must_use]
    pub(super) fn takes(&self, decided_at: Timestamp, now: Timestamp) -> bool {
        let Some(first) = self.last.front().filter(|_| self.last.len() >= ALERTS) else { return false };
        now.since(first.left_at) < WITHIN || decided_at.since(first.decided_at) < WITHIN
    }

    /// An alert that was decided at `decided_at` has left at `left_at`.
    pub(super) fn left(&mut self, decided_at: Timestamp, left_at: Timestamp) {
        if self.last.len() >= ALERTS {
            self.last.pop_front();
        }
        self.last.push_back(Left { decided_at, left_at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_000_000_000_000 + secs * 1000)
    }

    #[test]
    fn the_eleventh_alert_within_ten_seconds_is_a_storm() {
        let mut storm = Storm::default();
        for n in 0..10 {
            assert!(!storm.takes(at(n), at(n)), "{n}");
            storm.left(at(n), at(n));
        }
        assert!(storm.takes(at(9), at(9)));
        assert!(!storm.takes(at(10), at(10)));
    }

    #[test]
    fn a_slow_channel_does_not_make_a_storm_look_calm() {
        let mut storm = Storm::default();
        for n in 0..10 {
            storm.left(at(0), at(n * 5));
        }
        assert!(storm.takes(at(1), at(50)));
        assert!(!storm.takes(at(50), at(50)));
    }
}
