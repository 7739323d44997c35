//! The facts that a store was given last of each service, and whether it gives them back.

use std::collections::BTreeMap;

use mishpulse_core::{Service, ServiceId, Timestamp};
use mishpulse_server::store::Writes;
use mishpulse_server::store::rows::ServiceRow;

/// The facts of everyone, and when each was last heard by those that were written as a whole.
#[derive(Default)]
pub struct Facts(BTreeMap<ServiceId, (Service, Option<Timestamp>)>);

impl Facts {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// They were written.
    pub fn take(&mut self, writes: &Writes<'_>) {
        for id in writes.removed {
            self.0.remove(id);
        }
        for (id, heard) in &writes.heard {
            let (before, whole) = self.0.get(id).expect("who was only heard is known");
            assert_eq!(rest(before), rest(heard), "{id:?} was only heard");
            let is_later = whole.is_some() && *whole < heard.last_seen && before.last_seen <= heard.last_seen;
            assert!(
                is_later,
                "{id:?} is told from what was known by when it was heard: {before:?}, {heard:?}"
            );
            assert!(heard.pardoned || heard.last_seen == Some(heard.silent_from), "{id:?}: {heard:?}");
            assert!(writes.facts.iter().all(|(other, _)| other != id), "{id:?} is written twice");
        }
        for (id, facts) in &writes.facts {
            self.0.insert(*id, ((*facts).clone(), facts.last_seen));
        }
        for (id, facts) in &writes.heard {
            self.0.entry(*id).and_modify(|(kept, _)| *kept = (*facts).clone());
        }
    }

    /// What was read is what was written, but for a pardon, which follows from the gaps and may have been written since.
    pub fn compare(&self, row: &ServiceRow) {
        let (id, facts) = (row.id, &row.facts);
        let (kept, _) = self.0.get(&id).unwrap_or_else(|| panic!("{id:?} is in the store"));
        assert_eq!(rest(facts), rest(kept), "what is stored of {id:?}");
        assert_eq!((facts.last_seen, facts.message()), (kept.last_seen, kept.message()), "heard of {id:?}");
        let silence = |facts: &Service| (facts.silent_from, facts.pardoned);
        let is_pardoned_since = facts.pardoned && facts.silent_from >= kept.silent_from;
        let is_pardoned_again =
            kept.pardoned && !facts.pardoned && facts.last_seen == Some(facts.silent_from);
        let is_same = is_pardoned_since || is_pardoned_again || silence(facts) == silence(kept);
        assert!(is_same, "{id:?}: {facts:?}, written {kept:?}");
    }
}

/// What does not change when a service is only heard.
fn rest(facts: &Service) -> impl PartialEq + std::fmt::Debug {
    let trouble = facts.trouble().filter(|_| facts.status.is_trouble());
    (facts.status, facts.since, trouble.cloned())
}
