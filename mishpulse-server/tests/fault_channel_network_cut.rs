//! The network to one channel is cut, in a network namespace: what is due meanwhile arrives when it is back, each alert once and
//! in order, and the other channel waits for nothing.

mod harness;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use harness::faults::{Network, Row, times};
use harness::{Got, Hook, Server, service, until};

#[test]
fn every_alert_arrives_when_it_is_back() {
    let mut row = Row::of("network of a channel cut", times(2));
    let network = Network::with_links(2);
    let (near, far) = (Hook::start_on(&network.here(0)), Hook::start_on(&network.here(1)));
    let channel = |name: &str, hook: &Hook| {
        format!("[channels.{name}]\nkind = \"webhook\"\nurl = \"{}\"\n\n", hook.url())
    };
    let names = ["a", "b"];
    let services: String = names.iter().map(|name| service(name, "1h")).collect();
    let settings = format!("{}{}{services}", channel("near", &near), channel("far", &far));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mishpulse.toml"), settings).unwrap();
    let listen = format!("{}:0", network.there(0));
    let server = Server::start_under(&network.command(), &[], folder.path(), &["serve", "--listen", &listen]);
    let mut due = 0;
    for round in 0..row.tried {
        network.cut(1);
        let (before, before_far) = (near.got().len(), far.got().len());
        let failed = || server.log().lines().filter(|line| line.contains("not delivered yet")).count();
        let failed_before = failed();
        let cut = Instant::now();
        // Two alerts of each service, fewer than make a storm.
        for name in names {
            let failure = format!("{{\"status\":\"error\",\"message\":\"failure {round}\"}}");
            for body in [failure.as_str(), ""] {
                assert_eq!(server.beat(&format!("token-{name}"), body).status, 200);
                row.acknowledged += 1;
            }
        }
        due += 2 * names.len();
        until("the other channel has them", Duration::from_secs(5), || {
            (near.got().len() == before + 2 * names.len()).then_some(())
        });
        println!("the other channel had them after {:?}", cut.elapsed());
        // Longer than what is tried first takes to fail.
        until("a try has failed", Duration::from_secs(60), || (failed() > failed_before).then_some(()));
        assert_eq!(far.got().len(), before_far, "the network was not cut");
        network.mend(1);
        far.wait_for(due, Duration::from_secs(90));
        println!("the cut channel had them {:?} after the cut", cut.elapsed());
    }
    for hook in [&near, &far] {
        let mut by_service: HashMap<String, Vec<Got>> = HashMap::new();
        for got in hook.got() {
            by_service.entry(got.json["service"]["name"].to_string()).or_default().push(got);
        }
        for (name, got) in by_service {
            let events: Vec<_> = got.iter().map(Got::event).collect();
            let wanted = ["service.error", "service.recovered"].repeat(row.tried as usize);
            assert_eq!(events, wanted, "{name}");
            assert!(got.is_sorted_by_key(|got| harness::unix_ms(&got.json["at"])));
        }
        row.count(due, &hook.got());
    }
    assert_eq!(row.duplicates, 0);
    for name in names {
        row.lost += u64::from(server.service(name)["status"] != "alive");
    }
    row.print();
    server.terminate();
}
