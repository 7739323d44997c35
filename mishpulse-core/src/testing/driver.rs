//! A driver that does as the watchdog's documentation says, and stores no more than that.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{Input, Rng, Step, Trace};
use crate::{
    Change, Config, Event, Gap, Policy, RestoreError, Service, ServiceId, Span, Timestamp, UnknownService,
    Watchdog,
};

/// Drives a [`Watchdog`] through a trace.
#[derive(Debug)]
pub struct Driver {
    /// The watchdog that is driven.
    pub dog: Watchdog,
    /// What is stored of it.
    pub rows: Rows,
    /// The latest time that the watchdog was told.
    pub now: Timestamp,
    config: Config,
    schedule: Schedule,
}

/// What a driver stores: each service as of the last input or event that named it, and the gaps as of the last
/// [`Event::Blind`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// Policy and facts of each service.
    pub services: BTreeMap<ServiceId, (Policy, Service)>,
    /// When the watcher was away.
    pub gaps: Vec<Gap>,
}

/// When a driver polls. All of these keep to `next_deadline` while the driver is attentive.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// At each `next_deadline`, and before and after each input.
    Timely,
    /// As `Timely`, and at random times in between.
    Eager(Rng),
    /// At each `next_deadline`, and after each input, but not before it.
    InputFirst,
}

impl Driver {
    /// A driver at the beginning of `trace`.
    #[must_use]
    pub fn new(trace: &Trace, schedule: Schedule) -> Self {
        let (config, now) = (trace.config, trace.start);
        Self { dog: Watchdog::new(config, now), rows: Rows::default(), now, config, schedule }
    }

    /// Drives through one step; all the events that came out, in their order.
    ///
    /// # Panics
    /// If what was stored cannot be restored.
    pub fn play(&mut self, step: &Step) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(now) = self.next_look(step) {
            events.extend(self.look(now));
        }
        let looks_first = match step.input {
            Input::Restart => false,
            // What is due of a service and was not polled is lost when the service is forgotten.
            Input::Forget(_) => true,
            _ => !matches!(self.schedule, Schedule::InputFirst),
        };
        if looks_first {
            events.extend(self.look(step.now));
        }
        // Nobody is there for an input to a service that is unknown: it does nothing.
        let _ = self.apply(&step.input, step.now);
        events.extend(self.look(step.now));
        events
    }

    /// When to look after everyone next, before the time of `step`, if the driver is to be attentive until then.
    pub fn next_look(&mut self, step: &Step) -> Option<Timestamp> {
        let mut next = self.dog.next_deadline().filter(|_| step.attentive)?;
        if let Schedule::Eager(rng) = &mut self.schedule {
            let most_ms = next.since(self.now).as_ms();
            next = self.now + Span::from_ms(1 + rng.below(most_ms));
        }
        Some(next).filter(|next| *next < step.now)
    }

    /// Polls until there is no more to say, and stores what the events name.
    pub fn look(&mut self, now: Timestamp) -> Vec<Event> {
        self.now = self.now.max(now);
        let mut events = Vec::new();
        while let Some(event) = self.dog.poll(now) {
            events.push(event);
        }
        for event in &events {
            match event {
                Event::Changed(Change { service, .. }) => self.store(*service),
                Event::Alert(alert) => self.store(alert.service),
                Event::Blind(_) => self.rows.gaps = self.dog.gaps().to_vec(),
            }
        }
        events
    }

    /// Hands an input over, and stores whom it names.
    ///
    /// # Errors
    /// [`UnknownService`] where it names one that is not watched.
    ///
    /// # Panics
    /// If what was stored cannot be restored.
    pub fn apply(&mut self, input: &Input, now: Timestamp) -> Result<(), UnknownService> {
        let seen = self.dog.deaf_since().map_or(self.now, |since| since.min(self.now));
        // By what was stored while it was deaf nobody can tell that the clock was set back.
        let now = if self.dog.deaf_since().is_some() { self.now.max(now) } else { now };
        self.now = self.now.max(now);
        let named = match input {
            Input::Watch(policy) => Some(self.dog.watch(*policy, now)),
            _ => input.service(),
        };
        let result = match input {
            Input::Forget(id) => self.dog.forget(*id, now),
            Input::Change(id, policy) => self.dog.change(*id, *policy, now),
            Input::Beat(id, signal) => self.dog.beat(*id, signal.clone(), now),
            Input::Pause(id) => self.dog.pause(*id, now),
            Input::Resume(id) => self.dog.resume(*id, now),
            Input::Restart => {
                self.dog = self.restored(seen, now).expect("what was stored is sound");
                Ok(())
            }
            Input::Deaf => {
                self.dog.deaf(self.now, now);
                Ok(())
            }
            Input::Hears => {
                self.dog.hears(now);
                Ok(())
            }
            Input::Watch(_) | Input::Look => Ok(()),
        };
        if let Some(id) = named {
            self.store(id);
        }
        result
    }

    /// Another driver, with a watchdog restored from what this one stored, at the same time.
    ///
    /// # Panics
    /// If what was stored cannot be restored.
    #[must_use]
    pub fn fork(&self) -> Self {
        let mut dog = self.restored(self.now, self.now).expect("what was stored is sound");
        if let Some(since) = self.dog.deaf_since() {
            dog.deaf(since, self.now);
        }
        Self { dog, rows: self.rows.clone(), schedule: self.schedule.clone(), ..*self }
    }

    fn restored(&self, seen: Timestamp, now: Timestamp) -> Result<Watchdog, RestoreError> {
        let services =
            self.rows.services.iter().map(|(id, (policy, service))| (*id, *policy, service.clone()));
        Watchdog::restore(self.config, services, self.rows.gaps.iter().copied(), seen, now)
    }

    fn store(&mut self, id: ServiceId) {
        match (self.dog.policy(id), self.dog.service(id)) {
            (Some(policy), Some(service)) => {
                self.rows.services.insert(id, (*policy, service.clone()));
            }
            _ => {
                self.rows.services.remove(&id);
            }
        }
    }
}
