//! How time passes for the naive model: with someone listening, or not.

use alloc::vec;
use alloc::vec::Vec;

use super::model::{Model, Watched};
use crate::{Event, Gap, Timestamp};

impl Model {
    /// Until when things fall due.
    pub(super) fn until(&self) -> Timestamp {
        self.deaf_since.unwrap_or(self.now)
    }

    pub(super) fn end_deafness(&mut self, now: Timestamp) -> Vec<Event> {
        let Some(since) = self.deaf_since.take() else { return Vec::new() };
        let now = now.max(self.now);
        self.now = since;
        self.pass(now)
    }

    pub(super) fn pass(&mut self, now: Timestamp) -> Vec<Event> {
        let now = now.max(self.now);
        if self.deaf_since.is_some() {
            self.now = now;
            return Vec::new();
        }
        let gap = Gap { from: self.now, until: now, away: now.since(self.now) };
        self.now = now;
        let blinds = |watched: &Watched| watched.is_blinded_by(gap.away, self.config);
        if self.services.iter().flatten().any(blinds) { self.be_away(gap) } else { Vec::new() }
    }

    pub(super) fn be_away(&mut self, gap: Gap) -> Vec<Event> {
        if self.is_empty() {
            return Vec::new();
        }
        self.services.iter_mut().flatten().for_each(|watched| watched.pardon(&[gap], self.config));
        self.gaps.push(gap);
        vec![Event::Blind(gap)]
    }
}
