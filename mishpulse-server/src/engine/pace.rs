//! When the engine begins its next turn: at once, when others have had theirs, or some time after a failure.

use mishpulse_core::Span;

use super::inbox::Intake;

/// How it goes on from turn to turn.
#[derive(Debug)]
pub(super) struct Pace {
    /// Whether each commit waits for the disk, and does little else.
    waits_for_disk: bool,
    /// How many commands there were for the last turn.
    last: usize,
}

impl Pace {
    pub(super) const fn new(waits_for_disk: bool) -> Self {
        Self { waits_for_disk, last: 0 }
    }

    /// Lets others have their turn before the next one: whatever else has arrived is read first, and shares the commit.
    pub(super) async fn give_way(&mut self, intake: &mut Intake) {
        let enough = self.enough(intake.len());
        for _ in 0..LOOKS {
            if intake.len() >= enough {
                break;
            }
            intake.look(enough).await;
        }
        self.last = intake.len();
    }

    /// For how many commands the next turn begins at once, where so many wait after the last one.
    ///
    /// The more share a commit the less each costs. But while it waits for the disk, the processors should have the other half to
    /// work on: whoever was answered last comes again, so that with those who wait there are about so many in all.
    const fn enough(&self, waiting: usize) -> usize {
        match (self.last + waiting) / 2 {
            _ if !self.waits_for_disk => usize::MAX,
            0 => 1,
            half => half,
        }
    }
}

/// How often what has arrived is read before a turn: what comes in while the first is read is read by the second; a third brings
/// nothing more.
const LOOKS: usize = 2;

/// How long everything is refused after a failure: 0.1 s after the first, twice as long after each further one, up to 2 s.
pub(super) fn recovery_pause(failures: u32) -> Span {
    Span::from_ms((50_u64 << failures.min(6)).min(2000))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For how many each turn began, where so many in all always come again as soon as they are answered.
    fn turns(waits_for_disk: bool, in_all: usize, first: usize) -> Vec<usize> {
        let mut pace = Pace::new(waits_for_disk);
        let mut waiting = first;
        (0..6)
            .map(|_| {
                pace.last = pace.enough(waiting).min(in_all).max(waiting);
                waiting = in_all - pace.last;
                pace.last
            })
            .collect()
    }

    #[test]
    fn while_one_half_waits_for_the_disk_there_is_the_other_one_to_work_on() {
        assert_eq!(turns(true, 64, 1), [1, 63, 32, 32, 32, 32]);
        assert_eq!(turns(true, 64, 64), [64, 32, 32, 32, 32, 32]);
        assert_eq!(turns(true, 1, 1), [1, 1, 1, 1, 1, 1], "a single one is not kept waiting");
        assert_eq!(Pace::new(true).enough(0), 1);
    }

    #[test]
    fn where_no_disk_is_waited_for_the_more_the_better() {
        assert_eq!(turns(false, 64, 1), [64, 64, 64, 64, 64, 64]);
    }
}
