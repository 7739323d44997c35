//! Everyone falls silent in the same instant: few messages, every service named in one, and soon.

mod harness;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use harness::{Hook, Server, config, until};

/// How many services, from `MISHPULSE_STORM`, else 2,000.
#[test]
fn a_storm_of_deaths_makes_few_messages_and_names_everyone() {
    let count: usize =
        std::env::var("MISHPULSE_STORM").ok().and_then(|count| count.parse().ok()).unwrap_or(2000);
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start();
    let services: String = (0..count)
        .map(|n| format!("[[services]]\nname = \"service-{n:05}\"\ntoken = \"t{n}\"\n\n"))
        .collect();
    let settings =
        format!("log_level = \"error\"\n[defaults]\ntimeout = \"60s\"\n\n{}", config(&hook, &services));
    let server = Server::start(folder.path(), &settings);
    beat_all(&server, count);
    let address = server.address;
    server.terminate();

    // After an outage everyone has one full timeout from the same moment on, which nobody uses.
    let file = folder.path().join("mishpulse.toml");
    std::fs::write(
        &file,
        settings.replace("60s", "2s").replace("log_level", "blind_after = \"1s\"\nlog_level"),
    )
    .unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    let server = Server::restart(folder.path(), address);
    let begun =
        until("the first death", Duration::from_secs(60), || (!hook.got().is_empty()).then(Instant::now));
    let named = until("everyone is named", Duration::from_secs(120), || {
        let named: BTreeSet<String> = hook.got().iter().flat_map(names).collect();
        (named.len() >= count).then_some(named)
    });
    let took = begun.elapsed();
    let got = hook.got();
    assert_eq!(named.len(), count);
    let times: usize = got.iter().map(|got| names(got).len()).sum();
    assert_eq!(times, count, "nobody is named twice");
    let singles = got.iter().filter(|got| got.event() == "service.dead").count();
    println!(
        "{count} deaths at once: {} messages ({singles} single), the last {took:?} after the first",
        got.len()
    );
    assert!(singles <= 20, "{singles} left one by one");
    assert!(got.len() <= 10 + singles + count / 50 + 10, "{} messages", got.len());
    drop(server);
}

/// Whom a message names.
fn names(got: &harness::Got) -> Vec<String> {
    let name = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    match got.event() {
        "service.dead" => vec![name(&got.json["service"]["name"])],
        "service.digest" => got.json["services"].as_array().unwrap().iter().map(name).collect(),
        "server.silence" => Vec::new(),
        other => panic!("{other}"),
    }
}

fn beat_all(server: &Server, count: usize) {
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                let agent = ureq::Agent::new_with_defaults();
                for n in (thread..count).step_by(8) {
                    let url = server.url(&format!("/api/heartbeat/t{n}"));
                    assert_eq!(agent.post(&url).send_empty().unwrap().status().as_u16(), 200);
                }
            });
        }
    });
}
