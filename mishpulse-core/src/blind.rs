//! The watcher was away: what is forgiven.
//!
//! Silence counts only while someone was listening. When time jumps by more than a policy allows, every service whose
//! deadline was still ahead gets one full allowance from the watcher's return, once until it is heard again: nobody is
//! called dead who could not report, and a watcher that is away again and again hides nobody for ever.

use alloc::vec::Vec;

use crate::policy::Policy;
use crate::service::Service;
use crate::time::{Span, Timestamp};

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
    /// Whether a silence since `silent_from` reached into it.
    fn covers(&self, silent_from: Timestamp) -> bool {
        silent_from <= self.from || silent_from < self.until
    }

    /// Whether this was long enough to be blind towards a service with `policy`.
    fn blinds(&self, policy: &Policy, blind_after: Span) -> bool {
        self.away > policy.blind_after(blind_after)
    }
}

/// Pardons `service` for the first of `gaps` (in order of time) that it is entitled to, if there is one.
pub(crate) fn pardon(service: &mut Service, policy: &Policy, gaps: &[Gap], blind_after: Span) {
    if service.pardoned {
        return;
    }
    let Some(deadline) = service.deadline(policy) else { return };
    let mine = gaps.iter().find(|gap| {
        gap.covers(service.silent_from) && deadline >= gap.from && gap.blinds(policy, blind_after)
    });
    if let Some(gap) = mine {
        service.silent_from = gap.until;
        service.pardoned = true;
    }
}

/// The gaps that still count for someone, oldest first.
///
/// A gap is forgotten once everyone whom it pardoned has been heard since or has died, and that is after the longest
/// allowance of all. The number is bounded: past [`GAPS_MAX`] the two newest become one, which can only put a death off.
#[derive(Debug, Default)]
pub(crate) struct Gaps(Vec<Gap>);

/// At ten seconds each, more than two hours of a watcher that does nothing but crash.
const GAPS_MAX: usize = 1000;

impl Gaps {
    pub(crate) const fn new(gaps: Vec<Gap>) -> Self {
        Self(gaps)
    }

    pub(crate) fn as_slice(&self) -> &[Gap] {
        &self.0
    }

    pub(crate) fn push(&mut self, gap: Gap, longest_allowance: Span) {
        self.0.retain(|old| old.until + longest_allowance >= gap.from);
        if self.0.len() < GAPS_MAX {
            self.0.push(gap);
        } else if let Some(last) = self.0.last_mut() {
            *last = Gap { from: last.from, until: gap.until, away: last.away + gap.away };
        }
    }
}
