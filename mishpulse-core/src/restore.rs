//! Going on from what was stored.

use crate::blind::{self, Config, Gap, Gaps};
use crate::deadlines::Deadlines;
use crate::error::RestoreError;
use crate::id::ServiceId;
use crate::policy::Policy;
use crate::service::Service;
use crate::time::{Span, Timestamp};
use crate::watchdog::Watchdog;

impl Watchdog {
    /// Goes on with stored facts: `services` and `gaps` as they were stored last, by a watchdog that is known to have
    /// listened until `seen`. The time from `seen` until `now` counts as having been away.
    ///
    /// It is enough to have stored each service when an input or an event named it last, and the gaps after the last
    /// [`Event::Blind`](crate::Event::Blind). Events that were not polled before are lost, unless they come of the time
    /// since the facts: so store what an input changed together with the events that it led to.
    ///
    /// A `now` before `seen` means that the clock was set back, so that nobody can tell how long it was: everyone whose
    /// deadline was ahead is pardoned, and time goes on at `seen`. As a `now` before the last one counts as the last
    /// one, it then stands still until the clock has caught up: have yours start at `seen` at the earliest.
    ///
    /// O(n log n); memory is as for the highest handle. The first polls report what fell due in the meantime.
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
        dog.gaps = Gaps::new(gaps.into_iter().collect());
        for (id, policy, mut service) in services {
            if dog.services.len() <= id.index() {
                dog.services.resize(id.index() + 1, None);
            }
            if dog.services[id.index()].is_some() {
                return Err(RestoreError::Duplicate(id));
            }
            if !service.status.is_trouble() {
                service.set_trouble(None);
            }
            // Later than `seen` is who was heard while it was deaf.
            service.silent_from = service.silent_from.min(seen.max(now));
            blind::pardon(&mut service, &policy, dog.gaps.as_slice(), config.blind_after);
            dog.services[id.index()] = Some(service);
            dog.set_policy(id, policy);
        }
        dog.free = (0..dog.services.len())
            .filter(|index| dog.services[*index].is_none())
            .map(|index| ServiceId::at(index).number())
            .collect();
        if now >= seen {
            dog.advance(now);
        } else if !dog.is_empty() {
            dog.be_blind(Gap { from: seen, until: seen, away: Span::LONGEST });
        }
        dog.deadlines = Deadlines::new(dog.now);
        (0..dog.services.len()).for_each(|index| dog.file(ServiceId::at(index)));
        Ok(dog)
    }
}
