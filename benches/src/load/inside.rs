//! The engine over the real store, in this process and turn by turn: for what cannot be seen from outside, and for time that
//! passes faster than it does.

use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use mishpulse_core::{Clock, ManualClock, Signal, Span, Status, Timestamp};
use mishpulse_server::Settings;
use mishpulse_server::config::{Durability, Environment};
use mishpulse_server::engine::{
    BeatOutcome, Bell, Board, Command, Engine, Flow, Inbox, Parts, Unavailable, inbox,
};
use mishpulse_server::store::SqliteStore;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::Result;
use super::fleet;
use super::seed::{self, Seeds, TIMEOUT_SECS};

/// An engine whose turns are taken by hand.
pub(crate) struct Inside {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) board: Arc<Board>,
    pub(crate) data: TempDir,
    engine: Engine<SqliteStore, Wound>,
    inbox: Inbox,
    answers: Vec<oneshot::Receiver<Result<BeatOutcome, Unavailable>>>,
    deaths: u32,
}

/// A clock that others can wind.
struct Wound(Arc<ManualClock>);

impl Clock for Wound {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// When those die that are to.
const DEATH_AFTER: Span = Span::from_secs(30);

impl Inside {
    /// An engine over `services`, of which the last `deaths` will die in the same second.
    pub(crate) fn start(folder: &Path, services: u32, deaths: u32) -> Result<Self> {
        let data = tempfile::tempdir_in(folder)?;
        let mut planted = Timestamp::from_unix_ms(0);
        Seeds::in_folder(folder).plant(services, data.path(), |now| {
            planted = now;
            let second = (now + DEATH_AFTER).unix_ms() - TIMEOUT_SECS as i64 * 1000;
            let heard = |number| Timestamp::from_unix_ms(second + i64::from(number % 1000));
            (services - deaths..services).map(|number| (number, seed::heard(heard(number), now))).collect()
        })?;
        let text = format!(
            "[defaults]\ntimeout = \"{}\"\n[channels.hook]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\n",
            seed::TIMEOUT
        );
        let nothing = Environment::from_iter(Vec::<(String, String)>::new());
        let settings = Settings::parse("load.toml", &text, &nothing)?.settings;
        let clock = Arc::new(ManualClock::new(planted));
        let (inbox, intake) = inbox(settings.limits.inbox);
        let board = Arc::new(Board::new());
        let store = SqliteStore::open(data.path(), Durability::Process)?;
        let parts = Parts {
            settings: Arc::new(settings),
            store,
            clock: Wound(Arc::clone(&clock)),
            intake,
            board: Arc::clone(&board),
            bell: Arc::new(Bell::default()),
        };
        let engine = Engine::start(parts, planted)?;
        Ok(Self { clock, board, data, engine, inbox, answers: Vec::new(), deaths })
    }

    /// How long a turn takes in which nothing happens.
    pub(crate) fn idle_look(&mut self) -> Result<Duration> {
        let started = Instant::now();
        for _ in 0..LOOKS {
            self.clock.advance(Span::from_ms(10));
            self.turn()?;
        }
        Ok(started.elapsed() / LOOKS)
    }

    /// How long a death takes, while those that are to die do; with its letter, in the database.
    pub(crate) fn death(&mut self) -> Result<Duration> {
        let mut spent = Duration::ZERO;
        let mut looks = 0;
        while self.dead() < self.deaths as usize {
            self.clock.advance(Span::from_ms(100));
            let started = Instant::now();
            self.turn()?;
            spent += started.elapsed();
            looks += 1;
            if looks > 10_000 {
                return Err("those that should have died live".into());
            }
        }
        Ok(spent / self.deaths)
    }

    /// How many are dead.
    pub(crate) fn dead(&self) -> usize {
        self.board.read(|view| view.summary().of(Status::Dead))
    }

    /// Puts a beat into the inbox; it is stored by the next turn.
    pub(crate) fn beat(&mut self, number: u32) -> Result<()> {
        let (mut reply, mut taken) = (None, None);
        let received = self.clock.now();
        let token = fleet::token_text(number).parse()?;
        let signal = Signal::ok();
        {
            // Asking sends at once; the answer is taken from a channel of our own, so the future need not live on.
            let asking = self.inbox.ask(|theirs| {
                taken = Some(theirs);
                let (ours, answer) = oneshot::channel();
                reply = Some(answer);
                Command::Beat { token, signal, received, reply: ours }
            });
            let mut asking = std::pin::pin!(asking);
            if let Poll::Ready(answer) = asking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                let answer: Result<(), Unavailable> = answer;
                answer?;
            }
        }
        self.answers.push(reply.ok_or("the beat was not sent")?);
        Ok(())
    }

    /// Takes turns until all that waits is done; how many beats were stored.
    pub(crate) fn turn(&mut self) -> Result<u64> {
        while let (Flow::Continue, true) = self.engine.turn(None) {}
        let mut stored = 0;
        while !self.answers.is_empty() {
            for mut answer in std::mem::take(&mut self.answers) {
                match answer.try_recv() {
                    Ok(Ok(BeatOutcome::Stored)) => stored += 1,
                    Err(oneshot::error::TryRecvError::Empty) => self.answers.push(answer),
                    other => return Err(format!("a beat was not stored: {other:?}").into()),
                }
            }
            if !self.answers.is_empty() {
                self.engine.turn(None);
            }
        }
        Ok(stored)
    }
}

const LOOKS: u32 = 1000;
