//! Everyone falls silent and nothing is heard at all: one alert says so first, none is raised where someone is heard, and no
//! death is left out, delayed or told twice.

mod harness;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use harness::{Got, Hook, Server, config, until};
use mishpulse_core::{AlertKind, Clock, ManualClock, Signal, Span, Status, Timestamp};
use mishpulse_server::Settings;
use mishpulse_server::config::Environment;
use mishpulse_server::engine::{Bell, Board, Command, Engine, Parts, inbox};
use mishpulse_server::store::rows::{DeliveryRow, LetterKind};
use mishpulse_server::store::{Failing, History, MemoryStore};
use tokio::sync::oneshot;

/// An engine whose turns are taken by hand.
struct Bench {
    clock: Arc<ManualClock>,
    store: MemoryStore,
    board: Arc<Board>,
    engine: Engine<MemoryStore, Wound>,
    text: String,
}

struct Wound(Arc<ManualClock>);

impl Clock for Wound {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

const CHANNELS: &str = "[channels.hook]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\n\n\
                        [channels.phone]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:2/\"\n\n";

impl Bench {
    /// `count` services called 0, 1, ..., each with `settings`, that have been heard now.
    fn new(count: usize, settings: &str) -> Self {
        Self::of(&(0..count).map(|n| declared(n, settings)).collect::<String>(), count)
    }

    fn of(services: &str, count: usize) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_ms(1_000_000)));
        let mut bench = Self::over(MemoryStore::new(), clock, format!("{CHANNELS}{services}"));
        (0..count).for_each(|n| bench.beat(n));
        bench
    }

    fn over(store: MemoryStore, clock: Arc<ManualClock>, text: String) -> Self {
        let environment = Environment::from_iter(Vec::<(String, String)>::new());
        let settings = Settings::parse("test.toml", &text, &environment).unwrap().settings;
        let (_, intake) = inbox(16);
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
        Self { clock, store, board, engine, text }
    }

    /// The same data after `away`, by an engine of its own.
    fn restart(self, away: Span) -> Self {
        self.clock.advance(away);
        Self::over(self.store, self.clock, self.text)
    }

    fn beat(&mut self, n: usize) {
        let (reply, mut answer) = oneshot::channel();
        let (token, signal, received) = (format!("t{n}").parse().unwrap(), Signal::ok(), self.clock.now());
        self.engine.turn(Some(Command::Beat { token, signal, received, reply }));
        assert!(answer.try_recv().unwrap().is_ok());
    }

    /// Looks every tenth of a second, as often as there is more to do.
    fn pass(&mut self, ms: u64) {
        for _ in 0..ms / 100 {
            self.clock.advance(Span::from_ms(100));
            while self.engine.turn(None).1 {}
        }
    }

    fn dead(&self) -> usize {
        self.board.read(|view| view.summary().of(Status::Dead))
    }

    /// All letters by `channel`, in the order in which they were written.
    fn letters(&self, channel: &str) -> Vec<DeliveryRow> {
        let mut rows = self.store.deliveries(None, None, 1_000_000).unwrap();
        rows.retain(|row| row.channel.as_str() == channel);
        rows.reverse();
        rows
    }

    /// The alerts of a silence by `channel`: their places among all letters, how many were silent, of how many.
    fn silences(&self, channel: &str) -> Vec<(usize, u32, u32)> {
        let letters = self.letters(channel).into_iter().enumerate();
        let silence = |(place, row): (usize, DeliveryRow)| match row.letter.kind {
            LetterKind::Silence { silent, of } => Some((place, silent, of)),
            _ => None,
        };
        letters.filter_map(silence).collect()
    }
}

fn declared(n: usize, settings: &str) -> String {
    format!("[[services]]\nname = \"{n}\"\ntoken = \"t{n}\"\n{settings}\n")
}

#[test]
fn who_stopped_in_one_moment_is_told_of_by_one_alert_before_all_others() {
    let mut bench = Bench::new(30, "timeout = \"60s\"");
    let heard = bench.clock.now();
    bench.pass(60_000);
    assert_eq!((bench.dead(), bench.letters("hook").len()), (0, 0));
    bench.pass(100);
    assert_eq!(bench.dead(), 30, "nobody waits for the alert");
    for channel in ["hook", "phone"] {
        assert_eq!(bench.silences(channel), [(0, 30, 30)], "one, and first");
        let letters = bench.letters(channel);
        assert_eq!(letters.len(), 31);
        assert_eq!(letters[0].letter.began, heard);
        let mut deaths = letters.iter().filter(|row| row.letter.kind == LetterKind::Alert(AlertKind::Dead));
        assert!(deaths.all(|row| row.letter.is_gathered), "they leave as digests");
    }
    bench.pass(600_000);
    assert_eq!(bench.letters("hook").len(), 31, "it is not repeated");
}

#[test]
fn those_a_few_milliseconds_apart_count_with_the_first() {
    let mut bench = Bench::new(30, "timeout = \"60s\"\nchannels = [\"hook\"]");
    for n in 0..30 {
        bench.clock.advance(Span::from_ms(3));
        bench.beat(n);
    }
    bench.pass(59_900);
    assert_eq!(bench.dead(), 0);
    // A look at each millisecond: everyone dies in a look of its own.
    for _ in 0..200 {
        bench.clock.advance(Span::from_ms(1));
        bench.engine.turn(None);
    }
    assert_eq!((bench.dead(), bench.silences("hook")), (30, vec![(0, 30, 30)]));
    assert!(bench.letters("hook")[1..].iter().all(|row| row.letter.is_gathered));
}

#[test]
fn who_dies_one_after_another_is_told_of_as_soon_as_it_is_more_than_half() {
    let mut bench = Bench::new(30, "timeout = \"60s\"");
    // Each twice a minute, and never two at once.
    for n in 0..30 {
        bench.beat(n);
        bench.pass(1_000);
    }
    bench.pass(200_000);
    assert_eq!((bench.dead(), bench.silences("hook")), (30, vec![(15, 16, 30)]));
    let (place, letters) = (15, bench.letters("hook"));
    assert_eq!(letters.len(), 31);
    assert!(letters[..place].iter().all(|row| !row.letter.is_gathered), "those before it were told alone");
    assert!(letters[place + 1..].iter().all(|row| row.letter.is_gathered));
    for row in &letters {
        let about = row.letter.service.as_ref();
        assert!(about.is_none_or(|about| row.letter.at == about.last_seen.unwrap() + Span::from_secs(60)));
    }
}

#[test]
fn a_storm_in_slices_is_told_of_with_the_first() {
    let count = 9_000;
    let mut bench = Bench::new(count, "timeout = \"60s\"\nchannels = [\"hook\"]");
    bench.pass(60_000);
    bench.clock.advance(Span::from_ms(100));
    let (_, has_more) = bench.engine.turn(None);
    assert!(has_more && bench.dead() < count / 2, "it is cut into slices: {} are dead", bench.dead());
    assert_eq!(bench.silences("hook"), [(0, count as u32, count as u32)]);
    bench.pass(1_000);
    assert_eq!(
        (bench.dead(), bench.letters("hook").len(), bench.silences("hook").len()),
        (count, count + 1, 1)
    );
}

#[test]
fn where_someone_is_heard_no_such_alert_is_raised() {
    // 29 of 30 die in one moment, while one is heard every second.
    let mut bench = Bench::new(30, "timeout = \"60s\"");
    for _ in 0..70 {
        bench.beat(29);
        bench.pass(1_000);
    }
    assert_eq!((bench.dead(), bench.silences("hook")), (29, Vec::new()));
    assert_eq!(bench.letters("hook").len(), 29);

    // 20 of 30 stop, and the others are heard once a minute, half a minute before those die.
    let mut bench = Bench::new(30, "timeout = \"90s\"");
    bench.pass(60_000);
    (20..30).for_each(|n| bench.beat(n));
    bench.pass(31_000);
    assert_eq!((bench.dead(), bench.silences("hook")), (20, Vec::new()));
    // Then those fall silent, too: nothing is heard from anyone, of whom so few are left.
    bench.pass(100_000);
    assert_eq!((bench.dead(), bench.silences("hook").len()), (30, 1));
}

#[test]
fn few_may_fall_silent_by_chance() {
    let mut bench = Bench::new(9, "timeout = \"60s\"");
    bench.pass(120_000);
    assert_eq!((bench.dead(), bench.silences("hook")), (9, Vec::new()));
    // Ten of twenty are not more than half.
    let services = |n| declared(n, if n < 10 { "timeout = \"60s\"" } else { "timeout = \"1h\"" });
    let mut bench = Bench::of(&(0..20).map(services).collect::<String>(), 20);
    bench.pass(120_000);
    assert_eq!((bench.dead(), bench.silences("hook")), (10, Vec::new()));
    // Eleven of twenty-one are; those that were never heard, or are paused, do not count.
    let services = |n: usize| declared(n, if n < 11 { "timeout = \"60s\"" } else { "timeout = \"1h\"" });
    let mut bench = Bench::of(&(0..40).map(services).collect::<String>(), 21);
    bench.pass(120_000);
    assert_eq!((bench.dead(), bench.silences("hook")), (11, vec![(0, 11, 21)]));
}

#[test]
fn a_restart_does_not_repeat_it_and_a_signal_makes_it_possible_again() {
    let services = |n| declared(n, if n < 20 { "timeout = \"60s\"" } else { "timeout = \"90s\"" });
    let mut bench = Bench::of(&(0..30).map(services).collect::<String>(), 30);
    bench.pass(61_000);
    assert_eq!((bench.dead(), bench.silences("hook")), (20, vec![(0, 20, 30)]));
    let mut bench = bench.restart(Span::from_secs(2));
    bench.pass(60_000);
    assert_eq!((bench.dead(), bench.silences("hook").len()), (30, 1));
    assert!(
        bench.letters("hook")[1..].iter().all(|row| row.letter.is_gathered),
        "those that died after it, too"
    );
    let mut bench = bench.restart(Span::from_secs(3600));
    bench.pass(60_000);
    assert_eq!(bench.silences("hook").len(), 1);
    // All are back, and fall silent once more.
    (0..30).for_each(|n| bench.beat(n));
    bench.pass(120_000);
    assert_eq!((bench.dead(), bench.silences("hook").len()), (30, 2));
}

#[test]
fn a_restart_pardons_first_and_then_tells() {
    let mut bench = Bench::new(30, "timeout = \"60s\"");
    bench.pass(30_000);
    let heard = Timestamp::from_unix_ms(1_000_000);
    let mut bench = bench.restart(Span::from_secs(3600));
    bench.pass(59_000);
    assert_eq!((bench.dead(), bench.letters("hook").len()), (0, 0));
    bench.pass(2_000);
    assert_eq!((bench.dead(), bench.silences("hook")), (30, vec![(0, 30, 30)]));
    assert_eq!(bench.letters("hook")[0].letter.began, heard);
}

#[test]
fn a_commit_that_fails_neither_loses_nor_repeats_it() {
    for failing in [Failing::Loses, Failing::KeepsAndFails] {
        let mut bench = Bench::new(30, "timeout = \"60s\"");
        bench.pass(60_000);
        bench.store.fail(failing);
        bench.pass(100);
        bench.store.fail(Failing::No);
        bench.pass(2_000);
        assert_eq!((bench.dead(), bench.silences("hook")), (30, vec![(0, 30, 30)]), "{failing:?}");
        assert_eq!(bench.letters("hook").len(), 31, "{failing:?}");
    }
}

#[test]
fn it_goes_to_those_who_hear_of_the_deaths() {
    let of = |n| {
        declared(
            n,
            match n {
                0..15 => "timeout = \"60s\"\nchannels = [\"hook\"]",
                15..29 => "timeout = \"60s\"\nnotify_on = []",
                _ => "timeout = \"90s\"\nchannels = [\"phone\"]",
            },
        )
    };
    let mut bench = Bench::of(&(0..30).map(of).collect::<String>(), 30);
    bench.pass(61_000);
    assert_eq!((bench.silences("hook"), bench.silences("phone")), (vec![(0, 29, 30)], Vec::new()));
    let mut bench = bench.restart(Span::from_secs(1));
    bench.pass(30_000);
    assert_eq!((bench.silences("hook").len(), bench.silences("phone")), (1, vec![(0, 30, 30)]));
}

/// Whom a message names.
fn names(got: &Got) -> Vec<String> {
    let name = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    match got.event() {
        "service.dead" => vec![name(&got.json["service"]["name"])],
        "service.digest" => got.json["services"].as_array().unwrap().iter().map(name).collect(),
        "server.silence" => Vec::new(),
        other => panic!("{other}"),
    }
}

#[test]
fn the_real_server_says_first_what_it_looks_like() {
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start();
    let services: String = (0..30).map(|n| harness::service(&format!("s{n}"), "60s")).collect();
    let settings = format!("blind_after = \"1s\"\n{}", config(&hook, &services));
    let server = Server::start(folder.path(), &settings);
    (0..30).for_each(|n| assert_eq!(server.beat(&format!("token-s{n}"), "").status, 200));
    let address = server.address;
    server.terminate();
    // After an outage everyone has one full timeout from the same moment on, which nobody uses.
    std::fs::write(folder.path().join("mishpulse.toml"), settings.replace("60s", "2s")).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    let server = Server::restart(folder.path(), address);
    let told = || hook.got().iter().flat_map(names).collect::<Vec<String>>();
    until("everyone is named", Duration::from_secs(40), || (told().len() >= 30).then_some(()));
    let got = hook.got();
    let first = &got[0];
    println!("{} messages: {:?}", got.len(), got.iter().map(Got::event).collect::<Vec<_>>());
    println!("{}", first.json);
    assert_eq!(first.event(), "server.silence", "{:?}", hook.events());
    let text = first.json["text"].as_str().unwrap();
    assert!(text.starts_with("🔇 Nothing heard from anyone since "), "{text}");
    assert!(text.contains(": is the network to MishPulse down?\n"), "{text}");
    assert_eq!((&first.json["silence"]["silent"], &first.json["silence"]["of"]), (&30.into(), &30.into()));
    assert_eq!(got.iter().filter(|got| got.event() == "server.silence").count(), 1);
    assert!(got.iter().all(|got| got.event() != "service.dead"), "the rest are digests: {:?}", hook.events());
    let (all, each) = (told(), told().into_iter().collect::<BTreeSet<_>>());
    assert_eq!((all.len(), each.len()), (30, 30), "every service is named once");

    // Killed and started again, nothing of it is told twice: once it is written down that it was sent.
    let key = std::fs::read_to_string(folder.path().join("mishpulse-data/admin.key")).unwrap();
    let bearer = format!("Bearer {}", key.trim());
    until("all is written down", Duration::from_secs(20), || {
        let url = server.url("/api/deliveries?state=pending");
        let pending = harness::request("GET", &url, None, &[("authorization", &bearer)]);
        (pending.json() == serde_json::json!([])).then_some(())
    });
    server.kill();
    let count = hook.got().len();
    let server = Server::restart(folder.path(), address);
    server.beat("token-s0", "");
    until("it is back", Duration::from_secs(20), || {
        hook.got().iter().any(|got| got.event() == "service.recovered").then_some(())
    });
    assert_eq!(hook.got().len(), count + 1);
    assert!(!server.terminate().contains("nothing is heard from anyone"));
}
