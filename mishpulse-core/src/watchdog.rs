//! Many services: who watches them, hears them and says what became of them.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::fmt;

use crate::alert;
use crate::blind::{self, Config, Gap, Gaps};
use crate::deadlines::Deadlines;
use crate::error::UnknownService;
use crate::event::{Change, Event};
use crate::id::ServiceId;
use crate::policies::Policies;
use crate::policy::Policy;
use crate::rules::{self, Cause};
use crate::service::{Due, Service, Status, What};
use crate::signal::Signal;
use crate::time::{Span, Timestamp};

/// Watches any number of services and says what becomes of them. It reads no clock and does no I/O: whoever drives it
/// brings the time and the signals, and acts on the events.
///
/// # How to drive it
///
/// - Call [`poll`](Self::poll) until it returns `None` after every input or batch of inputs, and again at
///   [`next_deadline`](Self::next_deadline).
/// - Give every call the same clock's time. One reading may serve a whole batch. A `now` before the last one counts as
///   the last one.
/// - Where you know that nobody can be heard though you look, say so with [`deaf`](Self::deaf).
/// - Store [`service`](Self::service) of everyone that an input or an event named, and [`gaps`](Self::gaps) after
///   [`Event::Blind`]; [`restore`](Self::restore) goes on from there.
///
/// Extra polls are harmless. The outcome does not depend on when it is polled, as long as that is at `next_deadline` or
/// before. Looking late delays events; looking later than [`Config::blind_after`] counts as having been away.
///
/// # Cost
///
/// A beat is O(1) and touches no index. A poll with nothing to say is O(1). A death is O(log n). Memory is about 55
/// bytes a service, and a message where it sent one.
pub struct Watchdog {
    pub(crate) config: Config,
    pub(crate) services: Vec<Option<Service>>,
    /// Handles below `services.len()` that are free.
    pub(crate) free: BTreeSet<u32>,
    pub(crate) policies: Policies,
    pub(crate) deadlines: Deadlines,
    pub(crate) gaps: Gaps,
    pub(crate) events: VecDeque<Event>,
    pub(crate) now: Timestamp,
    /// The least time away that blinds towards anyone.
    pub(crate) blind_after_least: Span,
    /// Since when nobody can be heard.
    pub(crate) deaf_since: Option<Timestamp>,
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
            deaf_since: None,
        }
    }

    /// Watches one more service, with the lowest handle that is free. Amortised O(1), O(log n) for a handle that is used
    /// again.
    ///
    /// It is [`New`](Status::New) until it is heard, and never dies before that.
    pub fn watch(&mut self, policy: Policy, now: Timestamp) -> ServiceId {
        let now = self.advance(now);
        let id = match self.free.pop_first() {
            Some(number) => ServiceId::new(number),
            None => {
                self.services.push(None);
                ServiceId::at(self.services.len() - 1)
            }
        };
        self.services[id.index()] = Some(Service::new(now));
        self.set_policy(id, policy);
        id
    }

    /// Watches a service no longer, and drops what there was to say of it. O(log n), and the events that are waiting.
    ///
    /// # Errors
    /// [`UnknownService`] if it is not watched; then nothing has changed but the time. This holds for every call below.
    pub fn forget(&mut self, id: ServiceId, now: Timestamp) -> Result<(), UnknownService> {
        self.advance(now);
        self.services.get_mut(id.index()).and_then(Option::take).ok_or(UnknownService)?;
        self.free.insert(id.number());
        self.policies.forget(id);
        self.find_blind_after_least();
        self.events.retain(|event| match event {
            Event::Changed(change) => change.service != id,
            Event::Alert(alert) => alert.service != id,
            Event::Blind(_) => true,
        });
        Ok(())
    }

    /// Gives a service another policy, which holds from now on. Its deadline moves at once, as if the policy had held
    /// since it was last heard: one that has been silent for too long by it dies now, and one whose silence would have
    /// been pardoned by it is. Reminders that would have been due before now are not made up for. O(log n).
    pub fn change(&mut self, id: ServiceId, policy: Policy, now: Timestamp) -> Result<(), UnknownService> {
        let now = self.catch_up(id, now)?;
        self.set_policy(id, policy);
        let until = self.until(now);
        let service = self.services[id.index()].as_mut().ok_or(UnknownService)?;
        blind::pardon(service, &policy, self.gaps.as_slice(), self.config.blind_after);
        alert::skip_reminders(service, &policy, now);
        if service.deadline(&policy).is_some_and(|deadline| deadline < until) {
            self.happen(id, Cause::Silence, now);
        }
        self.file(id);
        Ok(())
    }

    /// Records a signal at `now`, after first letting the service die if its deadline has passed.
    ///
    /// O(1): the index is not touched unless the status changes.
    pub fn beat(&mut self, id: ServiceId, signal: Signal, now: Timestamp) -> Result<(), UnknownService> {
        let now = self.advance(now);
        let service = self.services.get_mut(id.index()).and_then(Option::as_mut).ok_or(UnknownService)?;
        let status = service.status;
        let is_routine = rules::next(status, Cause::Signal(signal.kind)) == status && status != Status::Error;
        let is_in_time = service.deadline(self.policies.of(id)).is_some_and(|deadline| now <= deadline);
        if is_routine && is_in_time {
            // The usual beat ends here: nothing changes and nothing is due, so there is nothing to say.
            service.hear(signal, now);
            return Ok(());
        }
        self.beat_that_matters(id, signal, now)
    }

    /// Pauses a service: its silence is not measured and it raises nothing. Does nothing to one that is paused. O(1).
    pub fn pause(&mut self, id: ServiceId, now: Timestamp) -> Result<(), UnknownService> {
        let now = self.catch_up(id, now)?;
        self.happen(id, Cause::Pause, now);
        Ok(())
    }

    /// Resumes a paused service with a fresh deadline from `now`, or as new if it was never heard. Does nothing to one
    /// that is not paused. O(log n).
    pub fn resume(&mut self, id: ServiceId, now: Timestamp) -> Result<(), UnknownService> {
        let now = self.catch_up(id, now)?;
        let service = self.services[id.index()].as_mut().ok_or(UnknownService)?;
        if service.status == Status::Paused {
            service.silent_from = now;
            service.pardoned = false;
            let heard = service.last_seen.is_some();
            self.happen(id, Cause::Resume { heard }, now);
        }
        Ok(())
    }

    /// The next event; `None` when there is no more to say for now.
    ///
    /// First comes what inputs led to, in their order, then what fell due, in order of (time it became true, handle).
    ///
    /// A single call does a bounded amount of work, however many are due, as long as the driver keeps to
    /// [`next_deadline`](Self::next_deadline): where more than a thousand services are heard in the last two seconds
    /// before one and the same deadline, it asks to be called again after a millisecond for those who were not. The first
    /// call after having been away may cost O(n).
    #[must_use = "an event that is dropped is an alert that nobody gets"]
    pub fn poll(&mut self, now: Timestamp) -> Option<Event> {
        let now = self.advance(now);
        let until = self.until(now);
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let (services, policies) = (&self.services, &self.policies);
            let id = self.deadlines.pop(until, |id| Some(due_of(services, policies, id)?.at))?;
            if let Some(due) = self.due(id) {
                self.come_due(id, due, until);
            }
            self.file(id);
        }
    }

    /// When to poll next at the latest; `None` where nobody is watched. O(1).
    ///
    /// It may be early, never late, and is never further off than half of [`Config::blind_after`] (of what that comes to
    /// for the shortest timeout and grace of all), so that a driver who keeps to it is never taken for blind. After
    /// `poll` has returned `None` it lies in the future.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        if !self.events.is_empty() {
            return Some(self.now);
        }
        if self.is_empty() {
            return None;
        }
        let limit = self.now + self.blind_after_least.half();
        self.next_look_while_deaf().or_else(|| Some(self.deadlines.next_look(self.now, limit)))
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
            .filter_map(|(index, service)| Some((ServiceId::at(index), service.as_ref()?)))
    }

    /// When the watcher was away, as far as it still counts for someone, oldest first; to be stored after
    /// [`Event::Blind`]. At most a thousand.
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
    pub(crate) fn advance(&mut self, now: Timestamp) -> Timestamp {
        let away = now.since(self.now);
        if away > self.blind_after_least && !self.is_empty() && self.deaf_since.is_none() {
            self.be_blind(Gap { from: self.now, until: now, away });
        }
        self.now = self.now.max(now);
        self.now
    }

    #[cold]
    pub(crate) fn be_blind(&mut self, gap: Gap) {
        for (index, service) in self.services.iter_mut().enumerate() {
            let Some(service) = service else { continue };
            blind::pardon(service, self.policies.of(ServiceId::at(index)), &[gap], self.config.blind_after);
        }
        let longest_allowance = self.policies.longest_allowance().unwrap_or_default();
        self.gaps.push(gap, longest_allowance, self.config.blind_after);
        self.events.push_back(Event::Blind(gap));
    }

    /// A beat that changes something, or that may be worth telling of. Out of the way of the usual one, which is then
    /// short enough for the processor to wait for the memory of several at once.
    #[inline(never)]
    fn beat_that_matters(
        &mut self,
        id: ServiceId,
        signal: Signal,
        now: Timestamp,
    ) -> Result<(), UnknownService> {
        self.catch_up(id, now)?;
        let resumes_on_beat = self.policies.of(id).resumes_on_beat();
        let service = self.services[id.index()].as_mut().ok_or(UnknownService)?;
        let cause = if service.status == Status::Paused && !resumes_on_beat {
            Cause::SignalWhilePaused
        } else {
            Cause::Signal(signal.kind)
        };
        service.hear(signal, now);
        self.happen(id, cause, now);
        Ok(())
    }

    /// Moves time on and lets all happen to `id` that was due before now.
    fn catch_up(&mut self, id: ServiceId, now: Timestamp) -> Result<Timestamp, UnknownService> {
        let now = self.advance(now);
        self.service(id).ok_or(UnknownService)?;
        let until = self.until(now);
        while let Some(due) = self.due(id).filter(|due| due.at <= until) {
            self.come_due(id, due, until);
        }
        Ok(now)
    }

    fn due(&self, id: ServiceId) -> Option<Due> {
        due_of(&self.services, &self.policies, id)
    }

    /// What was due by now happens.
    fn come_due(&mut self, id: ServiceId, due: Due, now: Timestamp) {
        match due.what {
            What::Death { deadline } => self.happen(id, Cause::Silence, deadline),
            What::Reminder => {
                let Some(service) = self.services[id.index()].as_mut() else { return };
                let policy = self.policies.of(id);
                let end = service.deadline(policy).map_or(now, |deadline| deadline.min(now));
                if let Some(alert) = alert::on_reminder(service, policy, due.at, end) {
                    self.events.push_back(Event::Alert(alert.of(id)));
                }
            }
        }
    }

    /// Makes of a service what the table says, and says what there is to say of it.
    fn happen(&mut self, id: ServiceId, cause: Cause, at: Timestamp) {
        let Some(service) = self.services[id.index()].as_mut() else { return };
        let from = service.status;
        let to = rules::next(from, cause);
        if from != to {
            service.status = to;
            service.since = at;
            self.events.push_back(Event::Changed(Change { service: id, from, to, at }));
        }
        if let Some(alert) = alert::on_change(service, self.policies.of(id), from, at) {
            self.events.push_back(Event::Alert(alert.of(id)));
        }
        self.file(id);
    }

    /// Sees to it that `id` comes up when it is due.
    pub(crate) fn file(&mut self, id: ServiceId) {
        if let Some(due) = self.due(id) {
            self.deadlines.file(id, due.at);
        }
    }

    pub(crate) fn set_policy(&mut self, id: ServiceId, policy: Policy) {
        self.policies.set(id, policy);
        self.find_blind_after_least();
    }

    fn find_blind_after_least(&mut self) {
        let shortest = self.policies.shortest_allowance().unwrap_or(Span::LONGEST);
        self.blind_after_least = blind::threshold(shortest, self.config.blind_after);
    }
}

fn due_of(services: &[Option<Service>], policies: &Policies, id: ServiceId) -> Option<Due> {
    services.get(id.index())?.as_ref()?.due(policies.of(id))
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog")
            .field("services", &self.len())
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
