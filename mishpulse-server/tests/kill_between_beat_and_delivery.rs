//! `kill -9` at any instant between a beat and the delivery of its alert: every alert arrives, in order, and twice only where the
//! channel's answer was not yet written down, with the same id then.

mod harness;

use std::collections::HashMap;
use std::time::Duration;

use harness::faults::Row;
use harness::{Hook, Server, config, request, service, until};

/// How often, from `MISHPULSE_CRASHES`, else 40.
#[test]
fn every_alert_arrives() {
    let crashes: u32 =
        std::env::var("MISHPULSE_CRASHES").ok().and_then(|times| times.parse().ok()).unwrap_or(40);
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start();
    let settings = format!("{}\n{}", "log_level = \"warn\"", config(&hook, &service("job", "1h")));
    let mut server = Server::start(folder.path(), &settings);
    let mut due = Vec::new();
    let mut unanswered = 0;
    for crash in 0..crashes {
        let url = server.url("/api/heartbeat/token-job");
        let message = format!("failure {crash}");
        let body = format!("{{\"status\":\"error\",\"message\":\"{message}\"}}");
        let sender = std::thread::spawn(move || request("POST", &url, Some(&body), &[]).status == 200);
        // From before the beat is stored until after its alert is delivered.
        std::thread::sleep(Duration::from_micros(u64::from(crash) * 7919 % 25_000));
        let address = server.address;
        server.kill();
        if sender.join().unwrap() {
            due.push(message);
        } else {
            unanswered += 1;
        }
        server = Server::restart(folder.path(), address);
        assert_eq!(server.beat("token-job", "").status, 200);
    }
    let last = "the last failure".to_owned();
    let body = format!("{{\"status\":\"error\",\"message\":\"{last}\"}}");
    assert_eq!(server.beat("token-job", &body).status, 200);
    due.push(last.clone());
    let message_of =
        |got: &harness::Got| got.json["service"]["message"].as_str().unwrap_or_default().to_owned();
    until("the last alert arrives", Duration::from_secs(60), || {
        hook.got().iter().any(|got| message_of(got) == last).then_some(())
    });

    let errors: Vec<_> = hook.got().into_iter().filter(|got| got.event() == "service.error").collect();
    let mut ids: HashMap<String, String> = HashMap::new();
    let mut order = Vec::new();
    let mut twice = 0;
    for error in &errors {
        let message = message_of(error);
        match ids.get(&message) {
            Some(id) => {
                assert_eq!(id, error.id(), "{message} came again under another id");
                twice += 1;
            }
            None => {
                ids.insert(message.clone(), error.id().to_owned());
                order.push(message);
            }
        }
    }
    for message in &due {
        assert!(ids.contains_key(message), "{message} was answered 200, and nobody was told");
    }
    let place = |message: &String| message.strip_prefix("failure ").map_or(u32::MAX, |n| n.parse().unwrap());
    assert!(order.is_sorted_by_key(place), "out of order: {order:?}");
    println!("{unanswered} beats were cut off before their answer; those that were stored were told of, too");
    let told = due.iter().filter(|message| ids.contains_key(*message)).count();
    let acknowledged = due.len() as u64 + u64::from(crashes);
    let fault = "kill -9 between a beat and its delivery";
    Row { fault, tried: crashes, acknowledged, due: due.len(), delivered: told, duplicates: twice, lost: 0 }
        .print();
}
