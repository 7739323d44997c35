//! What one turn of the engine decided, until it is kept: all of it or nothing.

use std::sync::Arc;

use mishpulse_core::{Event, ServiceId, Timestamp, Watchdog};

use super::board::Board;
use super::command::{BeatOutcome, EditError, Edited, Reply, Unavailable};
use super::letters::letters;
use super::registry::Registry;
use crate::config::Settings;
use crate::store::rows::{EventKind, EventRow};
use crate::store::{NewDelivery, Settlement, Store, StoreError, Writes};

#[derive(Default)]
pub(super) struct Batch {
    /// Services to which something happened, in any order and more than once.
    pub(super) touched: Vec<ServiceId>,
    /// Services that were heard and to which, as far as that goes, nothing else happened; likewise.
    pub(super) heard: Vec<ServiceId>,
    /// Those of the touched that are new or have other settings.
    pub(super) edited: Vec<ServiceId>,
    pub(super) removed: Vec<ServiceId>,
    pub(super) events: Vec<EventRow>,
    pub(super) deliveries: Vec<NewDelivery>,
    pub(super) settlements: Vec<Settlement>,
    /// The server was away, so that deadlines have moved.
    pub(super) was_blind: bool,
    /// The settings that held before this turn, where it took others.
    pub(super) settings_before: Option<Arc<Settings>>,
    pub(super) answers: Vec<Answer>,
}

/// An answer that waits for the commit.
pub(super) enum Answer {
    Beat(Reply<BeatOutcome>),
    Edited(Reply<Result<Edited, EditError>>, ServiceId),
    Deleted(Reply<Result<Edited, EditError>>),
    Done(Reply<()>),
    Reconfigured(Reply<Result<(), EditError>>),
}

impl Batch {
    /// An empty batch with room for `beats`.
    pub(super) fn with_room(beats: usize) -> Self {
        let (heard, answers) = (Vec::with_capacity(beats), Vec::with_capacity(beats));
        Self { heard, answers, ..Self::default() }
    }

    /// How many beats it has.
    pub(super) fn beats(&self) -> u64 {
        self.answers.iter().filter(|answer| matches!(answer, Answer::Beat(_))).count() as u64
    }

    /// Takes in what the watchdog has to say, at most `most` events, and says whether it had more.
    pub(super) fn drain(
        &mut self,
        dog: &mut Watchdog,
        registry: &Registry,
        settings: &Settings,
        now: Timestamp,
        most: usize,
    ) -> bool {
        for _ in 0..most {
            let Some(event) = dog.poll(now) else { return false };
            self.take(event, dog, registry, settings);
        }
        true
    }

    /// Writes it down, in one commit.
    pub(super) fn commit(
        &mut self,
        store: &mut impl Store,
        dog: &Watchdog,
        registry: &Registry,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for ids in [&mut self.touched, &mut self.edited, &mut self.heard] {
            ids.sort_unstable();
            ids.dedup();
        }
        if !self.touched.is_empty() {
            self.heard.retain(|id| self.touched.binary_search(id).is_err());
        }
        // What was made and dropped in the same turn was never there.
        self.events.retain(|event| event.service.is_none_or(|id| dog.service(id).is_some()));
        for delivery in &mut self.deliveries {
            delivery.service = delivery.service.filter(|id| dog.service(*id).is_some());
        }
        let facts_of = |id: &ServiceId| Some((*id, dog.service(*id)?));
        let identities: Vec<_> =
            self.edited.iter().filter_map(|id| Some((*id, registry.get(*id)?))).collect();
        store.commit(&Writes {
            now: Some(now),
            identities: identities.iter().map(|(id, identity)| (*id, &**identity)).collect(),
            facts: self.touched.iter().filter_map(facts_of).collect(),
            heard: self.heard.iter().filter_map(facts_of).collect(),
            removed: &self.removed,
            events: &self.events,
            deliveries: &self.deliveries,
            settlements: &self.settlements,
            gaps: self.was_blind.then(|| dog.gaps()),
        })
    }

    /// Lets everyone know: it is kept.
    pub(super) fn publish(self, board: &Board, dog: &Watchdog, registry: &mut Registry) {
        self.events.iter().for_each(|event| log(event, registry));
        board.write(|view| {
            for id in &self.removed {
                view.remove(*id);
            }
            registry.publish(view);
            let mut show = |id| {
                if let Some(service) = dog.service(id) {
                    view.show(id, service, dog.deadline(id));
                }
            };
            if self.was_blind {
                dog.services().for_each(|(id, _)| show(id));
            } else {
                self.touched.iter().chain(&self.heard).for_each(|id| show(*id));
            }
        });
        for answer in self.answers {
            answer.give(board);
        }
    }

    /// Lets everyone know: nothing of it was kept.
    pub(super) fn refuse(self) {
        for answer in self.answers {
            answer.refuse();
        }
    }

    fn take(&mut self, event: Event, dog: &Watchdog, registry: &Registry, settings: &Settings) {
        match event {
            Event::Changed(change) => {
                let message = dog.service(change.service).and_then(|service| service.message());
                let message = message.map(|message| message.as_str().to_owned());
                self.touched.push(change.service);
                self.events.push(EventRow {
                    service: Some(change.service),
                    at: change.at,
                    kind: EventKind::Transition { from: change.from, to: change.to, message },
                });
            }
            Event::Alert(alert) => {
                let Some(identity) = registry.get(alert.service) else { return };
                let effective = settings.defaults.with(&identity.overrides);
                self.touched.push(alert.service);
                self.deliveries.extend(letters(&alert, &identity, &effective, settings));
                let message = alert.message.map(|message| message.as_str().to_owned());
                self.events.push(EventRow {
                    service: Some(alert.service),
                    at: alert.at,
                    kind: EventKind::Alert { alert: alert.kind, message },
                });
            }
            Event::Blind(gap) => {
                self.was_blind = true;
                self.events.push(EventRow {
                    service: None,
                    at: gap.until,
                    kind: EventKind::Blind { from: gap.from },
                });
            }
            _ => {}
        }
    }
}

fn log(event: &EventRow, registry: &Registry) {
    let identity = event.service.and_then(|id| registry.get(id));
    match (&event.kind, identity.as_deref().map(|identity| &identity.name)) {
        (EventKind::Transition { from, to, message }, Some(name)) => {
            let message = message.as_deref().unwrap_or_default();
            if to.is_trouble() {
                tracing::warn!(service = %name, %from, %to, message, "status changed");
            } else {
                tracing::info!(service = %name, %from, %to, message, "status changed");
            }
        }
        (EventKind::Alert { alert, message }, Some(name)) => {
            tracing::info!(service = %name, %alert, message = message.as_deref(), "people are told");
        }
        (EventKind::Edit { action, by }, Some(name)) => tracing::info!(service = %name, %by, "{action}"),
        (EventKind::Silence { since, silent, of }, _) => tracing::warn!(
            since = %crate::stamp::rfc3339(*since),
            silent,
            of,
            "nothing is heard from anyone; is the network to this server down?"
        ),
        (EventKind::Blind { from }, _) => tracing::warn!(
            away = %event.at.since(*from),
            "was not listening; silence in that time is held against nobody"
        ),
        _ => {}
    }
}

impl Answer {
    fn give(self, board: &Board) {
        // Whoever asked may have hung up; what was kept stays kept.
        match self {
            Self::Beat(reply) => drop(reply.send(Ok(BeatOutcome::Stored))),
            Self::Done(reply) => drop(reply.send(Ok(()))),
            Self::Reconfigured(reply) => drop(reply.send(Ok(Ok(())))),
            Self::Deleted(reply) => drop(reply.send(Ok(Ok(Edited::Deleted)))),
            Self::Edited(reply, id) => {
                let row = board.read(|view| Some(view.row_of(id)?.to_row()));
                // It may have been deleted later in the same turn.
                let edited = row.map_or(Edited::Deleted, |row| Edited::Service(Box::new(row)));
                drop(reply.send(Ok(Ok(edited))));
            }
        }
    }

    fn refuse(self) {
        match self {
            Self::Beat(reply) => drop(reply.send(Err(Unavailable))),
            Self::Done(reply) => drop(reply.send(Err(Unavailable))),
            Self::Reconfigured(reply) => drop(reply.send(Err(Unavailable))),
            Self::Deleted(reply) | Self::Edited(reply, _) => drop(reply.send(Err(Unavailable))),
        }
    }
}

impl super::command::Command {
    /// Answers that nothing of it was kept.
    pub(super) fn refuse(self) {
        match self {
            Self::Beat { reply, .. } => drop(reply.send(Err(Unavailable))),
            Self::Edit { reply, .. } => drop(reply.send(Err(Unavailable))),
            Self::Settle { reply, .. } | Self::Post { reply, .. } => drop(reply.send(Err(Unavailable))),
            Self::Reconfigure { reply, .. } => drop(reply.send(Err(Unavailable))),
            Self::Stop => {}
        }
    }
}
