//! The engine's loop: one reading of the clock, one batch, one commit, and only then does anyone hear of it.

use std::sync::Arc;

use mishpulse_core::{Clock, Config, RestoreError, Span, Timestamp, Watchdog};

use super::batch::{Answer, Batch};
use super::bell::Bell;
use super::board::Board;
use super::command::{BeatOutcome, Command, EditError};
use super::edit::Desk;
use super::inbox::Intake;
use super::registry::Registry;
use crate::clock::Stopwatch;
use crate::config::{FieldError, ServiceName, Settings};
use crate::store::rows::Loaded;
use crate::store::{Store, StoreError};

/// The thread's own state. Everything that it touches it owns, or is given in [`Parts`].
pub struct Engine<S, C> {
    parts: Parts<S, C>,
    dog: Watchdog,
    registry: Registry,
    next_prune: Timestamp,
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

/// Why an engine cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored contradicts itself.
    #[error("database: {0}")]
    Restore(#[from] RestoreError),
    /// A service's settings, with the defaults of today, cannot be.
    #[error("service `{name}`: {error}")]
    Service {
        /// Which.
        name: ServiceName,
        /// Why.
        error: FieldError,
    },
    /// What the configuration declares cannot be.
    #[error("configuration: {0}")]
    Declared(#[from] EditError),
}

impl<S: Store, C: Clock> Engine<S, C> {
    /// Goes on from `loaded`, with the services that the settings declare. `woke_at` is the time by a clock that may have
    /// been set back since; after that the parts' own clock holds.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(mut parts: Parts<S, C>, loaded: Loaded, woke_at: Timestamp) -> Result<Self, StartError> {
        let (mut dog, mut registry) = restore(&parts.settings, loaded, woke_at)?;
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
        batch.drain(&mut dog, &registry, &parts.settings, now, EVENTS_MAX);
        batch.commit(&mut parts.store, &dog, &registry, now)?;
        parts.board.write(|view| view.set_defaults(Arc::new(parts.settings.defaults.clone())));
        show_all(&parts.board, &dog, &registry);
        batch.publish(&parts.board, &dog, &registry);
        parts.board.looked(now, true);
        parts.bell.ring();
        Ok(Self { parts, dog, registry, next_prune: now, failures: 0, closed_until: None })
    }

    /// Runs until it is told to stop.
    pub fn run(mut self) {
        let mut has_more = false;
        loop {
            let wait = if has_more { Span::ZERO } else { self.wait() };
            let first = self.parts.intake.wait(wait.into());
            match self.turn(first) {
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
        let mut batch = Batch::default();
        let mut flow = Flow::Continue;
        // A beat counts from when it was received, and nobody dies of the time that it waited here. Where beats were turned
        // away, the time since the last look counts as one piece instead: a long one is pardoned.
        let by_arrival = !self.parts.intake.has_overflowed();
        let (mut next, mut taken, mut heard_until) = (first, 0, now);
        let most = self.parts.settings.limits.batch as u64;
        while taken < most {
            let Some(command) = next.take().or_else(|| self.parts.intake.next()) else { break };
            let at = match &command {
                Command::Stop => {
                    flow = Flow::Stop;
                    break;
                }
                Command::Beat { received, .. } if by_arrival => now.min(*received),
                _ => now,
            };
            self.apply(command, &mut batch, at);
            (taken, heard_until) = (taken + 1, at);
        }
        // Where more are waiting, what happened after the last of these is left to the next turn.
        let until = if taken < most { now } else { heard_until };
        let has_more = self.drain(&mut batch, until, EVENTS_MAX);
        let stopwatch = Stopwatch::start();
        let committed = batch.commit(&mut self.parts.store, &self.dog, &self.registry, until);
        self.count_commit(&stopwatch, taken, committed.is_ok());
        match committed {
            Ok(()) => {
                let has_letters = !batch.deliveries.is_empty();
                if batch.settings_before.is_some() {
                    let defaults = Arc::new(self.parts.settings.defaults.clone());
                    self.parts.board.write(|view| view.set_defaults(defaults));
                }
                batch.publish(&self.parts.board, &self.dog, &self.registry);
                self.parts.board.looked(now, true);
                if has_letters {
                    self.parts.bell.ring();
                }
                if self.failures > 0 {
                    tracing::info!("the store takes writes again");
                    self.failures = 0;
                }
                self.prune(now);
            }
            Err(error) => {
                if let Some(before) = batch.settings_before.take() {
                    self.parts.settings = before;
                }
                batch.refuse();
                self.close(&error.into());
                return (flow, false);
            }
        }
        (flow, has_more)
    }

    fn count_commit(&self, stopwatch: &Stopwatch, commands: u64, is_kept: bool) {
        let metrics = self.parts.intake.metrics();
        metrics.commit_us.observe(stopwatch.elapsed_us());
        if commands > 0 {
            metrics.batch_commands.observe(commands);
        }
        if !is_kept {
            metrics.commit_failures.add_one();
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
        due.min(self.parts.settings.check_every)
    }

    fn drain(&mut self, batch: &mut Batch, now: Timestamp, most: usize) -> bool {
        batch.drain(&mut self.dog, &self.registry, &self.parts.settings, now, most)
    }

    fn apply(&mut self, command: Command, batch: &mut Batch, now: Timestamp) {
        match command {
            Command::Beat { token, signal, reply, .. } => {
                let id = self.registry.by_token(&token);
                match id.map(|id| (id, self.dog.beat(id, signal, now))) {
                    Some((id, Ok(()))) => {
                        batch.touched.push(id);
                        batch.answers.push(Answer::Beat(reply));
                    }
                    _ => drop(reply.send(Ok(BeatOutcome::UnknownToken))),
                }
            }
            Command::Edit { edit, by, reply } => match self.desk(batch, now).carry_out(edit, &by) {
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
                Ok(()) => batch.answers.push(Answer::Reconfigured(reply)),
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
        let loaded = self.parts.store.load().map_err(StartError::from);
        match loaded.and_then(|loaded| restore(&self.parts.settings, loaded, now)) {
            Ok((dog, registry)) => {
                (self.dog, self.registry, self.closed_until) = (dog, registry, None);
                // What could not be told of a commit may have been kept: nobody has seen it yet.
                show_all(&self.parts.board, &self.dog, &self.registry);
                true
            }
            Err(error) => {
                self.close(&error);
                false
            }
        }
    }

    fn refuse_all(&self, first: Option<Command>) -> Flow {
        let mut next = first;
        while let Some(command) = next.take().or_else(|| self.parts.intake.next()) {
            if matches!(command, Command::Stop) {
                return Flow::Stop;
            }
            command.refuse();
        }
        Flow::Continue
    }

    /// Drops history that is too old, a little at a time.
    fn prune(&mut self, now: Timestamp) {
        if now < self.next_prune {
            return;
        }
        let before = now.unix_ms() - i64::try_from(self.parts.settings.history.as_ms()).unwrap_or(i64::MAX);
        let pause = match self.parts.store.prune(Timestamp::from_unix_ms(before), PRUNE_MAX) {
            Ok(dropped) if dropped >= u64::from(PRUNE_MAX) => PRUNE_AGAIN,
            Ok(_) => PRUNE_EVERY,
            Err(error) => {
                tracing::warn!(%error, "old history could not be dropped");
                PRUNE_EVERY
            }
        };
        self.next_prune = now + pause;
    }
}

/// The most events that one commit takes in, so that a storm of deaths is cut into slices and beats get in between.
const EVENTS_MAX: usize = 4096;
/// More than a command can cause.
const EVENTS_OF_A_COMMAND: usize = 8;
/// The most lines of history that are dropped at once.
const PRUNE_MAX: u32 = 1000;
const PRUNE_AGAIN: Span = Span::from_secs(1);
const PRUNE_EVERY: Span = Span::from_secs(600);

/// 0.1 s after the first failure, twice as long after each further one, up to 2 s.
fn recovery_pause(failures: u32) -> Span {
    Span::from_ms((50_u64 << failures.min(6)).min(2000))
}

fn restore(
    settings: &Settings,
    loaded: Loaded,
    woke_at: Timestamp,
) -> Result<(Watchdog, Registry), StartError> {
    let mut registry = Registry::default();
    let mut services = Vec::with_capacity(loaded.services.len());
    for row in loaded.services {
        let policy = settings.defaults.with(&row.identity.overrides).policy();
        let policy =
            policy.map_err(|error| StartError::Service { name: row.identity.name.clone(), error })?;
        registry.set(row.id, row.identity);
        services.push((row.id, policy, row.facts));
    }
    let seen = loaded.seen.unwrap_or(woke_at);
    let config = Config::blind_after(settings.blind_after);
    Ok((Watchdog::restore(config, services, loaded.gaps, seen, woke_at)?, registry))
}

fn show_all(board: &Board, dog: &Watchdog, registry: &Registry) {
    board.write(|view| {
        view.drop_others(|id| registry.get(id).is_some());
        for (id, service) in dog.services() {
            if let Some(identity) = registry.get(id) {
                view.show(id, identity, service, dog.deadline(id));
            }
        }
    });
}
