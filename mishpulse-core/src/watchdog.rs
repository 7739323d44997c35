//! Many services: who watches them, hears them and says what became of them.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::fmt;

use crate::alert;
use crate::blind::{self, Gap, Gaps};
use crate::deadlines::Deadlines;
use crate::error::{RestoreError, UnknownService};
use crate::event::{Change, Event};
use crate::policies::Policies;
use crate::policy::Policy;
use crate::rules::{self, Cause};
use crate::service::{Service, Status};
use crate::signal::Signal;
use crate::time::{Span, Timestamp};

/// The handle of a service: small, dense, and used again after [`Watchdog::forget`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(u32);

impl ServiceId {
    /// The handle with this number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Its number, as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What holds for the watcher itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How long the watcher may be away (time jumps between two calls) before silence in that time is pardoned. For a
    /// service whose timeout and grace are short it is half of them, where that is less. Default 10 s.
    pub blind_after: Span,
}

impl Default for Config {
    fn default() -> Self {
        Self { blind_after: Span::from_secs(10) }
    }
}

impl Config {
    /// Another time after which the watcher counts as away.
    #[must_use]
    pub const fn blind_after(blind_after: Span) -> Self {
        Self { blind_after }
    }
}

/// Watches any number of services and says what becomes of them. It reads no clock and does no I/O: whoever drives it
/// brings the time and the signals, and acts on the events.
///
/// # How to drive it
///
/// - Call [`poll`](Self::poll) until it returns `None` after every input or batch of inputs, and again at
///   [`next_deadline`](Self::next_deadline).
/// - Give every call the same clock's time. One reading may serve a whole batch. A `now` before the last one counts as
///   the last one.
/// - Store [`service`](Self::service) of everyone that an input or an event named, and [`gaps`](Self::gaps) after
///   [`Event::Blind`]; [`restore`](Self::restore) goes on from there.
///
/// Extra polls are harmless. The outcome does not depend on when it is polled, as long as that is at `next_deadline` or
/// before. Looking late delays events; looking later than [`Config::blind_after`] counts as having been away.
///
/// # Cost
///
/// A beat is O(1) and touches no index. A poll with nothing to say is O(1). A death is O(log n). Memory is about 60
/// bytes a service, and a message where it sent one.
pub struct Watchdog {
    config: Config,
    services: Vec<Option<Service>>,
    /// Handles below `services.len()` that are free.
    free: BTreeSet<u32>,
    policies: Policies,
    deadlines: Deadlines,
    gaps: Gaps,
    events: VecDeque<Event>,
    now: Timestamp,
    /// The least time away that blinds towards anyone.
    blind_after_least: Span,
}

impl Watchdog {
    /// A watchdog over nobody yet, whose time starts at `now`.
    #[must_use]
    pub fn new(config: Config, now: Timestamp) -> Self {
        Self {
            config,
            services: Vec::new(),
            free: BTreeSet::new(),
            policies: Policies::default(),
            deadlines: Deadlines::new(now),
            gaps: Gaps::default(),
            events: VecDeque::new(),
            now,
            blind_after_least: config.blind_after,
        }
    }

    /// Goes on with stored facts: `services` and `gaps` as they were stored last, by a watchdog that is known to have
    /// listened until `seen`. The time from `seen` until `now` counts as having been away. O(n log n).
    ///
    /// A `now` before `seen` means that the clock was set back, so that nobody can tell how long it was: time goes on
    /// at `seen`, and everyone whose deadline was ahead is pardoned.
    ///
    /// # Errors
    /// [`RestoreError`] where the facts contradict each other.
    pub fn restore(
        config: Config,
        services: impl IntoIterator<Item = (ServiceId, Policy, Service)>,
        gaps: impl IntoIterator<Item = Gap>,
        seen: Timestamp,
        now: Timestamp,
    ) -> Result<Self, RestoreError> {
        let mut dog = Self::new(config, seen);
        let services = services.into_iter();
        dog.services.reserve_exact(services.size_hint().0);
        let gaps: Vec<Gap> = gaps.into_iter().collect();
        for (id, policy, mut service) in services {
            while dog.services.len() <= id.index() {
                dog.free.insert(dog.services.len() as u32);
                dog.services.push(None);
            }
            if !dog.free.remove(&id.0) {
                return Err(RestoreError::Duplicate(id));
            }
            if !service.status.is_trouble() {
                service.trouble = None;
            }
            service.silent_from = service.silent_from.min(seen);
            blind::pardon(&mut service, &policy, &gaps, config.blind_after);
            dog.services[id.index()] = Some(service);
            dog.set_policy(id, policy);
        }
        dog.gaps = Gaps::new(gaps);
        if now < seen {
            dog.away(Gap { from: seen, until: seen, away: Span::LONGEST });
        } else {
            dog.advance(now);
        }
        dog.deadlines = Deadlines::new(dog.now);
        for index in 0..dog.services.len() {
            dog.file(ServiceId(index as u32));
        }
        Ok(dog)
    }

    /// Watches one more service, with the lowest handle that is free.
    pub fn watch(&mut self, policy: Policy, now: Timestamp) -> ServiceId {
        let now = self.advance(now);
        let id = match self.free.pop_first() {
            Some(number) => ServiceId(number),
            None => {
                self.services.push(None);
                ServiceId((self.services.len() - 1) as u32)
            }
        };
        self.services[id.index()] = Some(Service::new(now));
        self.set_policy(id, policy);
        id
    }

    /// Watches a service no longer, and drops what there was to say of it.
    ///
    /// # Errors
    /// [`UnknownService`] if it is not watched; nothing has changed then. This holds for every call below.
    pub fn forget(&mut self, id: ServiceId, now: Timestamp) -> Result<(), UnknownService> {
        self.advance(now);
        self.services.get_mut(id.index()).and_then(Option::take).ok_or(UnknownService)?;
        self.free.insert(id.0);
        self.policies.forget(id);
        self.deadlines.forget(id);
        self.find_blind_after_least();
        self.events.retain(|event| match event {
            Event::Changed(change) => change.service != id,
            Event::Alert(alert) => alert.service != id,
            Event::Blind(_) => true,
        });
        Ok(())
    }

    /// Gives a service another policy, which holds from now on; its deadline moves at once.
    pub fn change(&mut self, id: ServiceId, policy: Policy, now: Timestamp) -> Result<(), UnknownService> {
        self.catch_up(id, now)?;
        self.set_policy(id, policy);
        self.file(id);
        Ok(())
    }

    /// Records a signal at `now`, after first letting the service die if its deadline has passed.
    ///
    /// O(1): the index is not touched unless the status changes.
    pub fn beat(&mut self, id: ServiceId, signal: Signal, now: Timestamp) -> Result<(), UnknownService> {
        let now = self.catch_up(id, now)?;
        let policy = self.policies.of(id);
        let Some(service) = self.services[id.index()].as_mut() else { return Err(UnknownService) };
        let was_seen = service.last_seen.replace(now);
        service.message = signal.message;
        service.silent_from = now;
        service.pardoned = false;
        let cause = if service.status == Status::Paused && !policy.resumes_on_beat() {
            Cause::SignalWhilePaused
        } else {
            Cause::Signal(signal.kind)
        };
        let (from, to) = (service.status, rules::next(service.status, cause));
        // The usual beat ends here: nothing has changed, so there is nothing to say.
        if from != to || to == Status::Error {
            self.apply(id, to, was_seen, now);
        }
        Ok(())
    }

    /// Pauses a service: its silence is not measured and it raises nothing.
    pub fn pause(&mut self, id: ServiceId, now: Timestamp) -> Result<(), UnknownService> {
        let now = self.catch_up(id, now)?;
        self.happen(id, Cause::Pause, now);
        Ok(())
    }

    /// Resumes a paused service with a fresh deadline from `now`, or as new if it was never heard. Does nothing to one
    /// that is not paused.
    pub fn resume(&mut self, id: ServiceId, now: Timestamp) -> Result<(), UnknownService> {
        let now = self.catch_up(id, now)?;
        let Some(service) = self.services[id.index()].as_mut() else { return Err(UnknownService) };
        if service.status == Status::Paused {
            service.silent_from = now;
            service.pardoned = false;
            let heard = service.last_seen.is_some();
            self.happen(id, Cause::Resume { heard }, now);
        }
        Ok(())
    }

    /// The next event, in order of (time it became true, handle); `None` when there is no more to say for now.
    ///
    /// A single call does a bounded amount of work, however many are due, as long as the driver keeps to
    /// [`next_deadline`](Self::next_deadline). The first call after having been away may cost O(n).
    #[must_use = "an event that is dropped is an alert that nobody gets"]
    pub fn poll(&mut self, now: Timestamp) -> Option<Event> {
        let now = self.advance(now);
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let (services, policies) = (&self.services, &self.policies);
            let (due, id) = self.deadlines.pop(now, |id| due_of(services, policies, id))?;
            self.come_due(id, due, now);
            self.file(id);
        }
    }

    /// When to poll next at the latest, given that the last poll returned `None`; `None` where nobody is watched.
    ///
    /// It may be early, never late, and is never further off than half of [`Config::blind_after`], so that a driver
    /// who keeps to it is never taken for blind.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let limit = self.now + self.blind_after_least.half();
        (!self.is_empty()).then(|| self.deadlines.next_look(self.now, limit))
    }

    /// The facts of a service.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> Option<&Service> {
        self.services.get(id.index())?.as_ref()
    }

    /// The policy of a service.
    #[must_use]
    pub fn policy(&self, id: ServiceId) -> Option<&Policy> {
        self.service(id).map(|_| self.policies.of(id))
    }

    /// Until when a service must be heard; `None` where its silence is not measured.
    #[must_use]
    pub fn deadline(&self, id: ServiceId) -> Option<Timestamp> {
        self.service(id)?.deadline(self.policies.of(id))
    }

    /// Everyone who is watched, in order of their handles.
    pub fn services(&self) -> impl Iterator<Item = (ServiceId, &Service)> {
        self.services
            .iter()
            .enumerate()
            .filter_map(|(index, service)| Some((ServiceId(index as u32), service.as_ref()?)))
    }

    /// When the watcher was away, as far as it still counts for someone; to be stored after [`Event::Blind`].
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        self.gaps.as_slice()
    }

    /// How many services are watched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.services.len() - self.free.len()
    }

    /// Whether nobody is watched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Moves time on, and notices if it jumped.
    fn advance(&mut self, now: Timestamp) -> Timestamp {
        let away = now.since(self.now);
        if away > self.blind_after_least && !self.is_empty() {
            self.away(Gap { from: self.now, until: now, away });
        }
        self.now = self.now.max(now);
        self.now
    }

    fn away(&mut self, gap: Gap) {
        for (index, service) in self.services.iter_mut().enumerate() {
            let Some(service) = service else { continue };
            blind::pardon(
                service,
                self.policies.of(ServiceId(index as u32)),
                &[gap],
                self.config.blind_after,
            );
        }
        self.gaps.push(gap, self.policies.longest_allowance().unwrap_or_default());
        self.events.push_back(Event::Blind(gap));
    }

    /// Moves time on and lets all happen to `id` that was due before now.
    fn catch_up(&mut self, id: ServiceId, now: Timestamp) -> Result<Timestamp, UnknownService> {
        let now = self.advance(now);
        if self.service(id).is_none() {
            return Err(UnknownService);
        }
        while let Some(due) = due_of(&self.services, &self.policies, id).filter(|due| *due <= now) {
            self.come_due(id, due, now);
        }
        Ok(now)
    }

    /// What was due at `due` happens: a death or a reminder.
    fn come_due(&mut self, id: ServiceId, due: Timestamp, now: Timestamp) {
        let policy = *self.policies.of(id);
        let Some(service) = self.services[id.index()].as_mut() else { return };
        match service.deadline(&policy) {
            Some(deadline) if deadline < due => self.happen(id, Cause::Silence, deadline),
            _ => {
                if let Some(alert) = alert::on_reminder(service, &policy, due, now) {
                    self.events.push_back(Event::Alert(alert.of(id)));
                }
            }
        }
    }

    fn happen(&mut self, id: ServiceId, cause: Cause, at: Timestamp) {
        let Some(service) = self.service(id) else { return };
        let (to, was_seen) = (rules::next(service.status, cause), service.last_seen);
        self.apply(id, to, was_seen, at);
    }

    /// Makes `to` the status of a service, and says what there is to say of it.
    fn apply(&mut self, id: ServiceId, to: Status, was_seen: Option<Timestamp>, at: Timestamp) {
        let policy = *self.policies.of(id);
        let Some(service) = self.services[id.index()].as_mut() else { return };
        let from = service.status;
        if from != to {
            service.status = to;
            service.since = at;
            self.events.push_back(Event::Changed(Change { service: id, from, to, at }));
        }
        if let Some(alert) = alert::on_change(service, &policy, from, was_seen, at) {
            self.events.push_back(Event::Alert(alert.of(id)));
        }
        self.file(id);
    }

    fn file(&mut self, id: ServiceId) {
        if let Some(due) = due_of(&self.services, &self.policies, id) {
            self.deadlines.file(id, due);
        }
    }

    fn set_policy(&mut self, id: ServiceId, policy: Policy) {
        self.policies.set(id, policy);
        self.find_blind_after_least();
    }

    fn find_blind_after_least(&mut self) {
        let shortest = self.policies.shortest_allowance().unwrap_or(Span::LONGEST);
        self.blind_after_least = self.config.blind_after.min(shortest.half());
    }
}

/// When something is due for `id`: the first millisecond at which it is dead, or its next reminder.
fn due_of(services: &[Option<Service>], policies: &Policies, id: ServiceId) -> Option<Timestamp> {
    let service = services.get(id.index())?.as_ref()?;
    let policy = policies.of(id);
    let death = service.deadline(policy).map(|deadline| deadline + Span::from_ms(1));
    match service.reminder(policy) {
        Some(reminder) => Some(death.map_or(reminder, |death| death.min(reminder))),
        None => death,
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog")
            .field("services", &self.len())
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
