//! Another process holds the database: beats are answered 503 soon, and the server is well again as soon as it is let go.

mod harness;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use harness::faults::{Row, Senders, does_not_start, times};
use harness::{Hook, Server, config, service, until};

#[test]
fn beats_are_refused_until_it_is_let_go() {
    let mut row = Row::of("database locked by another process", times(2));
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start();
    let services =
        ["a", "b", "c"].iter().map(|name| service(name, "4s")).collect::<String>() + &service("d", "1h");
    let server = Server::start(folder.path(), &config(&hook, &services));
    let database = folder.path().join("mishpulse-data/mishpulse.db");
    let senders = Senders::start(&server, &["a", "b", "c"], Duration::from_millis(100));
    assert_eq!(server.beat("token-d", "{\"status\":\"error\",\"message\":\"failure\"}").status, 200);
    for _ in 0..row.tried {
        senders.wait_until_heard(Duration::from_secs(20));
        let holder = Holder::of(&database);
        // The store may keep a beat elsewhere than in this database for a while; who is refused is told soon.
        let refused = until("a beat is refused", Duration::from_secs(30), || {
            let asked = Instant::now();
            let answer = server.beat("token-d", "{\"status\":\"warning\",\"message\":\"kept?\"}");
            let took = asked.elapsed();
            assert!(took < Duration::from_secs(6), "answered {} after {took:?}", answer.status);
            (answer.status != 200).then_some(answer)
        });
        assert_eq!(refused.status, 503, "{}", refused.body);
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
        until("it is not ready", Duration::from_secs(5), || {
            (server.get("/readyz").status == 503).then_some(())
        });
        let held = Instant::now();
        until("it is held for longer than the time-outs", Duration::from_secs(10), || {
            (held.elapsed() > Duration::from_secs(5)).then_some(())
        });
        drop(holder);
        until("it is ready again", Duration::from_secs(20), || {
            (server.get("/readyz").status == 200).then_some(())
        });
        assert_eq!(server.beat("token-d", "{\"status\":\"error\",\"message\":\"failure\"}").status, 200);
        senders.wait_until_heard(Duration::from_secs(20));
    }
    // The first failure; d never recovered by an answered beat, unless one of those that were refused was kept.
    hook.wait_for(1, Duration::from_secs(20));
    for got in hook.got() {
        assert_ne!(got.event(), "service.dead", "{got:?}");
    }
    senders.stop(&server, &mut row);
    let firsts: Vec<_> = hook.got().into_iter().take(1).collect();
    row.count(1, &firsts);
    assert_eq!(hook.got().len(), 1, "{:?}", hook.events());
    row.print();

    let log = server.terminate();
    assert!(log.contains("database is locked"), "{log}");
    let holder = Holder::of(&database);
    let (code, said) = does_not_start(&[], folder.path());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("another program"), "{said}");
    drop(holder);
    let server = Server::start_with(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(server.beat("token-d", "").status, 200);
    server.terminate();
}

/// A person with the `sqlite3` shell who began to write and went for coffee.
struct Holder(Child);

impl Holder {
    fn of(database: &Path) -> Self {
        let mut shell = Command::new("sqlite3")
            .arg(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sqlite3; scripts/install-test-tools.sh installs it");
        let words = b".timeout 20000\n.bail on\nBEGIN EXCLUSIVE;\nSELECT 'held';\n";
        shell.stdin.as_mut().unwrap().write_all(words).unwrap();
        let mut said = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "held\n");
        Self(shell)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
