//! The world: what happens when, and to whom.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use mishpulse_core::testing::Rng;
use mishpulse_core::{ServiceId, Timestamp};
use mishpulse_server::Settings;
use mishpulse_server::config::ChannelName;
use mishpulse_server::engine::{Bell, Board, Engine, Inbox, Parts, inbox};
use mishpulse_server::notify::{Clerk, Refusal, Texts};
use mishpulse_server::store::rows::{DeliveryId, DeliveryRow, DeliveryState};
use mishpulse_server::store::{History, Outcome, Store};

use super::agents::Agent;
use super::clock::SimClock;
use super::desk::{Asked, Sent};
use super::ledger::Ledger;
use super::lines::Lines;
use super::mirror::{Ears, Mirror};
use super::network::Network;
use super::plan::Plan;
use super::store::{Control, Disk, Faulty};
use super::tally::Tally;

/// Everything.
pub struct World<D: Disk> {
    pub rng: Rng,
    pub plan: Plan,
    /// True time, in milliseconds.
    pub now: i64,
    queue: BTreeMap<(i64, u64), Next>,
    order: u64,
    pub clock: SimClock,
    pub control: Control,
    pub disk: D,
    pub server: Option<Server<D::Store>>,
    /// How many servers were started.
    pub run: u64,
    /// What the server is to decide, as of what is on the disk.
    pub mirror: Mirror,
    pub ledger: Ledger,
    pub network: Network,
    pub agents: Vec<Agent>,
    /// When each service was last heard, by what was answered 200.
    pub acknowledged: BTreeMap<ServiceId, Timestamp>,
    /// How far the wall clock is ahead of true time.
    pub wall_ahead_ms: i64,
    /// The configuration file.
    pub file: Arc<Settings>,
    pub texts: Arc<Texts>,
    pub is_quiet: bool,
    /// All has been well for so long that nothing of before is left.
    pub is_settled: bool,
    /// Nothing runs before.
    pub suspended_until: i64,
    /// Nobody says anything of its own before.
    pub silent_until: i64,
    pub tally: Tally,
    pub lines: Lines,
    pub names: u64,
}

/// What comes next.
pub enum Next {
    /// The engine of this server takes a turn.
    Turn(u64),
    /// The clerk of this channel of this server takes a step.
    Clerk(u64, ChannelName),
    /// A try of this server ends.
    Ended(u64, ChannelName, Box<DeliveryRow>, Result<(), Refusal>),
    /// A channel accepts.
    Accepted(DeliveryId),
    /// An agent beats.
    Beat(usize),
    /// Something arrives at the door.
    Door(Sent, usize),
    /// An agent leaves no room for others until then.
    Storm(usize, i64),
    /// Something bad.
    Chaos,
    /// An operator asks for something.
    Edit(Sent),
    /// The server goes on from what is stored.
    Again,
    /// A server is started.
    Start,
}

/// A server that runs.
pub struct Server<S> {
    pub engine: Engine<Faulty<S>, SimClock>,
    pub inbox: Inbox,
    pub board: Arc<Board>,
    pub bell: Arc<Bell>,
    pub clerks: BTreeMap<ChannelName, AtWork>,
    /// What waits in the inbox, in its order.
    pub waiting: VecDeque<Asked>,
    /// Something was turned away since the last turn in which the engine was open.
    pub has_overflowed: bool,
    pub ears: Ears,
    pub turn_at: i64,
    pub busy_until: i64,
    /// The server's time since which it could look whenever it wanted to.
    pub free_since: i64,
    /// When its store last did something wrong.
    pub trouble_at: i64,
    /// To look at the disk with.
    pub probe: Box<dyn History>,
    pub turns: u64,
}

/// A clerk, and what it is at.
pub struct AtWork {
    pub clerk: Clerk,
    pub at: Doing,
    /// Where it is idle: until when.
    pub wakes_at: i64,
    /// It is to make room for another one.
    pub is_leaving: bool,
}

/// What a clerk is at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    Nothing,
    /// Sending, and whether that will be accepted and answered so.
    Sending(DeliveryId, bool),
    /// Having it written down that a try succeeded, or something else.
    Asking(Option<DeliveryId>),
}

impl<D: Disk> World<D> {
    /// An empty one.
    pub fn new(seed: u64, longer: u64, disk: D, is_shown: bool) -> Self {
        let mut rng = Rng::new(seed);
        let plan = Plan::new(&mut rng, longer);
        let (now, clock) = (1_760_616_000_000, SimClock::default());
        clock.set(now);
        let file = plan.settings(None);
        Self {
            mirror: Mirror::new(Arc::clone(&file), Timestamp::from_unix_ms(now)),
            rng,
            plan,
            now,
            queue: BTreeMap::new(),
            order: 0,
            control: Control::new(clock.clone()),
            clock,
            disk,
            server: None,
            run: 0,
            ledger: Ledger::default(),
            network: Network::default(),
            agents: Vec::new(),
            acknowledged: BTreeMap::new(),
            wall_ahead_ms: 0,
            texts: Self::texts(&file),
            file,
            is_quiet: false,
            is_settled: false,
            suspended_until: 0,
            silent_until: 0,
            tally: Tally { seeds: 1, ..Tally::default() },
            lines: Lines::new(is_shown),
            names: 0,
        }
    }

    /// Has something happen in so many milliseconds.
    pub fn after(&mut self, ms: i64, next: Next) {
        self.order += 1;
        self.queue.insert((self.now + ms, self.order), next);
    }

    /// Lets the world go on until `until`.
    pub fn go_on(&mut self, until: i64) {
        while let Some(entry) = self.queue.first_entry() {
            let (at, _) = *entry.key();
            if at > until {
                break;
            }
            let next = entry.remove();
            if at < self.suspended_until && !matches!(next, Next::Accepted(_)) {
                self.sleep_through(next);
                continue;
            }
            self.now = at;
            self.clock.set(at);
            self.happen(next);
        }
        self.now = until;
        self.clock.set(until);
    }

    /// The machine is suspended: what would have been done is done later, and nobody hears who speaks.
    fn sleep_through(&mut self, next: Next) {
        let next = match next {
            Next::Door(..) => return,
            Next::Turn(run) => {
                let suspended_until = self.suspended_until;
                if let Some(server) = self.server.as_mut().filter(|_| run == self.run) {
                    server.turn_at = suspended_until;
                    server.free_since = i64::MAX;
                }
                Next::Turn(run)
            }
            next => next,
        };
        self.order += 1;
        self.queue.insert((self.suspended_until, self.order), next);
    }

    fn happen(&mut self, next: Next) {
        match next {
            Next::Turn(run) => {
                if run == self.run && self.server.as_ref().is_some_and(|server| server.turn_at == self.now) {
                    self.turn();
                }
            }
            Next::Clerk(run, name) => {
                if run == self.run {
                    self.clerk(&name);
                }
            }
            Next::Ended(run, name, row, result) => self.ended(run, &name, &row, result),
            Next::Accepted(id) => self.ledger.accept(id, &mut self.tally),
            Next::Beat(agent) => self.agent(agent),
            Next::Door(sent, by) => self.door(sent, by),
            Next::Storm(number, until) => self.storm(number, until),
            Next::Chaos => self.chaos(),
            Next::Edit(_) | Next::Again if self.is_quiet => {}
            Next::Edit(sent) => self.ask(sent, OPERATOR),
            Next::Again => self.again(),
            Next::Start if self.server.is_none() => self.start(),
            Next::Start => {}
        }
    }

    /// Starts a server on what is on the disk.
    pub fn start(&mut self) {
        self.clock.be_ahead(self.wall_ahead_ms);
        self.run += 1;
        self.control.begin();
        if self.mirror.deaf_since.is_some() {
            // How far the clock was set back cannot be told by what is stored of a deaf server.
            let behind_ms = self.mirror.now.unix_ms() - self.now;
            self.wall_ahead_ms = self.wall_ahead_ms.max(behind_ms);
            self.clock.be_ahead(self.wall_ahead_ms);
        }
        let woke_at = Timestamp::from_unix_ms(self.clock.ms());
        let mut store = Faulty { inner: self.disk.open(), control: self.control.clone() };
        let mut services = Vec::new();
        let Ok(loaded) = store.load(&mut |row| services.push(row)) else {
            drop(store);
            self.count_faults();
            return self.die();
        };
        self.compare_loaded(&loaded, &services);
        // The clock never goes back behind what it was known to be.
        if let Some(seen) = loaded.seen.filter(|seen| *seen > woke_at) {
            self.clock.be_ahead(seen.unix_ms() - self.now);
        }
        let settings = Arc::clone(&self.file);
        let (inbox, intake) = inbox(settings.limits.inbox);
        let (board, bell) = (Arc::new(Board::new()), Arc::new(Bell::default()));
        let parts = Parts {
            settings: Arc::clone(&settings),
            store,
            clock: self.clock.clone(),
            intake,
            board: Arc::clone(&board),
            bell: Arc::clone(&bell),
        };
        let engine = Engine::start(parts, woke_at);
        self.mirror.settings = settings;
        self.lines.add(self.now, &format!("start {} at {}", self.run, self.clock.ms()));
        if !self.check_start(woke_at) {
            drop(engine);
            return self.die();
        }
        let engine = engine.unwrap_or_else(|error| panic!("the server does not start: {error}"));
        let server = Server {
            engine,
            inbox,
            board,
            bell,
            clerks: BTreeMap::new(),
            waiting: VecDeque::new(),
            has_overflowed: false,
            ears: Ears::new(Timestamp::from_unix_ms(self.clock.ms())),
            turn_at: self.now,
            busy_until: self.now,
            free_since: i64::MAX,
            trouble_at: self.now,
            probe: self.disk.history(),
            turns: 0,
        };
        self.server = Some(server);
        self.open_channels();
        self.compare_board();
        self.compare_outbox();
        self.after(0, Next::Turn(self.run));
    }

    /// The process dies now.
    pub fn die(&mut self) {
        self.lines.add(self.now, "dead");
        if let Some(server) = self.server.take() {
            for at_work in server.clerks.values() {
                match at_work.at {
                    Doing::Sending(id, true) | Doing::Asking(Some(id)) => self.ledger.excuse(id),
                    _ => {
                        let unsettled = at_work.clerk.unsettled();
                        let sent = unsettled.filter(|settlement| settlement.outcome == Outcome::Sent);
                        sent.into_iter().for_each(|settlement| self.ledger.excuse(settlement.id));
                    }
                }
            }
            self.disk.cut();
        } else {
            self.disk.cut();
        }
        let away = match self.rng.below(10) {
            0..6 => self.rng.below(5000),
            6..9 => self.rng.below(self.plan.unit_ms * 3),
            _ => self.rng.below(self.plan.unit_ms * 30),
        };
        if self.plan.has_wall_steps && !self.is_quiet && self.rng.chance(40) {
            self.step_wall();
        }
        self.after(1 + away as i64, Next::Start);
    }
}

/// Who asks is an agent, or, from this number on, a clerk.
pub const CLERKS: usize = 1_000_000;
/// Who asks is an operator.
pub const OPERATOR: usize = 2_000_000;

impl<D: Disk> World<D> {
    /// What is pending on the disk is what is owed.
    pub fn compare_outbox(&mut self) {
        let Some(server) = &self.server else { return };
        let rows = server.probe.deliveries(Some(DeliveryState::Pending), None, 1_000_000).unwrap();
        self.ledger.compare(&rows);
    }
}
