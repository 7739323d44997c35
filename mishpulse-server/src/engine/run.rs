//! The engine's loop: one reading of the clock, one batch, one commit, and only then does anyone hear of it.

use std::sync::Arc;

use mishpulse_core::{Clock, ServiceId, Span, Status, Timestamp, Watchdog};

use super::batch::{Answer, Batch};
use super::bell::Bell;
use super::board::Board;
use super::command::{BeatOutcome, Command, EditError};
use super::edit::Desk;
use super::hush::Hush;
use super::inbox::Intake;
use super::listening::Listening;
use super::pace::{Pace, recovery_pause};
use super::registry::Registry;
use super::restore::{Restored, restore};
use super::start_error::StartError;
use crate::clock::Stopwatch;
use crate::config::{Durability, Settings};
use crate::ear::Ear;
use crate::store::Store;

/// The thread's own state. Everything that it touches it owns, or is given in [`Parts`].
pub struct Engine<S, C> {
    pub(super) parts: Parts<S, C>,
    pub(super) dog: Watchdog,
    registry: Registry,
    hush: Hush,
    listening: Listening,
    pub(super) next_prune: Timestamp,
    pub(super) next_tidy: Timestamp,
    /// Whether the store has more to tidy then, so that it is worth a look of its own.
    pub(super) is_untidy: bool,
    /// Tries to keep or to read something that failed since the last that did not.
    failures: u32,
    /// After a failure: until when everything is refused, and then what is in memory is built anew from the store.
    closed_until: Option<Timestamp>,
}

/// What an engine is made of.
pub struct Parts<S, C> {
    /// What the operator asked for.
    pub settings: Arc<Settings>,
    /// Where it keeps what it decided.
    pub store: S,
    /// Who tells it the time: never backwards, and on through a suspend.
    pub clock: C,
    /// Where commands come from.
    pub intake: Intake,
    /// Where it publishes.
    pub board: Arc<Board>,
    /// What it rings when there are letters.
    pub bell: Arc<Bell>,
}

/// Whether the engine goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    Continue,
    /// It was told to stop.
    Stop,
}

impl<S: Store, C: Clock> Engine<S, C> {
    /// Goes on from what the store has, with the services that the settings declare. `woke_at` is the time by a clock that may have
    /// been set back since; after that the parts' own clock holds.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(mut parts: Parts<S, C>, woke_at: Timestamp) -> Result<Self, StartError> {
        let Restored { mut dog, directory, silence } =
            restore(&parts.settings, &mut parts.store, |_| woke_at)?;
        parts.board.write(|view| view.set_defaults(Arc::new(parts.settings.defaults.clone())));
        parts.board.restore(directory, &dog);
        let mut registry = Registry::over(Arc::clone(&parts.board));
        let mut hush = Hush::restore(&dog, &registry, &parts.settings, silence);
        let measured = Hush::measured(&dog);
        let mut batch = Batch::default();
        let now = parts.clock.now();
        let mut desk = Desk {
            dog: &mut dog,
            registry: &mut registry,
            batch: &mut batch,
            settings: &parts.settings,
            now,
        };
        desk.declare()?;
        batch.drain(&mut dog, &registry, &parts.settings, now, usize::MAX);
        hush.look(&mut batch, &dog, measured, now);
        batch.commit(&mut parts.store, &dog, &registry, now)?;
        batch.publish(&parts.board, &dog, &mut registry);
        parts.board.looked(now, true);
        parts.bell.ring();
        let listening = Listening::new(now);
        Ok(Self {
            parts,
            dog,
            registry,
            hush,
            listening,
            next_prune: now,
            next_tidy: now,
            is_untidy: false,
            failures: 0,
            closed_until: None,
        })
    }

    /// Counts as deaf while `ear` is.
    #[must_use]
    pub fn listening_by(mut self, ear: Ear) -> Self {
        self.listening.by(ear);
        self
    }

    /// Runs until it is told to stop.
    ///
    /// A turn begins when its thread has read what had arrived, and the answers are on their way when it ends, so that none waits for
    /// another to be woken. It blocks the thread for as long as the store takes: others go on if the runtime has two.
    pub async fn run(mut self) {
        let mut pace = Pace::new(self.parts.settings.durability == Durability::Power);
        let mut has_more = false;
        loop {
            if !has_more {
                let wait = self.wait();
                self.parts.intake.wait(wait.into()).await;
            }
            pace.give_way(&mut self.parts.intake).await;
            match self.timed_turn() {
                (Flow::Stop, _) => return,
                (Flow::Continue, more) => has_more = more,
            }
        }
    }

    /// One turn: `first` and all that waits behind it, in one commit. Says whether to go on, and whether more is due already.
    pub fn turn(&mut self, first: Option<Command>) -> (Flow, bool) {
        let now = self.parts.clock.now();
        if !self.is_open(now) {
            return (self.refuse_all(first), false);
        }
        let mut batch = Batch::with_room(self.parts.intake.len());
        let mut flow = Flow::Continue;
        // A beat counts from when it was received, and nobody dies of the time that it waited here. Where beats were turned
        // away, the time since the last look counts as one piece instead: a long one is pardoned.
        let has_refused = self.parts.intake.has_overflowed();
        self.listening.look(&mut self.dog, has_refused, now);
        let by_arrival = !has_refused;
        let mut known = self.look_up_waiting();
        let (mut next, mut taken, mut heard_until) = (first, 0, now);
        let most = self.parts.settings.limits.batch as u64;
        while taken < most {
            let (command, id) = match next.take() {
                Some(command) => (command, None),
                None => match self.parts.intake.next() {
                    Some(command) => (command, known.next()),
                    None => break,
                },
            };
            let at = match &command {
                Command::Stop => {
                    flow = Flow::Stop;
                    break;
                }
                Command::Beat { received, .. } if by_arrival => now.min(*received),
                _ => now,
            };
            self.apply(command, id, &mut batch, at);
            (taken, heard_until) = (taken + 1, at);
        }
        // Where more are waiting, what happened after the last of these is left to the next turn.
        let until = if taken < most { now } else { heard_until };
        let has_more = self.drain(&mut batch, until, EVENTS_MAX);
        let measured = self.parts.board.read(|view| view.summary().measured());
        self.hush.look(&mut batch, &self.dog, measured, until);
        let stopwatch = Stopwatch::start();
        let heard_until = self.dog.listened_until();
        let committed = batch.commit(&mut self.parts.store, &self.dog, &self.registry, heard_until);
        self.count_commit(&stopwatch, taken, committed.is_ok().then_some(&batch));
        match committed {
            Ok(()) => {
                let has_letters = !batch.deliveries.is_empty();
                if batch.settings_before.is_some() {
                    let defaults = Arc::new(self.parts.settings.defaults.clone());
                    self.parts.board.write(|view| view.set_defaults(defaults));
                }
                batch.publish(&self.parts.board, &self.dog, &mut self.registry);
                self.parts.board.looked(now, true);
                if has_letters {
                    self.parts.bell.ring();
                }
                if self.failures > 0 {
                    tracing::info!("the store takes writes again");
                    self.failures = 0;
                }
                self.prune(now);
                self.tidy(now);
            }
            Err(error) => {
                if let Some(before) = batch.settings_before.take() {
                    self.parts.settings = before;
                }
                batch.refuse();
                self.registry.forget_changes();
                self.close(&error.into());
                return (flow, false);
            }
        }
        (flow, has_more || self.parts.intake.len() > 0)
    }

    fn count_commit(&self, stopwatch: &Stopwatch, commands: u64, kept: Option<&Batch>) {
        let metrics = self.parts.intake.metrics();
        metrics.commit_us.observe(stopwatch.elapsed_us());
        if commands > 0 {
            metrics.batch_commands.observe(commands);
        }
        match kept {
            Some(batch) => metrics.beats.stored.add(batch.beats()),
            None => metrics.commit_failures.add_one(),
        }
    }

    /// How long nothing needs to be looked at, unless a command comes in. Whoever takes the turns by hand keeps to it.
    #[must_use]
    pub fn wait(&self) -> Span {
        let now = self.parts.clock.now();
        if let Some(until) = self.closed_until {
            return until.since(now);
        }
        let due = self.dog.next_deadline().map_or(Span::LONGEST, |due| due.since(now));
        let tidy = if self.is_untidy { self.next_tidy.since(now) } else { Span::LONGEST };
        due.min(tidy).min(self.parts.settings.check_every).min(self.listening.longest_wait())
    }

    fn drain(&mut self, batch: &mut Batch, now: Timestamp, most: usize) -> bool {
        batch.drain(&mut self.dog, &self.registry, &self.parts.settings, now, most)
    }

    /// Whose beats are waiting, in their order; `None` for one of nobody's, and for what is no beat.
    ///
    /// All are looked up before any is heard: each is a few cache misses, and those of different ones overlap.
    fn look_up_waiting(&mut self) -> std::vec::IntoIter<Option<ServiceId>> {
        let waiting = self.parts.intake.waiting(self.parts.settings.limits.batch);
        let ids: Vec<Option<ServiceId>> = self.parts.board.read(|view| {
            let id_of = |command: &Command| match command {
                Command::Beat { token, .. } => view.by_token(token),
                _ => None,
            };
            waiting.map(id_of).collect()
        });
        let heard = ids.iter().flatten().filter(|id| self.dog.deadline(**id).is_some()).count();
        std::hint::black_box(heard);
        ids.into_iter()
    }

    /// Does what `command` says. Of a beat, `known` is whose it was before this turn.
    fn apply(
        &mut self,
        command: Command,
        known: Option<Option<ServiceId>>,
        batch: &mut Batch,
        now: Timestamp,
    ) {
        match command {
            Command::Beat { token, signal, reply, .. } => {
                let known = known.filter(|_| self.registry.is_published());
                let Some(id) = known.unwrap_or_else(|| self.registry.by_token(&token)) else {
                    let _ = reply.send(Ok(BeatOutcome::UnknownToken));
                    return;
                };
                let known =
                    |dog: &Watchdog| dog.service(id).map(|service| (service.status, service.last_seen));
                let before = known(&self.dog);
                if self.dog.beat(id, signal, now).is_err() {
                    let _ = reply.send(Ok(BeatOutcome::UnknownToken));
                    return;
                }
                self.hush.heard(now);
                batch.answers.push(Answer::Beat(reply));
                // The usual beat leads to nothing but that it was heard, and later than before: by that the store knows that
                // it is news.
                let is_routine = match (before, known(&self.dog)) {
                    (Some((before, earlier)), Some((after @ (Status::Alive | Status::Warning), later))) => {
                        before == after && earlier < later
                    }
                    _ => false,
                };
                (if is_routine { &mut batch.heard } else { &mut batch.touched }).push(id);
            }
            Command::Edit { edit, by, reply } => match self.desk(batch, now).carry_out(*edit, &by) {
                Ok(Some(id)) => batch.answers.push(Answer::Edited(reply, id)),
                Ok(None) => batch.answers.push(Answer::Deleted(reply)),
                Err(error) => drop(reply.send(Ok(Err(error)))),
            },
            Command::Settle { settlement, reply } => {
                batch.settlements.push(settlement);
                batch.answers.push(Answer::Done(reply));
            }
            Command::Post { delivery, reply } => {
                batch.deliveries.push(*delivery);
                batch.answers.push(Answer::Done(reply));
            }
            Command::Reconfigure { settings, reply } => match self.reconfigure(settings, batch, now) {
                Ok(()) => {
                    // Other settings may change the status of everyone: what follows of it is kept with it.
                    self.drain(batch, now, usize::MAX);
                    batch.answers.push(Answer::Reconfigured(reply));
                }
                Err(error) => drop(reply.send(Ok(Err(error)))),
            },
            Command::Stop => {}
        }
        // Each command's consequences are taken in before the next one, so that what they say of a service is still so.
        self.drain(batch, now, EVENTS_OF_A_COMMAND);
    }

    /// Takes other settings, or leaves everything as it was.
    fn reconfigure(
        &mut self,
        settings: Arc<Settings>,
        batch: &mut Batch,
        now: Timestamp,
    ) -> Result<(), EditError> {
        let before = std::mem::replace(&mut self.parts.settings, settings);
        let mut desk = self.desk(batch, now);
        if let Err(error) = desk.declare().and_then(|()| desk.apply_defaults()) {
            self.parts.settings = before;
            return Err(error);
        }
        batch.settings_before.get_or_insert(before);
        Ok(())
    }

    fn desk<'a>(&'a mut self, batch: &'a mut Batch, now: Timestamp) -> Desk<'a> {
        Desk { dog: &mut self.dog, registry: &mut self.registry, batch, settings: &self.parts.settings, now }
    }

    /// Refuses everything for a while, longer after each failure: what is in memory is ahead of the store.
    fn close(&mut self, error: &StartError) {
        // Read anew: the store may have taken long to fail.
        let now = self.parts.clock.now();
        if self.failures == 0 {
            tracing::error!(%error, "the store does not work; beats are refused until it does");
        }
        self.failures = self.failures.saturating_add(1);
        self.closed_until = Some(now + recovery_pause(self.failures));
        self.parts.board.looked(now, false);
    }

    /// Whether there is a store to work with; after a failure, once its time has come, what is in memory is built anew.
    ///
    /// All the time since the last commit counts as having been away: nobody could be heard.
    fn is_open(&mut self, now: Timestamp) -> bool {
        match self.closed_until {
            None => return true,
            Some(until) if now < until => return false,
            Some(_) => {}
        }
        let (listening, store) = (&mut self.listening, &mut self.parts.store);
        match restore(&self.parts.settings, store, |loaded| listening.woke_at(loaded, now)) {
            Ok(Restored { dog, directory, silence }) => {
                // The commit that failed may have been kept after all, with its letters.
                self.parts.board.restore(directory, &dog);
                self.registry.forget_changes();
                self.hush = Hush::restore(&dog, &self.registry, &self.parts.settings, silence);
                (self.dog, self.closed_until) = (dog, None);
                self.parts.bell.ring();
                true
            }
            Err(error) => {
                self.close(&error);
                false
            }
        }
    }

    fn refuse_all(&mut self, first: Option<Command>) -> Flow {
        let mut next = first;
        while let Some(command) = next.take().or_else(|| self.parts.intake.next()) {
            if matches!(command, Command::Stop) {
                return Flow::Stop;
            }
            command.refuse();
        }
        Flow::Continue
    }
}

/// The most events that one commit takes in, so that a storm of deaths is cut into slices and beats get in between.
const EVENTS_MAX: usize = 4096;
/// More than a command can cause.
const EVENTS_OF_A_COMMAND: usize = 8;
