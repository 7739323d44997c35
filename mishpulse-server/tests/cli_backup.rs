//! A backup is taken while beats come in, and everything is there where it is restored.

mod cli_parts;
mod harness;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cli_parts::{SOON, mishpulse, said};
use harness::{Server, until};

const SERVICES: usize = 300;

#[test]
fn a_backup_under_load_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let services: String = (0..SERVICES)
        .map(|number| format!("[[services]]\nname = \"s{number:03}\"\ntoken = \"token-{number:03}\"\n\n"))
        .collect();
    let server = Server::start(folder.path(), &services);
    for number in 0..SERVICES {
        let body = format!("{{\"status\":\"warning\",\"message\":\"before {number}\"}}");
        assert_eq!(server.beat(&format!("token-{number:03}"), &body).status, 200);
    }
    grow(&folder.path().join("mishpulse-data/mishpulse.db"));
    let load = Load::start(&server);
    until("the load runs", SOON, || (load.beats() > 50).then_some(()));

    let before = load.beats();
    let saved = said(&mut mishpulse(folder.path(), &["backup", "copy.db"]));
    assert_eq!(saved.code, 0, "{}", saved.stderr);
    assert!(saved.stdout.starts_with("copy.db has a copy of 300 services, "), "{}", saved.stdout);
    assert_eq!(saved.stderr, "", "no bar where stderr is no terminal");
    until("the load goes on", SOON, || (load.beats() > before + 50).then_some(()));
    assert_eq!(load.stop(), 0, "beats were refused while the backup was taken");

    let copy = folder.path().join("copy.db");
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let names: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("copy.db"))
        .collect();
    assert_eq!(names, ["copy.db"], "one file and nothing beside it");

    let again = said(&mut mishpulse(folder.path(), &["backup", "copy.db"]));
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    assert_eq!(said(&mut mishpulse(folder.path(), &["backup", "--force", "copy.db"])).code, 0);
    server.terminate();

    // Elsewhere, without the configuration that declared them.
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = copy.to_str().unwrap();
    let restored = said(&mut mishpulse(elsewhere.path(), &["restore", copy, "--data-dir", "data"]));
    assert_eq!(restored.code, 0, "{}", restored.stderr);
    fs::write(elsewhere.path().join("mishpulse.toml"), "data_dir = \"data\"\n").unwrap();
    let server = Server::start_with(elsewhere.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let services = server.get("/api/status").json();
    assert_eq!(services.as_array().unwrap().len(), SERVICES);
    for (number, service) in services.as_array().unwrap().iter().enumerate() {
        let expected = if number == 0 { "load".to_owned() } else { format!("before {number}") };
        assert_eq!(service["name"], format!("s{number:03}"));
        assert_eq!((&service["status"], &service["message"]), (&"warning".into(), &expected.into()));
    }
    assert_eq!(server.beat("token-299", "").status, 200, "tokens are kept");

    let busy = said(&mut mishpulse(elsewhere.path(), &["restore", copy]));
    assert_eq!(busy.code, 1);
    assert!(busy.stderr.contains("another server is using data"), "{}", busy.stderr);
    server.terminate();
    let there = said(&mut mishpulse(elsewhere.path(), &["restore", copy]));
    assert_eq!(there.code, 1);
    assert!(there.stderr.contains("never overwritten"), "{}", there.stderr);
}

#[test]
fn what_is_no_backup_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let server = Server::start(path, "[[services]]\nname = \"a\"\n");
    assert_eq!(said(&mut mishpulse(path, &["backup", "good.db"])).code, 0);
    server.terminate();

    fs::write(path.join("text.db"), "this is no database, but it is long enough to look like one".repeat(20))
        .unwrap();
    fs::write(path.join("empty.db"), "").unwrap();
    rusqlite::Connection::open(path.join("other.db")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    fs::copy(path.join("good.db"), path.join("newer.db")).unwrap();
    rusqlite::Connection::open(path.join("newer.db"))
        .unwrap()
        .pragma_update(None, "user_version", 999)
        .unwrap();
    let mut bytes = fs::read(path.join("good.db")).unwrap();
    let end = bytes.len();
    bytes[4096..end].iter_mut().for_each(|byte| *byte ^= 0x5a);
    fs::write(path.join("torn.db"), bytes).unwrap();

    for (file, why) in [
        ("text.db", "not a"),
        ("empty.db", "empty"),
        ("other.db", "not a MishPulse database"),
        ("newer.db", "newer version"),
        ("torn.db", "database"),
        ("absent.db", "No such file"),
    ] {
        let refused = said(&mut mishpulse(path, &["restore", file, "--data-dir", "new"]));
        assert_eq!(refused.code, 1, "{file}: {}", refused.stdout);
        assert!(refused.stderr.contains(why), "{file}: {}", refused.stderr);
        assert!(!Path::new(&path.join("new/mishpulse.db")).exists(), "{file}");
    }
    let good = said(&mut mishpulse(path, &["restore", "good.db", "--data-dir", "new"]));
    assert_eq!(good.code, 0, "{}", good.stderr);

    let nothing = said(&mut mishpulse(path, &["backup", "x.db", "--data-dir", "nowhere"]));
    assert_eq!(nothing.code, 1);
    assert!(nothing.stderr.contains("there is no database nowhere/mishpulse.db"), "{}", nothing.stderr);
    assert!(!path.join("nowhere").exists());
}

/// Fills the history, so that a copy takes many steps, between which the server commits.
fn grow(database: &Path) {
    let database = rusqlite::Connection::open(database).unwrap();
    database
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) \
             INSERT INTO event (service_id, at, data) \
             SELECT NULL, 4000000000000, json_object('event', 'blind', 'from', i, 'pad', hex(zeroblob(100))) FROM n",
        )
        .unwrap();
}

/// Beats for the first service, as fast as one connection goes.
struct Load {
    stop: Arc<AtomicBool>,
    beats: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    thread: std::thread::JoinHandle<()>,
}

impl Load {
    fn start(server: &Server) -> Self {
        let (stop, beats, refused) = (Arc::<AtomicBool>::default(), Arc::default(), Arc::default());
        let url = server.url("/api/heartbeat/token-000");
        let (stopped, counted, failed) = (Arc::clone(&stop), Arc::clone(&beats), Arc::clone(&refused));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                let body = r#"{"status":"warning","message":"load"}"#;
                let answer = harness::request("POST", &url, Some(body), &[]);
                let counter: &AtomicU64 = if answer.status == 200 { &counted } else { &failed };
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { stop, beats, refused, thread }
    }

    fn beats(&self) -> u64 {
        self.beats.load(Ordering::SeqCst)
    }

    /// How many were refused.
    fn stop(self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
        self.refused.load(Ordering::SeqCst)
    }
}
