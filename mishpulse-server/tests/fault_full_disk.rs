//! The disk is full: beats are answered 503 and nothing of them is kept, until there is room; nobody dies of it.

mod harness;

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use harness::faults::{Row, Senders, mounting, seen_by, times, words};
use harness::{Hook, Server, config, service, until};

#[test]
fn beats_are_refused_until_there_is_room() {
    let mut row = Row::of("full disk (tmpfs)", times(2));
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start();
    let services =
        ["a", "b", "c"].iter().map(|name| service(name, "4s")).collect::<String>() + &service("d", "1h");
    fs::write(folder.path().join("mishpulse.toml"), config(&hook, &services)).unwrap();
    let data = folder.path().join("mishpulse-data");
    fs::create_dir(&data).unwrap();
    let mount = mounting(&format!("mount -t tmpfs -o size=8m tmpfs {}", data.display()));
    let server =
        Server::start_under(&words(&mount), &[], folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let ballast = seen_by(&server, &data).join("ballast");
    let senders = Senders::start(&server, &["a", "b", "c"], Duration::from_millis(100));
    let mut due = 0;
    for round in 0..row.tried {
        senders.wait_until_heard(Duration::from_secs(20));
        // An alert that waits, since its channel does not take it.
        hook.answer(503);
        let failure = format!("{{\"status\":\"error\",\"message\":\"failure {round}\"}}");
        assert_eq!(server.beat("token-d", &failure).status, 200);
        let tries = hook.got().len();
        until("it is tried", Duration::from_secs(20), || (hook.got().len() > tries).then_some(()));
        fill(&ballast);
        let mut number = 0;
        let refused = until("the disk is full", Duration::from_secs(30), || {
            number += 1;
            fill(&ballast);
            let answer = server.beat(
                "token-d",
                &format!("{{\"status\":\"error\",\"message\":\"failure {round}\",\"n\":{number}}}"),
            );
            (answer.status != 200).then_some(answer)
        });
        assert_eq!(refused.status, 503, "{}", refused.body);
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
        until("it is not ready", Duration::from_secs(5), || {
            let ready = server.get("/readyz");
            (ready.status == 503).then(|| assert!(ready.header("retry-after").is_some()))
        });
        // Longer than the time-out of every service.
        let (full, before) = (Instant::now(), senders.refused());
        until("beats are refused for long", Duration::from_secs(60), || {
            (full.elapsed() > Duration::from_secs(5) && senders.refused() > before + 10).then_some(())
        });
        let unkept = server.beat("token-d", "{\"status\":\"warning\",\"message\":\"not kept\"}");
        assert_eq!(unkept.status, 503);
        assert_eq!(server.service("d")["message"], format!("failure {round}"));
        hook.answer(200);
        fs::remove_file(&ballast).unwrap();
        until("it is ready again", Duration::from_secs(20), || {
            (server.get("/readyz").status == 200).then_some(())
        });
        assert_eq!(server.service("d")["message"], format!("failure {round}"), "what was refused was kept");
        assert_eq!(server.beat("token-d", "").status, 200);
        senders.wait_until_heard(Duration::from_secs(20));
        due += 2;
        until("the alerts leave", Duration::from_secs(60), || (hook.events().len() >= due).then_some(()));
    }
    for got in hook.got() {
        assert_eq!(got.json["service"]["name"], "d", "{got:?}");
        assert_ne!(got.event(), "service.dead", "{got:?}");
    }
    senders.stop(&server, &mut row);
    let accepted: Vec<_> = hook.got().into_iter().filter(|got| got.answered == 200).collect();
    row.count(due, &accepted);
    row.print();
    let log = server.log();
    assert!(log.contains("beats are refused until it does"), "{log}");
    server.terminate();
}

/// Writes until there is no room for a byte.
fn fill(ballast: &std::path::Path) {
    let mut file = File::options().append(true).create(true).open(ballast).unwrap();
    for piece in [64 * 1024, 4096, 1] {
        while file.write_all(&vec![0; piece]).is_ok() {}
    }
}
