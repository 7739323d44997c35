//! The index of who is due next.
//!
//! It is lazy: a beat only moves the deadline in the service's own record, and an entry that comes up early is filed
//! again. So every service that something is due for has one entry, which comes up no later than that, in one of two
//! places:
//!
//! - the *ring*: 4,096 buckets of 128 ms each, unordered, for all that is more than two seconds off (what is further off
//!   than the ring is long waits in its last bucket and is filed again from there);
//! - *near*: an ordered set with exact times, for what is due within the next two seconds.
//!
//! Buckets are emptied into `near` two seconds ahead and [`SLICE`] entries at a time, so that a million deadlines in the
//! same millisecond cost many short looks and no long one.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::id::ServiceId;
use crate::time::{Span, Timestamp};

#[derive(Debug)]
pub(crate) struct Deadlines {
    near: BTreeSet<(Timestamp, ServiceId)>,
    ring: Vec<Bucket>,
    /// The first bucket that is not yet emptied into `near`, counted from `epoch`.
    cursor: u64,
    epoch: Timestamp,
    /// The place of each service's entry: one found anywhere else is stale.
    filed: Vec<Place>,
}

impl Deadlines {
    pub(crate) fn new(epoch: Timestamp) -> Self {
        let ring = (0..BUCKETS).map(|_| Bucket::default()).collect();
        Self { near: BTreeSet::new(), ring, cursor: AHEAD + 1, epoch, filed: Vec::new() }
    }

    /// Sees to it that `id` comes up at `due` or before. Files nothing where it does already, whatever became of it in
    /// the meantime, so that an entry is made stale by an earlier one only.
    pub(crate) fn file(&mut self, id: ServiceId, due: Timestamp) {
        if self.filed.len() <= id.index() {
            self.filed.resize(id.index() + 1, Place::NOWHERE);
        }
        let bucket = self.bucket_of(due).min(self.cursor + FURTHEST);
        let filed = self.filed[id.index()];
        if bucket >= self.cursor {
            if filed.is_near() || filed.bucket(self.cursor).is_some_and(|filed| filed <= bucket) {
                return;
            }
            let place = Place::in_ring(bucket);
            self.filed[id.index()] = place;
            self.ring[place.index()].push(id);
        } else {
            if let Some(at) = filed.time(self.start_of(self.cursor)) {
                if at <= due {
                    return;
                }
                self.near.remove(&(at, id));
            }
            self.filed[id.index()] = Place::near(due);
            self.near.insert((due, id));
        }
    }

    /// Takes out the first service that is due by `now`, in order of time and handle; `due` says when each is really due.
    ///
    /// O(log n) for what it returns, after [`SLICE`] entries at most that were moved ahead of their time and as many that
    /// came up early: then it returns `None`, and [`next_look`](Self::next_look) asks for the next slice. After a jump
    /// of time all the buckets that were jumped over are emptied at once.
    pub(crate) fn pop(
        &mut self,
        now: Timestamp,
        mut due: impl FnMut(ServiceId) -> Option<Timestamp>,
    ) -> Option<ServiceId> {
        self.empty_buckets(now, &mut due);
        for _ in 0..SLICE {
            let &(at, id) = self.near.first().filter(|(at, _)| *at <= now)?;
            self.near.pop_first();
            if self.filed[id.index()] != Place::near(at) {
                continue;
            }
            self.filed[id.index()] = Place::NOWHERE;
            match due(id) {
                Some(due) if due <= at => return Some(id),
                Some(due) => self.file(id, due),
                None => {}
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
            if !self.ring[Place::in_ring(bucket).index()].is_empty() {
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
        let mut moved = 0;
        while self.cursor <= must + AHEAD {
            let place = Place::in_ring(self.cursor);
            while let Some(ids) = self.ring[place.index()].pop() {
                moved += ids.len();
                // A bucket that is being emptied takes nobody in: who is due within it is near.
                self.cursor += 1;
                self.file_again(&ids, place, due);
                self.cursor -= 1;
                if moved >= SLICE && self.cursor > must {
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
        for (bucket, place) in buckets.into_iter().zip((0..BUCKETS).map(Place::in_ring)) {
            bucket.0.iter().for_each(|ids| self.file_again(ids, place, due));
        }
    }

    /// Files those of `ids` whose entry was at `place`.
    fn file_again(
        &mut self,
        ids: &[ServiceId],
        place: Place,
        due: &mut impl FnMut(ServiceId) -> Option<Timestamp>,
    ) {
        for ids in ids.chunks(AT_ONCE) {
            // All are read before any is filed: each read is a cache miss, and independent ones overlap.
            let mut dues = [None; AT_ONCE];
            for (slot, id) in dues.iter_mut().zip(ids) {
                *slot = due(*id);
            }
            for (due, id) in dues.into_iter().zip(ids) {
                if self.filed[id.index()] == place {
                    self.filed[id.index()] = Place::NOWHERE;
                    if let Some(due) = due {
                        self.file(*id, due);
                    }
                }
            }
        }
    }

    fn bucket_of(&self, at: Timestamp) -> u64 {
        at.since(self.epoch).as_ms() / BUCKET_MS
    }

    fn start_of(&self, bucket: u64) -> Timestamp {
        self.epoch + Span::from_ms(bucket.saturating_mul(BUCKET_MS))
    }
}

/// Where the entry of a service is, in two bytes: a bucket of the ring, or `near` at a time of which the rest modulo
/// [`NEAR_MS`] is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place(u16);

impl Place {
    const NOWHERE: Self = Self(u16::MAX);

    const fn in_ring(bucket: u64) -> Self {
        Self((bucket % BUCKETS) as u16)
    }

    const fn near(at: Timestamp) -> Self {
        Self(BUCKETS as u16 + at.unix_ms().rem_euclid(NEAR_MS) as u16)
    }

    const fn index(self) -> usize {
        self.0 as usize
    }

    fn is_near(self) -> bool {
        self != Self::NOWHERE && u64::from(self.0) >= BUCKETS
    }

    /// The bucket, of those from `cursor` on.
    fn bucket(self, cursor: u64) -> Option<u64> {
        let is_in_ring = u64::from(self.0) < BUCKETS;
        is_in_ring.then(|| cursor + u64::from(self.0).wrapping_sub(cursor) % BUCKETS)
    }

    /// The time of an entry that is near, which is before `end`.
    ///
    /// For one that should have been taken out a minute ago and was not, the answer is too late. That does no harm:
    /// it is then filed once more, or not filed because it comes up early enough.
    fn time(self, end: Timestamp) -> Option<Timestamp> {
        let last_ms = end.unix_ms().saturating_sub(1);
        let rest_ms = i64::from(self.0) - BUCKETS as i64;
        self.is_near().then(|| {
            Timestamp::from_unix_ms(last_ms.saturating_sub(last_ms.wrapping_sub(rest_ms).rem_euclid(NEAR_MS)))
        })
    }
}

/// Handles in no order, in chunks, so that growing it never copies much.
#[derive(Debug, Default)]
struct Bucket(Vec<Vec<ServiceId>>);

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

    /// An empty one holds no memory: those who are far off pass together through one bucket after another, and would leave
    /// room for all of them in each.
    fn pop(&mut self) -> Option<Vec<ServiceId>> {
        let chunk = self.0.pop();
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        chunk
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

const BUCKET_MS: u64 = 128;
const BUCKETS: u64 = 4096;
/// The furthest bucket that is filed into, so that even the one before the cursor keeps clear of those in use.
const FURTHEST: u64 = BUCKETS - 2;
/// Buckets are emptied this many ahead of time: two seconds, in which looks of [`SLICE`] entries a millisecond move two
/// million.
const AHEAD: u64 = 16;
/// One look takes no more chunks out of buckets whose time has not come once it has taken so many entries, and no more
/// entries out of `near` once it has found so many whose time has not come.
const SLICE: usize = 1024;
const CHUNK: usize = 256;
const AT_ONCE: usize = 32;
/// The longest time, in milliseconds, that is told from the two bytes of a [`Place`]; much longer than `AHEAD` buckets.
const NEAR_MS: i64 = 61_000;

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ServiceId = ServiceId::new(0);

    const fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    impl Deadlines {
        fn entries(&self) -> usize {
            self.near.len() + self.ring.iter().flat_map(|bucket| &bucket.0).map(Vec::len).sum::<usize>()
        }
    }

    #[test]
    fn a_place_tells_its_time_back() {
        for end_ms in [i64::MIN + 70_000, -61_000, -1, 0, 1, 61_000, 1_760_616_000_000, i64::MAX] {
            for before_ms in [1, 2, 999, 2048, 60_999, 61_000] {
                let time = at(end_ms - before_ms);
                assert_eq!(Place::near(time).time(at(end_ms)), Some(time), "{end_ms} - {before_ms}");
            }
        }
        assert_eq!(Place::NOWHERE.time(at(0)), None);
        assert_eq!(Place::NOWHERE.bucket(9), None);
        assert_eq!(Place::in_ring(5000).time(at(0)), None);
        assert_eq!(Place::in_ring(5000).bucket(4990), Some(5000));
        assert_eq!(Place::in_ring(5000).bucket(5000), Some(5000));
        assert_eq!(Place::in_ring(5000).bucket(5001), Some(5000 + 4096));
    }

    #[test]
    fn who_is_filed_over_and_over_leaves_no_entries_behind() {
        let mut deadlines = Deadlines::new(at(0));
        let mut now_ms = 0;
        // A deadline that moves on and back with every millisecond for a quarter of an hour, near and in the ring.
        let mut due = at(0);
        let mut most = 0;
        while now_ms < 900_000 {
            let off_ms = if now_ms % 2 == 0 { 100 + now_ms % 1000 } else { 300_000 };
            due = at(now_ms + off_ms);
            deadlines.file(ID, due);
            while let Some(id) = deadlines.pop(at(now_ms), |_| Some(due)) {
                deadlines.file(id, due);
            }
            if now_ms % 1009 == 0 {
                most = most.max(deadlines.entries());
            }
            now_ms += 1;
        }
        // One that counts, and a stale one for each time that it was near and left for the ring: at most ten a second,
        // for the eight minutes that the ring is long.
        assert!(most < 3000, "{most} entries for one service");
        let later = at(now_ms + 600_000);
        while deadlines.pop(later, |_| Some(due)).is_some() {}
        assert_eq!(deadlines.entries(), 0);
    }

    #[test]
    fn those_who_pass_through_all_buckets_together_leave_no_memory_behind() {
        const SERVICES: u32 = 10_000;
        let mut deadlines = Deadlines::new(at(0));
        let room =
            |deadlines: &Deadlines| deadlines.ring.iter().map(|bucket| bucket.0.capacity()).sum::<usize>();
        (0..SERVICES).for_each(|index| deadlines.file(ServiceId::new(index), at(3_600_000)));
        let before = room(&deadlines);
        // A day in which all are heard all the time.
        for second in 0..86_400 {
            let now = at(second * 1000);
            let due = now + Span::from_secs(3600);
            for _ in 0..SERVICES / SLICE as u32 {
                assert_eq!(deadlines.pop(now, |_| Some(due)), None);
            }
        }
        assert_eq!(deadlines.entries(), SERVICES as usize);
        assert!(room(&deadlines) <= before, "room for {} chunks, was {before}", room(&deadlines));
    }

    #[test]
    fn a_stale_entry_goes_when_it_comes_up() {
        let mut deadlines = Deadlines::new(at(0));
        // Now and then it is to come up early, for a moment: each time an entry in the ring is left behind.
        for second in 0..7200 {
            let now_ms = second * 1000;
            if second % 20 == 0 {
                deadlines.file(ID, at(now_ms + 40_000));
            }
            assert_eq!(deadlines.pop(at(now_ms), |_| Some(at(now_ms + 300_000))), None);
        }
        assert!(deadlines.entries() < 40, "{} entries for one service", deadlines.entries());
    }

    #[test]
    fn who_is_due_earlier_and_earlier_has_one_entry_near() {
        let mut deadlines = Deadlines::new(at(0));
        for due_ms in (500..2000).rev() {
            deadlines.file(ID, at(due_ms));
            assert_eq!(deadlines.near.len(), 1);
        }
        assert_eq!(deadlines.pop(at(499), |_| Some(at(500))), None);
        assert_eq!(deadlines.pop(at(500), |_| Some(at(500))), Some(ID));
        assert_eq!(deadlines.entries(), 0);
    }

    #[test]
    fn a_handle_that_is_used_again_takes_the_entry_over() {
        let mut deadlines = Deadlines::new(at(0));
        for now_ms in 0..70_000 {
            deadlines.file(ID, at(now_ms + 60_000));
            let _ = deadlines.pop(at(now_ms), |_| Some(at(now_ms + 60_000)));
            assert!(now_ms % 97 > 0 || deadlines.entries() == 1);
        }
        // Forgotten: nothing is due for it, and its entry goes when it comes up.
        assert_eq!(deadlines.pop(at(200_000), |_| None), None);
        assert_eq!(deadlines.entries(), 0);
    }
}
