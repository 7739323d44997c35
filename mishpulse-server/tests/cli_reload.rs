//! `SIGHUP`: the configuration is taken whole or not at all, and no beat is lost over it.

mod cli_parts;
mod harness;

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cli_parts::SOON;
use harness::{Server, service, until};

#[test]
fn a_file_with_a_mistake_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mishpulse.toml");
    let server = Server::start(folder.path(), &service("a", "1h"));
    server.beat("token-a", r#"{"message":"before"}"#);
    let before = server.get("/api/status").body;
    let added = service("b", "1h");
    for wrong in [
        // No TOML, an unknown key, a wrong value, a missing variable, and what only a restart can change.
        format!("{added}[[services]\n"),
        format!("lisen = \"x\"\n{added}"),
        format!("{added}[defaults]\ntimeout = \"soon\"\n"),
        format!("admin_key = \"${{NO_SUCH_VARIABLE}}\"\n{added}"),
        format!("data_dir = \"elsewhere\"\n{added}"),
        format!("{added}{}", added.replace("\"b\"", "\"c\"")),
    ] {
        let reports = server.log().matches("nothing has changed").count();
        fs::write(&file, &wrong).unwrap();
        server.signal("HUP");
        until(&format!("the mistake is reported: {wrong}"), SOON, || {
            (server.log().matches("nothing has changed").count() > reports).then_some(())
        });
        assert_eq!(server.get("/api/status").body, before, "{wrong}");
        assert_eq!(server.beat("token-b", "").status, 403, "{wrong}");
    }
    fs::write(&file, added).unwrap();
    server.signal("HUP");
    server.wait_for_status("b", "new", SOON);
    assert_eq!(server.service("a")["message"], "before", "one that leaves the file is kept");
    server.terminate();
}

const DECLARED: usize = 10_000;

#[test]
fn ten_thousand_services_are_declared_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let own: String = (0..4).map(|number| service(&format!("load-{number}"), "1h")).collect();
    let server = Server::start(folder.path(), &own);
    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let (url, stop) = (server.url(&format!("/api/heartbeat/token-load-{number}")), Arc::clone(&stop));
            std::thread::spawn(move || beat_until(&url, &stop))
        })
        .collect();

    let mut declared = own.clone();
    for number in 0..DECLARED {
        let _ = write!(
            declared,
            "[[services]]\nname = \"s{number}\"\ntoken = \"t{number}\"\ntags = [\"many\"]\n\n"
        );
    }
    fs::write(folder.path().join("mishpulse.toml"), &declared).unwrap();
    let started = Instant::now();
    server.signal("HUP");
    let limit = Duration::from_secs(120);
    until("they are declared", limit, || {
        server.log().contains("the configuration was read again").then_some(())
    });
    let took = started.elapsed();
    // And once more with other settings for all of them.
    fs::write(folder.path().join("mishpulse.toml"), format!("{declared}[defaults]\ntimeout = \"7m\"\n"))
        .unwrap();
    server.signal("HUP");
    until("they are changed", limit, || {
        (server.log().matches("the configuration was read again").count() == 2).then_some(())
    });
    stop.store(true, Ordering::SeqCst);

    let mut longest = Duration::ZERO;
    for (number, thread) in threads.into_iter().enumerate() {
        let (beats, slowest) = thread.join().unwrap();
        longest = longest.max(slowest);
        assert!(beats > 10, "{beats} beats");
        let shown = server.service(&format!("load-{number}"));
        assert_eq!(
            shown["message"],
            format!("beat {beats}"),
            "the last beat that was answered 200 is the last stored"
        );
    }
    let many = server.get("/api/status?tag=many").json();
    assert_eq!(many.as_array().unwrap().len(), DECLARED);
    assert_eq!(server.beat("t9999", "").status, 200);
    println!("10,000 services declared in {took:?}; the slowest beat meanwhile took {longest:?}");
    server.terminate();
}

/// Sends `beat 1`, `beat 2` and so on, each of which must be taken, and says how many there were and how long the slowest took.
fn beat_until(url: &str, stop: &AtomicBool) -> (u64, Duration) {
    let (mut beats, mut slowest) = (0, Duration::ZERO);
    while !stop.load(Ordering::SeqCst) {
        beats += 1;
        let body = format!("{{\"message\":\"beat {beats}\"}}");
        let started = Instant::now();
        let answer = harness::request("POST", url, Some(&body), &[]);
        slowest = slowest.max(started.elapsed());
        assert_eq!(answer.status, 200, "beat {beats}: {}", answer.body);
    }
    (beats, slowest)
}
