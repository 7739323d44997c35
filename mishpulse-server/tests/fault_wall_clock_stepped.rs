//! The wall clock is stepped both ways, by libfaketime: nobody dies or revives of it, and who falls silent is found on time.

mod harness;

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use harness::faults::{Row, Senders, times};
use harness::{Hook, Server, config, service, until, wall_ms};

#[test]
fn nobody_dies_and_nobody_is_missed() {
    let library = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
        .map(|folder| format!("{folder}/faketime/libfaketimeMT.so.1"))
        .into_iter()
        .find(|file| Path::new(file).exists())
        .expect("libfaketime; scripts/install-test-tools.sh installs it");
    let steps = ["+3600", "-3600", "+86400", "-86400", "+0", "-7", "+7"];
    let rounds = times(1);
    let mut row = Row::of("wall clock stepped by 7 s to 2 days, both ways", rounds * steps.len() as u32);
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start();
    let services: String = [("a", "4s"), ("b", "4s"), ("c", "2500ms")]
        .iter()
        .map(|(name, timeout)| service(name, timeout))
        .collect();
    std::fs::write(folder.path().join("mishpulse.toml"), config(&hook, &services)).unwrap();
    let offset = folder.path().join("offset");
    let step = |to: &str| {
        // A whole file or none, since it is read at each look at the clock.
        std::fs::write(folder.path().join("next"), format!("{to}\n")).unwrap();
        std::fs::rename(folder.path().join("next"), &offset).unwrap();
    };
    step("+0");
    let variables = [
        ("LD_PRELOAD", library.as_str()),
        ("FAKETIME_TIMESTAMP_FILE", offset.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let server = Server::start_under(&[], &variables, folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let senders = Senders::start(&server, &["a", "b"], Duration::from_millis(200));
    for _ in 0..rounds {
        for to in steps {
            let asked = Instant::now();
            assert_eq!(server.beat("token-c", "").status, 200);
            let beaten = Instant::now();
            server.wait_for_status("c", "alive", Duration::from_secs(5));
            let before = hook.got().len();
            step(to);
            server.wait_for_status("c", "dead", Duration::from_secs(20));
            assert!(
                asked.elapsed() >= Duration::from_millis(2_500),
                "{to}: dead after {:?}",
                asked.elapsed()
            );
            let took = beaten.elapsed();
            assert!(took < Duration::from_millis(5_000), "{to}: dead only after {took:?}");
            // The stamp is of the wall clock: the step has really reached the server.
            let got = until("the alert arrives", Duration::from_secs(20), || {
                hook.got().into_iter().skip(before).find(|got| got.event() == "service.dead")
            });
            let stamp = got.head.lines().find_map(|line| line.strip_prefix("webhook-timestamp: ")).unwrap();
            let ahead = stamp.trim().parse::<i64>().unwrap() - wall_ms(SystemTime::now()) / 1000;
            let wanted: i64 = to.parse().unwrap();
            assert!((ahead - wanted).abs() <= 5, "the wall clock is {ahead} s ahead, not {wanted}");
            senders.wait_until_heard(Duration::from_secs(20));
        }
    }
    // A death each time, and a recovery before each but the first.
    let due = 2 * row.tried as usize - 1;
    until("every alert arrives", Duration::from_secs(20), || (hook.got().len() >= due).then_some(()));
    for got in hook.got() {
        assert_eq!(got.json["service"]["name"], "c", "{got:?}");
    }
    senders.stop(&server, &mut row);
    row.count(due, &hook.got());
    row.print();
    server.terminate();
}
