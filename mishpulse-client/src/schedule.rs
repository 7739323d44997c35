//! When to send next. Pure: the time is an argument, so an hour without a monitor passes in a test at once.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant};

use crate::error::Error;

/// The times of one pulse: regular beats, retries that back off, and changes that go out early but not in floods.
#[derive(Debug)]
pub(crate) struct Schedule {
    interval: Duration,
    retries: u32,
    /// The next beat where nothing changes: a regular one, or a retry.
    next: Instant,
    last_try: Option<Instant>,
    failures: u32,
    /// Set while the server has asked not to be bothered.
    told_to_wait: bool,
    hurried: bool,
    allowance: u32,
    allowance_at: Instant,
    jitter: Jitter,
}

/// Why the schedule is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// There is nothing that the monitor does not know.
    Nothing,
    /// There is something new.
    Change,
    /// There is something new and someone waits for it.
    Hurry,
}

impl Schedule {
    /// The first beat is due at once.
    pub(crate) fn new(interval: Duration, retries: u32, now: Instant) -> Self {
        Self {
            interval,
            retries,
            next: now,
            last_try: None,
            failures: 0,
            told_to_wait: false,
            hurried: false,
            allowance: EARLY_MAX,
            allowance_at: now,
            jitter: Jitter::new(),
        }
    }

    /// When to send next; it may have passed.
    #[must_use]
    pub(crate) fn next(&self, need: Need) -> Instant {
        let Some(last_try) = self.last_try else { return self.next };
        let early = match need {
            Need::Nothing => return self.next,
            Need::Hurry if self.hurried && self.failures > 0 => last_try + HURRIED_WAIT,
            Need::Hurry => last_try,
            Need::Change if self.told_to_wait => return self.next,
            Need::Change if self.failures > 0 => last_try + AWAY_WAIT,
            Need::Change if self.allowance > 0 => last_try,
            Need::Change => self.allowance_at + EARLY_EVERY,
        };
        early.min(self.next)
    }

    /// Whether the last try failed.
    #[must_use]
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// To be called before each try.
    pub(crate) fn tries(&mut self, need: Need, now: Instant) {
        let gained = now.saturating_duration_since(self.allowance_at).as_secs() / EARLY_EVERY.as_secs();
        if gained > 0 {
            let gained = u32::try_from(gained).unwrap_or(EARLY_MAX);
            self.allowance = self.allowance.saturating_add(gained).min(EARLY_MAX);
            self.allowance_at = now;
        }
        self.allowance = self.allowance.saturating_sub(1);
        self.hurried = need == Need::Hurry;
    }

    /// The try that ended at `now` got through.
    pub(crate) fn succeeded(&mut self, now: Instant) {
        self.last_try = Some(now);
        self.failures = 0;
        self.told_to_wait = false;
        self.next = now + self.interval;
    }

    /// The try that ended at `now` did not: exponential backoff from 1 s, at most the interval, each wait shortened
    /// by up to half so that many clients do not come back in step. After `retries` of them, or where trying again
    /// is no use, it goes on once an interval, for ever.
    pub(crate) fn failed(&mut self, error: &Error, now: Instant) {
        let backoff = FIRST_WAIT.saturating_mul(1 << self.failures.min(16));
        let wait = if self.failures < self.retries && error.is_temporary() {
            self.jitter.shorten(backoff.min(self.interval))
        } else {
            self.jitter.shorten(self.interval)
        };
        self.last_try = Some(now);
        self.failures = self.failures.saturating_add(1);
        self.told_to_wait = false;
        self.next = now + wait;
        if let Error::Refused { retry_after: Some(asked), .. } = error {
            self.told_to_wait = true;
            self.next = self.next.max(now + (*asked).min(ASKED_WAIT_MAX));
        }
    }
}

/// Chance for backoff. Good enough to spread clients, no good for secrets.
#[derive(Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) fn new() -> Self {
        // The standard library seeds its hash maps from the system: the one source of chance that needs no crate.
        Self(RandomState::new().build_hasher().finish() | 1)
    }

    /// Between half of `wait` and all of it.
    pub(crate) fn shorten(&mut self, wait: Duration) -> Duration {
        // Marsaglia, "Xorshift RNGs" (2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let part = u32::try_from(self.0 >> 54).unwrap_or(0);
        wait / 2 + (wait / 2).saturating_mul(part) / 1024
    }
}

const FIRST_WAIT: Duration = Duration::from_secs(1);
/// So many changes may go out at once, and one more each [`EARLY_EVERY`].
const EARLY_MAX: u32 = 5;
const EARLY_EVERY: Duration = Duration::from_secs(1);
/// A change brings a retry forward, but not closer than this to the last try.
const AWAY_WAIT: Duration = Duration::from_secs(5);
/// Between the tries of a flush.
const HURRIED_WAIT: Duration = Duration::from_millis(200);
const ASKED_WAIT_MAX: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn away() -> Error {
        Error::Unreachable { reason: "away".to_owned() }
    }

    fn refused(status: u16, retry_after: Option<Duration>) -> Error {
        Error::Refused { status, detail: String::new(), retry_after }
    }

    #[test]
    fn an_hour_without_the_monitor_is_some_seventy_to_130_tries() {
        let mut now = Instant::now();
        let end = now + Duration::from_secs(3600);
        let mut schedule = Schedule::new(MINUTE, 5, now);
        let (mut tries, mut waits) = (0, Vec::new());
        while now < end {
            schedule.tries(Need::Change, now);
            schedule.failed(&away(), now);
            tries += 1;
            waits.push(schedule.next(Need::Nothing) - now);
            now = schedule.next(Need::Nothing);
        }
        assert!((60..=130).contains(&tries), "{tries}");
        for (failures, wait) in waits.iter().enumerate() {
            let full = if failures < 5 { FIRST_WAIT * (1 << failures) } else { MINUTE };
            assert!(*wait <= full && *wait >= full / 2, "try {failures} waited {wait:?}");
        }
        schedule.succeeded(now);
        assert_eq!(schedule.next(Need::Nothing), now + MINUTE);
    }

    #[test]
    fn a_change_goes_at_once_and_a_flood_of_changes_once_a_second() {
        let start = Instant::now();
        let end = start + MINUTE;
        let mut now = start;
        let mut schedule = Schedule::new(MINUTE, 5, now);
        let mut times = Vec::new();
        while now < end {
            schedule.tries(Need::Change, now);
            schedule.succeeded(now);
            times.push(now - start);
            now = schedule.next(Need::Change).max(now);
        }
        assert!(times[..5].iter().all(Duration::is_zero), "{times:?}");
        assert!(times.len() <= 66, "{}", times.len());
    }

    #[test]
    fn what_no_retry_can_help_waits_for_the_next_interval() {
        let now = Instant::now();
        let mut schedule = Schedule::new(MINUTE, 5, now);
        schedule.tries(Need::Change, now);
        schedule.failed(&refused(403, None), now);
        assert!(schedule.next(Need::Nothing) >= now + MINUTE / 2);
    }

    #[test]
    fn the_server_may_ask_for_patience_but_not_for_ever() {
        let now = Instant::now();
        let mut schedule = Schedule::new(MINUTE, 5, now);
        schedule.tries(Need::Change, now);
        schedule.failed(&refused(503, Some(Duration::from_secs(120))), now);
        assert_eq!(schedule.next(Need::Change), now + Duration::from_secs(120));
        schedule.failed(&refused(503, Some(Duration::MAX)), now);
        assert_eq!(schedule.next(Need::Change), now + ASKED_WAIT_MAX);
        assert_eq!(schedule.next(Need::Hurry), now);
    }

    #[test]
    fn a_change_while_away_comes_sooner_but_not_at_once() {
        let now = Instant::now();
        let mut schedule = Schedule::new(MINUTE, 0, now);
        schedule.tries(Need::Nothing, now);
        schedule.failed(&away(), now);
        assert!(schedule.next(Need::Nothing) >= now + MINUTE / 2);
        assert_eq!(schedule.next(Need::Change), now + AWAY_WAIT);
        assert_eq!(schedule.next(Need::Hurry), now);
        schedule.tries(Need::Hurry, now);
        schedule.failed(&away(), now);
        assert_eq!(schedule.next(Need::Hurry), now + HURRIED_WAIT);
    }
}
