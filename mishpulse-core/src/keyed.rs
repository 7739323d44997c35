//! A watchdog over services that have names of your own.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::blind::{Config, Gap};
use crate::error::{AlreadyWatched, UnknownService};
use crate::event::Event;
use crate::id::ServiceId;
use crate::policy::Policy;
use crate::service::Service;
use crate::signal::Signal;
use crate::time::Timestamp;
use crate::watchdog;

/// A [`Watchdog`](watchdog::Watchdog) whose services go by a key: a name, a number, an address.
///
/// It is driven in the same way; each call costs a look-up in a `BTreeMap` more, and each event a copy of the key.
#[derive(Debug)]
pub struct Watchdog<K: Ord> {
    inner: watchdog::Watchdog,
    ids: BTreeMap<K, ServiceId>,
    keys: Vec<Option<K>>,
}

impl<K: Ord + Clone> Watchdog<K> {
    /// A watchdog over nobody yet, whose time starts at `now`.
    #[must_use]
    pub fn new(config: Config, now: Timestamp) -> Self {
        Self { inner: watchdog::Watchdog::new(config, now), ids: BTreeMap::new(), keys: Vec::new() }
    }

    /// Goes on with stored facts; see [`watchdog::Watchdog::restore`]. Events at the same moment come in the order in
    /// which the services are given, so give them in the same order each time.
    ///
    /// # Errors
    /// [`AlreadyWatched`] where two services have the same key.
    pub fn restore(
        config: Config,
        services: impl IntoIterator<Item = (K, Policy, Service)>,
        gaps: impl IntoIterator<Item = Gap>,
        seen: Timestamp,
        now: Timestamp,
    ) -> Result<Self, AlreadyWatched> {
        let (mut ids, mut keys, mut rows) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (key, policy, service) in services {
            let id = ServiceId::at(keys.len());
            keys.push(Some(key.clone()));
            rows.push((id, policy, service));
            if ids.insert(key, id).is_some() {
                return Err(AlreadyWatched);
            }
        }
        let inner = watchdog::Watchdog::restore(config, rows, gaps, seen, now).map_err(|_| AlreadyWatched)?;
        Ok(Self { inner, ids, keys })
    }

    /// Watches one more service.
    ///
    /// # Errors
    /// [`AlreadyWatched`]; nothing has changed then.
    pub fn watch(&mut self, key: K, policy: Policy, now: Timestamp) -> Result<(), AlreadyWatched> {
        if self.ids.contains_key(&key) {
            return Err(AlreadyWatched);
        }
        let id = self.inner.watch(policy, now);
        if self.keys.len() <= id.index() {
            self.keys.resize(id.index() + 1, None);
        }
        self.keys[id.index()] = Some(key.clone());
        self.ids.insert(key, id);
        Ok(())
    }

    /// Watches a service no longer, and drops what there was to say of it.
    ///
    /// # Errors
    /// [`UnknownService`] if it is not watched; nothing has changed then. This holds for every call below.
    pub fn forget(&mut self, key: &K, now: Timestamp) -> Result<(), UnknownService> {
        let id = self.ids.remove(key).ok_or(UnknownService)?;
        self.keys[id.index()] = None;
        self.inner.forget(id, now)
    }

    /// Gives a service another policy, which holds from now on; its deadline moves at once.
    pub fn change(&mut self, key: &K, policy: Policy, now: Timestamp) -> Result<(), UnknownService> {
        self.inner.change(self.id(key)?, policy, now)
    }

    /// Records a signal from `key` at `now`, after first letting it die if its deadline has passed.
    pub fn beat(&mut self, key: &K, signal: Signal, now: Timestamp) -> Result<(), UnknownService> {
        self.inner.beat(self.id(key)?, signal, now)
    }

    /// Nobody could be heard from `since` on, and it is still so.
    pub fn deaf(&mut self, since: Timestamp, now: Timestamp) {
        self.inner.deaf(since, now);
    }

    /// Everybody can be heard again.
    pub fn hears(&mut self, now: Timestamp) {
        self.inner.hears(now);
    }

    /// Until when this watchdog is known to have listened.
    #[must_use]
    pub fn listened_until(&self) -> Timestamp {
        self.inner.listened_until()
    }

    /// Pauses a service: its silence is not measured and it raises nothing.
    pub fn pause(&mut self, key: &K, now: Timestamp) -> Result<(), UnknownService> {
        self.inner.pause(self.id(key)?, now)
    }

    /// Resumes a paused service with a fresh deadline from `now`, or as new if it was never heard.
    pub fn resume(&mut self, key: &K, now: Timestamp) -> Result<(), UnknownService> {
        self.inner.resume(self.id(key)?, now)
    }

    /// The next event; `None` when there is no more to say for now.
    #[must_use = "an event that is dropped is an alert that nobody gets"]
    pub fn poll(&mut self, now: Timestamp) -> Option<Event<K>> {
        loop {
            let event = self.inner.poll(now)?;
            let keyed = event.keyed(|id| self.keys.get(id.index()).cloned().flatten());
            if keyed.is_some() {
                return keyed;
            }
        }
    }

    /// When to poll next at the latest; `None` where nobody is watched.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.inner.next_deadline()
    }

    /// The facts of a service.
    #[must_use]
    pub fn service(&self, key: &K) -> Option<&Service> {
        self.inner.service(*self.ids.get(key)?)
    }

    /// The policy of a service.
    #[must_use]
    pub fn policy(&self, key: &K) -> Option<&Policy> {
        self.inner.policy(*self.ids.get(key)?)
    }

    /// Until when a service must be heard; `None` where its silence is not measured.
    #[must_use]
    pub fn deadline(&self, key: &K) -> Option<Timestamp> {
        self.inner.deadline(*self.ids.get(key)?)
    }

    /// Everyone who is watched, in order of their keys.
    pub fn services(&self) -> impl Iterator<Item = (&K, &Service)> {
        self.ids.iter().filter_map(|(key, id)| Some((key, self.inner.service(*id)?)))
    }

    /// When the watcher was away, as far as it still counts for someone; to be stored after [`Event::Blind`].
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        self.inner.gaps()
    }

    /// How many services are watched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Whether nobody is watched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    fn id(&self, key: &K) -> Result<ServiceId, UnknownService> {
        self.ids.get(key).copied().ok_or(UnknownService)
    }
}
