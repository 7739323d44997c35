//! One story over every store: what is committed is there, what fails is not, and letters leave in order.

use mishpulse_core::{AlertKind, Gap, Service, ServiceId, Signal, Span, Status, Timestamp, Trouble};
use mishpulse_server::config::{ChannelName, Durability, Overrides, ServiceName, Token};
use mishpulse_server::store::rows::{
    About, DeliveryId, DeliveryState, EventKind, EventRow, Identity, Letter, LetterKind, Loaded, ServiceRow,
    TransitionRow,
};
use mishpulse_server::store::{
    Failing, History, MemoryStore, NewDelivery, Outcome, Settlement, SqliteHistory, SqliteStore, Store,
    StoreError, Writes,
};

#[test]
fn over_memory() {
    let store = MemoryStore::new();
    let again = store.clone();
    story(store.clone(), &store, move || again.clone());
}

#[test]
fn over_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), Durability::Process).unwrap();
    let history = SqliteHistory::open(store.path()).unwrap();
    let path = folder.path().to_owned();
    story(store, &history, move || SqliteStore::open(&path, Durability::Power).unwrap());
}

fn story<S: Store>(mut store: S, history: &dyn History, open_again: impl Fn() -> S) {
    assert_eq!(load(&mut store), (vec![], Loaded::default()));

    // Two services are made; one of them is in trouble.
    let (a, b) = (ServiceId::new(0), ServiceId::new(1));
    let (ann, bob) = (identity("ann"), identity("bob"));
    let mut in_trouble = Service::new(at(1));
    in_trouble.status = Status::Error;
    in_trouble.last_seen = Some(at(2));
    in_trouble.set_message(Signal::new(Default::default(), "диск \"full\"\n").message);
    in_trouble.set_trouble(Some(Trouble {
        began: at(1),
        error_told_at: Some(at(2)),
        error_told: in_trouble.message().cloned(),
        reminded_at: None,
        told: true,
    }));
    let fresh = Service::new(at(1));
    let transition = EventRow {
        service: Some(a),
        at: at(2),
        kind: EventKind::Transition { from: Status::New, to: Status::Error, message: None },
    };
    let gap = Gap { from: at(0), until: at(1), away: Span::LONGEST };
    store
        .commit(&Writes {
            now: Some(at(3)),
            identities: vec![(a, &ann), (b, &bob)],
            facts: vec![(a, &in_trouble), (b, &fresh)],
            events: std::slice::from_ref(&transition),
            gaps: Some(&[gap]),
            ..Writes::default()
        })
        .unwrap();
    let (services, loaded) = load(&mut store);
    assert_eq!(loaded, Loaded { gaps: vec![gap], seen: Some(at(3)), silence: None });
    assert_eq!(services.len(), 2);
    assert_eq!((&services[0].identity, &services[0].facts), (&ann, &in_trouble));
    assert_eq!((&services[1].identity, &services[1].facts), (&bob, &fresh));
    let events = history.events(a, None, 10).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].1, transition);
    assert_eq!(history.events(a, Some(events[0].0), 10).unwrap(), []);

    // What a page adds times up from: changes alone, newest first, and when nobody was listening.
    let recovered = EventRow {
        service: Some(a),
        at: at(3),
        kind: EventKind::Transition { from: Status::Error, to: Status::Alive, message: Some("ok".into()) },
    };
    let told = EventKind::Alert { alert: AlertKind::Recovered, message: None };
    let told = EventRow { service: Some(a), at: at(3), kind: told };
    let blind = EventRow { service: None, at: at(3), kind: EventKind::Blind { from: at(1) } };
    store.commit(&Writes { events: &[recovered, told, blind], ..Writes::default() }).unwrap();
    let changes = |since, limit| history.transitions(a, since, limit).unwrap();
    let back = TransitionRow { at: at(3), from: Status::Error, to: Status::Alive };
    let broken = TransitionRow { at: at(2), from: Status::New, to: Status::Error };
    assert_eq!(changes(at(0), 10), [back, broken]);
    assert_eq!(changes(at(3), 10), [back]);
    assert_eq!(changes(at(0), 1), [back]);
    assert_eq!(history.transitions(b, at(0), 10).unwrap(), []);
    assert_eq!(history.blindness(at(0), 10).unwrap(), [(at(1), at(3))]);
    assert_eq!(history.blindness(at(4), 10).unwrap(), []);

    // Names and tokens change hands within one commit.
    let (ann_now, bob_now) = (identity("bob"), identity("ann"));
    store.commit(&Writes { identities: vec![(a, &ann_now), (b, &bob_now)], ..Writes::default() }).unwrap();
    assert_eq!(load(&mut store).0[0].identity, ann_now);

    // Letters leave in order, one of each service at a time.
    let ops: ChannelName = "ops".parse().unwrap();
    let letters = [
        letter(1, Some(a), AlertKind::Dead, 4),
        letter(2, Some(b), AlertKind::Dead, 5),
        letter(3, Some(a), AlertKind::Recovered, 6),
    ];
    store.commit(&Writes { deliveries: &letters, ..Writes::default() }).unwrap();
    let due = |now| history.due(&ops, now, 10).unwrap().iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(due(at(3)), NONE);
    assert_eq!(due(at(9)), [id(1), id(2)]);
    assert_eq!(history.next_due(&ops).unwrap(), Some(at(4)));
    settle(&mut store, id(1), Outcome::Retry { next_try: at(20), error: "busy".into() });
    assert_eq!(due(at(9)), [id(2)], "a letter that waits holds back the next of its service");
    assert_eq!(history.next_due(&ops).unwrap(), Some(at(5)));
    settle(&mut store, id(2), Outcome::Failed { error: "gone".into() });
    assert_eq!(history.next_due(&ops).unwrap(), Some(at(20)));
    settle(&mut store, id(1), Outcome::Sent);
    let recovery = &history.due(&ops, at(20), 10).unwrap()[0];
    assert_eq!((recovery.id, recovery.in_reply_to), (id(3), Some(id(1))));
    let failed = history.deliveries(Some(DeliveryState::Failed), None, 10).unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].attempts, failed[0].last_error.as_deref()), (1, Some("gone")));
    let sent = history.deliveries(Some(DeliveryState::Sent), None, 10).unwrap();
    assert_eq!((sent[0].id, sent[0].attempts, &sent[0].last_error), (id(1), 2, &None));
    assert_eq!(history.deliveries(None, None, 2).unwrap().len(), 2);
    let of_a: Vec<DeliveryId> = history.deliveries_of(a, 10).unwrap().iter().map(|row| row.id).collect();
    assert_eq!(of_a, [id(3), id(1)]);
    assert_eq!(history.deliveries_of(a, 1).unwrap().len(), 1);

    // A digest carries others, and settles them with itself.
    let mut digest = letter(4, None, AlertKind::Recovered, 21);
    digest.letter.kind = LetterKind::Digest { digest: AlertKind::Recovered };
    digest.carries = vec![id(3)];
    store.commit(&Writes { deliveries: &[digest], ..Writes::default() }).unwrap();
    assert_eq!(due(at(30)), [id(4)]);
    settle(&mut store, id(4), Outcome::Sent);
    assert_eq!(due(at(30)), NONE);
    let sent = history.deliveries(Some(DeliveryState::Sent), None, 10).unwrap();
    assert!(sent.iter().any(|row| row.id == id(3) && row.digest == Some(id(4))));

    // One is heard, and then again: only that is new of it.
    for secs in [40, 50] {
        let mut heard = in_trouble.clone();
        (heard.last_seen, heard.silent_from) = (Some(at(secs)), at(secs));
        let writes = Writes { now: Some(at(secs + 1)), heard: vec![(a, &heard)], ..Writes::default() };
        store.commit(&writes).unwrap();
        let (services, loaded) = load(&mut store);
        assert_eq!((&services[0].facts, loaded.seen), (&heard, Some(at(secs + 1))));
    }

    // What goes, goes with its history; its letters stay.
    store.commit(&Writes { removed: &[a], ..Writes::default() }).unwrap();
    assert_eq!(load(&mut store).0.len(), 1);
    assert_eq!(history.events(a, None, 10).unwrap(), []);
    assert_eq!(history.deliveries(None, None, 10).unwrap().len(), 4);

    // Old history is dropped, pending letters never.
    store
        .commit(&Writes { deliveries: &[letter(5, Some(b), AlertKind::Dead, 1)], ..Writes::default() })
        .unwrap();
    assert_eq!(
        store.prune(at(1000), 2).unwrap(),
        3,
        "two letters, and the one line that belongs to no service"
    );
    assert_eq!(store.prune(at(1000), 100).unwrap(), 2);
    let left = history.deliveries(None, None, 10).unwrap();
    assert_eq!(left.iter().map(|row| row.id).collect::<Vec<_>>(), [id(5)]);

    // Another one that opens the same goes on from there.
    let before = load(&mut store);
    drop(store);
    assert_eq!(load(&mut open_again()), before);
}

#[test]
fn memory_fails_as_it_is_told() {
    let mut store = MemoryStore::new();
    let ann = identity("ann");
    let service = Service::new(at(1));
    let writes = || Writes {
        identities: vec![(ServiceId::new(0), &ann)],
        facts: vec![(ServiceId::new(0), &service)],
        ..Writes::default()
    };
    store.fail(Failing::Loses);
    assert!(matches!(store.commit(&writes()), Err(StoreError::Planned)));
    assert_eq!(load(&mut store).0, []);
    store.fail(Failing::KeepsAndFails);
    assert!(store.commit(&writes()).is_err());
    assert_eq!(load(&mut store).0.len(), 1);
    store.fail(Failing::Broken);
    assert!(store.load(&mut |_| {}).is_err());
}

#[test]
fn a_database_of_a_newer_version_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), Durability::Process).unwrap();
    let path = store.path().to_owned();
    drop(store);
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    drop(raw);
    let before = std::fs::read(&path).unwrap();
    let error = SqliteStore::open(folder.path(), Durability::Process).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("newer version"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn another_programs_database_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mishpulse.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = SqliteStore::open(folder.path(), Durability::Process).unwrap_err();
    assert!(error.to_string().contains("not a MishPulse database"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_second_store_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _first = SqliteStore::open(folder.path(), Durability::Process).unwrap();
    let error = SqliteStore::open(folder.path(), Durability::Process).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
}

#[test]
fn the_heartbeats_view_says_what_people_look_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(folder.path(), Durability::Process).unwrap();
    let ann = identity("ann");
    let mut service = Service::new(at(1));
    service.status = Status::Warning;
    service.last_seen = Some(Timestamp::from_unix_ms(1_760_616_000_250));
    service.set_message(Signal::new(Default::default(), "disk 91%").message);
    let id = ServiceId::new(7);
    store
        .commit(&Writes { identities: vec![(id, &ann)], facts: vec![(id, &service)], ..Writes::default() })
        .unwrap();
    let raw = rusqlite::Connection::open(store.path()).unwrap();
    let row: (i64, String, String, String, String) = raw
        .query_row("select id, service_name, last_seen, status, message from heartbeats", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .unwrap();
    let expected = (7, "ann", "2025-10-16T12:00:00.250Z", "warning", "disk 91%");
    assert_eq!((row.0, row.1.as_str(), row.2.as_str(), row.3.as_str(), row.4.as_str()), expected);
    let columns = raw.prepare("select * from heartbeats").unwrap();
    let names: Vec<&str> = columns.column_names().collect();
    assert_eq!(names, ["id", "service_name", "last_seen", "status", "message"]);
}

#[test]
fn the_sqlite_that_is_built_in_is_free_of_the_wal_reset_fault() {
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

const NONE: [DeliveryId; 0] = [];

fn load(store: &mut impl Store) -> (Vec<ServiceRow>, Loaded) {
    let mut services = Vec::new();
    let loaded = store.load(&mut |row| services.push(row)).unwrap();
    (services, loaded)
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_760_616_000_000 + secs * 1000)
}

fn id(number: u128) -> DeliveryId {
    DeliveryId::from_u128(number)
}

fn identity(name: &str) -> Identity {
    Identity {
        name: name.parse::<ServiceName>().unwrap(),
        token: format!("token-{name}").parse::<Token>().unwrap(),
        overrides: Overrides { timeout: Some(Span::from_secs(5)), ..Overrides::default() },
        declared: false,
    }
}

fn letter(number: u128, service: Option<ServiceId>, kind: AlertKind, secs: i64) -> NewDelivery {
    let about = About {
        name: "ann".parse().unwrap(),
        status: Status::Dead,
        previous_status: Status::Alive,
        last_seen: Some(at(0)),
        message: None,
        tags: Vec::new(),
    };
    NewDelivery {
        id: id(number),
        service,
        channel: "ops".parse().unwrap(),
        letter: Letter {
            kind: LetterKind::Alert(kind),
            at: at(secs),
            began: at(0),
            since: at(0),
            allowance: Span::from_secs(5),
            service: Some(about),
            names: Vec::new(),
            is_gathered: false,
        },
        at: at(secs),
        carries: Vec::new(),
    }
}

fn settle(store: &mut impl Store, id: DeliveryId, outcome: Outcome) {
    store
        .commit(&Writes { settlements: &[Settlement { id, at: at(10), outcome }], ..Writes::default() })
        .unwrap();
}
