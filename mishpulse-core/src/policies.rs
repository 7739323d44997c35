//! Who follows which policy, each different policy kept once.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::id::ServiceId;
use crate::policy::Policy;
use crate::time::Span;

/// A million services share a handful of policies, so each service keeps but the place of its own.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    /// The place in `kept` of each service's policy.
    of: Vec<u32>,
    kept: Vec<Kept>,
    /// Places in `kept` that nobody uses.
    free: Vec<u32>,
    places: BTreeMap<Policy, u32>,
    /// How many of the kept policies have each allowance: the shortest and the longest are wanted.
    allowances: BTreeMap<Span, u32>,
}

#[derive(Debug)]
struct Kept {
    policy: Policy,
    users: u32,
}

impl Policies {
    pub(crate) fn of(&self, id: ServiceId) -> &Policy {
        &self.kept[self.of[id.index()] as usize].policy
    }

    pub(crate) fn set(&mut self, id: ServiceId, policy: Policy) {
        let place = self.keep(policy);
        if self.of.len() <= id.index() {
            self.of.resize(id.index() + 1, NOBODY);
        }
        let before = core::mem::replace(&mut self.of[id.index()], place);
        self.release(before);
    }

    pub(crate) fn forget(&mut self, id: ServiceId) {
        let before = core::mem::replace(&mut self.of[id.index()], NOBODY);
        self.release(before);
    }

    pub(crate) fn shortest_allowance(&self) -> Option<Span> {
        self.allowances.keys().next().copied()
    }

    pub(crate) fn longest_allowance(&self) -> Option<Span> {
        self.allowances.keys().next_back().copied()
    }

    fn keep(&mut self, policy: Policy) -> u32 {
        if let Some(place) = self.places.get(&policy) {
            self.kept[*place as usize].users += 1;
            return *place;
        }
        let kept = Kept { policy, users: 1 };
        let place = match self.free.pop() {
            Some(place) => {
                self.kept[place as usize] = kept;
                place
            }
            None => {
                self.kept.push(kept);
                (self.kept.len() - 1) as u32
            }
        };
        self.places.insert(policy, place);
        *self.allowances.entry(policy.allowance()).or_default() += 1;
        place
    }

    fn release(&mut self, place: u32) {
        if place == NOBODY {
            return;
        }
        let kept = &mut self.kept[place as usize];
        kept.users -= 1;
        if kept.users > 0 {
            return;
        }
        let allowance = kept.policy.allowance();
        self.places.remove(&kept.policy);
        self.free.push(place);
        if let Some(count) = self.allowances.get_mut(&allowance) {
            *count -= 1;
            if *count == 0 {
                self.allowances.remove(&allowance);
            }
        }
    }
}

const NOBODY: u32 = u32::MAX;
