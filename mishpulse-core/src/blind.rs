//! The watcher was away: what is forgiven.
//!
//! Silence counts only while someone was listening. When time jumps by more than a policy allows, every service whose
//! deadline was still ahead gets one full allowance from the watcher's return, once until it is heard again: nobody is
//! called dead who could not report, and a watcher that is away again and again hides nobody for ever.
//!
//! Whether a silence is pardoned is a function of the facts, the policy and the gaps. So a pardon need not be stored
//! with each of a million services: it is found again from the gaps.

use alloc::vec::Vec;

use crate::policy::Policy;
use crate::service::Service;
use crate::time::{Span, Timestamp};

/// What holds for the watcher itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How long the watcher may be away (time jumps between two calls) before silence in that time is pardoned. For a
    /// service whose timeout and grace are short it is half of them, where that is less; never less than a
    /// millisecond. Default 10 s.
    pub blind_after: Span,
}

impl Default for Config {
    fn default() -> Self {
        Self { blind_after: Span::from_secs(10) }
    }
}

impl Config {
    /// Another time after which the watcher counts as away.
    #[must_use]
    pub const fn blind_after(blind_after: Span) -> Self {
        Self { blind_after }
    }
}

/// A time in which the watcher was away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The last moment at which it is known to have listened.
    pub from: Timestamp,
    /// When it was back.
    pub until: Timestamp,
    /// For how long it counts as away: the time between, or [`Span::LONGEST`] where the clock was set back in the
    /// meantime and nobody can tell.
    pub away: Span,
}

impl Gap {
    /// This gap and a `later` one as one, with the time between them.
    fn and(self, later: Self) -> Self {
        Self { from: self.from, until: later.until, away: self.away + later.away }
    }

    /// How long after its end it still counts for someone at most, if the longest allowance of all is `longest`.
    ///
    /// Whom it pardoned has been heard since or has died by then. A gap too short to be blind towards everyone is
    /// blind only towards allowances below twice its own length.
    fn reach(&self, longest: Span, blind_after: Span) -> Span {
        if self.away > blind_after { longest } else { longest.min(self.away + self.away) }
    }
}

/// How long the watcher may be away before that counts as blindness towards a service with this allowance.
pub(crate) fn threshold(allowance: Span, blind_after: Span) -> Span {
    // Time has no parts below a millisecond: a driver that looks every millisecond is not away.
    blind_after.min(allowance.half()).max(Span::from_ms(1))
}

/// Pardons `service` for the first of `gaps` (in order of time) that it is entitled to, if there is one.
pub(crate) fn pardon(service: &mut Service, policy: &Policy, gaps: &[Gap], blind_after: Span) {
    if service.pardoned {
        return;
    }
    let Some(deadline) = service.deadline(policy) else { return };
    let threshold = threshold(policy.allowance(), blind_after);
    let mine = gaps
        .iter()
        .find(|gap| service.silent_from < gap.until && deadline >= gap.from && gap.away > threshold);
    if let Some(gap) = mine {
        service.silent_from = gap.until;
        service.pardoned = true;
    }
}

/// The gaps that still count for someone, oldest first.
///
/// The number is bounded: at [`GAPS_MAX`] the two are joined that are closest together for their age. After a restart that
/// can only put a death off, and by no more than a small part of the silence, so that nobody is hidden for ever.
#[derive(Debug, Default)]
pub(crate) struct Gaps(Vec<Gap>);

/// At ten seconds each, more than two hours of a watcher that does nothing but crash are kept exactly.
const GAPS_MAX: usize = 1000;

impl Gaps {
    pub(crate) fn new(mut gaps: Vec<Gap>) -> Self {
        gaps.sort_by_key(|gap| gap.from);
        Self(gaps)
    }

    pub(crate) fn as_slice(&self) -> &[Gap] {
        &self.0
    }

    pub(crate) fn push(&mut self, gap: Gap, longest_allowance: Span, blind_after: Span) {
        self.0.retain(|old| old.until + old.reach(longest_allowance, blind_after) >= gap.from);
        if self.0.len() >= GAPS_MAX {
            self.join_two(gap.until);
        }
        self.0.push(gap);
    }

    fn join_two(&mut self, now: Timestamp) {
        let closeness = |earlier: &Gap, later: &Gap| {
            let (length, age) = (later.until.since(earlier.from), now.since(earlier.from));
            length.as_ms().saturating_mul(1 << 16) / age.as_ms().max(1)
        };
        let pairs = self.0.windows(2).enumerate();
        let Some((place, _)) = pairs.min_by_key(|(_, pair)| closeness(&pair[0], &pair[1])) else { return };
        let later = self.0.remove(place + 1);
        self.0[place] = self.0[place].and(later);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn gap(from_ms: i64, until_ms: i64) -> Gap {
        Gap { from: at(from_ms), until: at(until_ms), away: at(until_ms).since(at(from_ms)) }
    }

    /// A watcher that is back for a second, then away for a minute, for as long as `minutes`.
    fn crash_loop(minutes: i64) -> Gaps {
        let mut gaps = Gaps::default();
        for minute in 0..minutes {
            let from_ms = minute * 61_000 + 1000;
            gaps.push(gap(from_ms, from_ms + 60_000), Span::LONGEST, Span::from_secs(10));
        }
        gaps
    }

    #[test]
    fn the_number_of_gaps_is_bounded_and_none_is_lost() {
        let gaps = crash_loop(8_000);
        assert!(gaps.as_slice().len() <= GAPS_MAX);
        assert_eq!(gaps.as_slice()[0].from, at(1000));
        assert!(
            gaps.as_slice().windows(2).all(|pair| pair[1].from.since(pair[0].until) == Span::from_secs(1))
        );
        let newest = gaps.as_slice().len() - 1;
        assert_eq!(gaps.as_slice()[newest], gap(7_999 * 61_000 + 1000, 8_000 * 61_000));
    }

    #[test]
    fn a_crash_loop_of_weeks_puts_a_death_off_by_a_small_part_of_the_silence() {
        let policy = Policy::new("7d".parse().unwrap()).unwrap();
        for minutes in [500, 2000, 8000] {
            let gaps = crash_loop(minutes);
            for heard_ms in (0..minutes * 61_000).step_by(7 * 3_600_000) {
                let mut service = Service::new(at(heard_ms));
                service.status = crate::Status::Alive;
                pardon(&mut service, &policy, gaps.as_slice(), Span::from_secs(10));
                let put_off_ms = service.silent_from.since(at(heard_ms)).as_ms();
                let silence_ms = at(minutes * 61_000).since(at(heard_ms)).as_ms();
                assert!(put_off_ms <= 61_000 + silence_ms / 20, "{put_off_ms} of {silence_ms}");
            }
        }
    }

    #[test]
    fn a_gap_is_forgotten_when_it_counts_for_nobody() {
        let blind_after = Span::from_secs(10);
        let mut gaps = Gaps::default();
        gaps.push(gap(0, 600), "1d".parse().unwrap(), blind_after);
        // Blind towards allowances of up to 1,199 ms: whom it pardoned is dead 1,199 ms after its end.
        gaps.push(gap(1800, 13_000), "1d".parse().unwrap(), blind_after);
        assert_eq!(gaps.as_slice().len(), 2);
        gaps.push(gap(20_000, 31_000), "1d".parse().unwrap(), blind_after);
        assert_eq!(gaps.as_slice(), [gap(1800, 13_000), gap(20_000, 31_000)]);
        gaps.push(gap(86_413_000, 86_440_000), "1d".parse().unwrap(), blind_after);
        assert_eq!(gaps.as_slice().len(), 3);
        gaps.push(gap(86_440_001, 86_460_000), "1d".parse().unwrap(), blind_after);
        assert_eq!(gaps.as_slice()[0], gap(86_413_000, 86_440_000));
    }
}
