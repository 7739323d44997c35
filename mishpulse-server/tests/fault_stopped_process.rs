//! The process is stopped for longer than every time-out, and goes on: nobody is falsely dead, and who really fell silent
//! meanwhile is found within one time-out.

mod harness;

use std::time::{Duration, SystemTime};

use harness::faults::{Row, Senders, times};
use harness::{Hook, Server, config, service, unix_ms, until, wall_ms};

const TIMEOUT_MS: i64 = 4_000;

#[test]
fn only_who_is_really_silent_dies() {
    let mut row = Row::of("SIGSTOP for 6 s, SIGCONT", times(2));
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start();
    let services: String = ["a", "b", "c", "d"].iter().map(|name| service(name, "4s")).collect();
    let server = Server::start(folder.path(), &config(&hook, &services));
    let senders = Senders::start(&server, &["a", "b", "c"], Duration::from_millis(200));
    for _ in 0..row.tried {
        senders.wait_until_heard(Duration::from_secs(20));
        assert_eq!(server.beat("token-d", "").status, 200);
        server.signal("STOP");
        // Longer than every time-out: this is the fault itself, and no condition to wait for.
        std::thread::sleep(Duration::from_secs(6));
        let back = wall_ms(SystemTime::now());
        server.signal("CONT");
        let dead = server.wait_for_status("d", "dead", Duration::from_secs(20));
        let took = unix_ms(&dead["since"]) - back;
        assert!(took <= TIMEOUT_MS + 1_000, "found {took} ms after the process went on");
        assert!(took >= TIMEOUT_MS - 500, "not pardoned: dead {took} ms after the process went on");
        senders.wait_until_heard(Duration::from_secs(20));
        assert_eq!(server.beat("token-d", "").status, 200);
        server.wait_for_status("d", "alive", Duration::from_secs(5));
    }
    let due = 2 * row.tried as usize;
    until("every alert arrives", Duration::from_secs(20), || (hook.events().len() >= due).then_some(()));
    for got in hook.got() {
        assert_eq!(got.json["service"]["name"], "d", "{got:?}");
    }
    senders.stop(&server, &mut row);
    row.count(due, &hook.got());
    row.print();
    server.terminate();
}
