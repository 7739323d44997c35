//! Whether anyone can be heard at all: where not, the watchdog holds against nobody what it could not be told.

use mishpulse_core::{Span, Timestamp, Watchdog};

use crate::ear::Ear;
use crate::store::rows::Loaded;

/// What the engine knows of its own deafness: the listener's, and its own where it turns commands away.
#[derive(Debug)]
pub(super) struct Listening {
    ear: Option<Ear>,
    /// Since when each look has found that something was turned away.
    refused_since: Option<Timestamp>,
    looked_at: Timestamp,
    is_deaf: bool,
    /// Of a watchdog that was built anew: since when it is deaf already.
    goes_on: Option<Timestamp>,
}

impl Listening {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self { ear: None, refused_since: None, looked_at: now, is_deaf: false, goes_on: None }
    }

    /// Goes by what a listener says.
    pub(super) fn by(&mut self, ear: Ear) {
        self.ear = Some(ear);
    }

    /// When a watchdog that is built anew at `now` wakes: all the time before counts as having been away, and is not deafness as
    /// well. Where the listener is deaf, though, that goes on, and the time since `loaded` was kept is a part of it.
    pub(super) fn woke_at(&mut self, loaded: &Loaded, now: Timestamp) -> Timestamp {
        (self.refused_since, self.looked_at) = (None, now);
        let is_deaf = self.ear.as_ref().is_some_and(|ear| ear.deaf_since().is_some());
        self.goes_on = loaded.seen.filter(|seen| is_deaf && *seen < now);
        self.goes_on.unwrap_or(now)
    }

    /// How long to wait for the next look at most: what was held back is to be said soon after.
    pub(super) fn longest_wait(&self) -> Span {
        if self.is_deaf { WHILE_DEAF } else { Span::LONGEST }
    }

    /// Tells `dog` before anything else of a look; `has_refused` says that something was turned away since the last one.
    ///
    /// It stays deaf for as long as every look finds it so, even if one connection was accepted in between. Time is not moved
    /// on: what came in before `now` still counts from when it came in.
    pub(super) fn look(&mut self, dog: &mut Watchdog, has_refused: bool, now: Timestamp) {
        let before = std::mem::replace(&mut self.looked_at, now);
        self.refused_since = has_refused.then(|| self.refused_since.unwrap_or(before));
        if let Some(since) = self.goes_on.take() {
            dog.deaf(since, since);
        }
        let ear = self.ear.as_ref().and_then(Ear::deaf_since);
        if let Some(since) = [ear, self.refused_since].into_iter().flatten().min() {
            if dog.deaf_since().is_none() {
                dog.deaf(since, since);
            }
        } else if let Some(since) = dog.deaf_since() {
            let again = self.ear.as_ref().and_then(Ear::heard_since).filter(|again| *again > since);
            // Between two looks far apart nobody can tell when it ended.
            let end = if now.since(before) > FAR_APART { now } else { before };
            dog.hears(again.unwrap_or(end).min(now));
        }
        self.is_deaf = dog.deaf_since().is_some();
    }
}

const FAR_APART: Span = Span::from_secs(1);
const WHILE_DEAF: Span = Span::from_ms(50);
