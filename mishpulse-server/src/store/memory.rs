//! A store for tests: the same behaviour without a disk, and it can be told to fail.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mishpulse_core::{AlertKind, Gap, Service, ServiceId, Timestamp};

use super::rows::{
    DeliveryId, DeliveryRow, DeliveryState, EventKind, EventRow, Identity, LetterKind, Loaded, ServiceRow,
    TransitionRow,
};
use super::{History, Outcome, Store, StoreError, Writes};
use crate::config::ChannelName;

/// Keeps everything in memory. Its clones share it, so that one serves as [`Store`] and another as [`History`].
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    identities: BTreeMap<ServiceId, Identity>,
    facts: BTreeMap<ServiceId, Service>,
    events: BTreeMap<i64, EventRow>,
    deliveries: BTreeMap<i64, DeliveryRow>,
    gaps: Vec<Gap>,
    seen: Option<Timestamp>,
    last_seq: i64,
    failing: Failing,
}

/// What a [`MemoryStore`] does with the next commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Failing {
    /// It keeps them.
    #[default]
    No,
    /// It fails and keeps nothing.
    Loses,
    /// It fails, but has kept them: the outcome is unknown to the engine.
    KeepsAndFails,
    /// It can neither be written nor read.
    Broken,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what it does from now on.
    pub fn fail(&self, failing: Failing) {
        self.kept().failing = failing;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn load(&mut self, each: &mut dyn FnMut(ServiceRow)) -> Result<Loaded, StoreError> {
        let kept = self.kept();
        if kept.failing == Failing::Broken {
            return Err(StoreError::Planned);
        }
        for (id, identity) in &kept.identities {
            each(ServiceRow { id: *id, identity: identity.clone(), facts: kept.facts[id].clone() });
        }
        let silence = kept.events.values().rev().find_map(|event| match event.kind {
            EventKind::Silence { since, .. } => Some(since),
            _ => None,
        });
        Ok(Loaded { gaps: kept.gaps.clone(), seen: kept.seen, silence })
    }

    fn commit(&mut self, writes: &Writes<'_>) -> Result<(), StoreError> {
        let mut kept = self.kept();
        match kept.failing {
            Failing::No => kept.write(writes),
            Failing::KeepsAndFails => {
                kept.write(writes);
                return Err(StoreError::Planned);
            }
            Failing::Loses | Failing::Broken => return Err(StoreError::Planned),
        }
        Ok(())
    }

    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut kept = self.kept();
        let old_events: Vec<i64> = (kept.events.iter())
            .filter(|(_, event)| event.at < before)
            .map(|(seq, _)| *seq)
            .take(limit as usize)
            .collect();
        let old_deliveries: Vec<i64> = (kept.deliveries.iter())
            .filter(|(_, row)| {
                row.state != DeliveryState::Pending && row.tried_at.is_some_and(|at| at < before)
            })
            .map(|(seq, _)| *seq)
            .take(limit as usize)
            .collect();
        kept.events.retain(|seq, _| !old_events.contains(seq));
        kept.deliveries.retain(|seq, _| !old_deliveries.contains(seq));
        Ok((old_events.len() + old_deliveries.len()) as u64)
    }
}

impl Kept {
    fn write(&mut self, writes: &Writes<'_>) {
        for id in writes.removed {
            self.identities.remove(id);
            self.facts.remove(id);
            self.events.retain(|_, event| event.service != Some(*id));
            for row in self.deliveries.values_mut().filter(|row| row.service == Some(*id)) {
                row.service = None;
            }
        }
        self.identities.extend(writes.identities.iter().map(|(id, identity)| (*id, (*identity).clone())));
        let facts = writes.facts.iter().chain(&writes.heard);
        self.facts.extend(facts.map(|(id, facts)| (*id, (*facts).clone())));
        for event in writes.events {
            self.last_seq += 1;
            self.events.insert(self.last_seq, event.clone());
        }
        for new in writes.deliveries {
            for row in self.deliveries.values_mut().filter(|row| new.carries.contains(&row.id)) {
                row.digest = Some(new.id);
            }
            self.last_seq += 1;
            let row = DeliveryRow {
                seq: self.last_seq,
                id: new.id,
                service: new.service,
                channel: new.channel.clone(),
                letter: new.letter.clone(),
                created_at: new.at,
                state: DeliveryState::Pending,
                attempts: 0,
                next_try: new.at,
                tried_at: None,
                last_error: None,
                digest: None,
                in_reply_to: None,
            };
            self.deliveries.insert(self.last_seq, row);
        }
        for settlement in writes.settlements {
            let pending = self.deliveries.values_mut().filter(|row| {
                (row.id == settlement.id || row.digest == Some(settlement.id))
                    && row.state == DeliveryState::Pending
            });
            for row in pending {
                row.attempts = row.attempts.saturating_add(1);
                row.tried_at = Some(settlement.at);
                row.last_error = None;
                match &settlement.outcome {
                    Outcome::Sent => row.state = DeliveryState::Sent,
                    Outcome::Retry { next_try, error } => {
                        row.next_try = *next_try;
                        row.last_error = Some(error.clone());
                    }
                    Outcome::Failed { error } => {
                        row.state = DeliveryState::Failed;
                        row.last_error = Some(error.clone());
                    }
                }
            }
        }
        if let Some(gaps) = writes.gaps {
            self.gaps = gaps.to_vec();
        }
        self.seen = writes.now.or(self.seen);
    }

    fn waits(&self, row: &DeliveryRow, channel: &ChannelName) -> bool {
        let is_held_back = || {
            self.deliveries.values().any(|earlier| {
                earlier.seq < row.seq
                    && earlier.state == DeliveryState::Pending
                    && earlier.channel == row.channel
                    && earlier.service.is_some()
                    && earlier.service == row.service
            })
        };
        row.state == DeliveryState::Pending
            && row.digest.is_none()
            && row.channel == *channel
            && !is_held_back()
    }

    /// The delivery that told of the trouble whose end `row` tells.
    fn alarm_of(&self, row: &DeliveryRow) -> Option<DeliveryId> {
        if row.letter.kind != LetterKind::Alert(AlertKind::Recovered) || row.service.is_none() {
            return None;
        }
        let is_alarm = |kind| matches!(kind, LetterKind::Alert(AlertKind::Dead | AlertKind::Error));
        self.deliveries
            .range(..row.seq)
            .rev()
            .map(|(_, earlier)| earlier)
            .find(|earlier| {
                earlier.service == row.service
                    && earlier.channel == row.channel
                    && is_alarm(earlier.letter.kind)
            })
            .map(|alarm| alarm.digest.unwrap_or(alarm.id))
    }

    fn read(&self, row: &DeliveryRow) -> DeliveryRow {
        DeliveryRow { in_reply_to: self.alarm_of(row), ..row.clone() }
    }
}

impl History for MemoryStore {
    fn due(&self, channel: &ChannelName, now: Timestamp, limit: u32) -> Result<Vec<DeliveryRow>, StoreError> {
        let kept = self.kept();
        let mut due: Vec<DeliveryRow> = (kept.deliveries.values())
            .filter(|row| row.next_try <= now && kept.waits(row, channel))
            .map(|row| kept.read(row))
            .collect();
        due.sort_by_key(|row| (row.service.is_some(), row.seq));
        due.truncate(limit as usize);
        Ok(due)
    }

    fn next_due(&self, channel: &ChannelName) -> Result<Option<Timestamp>, StoreError> {
        let kept = self.kept();
        Ok(kept.deliveries.values().filter(|row| kept.waits(row, channel)).map(|row| row.next_try).min())
    }

    fn oldest_pending(&self) -> Result<Option<Timestamp>, StoreError> {
        let is_pending = |row: &&DeliveryRow| row.state == DeliveryState::Pending;
        Ok(self.kept().deliveries.values().filter(is_pending).map(|row| row.created_at).min())
    }

    fn deliveries(
        &self,
        state: Option<DeliveryState>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let kept = self.kept();
        let rows = kept.deliveries.range(..before.unwrap_or(i64::MAX)).rev().map(|(_, row)| row);
        let wanted = rows.filter(|row| state.is_none_or(|state| row.state == state));
        Ok(wanted.take(limit as usize).map(|row| kept.read(row)).collect())
    }

    fn events(
        &self,
        service: ServiceId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, EventRow)>, StoreError> {
        let kept = self.kept();
        let rows = kept.events.range(..before.unwrap_or(i64::MAX)).rev();
        let wanted = rows.filter(|(_, event)| event.service == Some(service));
        Ok(wanted.take(limit as usize).map(|(seq, event)| (*seq, event.clone())).collect())
    }

    fn transitions(
        &self,
        service: ServiceId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<TransitionRow>, StoreError> {
        let kept = self.kept();
        let rows = kept.events.values().rev();
        let of_service = rows.filter(|event| event.service == Some(service) && event.at >= since);
        let transitions = of_service.filter_map(|event| match event.kind {
            EventKind::Transition { from, to, .. } => Some(TransitionRow { at: event.at, from, to }),
            _ => None,
        });
        Ok(transitions.take(limit as usize).collect())
    }

    fn blindness(&self, since: Timestamp, limit: u32) -> Result<Vec<(Timestamp, Timestamp)>, StoreError> {
        let kept = self.kept();
        let rows = kept.events.values().rev().filter(|event| event.at >= since);
        let blind = rows.filter_map(|event| match event.kind {
            EventKind::Blind { from } => Some((from, event.at)),
            _ => None,
        });
        Ok(blind.take(limit as usize).collect())
    }

    fn deliveries_of(&self, service: ServiceId, limit: u32) -> Result<Vec<DeliveryRow>, StoreError> {
        let kept = self.kept();
        let rows = kept.deliveries.values().rev().filter(|row| row.service == Some(service));
        Ok(rows.take(limit as usize).map(|row| kept.read(row)).collect())
    }
}
