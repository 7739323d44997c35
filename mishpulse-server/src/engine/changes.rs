//! Which services have changed since a follower last asked; off, and free of cost, while nobody follows.

use std::collections::VecDeque;

use mishpulse_core::ServiceId;

/// What a follower of the board has not heard of yet. Each service is queued at most once, so that it is bounded by their
/// number whatever happens to them.
#[derive(Debug, Default)]
pub(super) struct Changes {
    is_on: bool,
    /// By handle: how each service is queued.
    marks: Vec<Mark>,
    changed: VecDeque<ServiceId>,
    heard: VecDeque<ServiceId>,
    gone: Vec<ServiceId>,
    is_all: bool,
}

/// Some of the services that have changed since the last time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// Those that are no more; their handles may be others' by now.
    pub gone: Vec<ServiceId>,
    /// Those with another status, message, name or settings, in the order in which they changed first.
    pub changed: Vec<ServiceId>,
    /// Those that were only heard, so that they have other times and nothing else.
    pub heard: Vec<ServiceId>,
    /// The settings of all may be others.
    pub is_all: bool,
    /// There are more of them.
    pub has_more: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mark {
    #[default]
    None,
    Heard,
    Changed,
}

impl Changes {
    /// Starts or stops to take note of changes. What was noted before is forgotten.
    pub(super) fn follow(&mut self, is_on: bool) {
        *self = Self { is_on, ..Self::default() };
    }

    pub(super) fn note_heard(&mut self, id: ServiceId) {
        if self.is_on && self.mark(id, Mark::Heard) == Mark::None {
            self.heard.push_back(id);
        }
    }

    pub(super) fn note_changed(&mut self, id: ServiceId) {
        if self.is_on && self.mark(id, Mark::Changed) != Mark::Changed {
            self.changed.push_back(id);
        }
    }

    pub(super) fn note_gone(&mut self, id: ServiceId) {
        if self.is_on {
            self.gone.push(id);
        }
    }

    pub(super) fn note_all(&mut self) {
        self.is_all = self.is_on;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.heard.is_empty() && self.gone.is_empty() && !self.is_all
    }

    /// Takes out at most so many of each; all that are gone.
    pub(super) fn take(&mut self, changed_max: usize, heard_max: usize) -> Changed {
        let changed: Vec<ServiceId> = self.changed.drain(..self.changed.len().min(changed_max)).collect();
        for id in &changed {
            self.marks[id.index()] = Mark::None;
        }
        let mut heard = Vec::with_capacity(self.heard.len().min(heard_max));
        while heard.len() < heard_max {
            let Some(id) = self.heard.pop_front() else { break };
            // One that changed after it was heard is told of as changed.
            let mark = &mut self.marks[id.index()];
            if *mark == Mark::Heard {
                *mark = Mark::None;
                heard.push(id);
            }
        }
        Changed {
            gone: std::mem::take(&mut self.gone),
            changed,
            heard,
            is_all: std::mem::take(&mut self.is_all),
            has_more: !self.is_empty(),
        }
    }

    /// Raises the mark of `id` to `mark`, and says what it was.
    fn mark(&mut self, id: ServiceId, mark: Mark) -> Mark {
        if self.marks.len() <= id.index() {
            self.marks.resize(id.index() + 1, Mark::None);
        }
        let place = &mut self.marks[id.index()];
        let before = *place;
        if before != Mark::Changed {
            *place = mark;
        }
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ServiceId = ServiceId::new(0);
    const B: ServiceId = ServiceId::new(7);

    fn following() -> Changes {
        let mut changes = Changes::default();
        changes.follow(true);
        changes
    }

    #[test]
    fn nothing_is_kept_while_nobody_follows() {
        let mut changes = Changes::default();
        changes.note_changed(A);
        changes.note_heard(B);
        changes.note_gone(B);
        changes.note_all();
        assert!(changes.is_empty());
        assert_eq!(changes.take(9, 9), Changed::default());
    }

    #[test]
    fn each_is_told_of_once_and_by_its_greatest_change() {
        let mut changes = following();
        for _ in 0..3 {
            changes.note_heard(A);
            changes.note_heard(B);
            changes.note_changed(A);
        }
        let taken = changes.take(9, 9);
        assert_eq!((taken.changed, taken.heard, taken.has_more), (vec![A], vec![B], false));
        assert!(changes.is_empty());
        changes.note_heard(A);
        assert_eq!(changes.take(9, 9).heard, [A]);
    }

    #[test]
    fn what_does_not_fit_waits() {
        let mut changes = following();
        changes.note_changed(A);
        changes.note_changed(B);
        let first = changes.take(1, 1);
        assert_eq!((first.changed, first.has_more), (vec![A], true));
        assert_eq!(changes.take(1, 1).changed, [B]);
    }
}
