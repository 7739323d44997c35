//! The engine over a store that fails: nothing is answered that is not kept, and the time of failing is held against nobody.

use std::sync::Arc;

use mishpulse_core::{Clock, ManualClock, Signal, Span, Status, Timestamp};
use mishpulse_server::Settings;
use mishpulse_server::config::Environment;
use mishpulse_server::engine::{
    BeatOutcome, Bell, Board, Command, Engine, Flow, Inbox, Parts, Unavailable, inbox,
};
use mishpulse_server::store::{Failing, History, MemoryStore, Store};
use tokio::sync::oneshot;

type Answer = oneshot::Receiver<Result<BeatOutcome, Unavailable>>;

/// An engine whose turns are taken by hand.
struct Bench {
    clock: Arc<ManualClock>,
    store: MemoryStore,
    board: Arc<Board>,
    inbox: Inbox,
    engine: Engine<MemoryStore, Wound>,
}

/// A clock that others can wind.
struct Wound(Arc<ManualClock>);

impl Clock for Wound {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl Bench {
    fn new() -> Self {
        let text = "[channels.hook]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\n\n\
                    [[services]]\nname = \"a\"\ntoken = \"a\"\ntimeout = \"60s\"\n";
        Self::over(MemoryStore::new(), Arc::new(ManualClock::new(Timestamp::from_unix_ms(1_000_000))), text)
    }

    fn over(store: MemoryStore, clock: Arc<ManualClock>, text: &str) -> Self {
        let environment = Environment::from_iter(Vec::<(String, String)>::new());
        let settings = Settings::parse("test.toml", text, &environment).unwrap().settings;
        let (inbox, intake) = inbox(16);
        let board = Arc::new(Board::new());
        let parts = Parts {
            settings: Arc::new(settings),
            store: store.clone(),
            clock: Wound(Arc::clone(&clock)),
            intake,
            board: Arc::clone(&board),
            bell: Arc::new(Bell::default()),
        };
        let engine = Engine::start(parts, clock.now()).unwrap();
        Self { clock, store, board, inbox, engine }
    }

    /// The same data after `away`, by an engine of its own.
    fn restart(self, away: Span) -> Self {
        self.clock.advance(away);
        let text = "[channels.hook]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\n\n\
                    [[services]]\nname = \"a\"\ntoken = \"a\"\ntimeout = \"60s\"\n";
        Self::over(self.store.clone(), Arc::clone(&self.clock), text)
    }

    fn beat(&mut self, token: &str, signal: Signal) -> Answer {
        let (reply, answer) = oneshot::channel();
        let token = token.parse().unwrap();
        assert_eq!(
            self.engine.turn(Some(Command::Beat { token, signal, received: self.clock.now(), reply })).0,
            Flow::Continue
        );
        answer
    }

    /// Looks once a second for `secs` seconds.
    fn pass(&mut self, secs: u64) {
        for _ in 0..secs {
            self.clock.advance(Span::from_secs(1));
            self.engine.turn(None);
        }
    }

    fn status(&self) -> Status {
        self.board.read(|view| view.row("a").unwrap().status)
    }

    fn letters(&self) -> usize {
        self.store.deliveries(None, None, 100).unwrap().len()
    }
}

#[test]
fn a_beat_is_answered_after_it_is_stored() {
    let mut bench = Bench::new();
    let mut answer = bench.beat("a", Signal::ok());
    assert_eq!(answer.try_recv().unwrap(), Ok(BeatOutcome::Stored));
    let mut statuses = Vec::new();
    bench.store.clone().load(&mut |row| statuses.push(row.facts.status)).unwrap();
    assert_eq!(statuses, [Status::Alive]);
    assert_eq!(bench.status(), Status::Alive);
    assert_eq!(bench.beat("b", Signal::ok()).try_recv().unwrap(), Ok(BeatOutcome::UnknownToken));
}

#[test]
fn what_cannot_be_stored_is_refused_and_nothing_of_it_is_kept() {
    let mut bench = Bench::new();
    bench.store.fail(Failing::Loses);
    let recovering = bench.store.clone();
    let mut answer = bench.beat("a", Signal::ok());
    assert_eq!(answer.try_recv().unwrap(), Err(Unavailable));
    assert_eq!(bench.status(), Status::New, "the board shows only what is kept");
    assert!(!bench.board.takes_writes());
    recovering.fail(Failing::No);
    let mut too_soon = bench.beat("a", Signal::ok());
    assert_eq!(too_soon.try_recv().unwrap(), Err(Unavailable), "the store is left in peace for a moment");
    bench.clock.advance(Span::from_secs(1));
    assert_eq!(bench.beat("a", Signal::ok()).try_recv().unwrap(), Ok(BeatOutcome::Stored));
    assert!(bench.board.takes_writes());
    assert_eq!(bench.status(), Status::Alive);
}

#[test]
fn an_unknown_outcome_is_settled_by_what_the_store_says() {
    let mut bench = Bench::new();
    bench.store.fail(Failing::KeepsAndFails);
    let error = Signal::new(mishpulse_core::SignalKind::Error, "disk full");
    assert_eq!(bench.beat("a", error.clone()).try_recv().unwrap(), Err(Unavailable));
    bench.store.fail(Failing::No);
    bench.clock.advance(Span::from_secs(1));
    bench.engine.turn(None);
    assert_eq!(bench.status(), Status::Error, "the board shows what was kept");
    // It was kept after all, so the sender's second try says nothing new: one alert, not two.
    assert_eq!(bench.beat("a", error).try_recv().unwrap(), Ok(BeatOutcome::Stored));
    assert_eq!(bench.letters(), 1);
}

#[test]
fn what_was_kept_after_all_is_shown_once_the_store_works_again() {
    let mut bench = Bench::new();
    bench.store.fail(Failing::KeepsAndFails);
    assert_eq!(bench.beat("a", Signal::ok()).try_recv().unwrap(), Err(Unavailable));
    assert_eq!(bench.status(), Status::New);
    bench.store.fail(Failing::No);
    bench.pass(1);
    assert_eq!(bench.status(), Status::Alive);
}

#[test]
fn the_time_in_which_beats_were_refused_kills_nobody() {
    let mut bench = Bench::new();
    bench.beat("a", Signal::ok());
    bench.pass(30);
    bench.store.fail(Failing::Loses);
    // Each look fails for well over the timeout: nobody could have been heard.
    bench.pass(120);
    bench.store.fail(Failing::No);
    bench.pass(1);
    assert_eq!((bench.status(), bench.letters()), (Status::Alive, 0));
    // From then on it has one full timeout.
    bench.pass(59);
    assert_eq!(bench.status(), Status::Alive);
    bench.pass(3);
    assert_eq!((bench.status(), bench.letters()), (Status::Dead, 1));
}

#[test]
fn a_restart_after_an_outage_alarms_nobody_who_could_not_report() {
    let mut bench = Bench::new();
    bench.beat("a", Signal::ok());
    bench.pass(30);
    let mut bench = bench.restart(Span::from_secs(3600));
    bench.pass(59);
    assert_eq!((bench.status(), bench.letters()), (Status::Alive, 0));
    bench.pass(3);
    assert_eq!((bench.status(), bench.letters()), (Status::Dead, 1));
}

#[test]
fn a_server_that_restarts_again_and_again_hides_nobody() {
    let mut bench = Bench::new();
    bench.beat("a", Signal::ok());
    for _ in 0..12 {
        bench.pass(5);
        bench = bench.restart(Span::from_secs(11));
    }
    assert_eq!((bench.status(), bench.letters()), (Status::Dead, 1));
}

#[test]
fn a_death_is_on_disk_with_its_letter_or_not_at_all() {
    let mut bench = Bench::new();
    bench.beat("a", Signal::ok());
    bench.pass(60);
    bench.store.fail(Failing::Loses);
    bench.pass(2);
    assert_eq!((bench.status(), bench.letters()), (Status::Alive, 0));
    bench.store.fail(Failing::No);
    bench.pass(1);
    assert_eq!((bench.status(), bench.letters()), (Status::Dead, 1));
    let events = bench.store.events(mishpulse_core::ServiceId::new(0), None, 100).unwrap();
    let deaths = events.iter().filter(|(_, event)| format!("{:?}", event.kind).contains("to: Dead")).count();
    assert_eq!(deaths, 1);
}

#[test]
fn a_beat_that_waited_in_the_inbox_counts_from_when_it_came_in() {
    let mut bench = Bench::new();
    bench.beat("a", Signal::ok());
    bench.pass(55);
    // It comes in time, but the engine is busy for a while, past the deadline.
    let received = bench.clock.now();
    bench.clock.advance(Span::from_secs(8));
    let (reply, mut answer) = oneshot::channel();
    let late = Command::Beat { token: "a".parse().unwrap(), signal: Signal::ok(), received, reply };
    bench.engine.turn(Some(late));
    assert_eq!(answer.try_recv().unwrap(), Ok(BeatOutcome::Stored));
    assert_eq!((bench.status(), bench.letters()), (Status::Alive, 0));
    bench.pass(52);
    assert_eq!(bench.status(), Status::Alive);
    bench.pass(2);
    assert_eq!(bench.status(), Status::Dead, "and no later than that");
}

#[test]
fn the_time_in_which_beats_were_turned_away_kills_nobody() {
    let mut bench = Bench::new();
    bench.beat("a", Signal::ok());
    bench.pass(30);
    // For two minutes more comes in than there is room for, however often the engine looks.
    for _ in 0..240 {
        let refused = (0..17).filter(|_| {
            let (token, signal, received) = ("x".parse().unwrap(), Signal::ok(), bench.clock.now());
            let ask = |reply| Command::Beat { token, signal, received, reply };
            let mut asked = Box::pin(bench.inbox.ask(ask));
            futures_poll(&mut asked) == Some(Err(Unavailable))
        });
        assert_eq!(refused.count(), 1);
        bench.clock.advance(Span::from_ms(500));
        bench.engine.turn(None);
    }
    assert_eq!((bench.status(), bench.letters()), (Status::Alive, 0));
    // From then on it has one full timeout.
    bench.pass(59);
    assert_eq!(bench.status(), Status::Alive);
    bench.pass(3);
    assert_eq!((bench.status(), bench.letters()), (Status::Dead, 1));
}

#[test]
fn a_full_inbox_refuses_at_the_door() {
    let bench = Bench::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let waiting: Vec<_> = (0..16)
            .map(|_| {
                let received = bench.clock.now();
                let ask = move |reply| {
                    let (token, signal) = ("a".parse().unwrap(), Signal::ok());
                    Command::Beat { token, signal, received, reply }
                };
                let mut asked = Box::pin(bench.inbox.ask(ask));
                assert!(futures_poll(&mut asked).is_none());
                asked
            })
            .collect();
        let received = bench.clock.now();
        let ask = move |reply| {
            let (token, signal) = ("a".parse().unwrap(), Signal::ok());
            Command::Beat { token, signal, received, reply }
        };
        assert_eq!(bench.inbox.ask(ask).await, Err(Unavailable));
        drop(waiting);
    });
}

/// What a future says when it is asked once.
fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
