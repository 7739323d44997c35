//! A silence of everyone: one alert says first that it looks like a fault on the way to `MishPulse`, and the deaths follow as
//! digests.
//!
//! A death counts where nothing at all has been heard, from anyone, for at least half of what the service may be silent:
//! where others are heard in the meantime, it is the service that is silent, and not everyone. As soon as at least
//! [`SILENT_MIN`] deaths have counted since the last signal, and they are more than all whose silence is still being measured,
//! this silence is told of, once until something is heard again, to every channel that hears of any of the deaths. No death
//! waits for it: it is written in the same transaction as the death that makes it true, and before it. So that it comes before
//! the others, too, where many stopped in one moment, all count with the first whose deadline is less than a tenth of a second
//! away, which is as long as a look may take.

use std::collections::BTreeSet;

use mishpulse_core::{AlertKind, ServiceId, Span, Status, Timestamp, Watchdog};

use super::batch::Batch;
use super::letters::new_id;
use super::registry::Registry;
use crate::config::{ChannelName, Settings};
use crate::store::NewDelivery;
use crate::store::rows::{EventKind, EventRow, Letter, LetterKind};

/// What is known of the silence since the last signal from anyone.
#[derive(Debug, Default)]
pub(super) struct Hush {
    /// When anyone was last heard; `None` where nobody ever was, and so nobody can die.
    heard: Option<Timestamp>,
    /// The deaths since then that count.
    silent: usize,
    /// The channels that were told of deaths since then.
    channels: BTreeSet<ChannelName>,
    /// Whether people were told of this silence.
    is_told: bool,
    /// When those are counted next who are about to die.
    next_count: Option<Timestamp>,
}

impl Hush {
    /// What the facts say; `told` is the last signal before the last silence that people were told of. O(n).
    pub(super) fn restore(
        dog: &Watchdog,
        registry: &Registry,
        settings: &Settings,
        told: Option<Timestamp>,
    ) -> Self {
        let heard = dog.services().filter_map(|(_, service)| service.last_seen).max();
        let is_told = heard.is_some() && told == heard;
        let mut hush = Self { heard, is_told, ..Self::default() };
        for (id, service) in dog.services() {
            if service.status != Status::Dead || heard.is_none_or(|heard| service.since < heard) {
                continue;
            }
            hush.silent += usize::from(hush.counts(dog, id, service.since));
            let is_told_of = dog.policy(id).is_some_and(|policy| policy.tells(AlertKind::Dead));
            if let Some(identity) = registry.get(id).filter(|_| is_told_of) {
                let channels = settings.defaults.with(&identity.overrides).channels;
                hush.channels.extend(channels.unwrap_or_else(|| settings.channels.keys().cloned().collect()));
            }
        }
        hush
    }

    /// How many are measured: those that die where they are not heard in time. O(n).
    pub(super) fn measured(dog: &Watchdog) -> usize {
        dog.services().filter(|(_, service)| service.status.is_timed()).count()
    }

    /// Someone was heard.
    pub(super) fn heard(&mut self, at: Timestamp) {
        if self.silent > 0 || self.is_told || !self.channels.is_empty() {
            *self = Self { heard: self.heard, ..Self::default() };
        }
        self.heard = self.heard.max(Some(at));
    }

    /// Looks at what a turn decided, and adds to it what is to be told before.
    ///
    /// `measured` is how many services were being measured before the turn. O(the turn); while services die and nobody is
    /// heard O(n), at most ten times a second.
    pub(super) fn look(&mut self, batch: &mut Batch, dog: &Watchdog, measured: usize, now: Timestamp) {
        let (mut came, mut went, mut died) = (0, 0, 0);
        for event in &batch.events {
            let (Some(id), EventKind::Transition { from, to, .. }) = (event.service, &event.kind) else {
                continue;
            };
            came += usize::from(to.is_timed());
            went += usize::from(from.is_timed());
            died += usize::from(*to == Status::Dead && self.counts(dog, id, event.at));
        }
        self.silent += died;
        let letters = batch.deliveries.iter_mut();
        let mut deaths: Vec<&mut NewDelivery> =
            letters.filter(|one| one.letter.kind == LetterKind::Alert(AlertKind::Dead)).collect();
        let channels =
            deaths.iter().map(|death| &death.channel).filter(|name| !self.channels.contains(*name));
        let new: BTreeSet<ChannelName> = channels.cloned().collect();
        self.channels.extend(new.iter().cloned());

        let measured = (measured + came).saturating_sub(went);
        let (mut silent, of) = (self.silent, self.silent + measured);
        let is_asked = died > 0 && !self.is_told && of >= SILENT_MIN;
        if is_asked && self.next_count.is_none_or(|next| next <= now) {
            let end = now + ONE_LOOK;
            self.next_count = Some(end);
            let is_to_die = |id| dog.deadline(id).is_some_and(|at| at < end && self.counts(dog, id, at));
            silent += dog.services().filter(|(id, _)| is_to_die(*id)).count();
        }
        let Some(heard) = self.heard else { return };
        let is_first = is_asked && silent >= SILENT_MIN && silent > of.saturating_sub(silent);
        self.is_told |= is_first;
        if !self.is_told {
            return;
        }
        deaths.iter_mut().for_each(|death| death.letter.is_gathered = true);
        let told = if is_first { &self.channels } else { &new };
        let letter = letter(heard, now, silent, of);
        let one = |channel: &ChannelName| NewDelivery {
            id: new_id(now.unix_ms()),
            service: None,
            channel: channel.clone(),
            letter: letter.clone(),
            at: now,
            carries: Vec::new(),
        };
        let first: Vec<NewDelivery> = told.iter().map(one).collect();
        batch.deliveries.splice(0..0, first);
        if is_first {
            let kind = EventKind::Silence { since: heard, silent, of };
            batch.events.push(EventRow { service: None, at: now, kind });
        }
    }

    /// Whether the death of `id` at `at` counts.
    fn counts(&self, dog: &Watchdog, id: ServiceId, at: Timestamp) -> bool {
        let (Some(heard), Some(policy)) = (self.heard, dog.policy(id)) else { return false };
        at >= heard && at.since(heard) >= policy.allowance().half()
    }
}

/// So few may fall silent together by chance.
const SILENT_MIN: usize = 10;
/// The longest that a look may take.
const ONE_LOOK: Span = Span::from_ms(100);

fn letter(heard: Timestamp, now: Timestamp, silent: usize, of: usize) -> Letter {
    let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
    Letter {
        kind: LetterKind::Silence { silent: number(silent), of: number(of) },
        at: now,
        began: heard,
        since: heard,
        allowance: Span::ZERO,
        service: None,
        names: Vec::new(),
        is_gathered: false,
    }
}
