//! The naive model: what a watchdog should say, in the simplest way that there is to find out.
//!
//! It looks at everyone, each time, and asks whether `now - last_seen > timeout`. It has no index, no lazy anything and
//! no order but a sort. It is written from the rules as people are told them, not from the watchdog.

use alloc::vec::Vec;

use super::Input;
use crate::{
    Alert, AlertKind, Change, Config, Event, Gap, Message, Policy, ServiceId, Signal, SignalKind, Span,
    Status, Timestamp, UnknownService,
};

/// Watches services as a loop over a list would.
#[derive(Debug, Clone)]
pub struct Model {
    pub(super) config: Config,
    pub(super) now: Timestamp,
    pub(super) services: Vec<Option<Watched>>,
    pub(super) gaps: Vec<Gap>,
    /// Since when nobody can be heard.
    pub(super) deaf_since: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(super) struct Watched {
    policy: Policy,
    status: Status,
    since: Timestamp,
    last_seen: Option<Timestamp>,
    message: Option<Message>,
    /// From when its silence counts.
    silent_from: Timestamp,
    is_pardoned: bool,
    /// What it was before it was dead or in error is not trouble; from then on it is, until it is neither.
    trouble: Option<Trouble>,
}

#[derive(Debug, Clone)]
struct Trouble {
    began: Timestamp,
    was_told: bool,
    /// The last alert of an error: when, and of what.
    error_told: Option<(Timestamp, Option<Message>)>,
    remind_from: Timestamp,
}

impl Model {
    /// Nobody is watched yet.
    #[must_use]
    pub const fn new(config: Config, now: Timestamp) -> Self {
        Self { config, now, services: Vec::new(), gaps: Vec::new(), deaf_since: None }
    }

    /// What is to be said by now: of an absence, and of all that fell due, in order of when, then of who.
    pub fn look(&mut self, now: Timestamp) -> Vec<Event> {
        let mut events = self.pass(now);
        let until = self.until();
        let mut due = Vec::new();
        for (index, watched) in self.services.iter_mut().enumerate() {
            if let Some(watched) = watched {
                watched.look(ServiceId::new(index as u32), until, &mut due);
            }
        }
        due.sort_by_key(|(at, id, _)| (*at, *id));
        events.extend(due.into_iter().map(|(_, _, event)| event));
        events
    }

    /// What is to be said of an input, after what was due before of the service that it names.
    ///
    /// # Errors
    /// [`UnknownService`] where it names one that is not watched.
    pub fn apply(&mut self, input: &Input, now: Timestamp) -> (Vec<Event>, Result<(), UnknownService>) {
        let now = if self.deaf_since.is_some() { now.max(self.now) } else { now };
        if matches!(input, Input::Restart) && now < self.now {
            // The clock was set back: nobody can tell how long it was.
            return (self.be_away(Gap { from: self.now, until: self.now, away: Span::LONGEST }), Ok(()));
        }
        let mut events = match input {
            // Who cannot be heard is as good as away, and is it until then.
            Input::Restart | Input::Hears => self.end_deafness(now),
            _ => Vec::new(),
        };
        events.extend(self.pass(now));
        let (now, until) = (self.now, self.until());
        if matches!(input, Input::Deaf) {
            self.deaf_since.get_or_insert(now);
        }
        if let Input::Watch(policy) = input {
            let free = self.services.iter().position(Option::is_none).unwrap_or(self.services.len());
            if free == self.services.len() {
                self.services.push(None);
            }
            self.services[free] = Some(Watched::new(*policy, now));
        }
        let Some(id) = input.service() else { return (events, Ok(())) };
        let Some(Some(watched)) = self.services.get_mut(id.index()) else {
            return (events, Err(UnknownService));
        };
        let mut due = Vec::new();
        match input {
            Input::Forget(_) => self.services[id.index()] = None,
            Input::Change(_, policy) => {
                watched.look(id, until, &mut due);
                watched.change(id, *policy, (now, until), &self.gaps, self.config, &mut due);
            }
            Input::Beat(_, signal) => {
                watched.look(id, until, &mut due);
                watched.beat(id, signal, now, &mut due);
            }
            Input::Pause(_) => {
                watched.look(id, until, &mut due);
                watched.become_status(id, Status::Paused, now, now, &mut due);
                watched.trouble = None;
            }
            Input::Resume(_) => {
                watched.look(id, until, &mut due);
                if watched.status == Status::Paused {
                    let status = if watched.last_seen.is_some() { Status::Alive } else { Status::New };
                    watched.become_status(id, status, now, now, &mut due);
                    watched.silent_from = now;
                    watched.is_pardoned = false;
                }
            }
            Input::Watch(_) | Input::Deaf | Input::Hears | Input::Look | Input::Restart => {}
        }
        events.extend(due.into_iter().map(|(_, _, event)| event));
        (events, Ok(()))
    }

    /// Whoever restores the watchdog does so with this policy for `id`: it holds as if it always had.
    pub fn follow(&mut self, id: ServiceId, policy: Policy) {
        let (gaps, config) = (&self.gaps, self.config);
        if let Some(Some(watched)) = self.services.get_mut(id.index())
            && watched.policy != policy
        {
            watched.policy = policy;
            watched.pardon(gaps, config);
        }
    }

    /// What is believed of a service: its status, when it was last heard, until when it must be heard.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> Option<(Status, Option<Timestamp>, Option<Timestamp>)> {
        let watched = self.services.get(id.index())?.as_ref()?;
        Some((watched.status, watched.last_seen, watched.deadline()))
    }

    /// The first moment at which there will be something to say, if no input comes.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        if self.deaf_since.is_some() {
            return None;
        }
        let due = |watched: &Watched| {
            let death = watched.deadline().map(|deadline| deadline + Span::from_ms(1));
            let reminder = watched.every().and_then(|(from, every)| Some(from? + every));
            death.into_iter().chain(reminder).min()
        };
        self.services.iter().flatten().filter_map(due).min()
    }

    /// How many are watched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.services.iter().flatten().count()
    }

    /// Whether nobody is watched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What is due: when it can be said first, of whom, and what.
type Due = Vec<(Timestamp, ServiceId, Event)>;

impl Watched {
    const fn new(policy: Policy, now: Timestamp) -> Self {
        Self {
            policy,
            status: Status::New,
            since: now,
            last_seen: None,
            message: None,
            silent_from: now,
            is_pardoned: false,
            trouble: None,
        }
    }

    fn is_timed(&self) -> bool {
        [Status::Alive, Status::Warning, Status::Error].contains(&self.status)
    }

    fn is_in_trouble(&self) -> bool {
        [Status::Error, Status::Dead].contains(&self.status)
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.is_timed().then(|| self.silent_from + self.policy.allowance())
    }

    /// Ten seconds, or half of timeout and grace where that is less; a look each millisecond is always enough.
    pub(super) fn is_blinded_by(&self, away: Span, config: Config) -> bool {
        let away_ms = away.as_ms();
        let half_ms = self.policy.allowance().as_ms() / 2;
        away_ms > 1 && (away_ms > config.blind_after.as_ms() || away_ms > half_ms)
    }

    pub(super) fn pardon(&mut self, gaps: &[Gap], config: Config) {
        for gap in gaps {
            let was_ahead = self.deadline().is_some_and(|deadline| deadline >= gap.from);
            let was_silent = self.silent_from < gap.until;
            if !self.is_pardoned && was_ahead && was_silent && self.is_blinded_by(gap.away, config) {
                self.silent_from = gap.until;
                self.is_pardoned = true;
            }
        }
    }

    fn look(&mut self, id: ServiceId, now: Timestamp, due: &mut Due) {
        if self.is_timed() && now.since(self.silent_from) > self.policy.allowance() {
            let deadline = self.silent_from + self.policy.allowance();
            self.remind(id, deadline, due);
            self.die(id, deadline, deadline + Span::from_ms(1), due);
        }
        self.remind(id, now, due);
    }

    fn die(&mut self, id: ServiceId, at: Timestamp, due_at: Timestamp, due: &mut Due) {
        let from = self.status;
        self.become_status(id, Status::Dead, at, due_at, due);
        let began = self.last_seen.unwrap_or(self.silent_from);
        let is_told = self.policy.tells(AlertKind::Dead);
        self.be_in_trouble(began, at, is_told);
        if is_told {
            self.alert(id, AlertKind::Dead, from, at, due_at, due);
        }
    }

    /// One reminder, for the last interval that has ended.
    fn remind(&mut self, id: ServiceId, until: Timestamp, due: &mut Due) {
        let Some((Some(from), every)) = self.every() else { return };
        let intervals = until.since(from).as_ms() / every.as_ms();
        if intervals > 0 {
            let at = from + Span::from_ms(intervals * every.as_ms());
            if let Some(trouble) = self.trouble.as_mut() {
                trouble.remind_from = at;
            }
            self.alert(id, AlertKind::Reminder, self.status, at, at, due);
        }
    }

    /// From when the next interval between reminders runs, if there is any, and how long it is.
    fn every(&self) -> Option<(Option<Timestamp>, Span)> {
        let told = self.trouble.as_ref().filter(|trouble| trouble.was_told && self.is_in_trouble());
        Some((told.map(|trouble| trouble.remind_from), self.policy.reminder()?))
    }

    fn beat(&mut self, id: ServiceId, signal: &Signal, now: Timestamp, due: &mut Due) {
        self.last_seen = Some(now);
        self.message.clone_from(&signal.message);
        self.silent_from = now;
        self.is_pardoned = false;
        if self.status == Status::Paused && !self.policy.resumes_on_beat() {
            return;
        }
        let from = self.status;
        let to = match signal.kind {
            SignalKind::Ok => Status::Alive,
            SignalKind::Warning => Status::Warning,
            SignalKind::Error => Status::Error,
        };
        self.become_status(id, to, now, now, due);
        if to == Status::Error {
            self.report_error(id, from, now, due);
        } else if from == Status::Alive && to == Status::Warning {
            if self.policy.tells(AlertKind::Warning) {
                self.alert(id, AlertKind::Warning, from, now, now, due);
            }
        } else if from == Status::Error || from == Status::Dead {
            let was_told = self.trouble.as_ref().is_some_and(|trouble| trouble.was_told);
            if was_told && self.policy.tells(AlertKind::Recovered) {
                self.alert(id, AlertKind::Recovered, from, now, now, due);
            }
        }
        if to != Status::Error {
            self.trouble = None;
        }
    }

    fn report_error(&mut self, id: ServiceId, from: Status, now: Timestamp, due: &mut Due) {
        let told_before = self.trouble.as_ref().and_then(|trouble| trouble.error_told.clone());
        let is_repeat = from == Status::Error
            && told_before.as_ref().is_some_and(|(at, message)| {
                *message == self.message || now.since(*at) < self.policy.cooldown()
            });
        let is_told = self.policy.tells(AlertKind::Error) && !is_repeat;
        if from == Status::Error {
            let since = self.since;
            let trouble = self.trouble.get_or_insert_with(|| Trouble::new(since));
            if is_told && !trouble.was_told {
                trouble.was_told = true;
                trouble.remind_from = now;
            }
        } else {
            self.be_in_trouble(now, now, is_told);
        }
        if is_told {
            let message = self.message.clone();
            self.alert(id, AlertKind::Error, from, now, now, due);
            if let Some(trouble) = self.trouble.as_mut() {
                trouble.error_told = Some((now, message));
            }
        }
    }

    /// A policy holds as if it had held since the service was last heard, but changes nothing before now.
    fn change(
        &mut self,
        id: ServiceId,
        policy: Policy,
        (now, until): (Timestamp, Timestamp),
        gaps: &[Gap],
        config: Config,
        due: &mut Due,
    ) {
        self.policy = policy;
        self.pardon(gaps, config);
        if let (Some(trouble), Some(every)) = (self.trouble.as_mut(), policy.reminder()) {
            while now.since(trouble.remind_from) >= every {
                let intervals = now.since(trouble.remind_from).as_ms() / every.as_ms();
                trouble.remind_from = trouble.remind_from + Span::from_ms(intervals * every.as_ms());
            }
        }
        if self.is_timed() && until.since(self.silent_from) > policy.allowance() {
            self.die(id, now, now, due);
        }
    }

    fn become_status(&mut self, id: ServiceId, to: Status, at: Timestamp, due_at: Timestamp, due: &mut Due) {
        let from = self.status;
        if from != to {
            self.status = to;
            self.since = at;
            due.push((due_at, id, Event::Changed(Change { service: id, from, to, at })));
        }
    }

    /// Trouble begins, or goes on in another way.
    fn be_in_trouble(&mut self, began: Timestamp, at: Timestamp, is_told: bool) {
        let trouble = self.trouble.get_or_insert_with(|| Trouble::new(began));
        trouble.was_told |= is_told;
        trouble.remind_from = at;
    }

    fn alert(
        &self,
        id: ServiceId,
        kind: AlertKind,
        from: Status,
        at: Timestamp,
        due_at: Timestamp,
        due: &mut Due,
    ) {
        let alert = Alert {
            service: id,
            kind,
            at,
            from,
            to: self.status,
            began: self.trouble.as_ref().map_or(at, |trouble| trouble.began),
            since: self.since,
            last_seen: self.last_seen,
            message: self.message.clone(),
        };
        due.push((due_at, id, Event::Alert(alert)));
    }
}

impl Trouble {
    const fn new(began: Timestamp) -> Self {
        Self { began, was_told: false, error_told: None, remind_from: began }
    }
}
