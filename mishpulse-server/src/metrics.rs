//! What the server counts: plain atomics, so that counting takes nanoseconds and no lock. `web/metrics.rs` shows it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::config::ChannelName;
use crate::store::Outcome;

/// All that is counted since the server started. Made with the inbox, which every part has.
#[derive(Debug)]
pub struct Metrics {
    /// Beats that came in, by what became of them.
    pub beats: Beats,
    /// How long commits took, in microseconds.
    pub commit_us: Histogram,
    /// How many commands shared a commit, where there were any.
    pub batch_commands: Histogram,
    /// Commits that failed.
    pub commit_failures: Counter,
    /// The longest turn of the engine, in microseconds: so long it attended to nothing that came in.
    pub longest_turn_us: Highest,
    deliveries: Mutex<BTreeMap<ChannelName, Deliveries>>,
}

/// Beats that came in, by what became of them.
#[derive(Debug, Default)]
pub struct Beats {
    /// They were stored.
    pub stored: Counter,
    /// No service had their token.
    pub unknown_token: Counter,
    /// They could not be understood.
    pub malformed: Counter,
    /// They could not be stored then.
    pub unavailable: Counter,
}

/// Tries to deliver by one channel, by how they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deliveries {
    /// They were accepted.
    pub sent: u64,
    /// They were not accepted, and are made again.
    pub retried: u64,
    /// They were refused for good, or made too late.
    pub failed: u64,
}

impl Metrics {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            beats: Beats::default(),
            commit_us: Histogram::new(COMMIT_US),
            batch_commands: Histogram::new(BATCH_COMMANDS),
            commit_failures: Counter::default(),
            longest_turn_us: Highest::default(),
            deliveries: Mutex::default(),
        }
    }

    /// Shows `channel`, by which nothing went yet.
    pub fn know_channel(&self, channel: &ChannelName) {
        self.with_channel(channel, |_| {});
    }

    /// Counts a try to deliver by `channel`. The lock costs nothing beside what a try costs.
    pub fn count_delivery(&self, channel: &ChannelName, outcome: &Outcome) {
        self.with_channel(channel, |deliveries| match outcome {
            Outcome::Sent => deliveries.sent += 1,
            Outcome::Retry { .. } => deliveries.retried += 1,
            Outcome::Failed { .. } => deliveries.failed += 1,
        });
    }

    /// The tries of all channels.
    #[must_use]
    pub fn deliveries(&self) -> BTreeMap<ChannelName, Deliveries> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn with_channel(&self, channel: &ChannelName, count: impl FnOnce(&mut Deliveries)) {
        let mut channels = self.deliveries.lock().unwrap_or_else(PoisonError::into_inner);
        match channels.get_mut(channel) {
            Some(deliveries) => count(deliveries),
            None => count(channels.entry(channel.clone()).or_default()),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// A number that grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add_one(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The highest number so far.
#[derive(Debug, Default)]
pub struct Highest(AtomicU64);

impl Highest {
    /// Takes note of one more.
    pub fn note(&self, number: u64) {
        self.0.fetch_max(number, Ordering::Relaxed);
    }

    /// The highest; 0 where there was none.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often a number was at most so large.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One for each bound, and one for what is beyond the last.
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    /// Nothing seen yet; `bounds` grow.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, buckets, sum: AtomicU64::new(0) }
    }

    /// Takes in `number`.
    pub fn observe(&self, number: u64) {
        let place = self.bounds.partition_point(|bound| *bound < number);
        self.buckets[place].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(number, Ordering::Relaxed);
    }

    /// The sum of all numbers.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }

    /// How many numbers there were up to each bound and beyond the one before it; `None` is beyond the last.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let bounds = self.bounds.iter().copied().map(Some).chain([None]);
        bounds.zip(self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)))
    }
}

/// From what a commit into memory takes to what nobody should wait for.
const COMMIT_US: &[u64] = &[
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    5_000_000,
];
const BATCH_COMMANDS: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_on_a_bound_belongs_to_it() {
        let histogram = Histogram::new(&[10, 20]);
        for number in [0, 10, 11, 20, 21, 1000] {
            histogram.observe(number);
        }
        let buckets: Vec<_> = histogram.buckets().collect();
        assert_eq!(buckets, [(Some(10), 2), (Some(20), 2), (None, 2)]);
        assert_eq!(histogram.sum(), 1062);
    }

    #[test]
    fn tries_are_counted_by_channel() {
        let metrics = Metrics::new();
        let [ops, mail] = ["ops", "mail"].map(|name| name.parse::<ChannelName>().expect("a name"));
        metrics.know_channel(&mail);
        metrics.count_delivery(&ops, &Outcome::Sent);
        metrics.count_delivery(&ops, &Outcome::Failed { error: "no".to_owned() });
        metrics.know_channel(&ops);
        let counted = metrics.deliveries();
        assert_eq!(counted[&ops], Deliveries { sent: 1, retried: 0, failed: 1 });
        assert_eq!(counted[&mail], Deliveries::default());
    }
}
