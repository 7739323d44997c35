//! The index of who is due next.
//!
//! It is lazy: a beat only moves the deadline in the service's own record, and an entry that comes up early is filed
//! again. So every service has one entry that is due no later than itself, found in one of two places:
//!
//! - the *ring*: 4,096 buckets of 128 ms each, unordered, for all that is more than a second off (what is further off
//!   than the ring is long waits in its last bucket and is filed again from there);
//! - *near*: an ordered set with exact times, for what is due within the next second or so.
//!
//! Buckets are emptied into `near` up to a second ahead and [`SLICE`] entries at a time, so that a million deadlines in
//! the same millisecond cost many short looks and no long one.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::ServiceId;
use crate::time::{Span, Timestamp};

#[derive(Debug)]
pub(crate) struct Deadlines {
    near: BTreeSet<(Timestamp, ServiceId)>,
    ring: Vec<Bucket>,
    /// The first bucket that is not yet emptied into `near`, counted from `epoch`.
    cursor: u64,
    epoch: Timestamp,
    /// Where the entry of each service is: an entry found anywhere else is stale.
    filed: Vec<u16>,
}

const BUCKET_MS: u64 = 128;
const BUCKETS: u64 = 4096;
/// The furthest bucket that is filed into, so that even the one before the cursor keeps clear of those in use.
const FURTHEST: u64 = BUCKETS - 2;
/// Buckets are emptied this many ahead of time: a little over a second.
const AHEAD: u64 = 8;
/// The most entries that one look takes out of buckets whose time has not come.
const SLICE: usize = 2048;

const NOWHERE: u16 = u16::MAX;
const NEAR: u16 = u16::MAX - 1;

impl Deadlines {
    pub(crate) fn new(epoch: Timestamp) -> Self {
        let ring = (0..BUCKETS).map(|_| Bucket::default()).collect();
        Self { near: BTreeSet::new(), ring, cursor: AHEAD + 1, epoch, filed: Vec::new() }
    }

    /// Sees to it that `id` comes up at `due` or before.
    pub(crate) fn file(&mut self, id: ServiceId, due: Timestamp) {
        if self.filed.len() <= id.index() {
            self.filed.resize(id.index() + 1, NOWHERE);
        }
        let bucket = self.bucket_of(due);
        let filed = &mut self.filed[id.index()];
        if bucket < self.cursor {
            *filed = NEAR;
            self.near.insert((due, id));
            return;
        }
        let filed_bucket = match *filed {
            NOWHERE => u64::MAX,
            NEAR => 0,
            place => self.cursor + (u64::from(place).wrapping_sub(self.cursor) % BUCKETS),
        };
        let bucket = bucket.min(self.cursor + FURTHEST);
        if bucket < filed_bucket {
            let place = bucket % BUCKETS;
            *filed = place as u16;
            self.ring[place as usize].push(id);
        }
    }

    /// Forgets where `id` is; what is left of it is stale.
    pub(crate) fn forget(&mut self, id: ServiceId) {
        if let Some(filed) = self.filed.get_mut(id.index()) {
            *filed = NOWHERE;
        }
    }

    /// Takes out the first service that is due by `now`, in order of time and handle; `due` says when each is really due.
    ///
    /// O(log n) for each entry that is due, and up to [`SLICE`] entries moved ahead of their time. After a jump of
    /// time all the buckets that were jumped over are emptied at once.
    pub(crate) fn pop(
        &mut self,
        now: Timestamp,
        mut due: impl FnMut(ServiceId) -> Option<Timestamp>,
    ) -> Option<(Timestamp, ServiceId)> {
        self.empty_buckets(now, &mut due);
        while let Some(&(at, id)) = self.near.first().filter(|(at, _)| *at <= now) {
            self.near.pop_first();
            if self.filed[id.index()] != NEAR {
                continue;
            }
            match due(id) {
                Some(really) if really <= at => {
                    self.filed[id.index()] = NOWHERE;
                    return Some((really, id));
                }
                really => self.file_again(id, really),
            }
        }
        None
    }

    /// When to look next: no later than anyone is due, no later than `limit`, and after `now`.
    pub(crate) fn next_look(&self, now: Timestamp, limit: Timestamp) -> Timestamp {
        let soonest = now + Span::from_ms(1);
        let mut next = self.near.first().map_or(limit, |(at, _)| (*at).min(limit));
        for bucket in self.cursor..self.cursor + BUCKETS {
            let opens = self.start_of(bucket.saturating_sub(AHEAD));
            if opens >= next {
                break;
            }
            if !self.ring[(bucket % BUCKETS) as usize].is_empty() {
                next = opens;
            }
        }
        next.max(soonest)
    }

    fn empty_buckets(&mut self, now: Timestamp, due: &mut impl FnMut(ServiceId) -> Option<Timestamp>) {
        let must = self.bucket_of(now);
        if must > self.cursor + BUCKETS {
            return self.start_over(must, due);
        }
        let mut slice = SLICE;
        while self.cursor <= must + AHEAD {
            let place = (self.cursor % BUCKETS) as u16;
            while let Some(id) = self.ring[usize::from(place)].pop() {
                if self.filed[id.index()] == place {
                    self.filed[id.index()] = NOWHERE;
                    if let Some(due) = due(id) {
                        // A bucket that is being emptied takes nobody in: who is due within it is near.
                        self.file_past(id, due);
                    }
                }
                slice = slice.saturating_sub(1);
                if slice == 0 && self.cursor > must {
                    return;
                }
            }
            self.cursor += 1;
        }
    }

    /// Time jumped over the whole ring: everyone is filed anew, rather than once for each turn of it.
    fn start_over(&mut self, must: u64, due: &mut impl FnMut(ServiceId) -> Option<Timestamp>) {
        let buckets: Vec<Bucket> = self.ring.iter_mut().map(core::mem::take).collect();
        self.cursor = must + AHEAD + 1;
        for (place, bucket) in buckets.into_iter().enumerate() {
            for id in bucket.0.into_iter().flatten() {
                if usize::from(self.filed[id.index()]) == place {
                    self.file_again(id, due(id));
                }
            }
        }
    }

    fn file_again(&mut self, id: ServiceId, due: Option<Timestamp>) {
        self.filed[id.index()] = NOWHERE;
        if let Some(due) = due {
            self.file(id, due);
        }
    }

    /// As [`file`](Self::file), with the bucket at the cursor counted as emptied.
    fn file_past(&mut self, id: ServiceId, due: Timestamp) {
        self.cursor += 1;
        self.file(id, due);
        self.cursor -= 1;
    }

    fn bucket_of(&self, at: Timestamp) -> u64 {
        at.since(self.epoch).as_ms() / BUCKET_MS
    }

    fn start_of(&self, bucket: u64) -> Timestamp {
        self.epoch + Span::from_ms(bucket * BUCKET_MS)
    }
}

/// Handles in no order, in chunks, so that growing it never copies much.
#[derive(Debug, Default)]
struct Bucket(Vec<Vec<ServiceId>>);

const CHUNK: usize = 512;

impl Bucket {
    fn push(&mut self, id: ServiceId) {
        match self.0.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(id),
            _ => {
                let mut chunk = Vec::with_capacity(if self.0.is_empty() { 4 } else { CHUNK });
                chunk.push(id);
                self.0.push(chunk);
            }
        }
    }

    fn pop(&mut self) -> Option<ServiceId> {
        let chunk = self.0.last_mut()?;
        let id = chunk.pop();
        if chunk.is_empty() {
            self.0.pop();
        }
        id
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
