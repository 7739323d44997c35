//! When everyone falls silent: what is to be told of that, found out from the rules as people are told them.

use std::collections::BTreeSet;

use mishpulse_core::{AlertKind, ServiceId, Span, Status, Timestamp};
use mishpulse_server::config::ChannelName;
use mishpulse_server::store::NewDelivery;
use mishpulse_server::store::rows::{Letter, LetterKind};

use super::mirror::{Mirror, Said};
use super::store::Record;

/// The silence since the last signal from anyone.
#[derive(Clone, Default)]
pub struct Hush {
    heard: Option<Timestamp>,
    silent: usize,
    channels: BTreeSet<ChannelName>,
    is_told: bool,
    next_count: Option<Timestamp>,
    /// The last one on the disk: the signal before it, and when people were told.
    pub kept: Option<(Timestamp, Timestamp)>,
}

impl Hush {
    /// Someone was heard.
    pub fn heard(&mut self, at: Timestamp) {
        *self = Self { heard: self.heard.max(Some(at)), kept: self.kept, ..Self::default() };
    }
}

/// So few may fall silent together by chance.
const AT_LEAST: usize = 10;

impl Mirror {
    /// How many are measured now.
    fn measured(&self) -> usize {
        let statuses = self.services.keys().filter_map(|id| self.facts(*id));
        statuses.filter(|(status, ..)| status.is_timed()).count()
    }

    /// A server that starts finds out from the facts what it is to know.
    pub fn restore_hush(&mut self, told: Option<Timestamp>) {
        let heard = self.services.keys().filter_map(|id| self.facts(*id)?.1).max();
        let is_told = heard.is_some() && told == heard;
        self.hush = Hush { heard, is_told, kept: self.hush.kept, ..Hush::default() };
        for (id, at) in self.died.clone() {
            if heard.is_none_or(|heard| at < heard) {
                continue;
            }
            self.hush.silent += usize::from(self.counts(id, at));
            if self.policies[&id].tells(AlertKind::Dead) {
                let meant = self.settings.defaults.with(&self.services[&id].overrides).channels;
                let all = || self.settings.channels.keys().cloned().collect();
                self.hush.channels.extend(meant.unwrap_or_else(all));
            }
        }
    }

    /// Nobody was heard for half of what it may be silent, or longer, when it died.
    fn counts(&self, id: ServiceId, at: Timestamp) -> bool {
        let (Some(heard), Some(policy)) = (self.hush.heard, self.policy(id)) else { return false };
        at >= heard && at.since(heard).as_ms() >= policy.allowance().as_ms() / 2
    }

    /// What a turn should tell of the silence of everyone; `before` is how it was before the turn.
    pub fn look_at_silence(&mut self, record: &Record, before: &Self, now: Timestamp) {
        let is_death = |said: &Said| matches!(said, Said::Changed(_, Status::Dead, _));
        let has_deaths = self.said.iter().any(|(_, said)| is_death(said));
        let mut measured = if has_deaths { before.measured() as i64 } else { 0 };
        let mut deaths = 0;
        for (id, said) in &self.said {
            let (Some(id), Said::Changed(from, to, at)) = (id, said) else { continue };
            measured += i64::from(to.is_timed()) - i64::from(from.is_timed());
            deaths += usize::from(*to == Status::Dead && self.counts(*id, *at));
        }
        self.hush.silent += deaths;
        let dead = |letter: &&NewDelivery| letter.letter.kind == LetterKind::Alert(AlertKind::Dead);
        let letters: Vec<_> = record.deliveries.iter().filter(dead).collect();
        let channels: BTreeSet<_> = letters.iter().map(|letter| letter.channel.clone()).collect();
        let new: BTreeSet<_> = channels.difference(&self.hush.channels).cloned().collect();
        self.hush.channels.extend(new.clone());

        let of = self.hush.silent + measured.max(0) as usize;
        let mut silent = self.hush.silent;
        let is_asked = deaths > 0 && !self.hush.is_told && of >= AT_LEAST;
        if is_asked && self.hush.next_count.is_none_or(|next| next <= now) {
            let end = now + Span::from_ms(100);
            self.hush.next_count = Some(end);
            let is_near = |id: &&ServiceId| {
                let deadline = self.facts(**id).and_then(|(_, _, deadline)| deadline);
                deadline.is_some_and(|at| at < end && self.counts(**id, at))
            };
            silent += self.services.keys().filter(is_near).count();
        }
        let is_first = is_asked && silent >= AT_LEAST && 2 * silent > of;
        self.hush.is_told |= is_first;
        let mut expected = Vec::new();
        if let Some(heard) = self.hush.heard.filter(|_| self.hush.is_told) {
            if is_first {
                self.said.push((None, Said::Silence(heard, now, silent, of)));
                self.hush.kept = Some((heard, now));
            }
            let told = if is_first { self.hush.channels.clone() } else { new };
            expected.extend(told.into_iter().map(|channel| (channel, letter(heard, now, silent, of))));
        }
        let is_told = self.hush.is_told;
        assert!(letters.iter().all(|letter| letter.letter.is_gathered == is_told), "as digests in a silence");
        let written = record.deliveries.iter().take(expected.len());
        let written: Vec<_> = written.map(|one| (one.channel.clone(), one.letter.clone())).collect();
        assert_eq!(written, expected, "of a silence of everyone, before all that it is about");
        let is_silence = |one: &&NewDelivery| matches!(one.letter.kind, LetterKind::Silence { .. });
        let count = record.deliveries.iter().filter(is_silence).count();
        assert_eq!(count, expected.len(), "letters of a silence of everyone");
    }
}

fn letter(heard: Timestamp, now: Timestamp, silent: usize, of: usize) -> Letter {
    Letter {
        kind: LetterKind::Silence { silent: silent as u32, of: of as u32 },
        at: now,
        began: heard,
        since: heard,
        allowance: Span::ZERO,
        service: None,
        names: Vec::new(),
        is_gathered: false,
    }
}
