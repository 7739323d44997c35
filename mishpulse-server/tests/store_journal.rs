//! Beats that change nothing are appended to a journal and carried over into rows later: nobody can tell the difference.

use mishpulse_core::{Config, Policy, Service, ServiceId, Signal, Span, Status, Timestamp, Watchdog};
use mishpulse_server::config::Durability;
use mishpulse_server::store::rows::{Identity, ServiceRow};
use mishpulse_server::store::{SqliteStore, Store, Writes};

const A: ServiceId = ServiceId::new(0);
const B: ServiceId = ServiceId::new(1);

struct Bench {
    folder: tempfile::TempDir,
    store: SqliteStore,
}

impl Bench {
    /// Two services that were heard at second 1.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(folder.path(), Durability::Process).unwrap();
        let (ann, bob, facts) = (identity("ann"), identity("bob"), heard(1, ""));
        let identities = vec![(A, &ann), (B, &bob)];
        let writes = Writes {
            now: Some(at(1)),
            identities,
            facts: vec![(A, &facts), (B, &facts)],
            ..Writes::default()
        };
        store.commit(&writes).unwrap();
        Self { folder, store }
    }

    fn hear(&mut self, id: ServiceId, secs: i64, message: &str) {
        let facts = heard(secs, message);
        let writes = Writes { now: Some(at(secs)), heard: vec![(id, &facts)], ..Writes::default() };
        self.store.commit(&writes).unwrap();
    }

    fn restart(self) -> Self {
        let Self { folder, store } = self;
        drop(store);
        let store = SqliteStore::open(folder.path(), Durability::Process).unwrap();
        Self { folder, store }
    }

    fn load(&mut self) -> Vec<ServiceRow> {
        let mut services = Vec::new();
        self.store.load(&mut |row| services.push(row)).unwrap();
        services
    }

    /// Does all that was put off, as an engine does it; how many steps that took.
    fn tidy(&mut self) -> usize {
        let policy = Policy::new(Span::from_secs(60)).unwrap();
        let services = self.load().into_iter().map(|row| (row.id, policy, row.facts));
        let dog = Watchdog::restore(Config::default(), services, [], at(3600), at(3600)).unwrap();
        // The first look says when the sweep is due, a later one begins it.
        assert!(!self.store.tidy(&dog, at(0)).unwrap());
        (1..).take_while(|_| self.store.tidy(&dog, at(3600)).unwrap()).count()
    }

    /// What a person reads with the `sqlite3` shell: for each service when it was heard, and its message.
    fn view(&self) -> Vec<(String, Option<String>)> {
        let raw = rusqlite::Connection::open(self.store.path()).unwrap();
        let mut select = raw.prepare("select last_seen, message from heartbeats").unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    fn journaled(&self) -> i64 {
        let raw = rusqlite::Connection::open(self.store.path()).unwrap();
        raw.query_row("select count(*) from journal", [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn what_is_appended_is_there_at_once_and_after_a_restart() {
    let mut bench = Bench::new();
    bench.hear(A, 2, "disk \"91%\"");
    bench.hear(B, 3, "");
    bench.hear(A, 4, "");
    bench.hear(B, 5, "load 3");
    let expected = [
        ("2025-10-16T12:00:04.000Z".to_owned(), None),
        ("2025-10-16T12:00:05.000Z".to_owned(), Some("load 3".to_owned())),
    ];
    assert_eq!(bench.view(), expected);
    let mut bench = bench.restart();
    assert_eq!(
        bench.load().iter().map(|row| &row.facts).collect::<Vec<_>>(),
        [&heard(4, ""), &heard(5, "load 3")]
    );
    assert_eq!(bench.store.seen().unwrap(), Some(at(5)));
}

#[test]
fn what_is_carried_over_is_dropped_and_reads_the_same() {
    let mut bench = Bench::new();
    for secs in 2..600 {
        bench.hear(if secs % 2 == 0 { A } else { B }, secs, "m");
    }
    let (before, view) = (bench.load(), bench.view());
    assert!(bench.tidy() >= 3, "it is done in parts");
    assert_eq!(bench.journaled(), 0);
    assert_eq!((bench.load(), bench.view()), (before.clone(), view));
    bench.hear(A, 700, "");
    let mut bench = bench.restart();
    assert_eq!(bench.load()[0].facts, heard(700, ""));
    assert_eq!(bench.load()[1], before[1]);
}

#[test]
fn a_beat_that_comes_while_rows_are_carried_over_is_kept() {
    let mut bench = Bench::new();
    bench.hear(A, 2, "");
    let policy = Policy::new(Span::from_secs(60)).unwrap();
    let services = bench.load().into_iter().map(|row| (row.id, policy, row.facts));
    let dog = Watchdog::restore(Config::default(), services, [], at(3600), at(3600)).unwrap();
    bench.store.tidy(&dog, at(0)).unwrap();
    assert!(bench.store.tidy(&dog, at(3600)).unwrap(), "rows are written, the journal is not yet cut");
    bench.hear(B, 3, "late");
    while bench.store.tidy(&dog, at(3600)).unwrap() {}
    assert_eq!(bench.journaled(), 1);
    let mut bench = bench.restart();
    assert_eq!(
        bench.load().iter().map(|row| &row.facts).collect::<Vec<_>>(),
        [&heard(2, ""), &heard(3, "late")]
    );
}

#[test]
fn beats_of_a_service_that_is_no_more_do_not_become_its_successors() {
    let mut bench = Bench::new();
    bench.hear(A, 10, "mine");
    let (eve, facts) = (identity("eve"), Service::new(at(11)));
    let identities = vec![(A, &eve)];
    let writes = Writes {
        removed: &[A],
        identities,
        facts: vec![(A, &facts)],
        now: Some(at(11)),
        ..Writes::default()
    };
    bench.store.commit(&writes).unwrap();
    assert_eq!(bench.load()[0].facts, facts);
    let first = heard(12, "");
    bench.store.commit(&Writes { facts: vec![(A, &first)], now: Some(at(12)), ..Writes::default() }).unwrap();
    let mut bench = bench.restart();
    assert_eq!(bench.load()[0].facts, first);
}

#[test]
fn a_damaged_journal_is_told_and_takes_no_memory() {
    for text in ["[]", "{\"4000000000\":1}", "{\"0\":\"x\"}", "{\"-1\":1}", "{\"0\":[1,2]}", "no JSON"] {
        let mut bench = Bench::new();
        let raw = rusqlite::Connection::open(bench.store.path()).unwrap();
        raw.execute("insert into journal (at, heard) values (1, ?1)", [text]).unwrap();
        let error = bench.store.load(&mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("journal"), "{text}: {error}");
    }
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_760_616_000_000 + secs * 1000)
}

fn heard(secs: i64, message: &str) -> Service {
    let mut service = Service::new(at(1));
    service.status = Status::Alive;
    service.last_seen = Some(at(secs));
    service.silent_from = at(secs);
    service.set_message(Signal::new(Default::default(), message).message);
    service
}

fn identity(name: &str) -> Identity {
    let token = format!("token-{name}").parse().unwrap();
    Identity { name: name.parse().unwrap(), token, overrides: Default::default(), declared: false }
}
