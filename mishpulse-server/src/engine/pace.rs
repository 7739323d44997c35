//! When the engine begins its next turn: at once, when others have had theirs, or some time after a failure.

use mishpulse_core::Span;
use tokio::task::yield_now;

/// How it goes on from turn to turn.
#[derive(Debug)]
pub(super) struct Pace {
    /// Whether each commit waits for the disk, and does little else.
    waits_for_disk: bool,
    /// Whether others had their turn before the last one.
    has_yielded: bool,
    /// How many commands there were for the last one.
    last: usize,
}

impl Pace {
    pub(super) const fn new(waits_for_disk: bool) -> Self {
        Self { waits_for_disk, has_yielded: false, last: 0 }
    }

    /// Lets others have their turn before the next one, for which `waiting` commands have come already, or not.
    pub(super) async fn give_way(&mut self, waiting: usize) {
        if self.yields(waiting) {
            for _ in 0..self.looks() {
                yield_now().await;
            }
        }
    }

    /// Whether others have their turn before the next one.
    ///
    /// Mostly yes: whatever else has arrived is read first, and shares the commit. Not where the disk would be idle meanwhile though
    /// as many wait as shared the last commit. Then others send the answers while this thread waits; but once only, for some of the
    /// answers are on this thread.
    const fn yields(&mut self, waiting: usize) -> bool {
        let begins = self.waits_for_disk && self.has_yielded && waiting > 0 && waiting >= self.last;
        self.has_yielded = !begins;
        !begins
    }

    /// How often what has arrived is read before the next turn.
    ///
    /// What comes in while the first is read is read by the second; a third brings nothing more. Where few share a commit and each
    /// waits for the disk, that is what they wait for, and it begins after the first.
    const fn looks(&self) -> usize {
        if self.waits_for_disk && self.last < MANY { 1 } else { 2 }
    }

    /// Notes for how many a turn begins.
    pub(super) const fn begins_with(&mut self, waiting: usize) {
        self.last = waiting;
    }
}

/// So many share a commit where the processors are busy while the disk is waited for.
const MANY: usize = 64;

/// How long everything is refused after a failure: 0.1 s after the first, twice as long after each further one, up to 2 s.
pub(super) fn recovery_pause(failures: u32) -> Span {
    Span::from_ms((50_u64 << failures.min(6)).min(2000))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether others had their turn before each of the turns for which so many waited, to whom in that case as many came again.
    fn yields(waits_for_disk: bool, waiting: &[usize]) -> Vec<bool> {
        let mut pace = Pace::new(waits_for_disk);
        let turn = |waiting: &usize| {
            let yields = pace.yields(*waiting);
            pace.begins_with(if yields { 2 * waiting } else { *waiting });
            yields
        };
        waiting.iter().map(turn).collect()
    }

    #[test]
    fn the_disk_is_not_left_idle_while_enough_wait() {
        assert_eq!(yields(true, &[10, 20, 20, 39, 40]), [true, false, true, true, true]);
        assert_eq!(yields(true, &[10, 20, 10, 20]), [true, false, true, false], "never twice in a row");
        assert_eq!(yields(true, &[0, 0, 0]), [true, true, true]);
    }

    #[test]
    fn few_do_not_wait_for_more_before_the_disk() {
        for (waits_for_disk, last, looks) in
            [(true, MANY - 1, 1), (true, MANY, 2), (false, 0, 2), (false, MANY, 2)]
        {
            let mut pace = Pace::new(waits_for_disk);
            pace.begins_with(last);
            assert_eq!(pace.looks(), looks);
        }
    }

    #[test]
    fn where_no_disk_is_waited_for_the_more_the_better() {
        assert_eq!(yields(false, &[10, 20, 1000]), [true, true, true]);
    }
}
