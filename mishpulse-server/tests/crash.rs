//! `kill -9` in the middle of a load: what was answered 200 is there.

mod harness;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use harness::faults::Row;
use harness::{Server, request, service};

const SERVICES: usize = 8;

/// How often, from `MISHPULSE_CRASHES`, else 10.
#[test]
fn nothing_that_was_answered_200_is_missing() {
    let crashes = std::env::var("MISHPULSE_CRASHES").ok().and_then(|times| times.parse().ok()).unwrap_or(10);
    let folder = tempfile::tempdir().unwrap();
    let services: String = (0..SERVICES).map(|n| service(&format!("s{n}"), "5m")).collect();
    let mut server = Server::start(folder.path(), &services);
    let mut answered_in_all = 0;
    for crash in 0..crashes {
        // Each sender counts up in its message; the last count that was answered must be there, or a later one that was
        // stored but whose answer was cut off.
        let (answered, sent) = (Arc::new(Mutex::new(HashMap::new())), Arc::new(Mutex::new(HashMap::new())));
        let stop = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> = (0..SERVICES)
            .map(|n| {
                let url = server.url(&format!("/api/heartbeat/token-s{n}"));
                let (answered, sent, stop) = (Arc::clone(&answered), Arc::clone(&sent), Arc::clone(&stop));
                std::thread::spawn(move || {
                    for count in 0_u64.. {
                        if stop.load(Ordering::SeqCst) {
                            return;
                        }
                        let message = format!("{crash}:{count}");
                        sent.lock().unwrap().insert(n, count);
                        let body = format!("{{\"message\":\"{message}\"}}");
                        if request("POST", &url, Some(&body), &[]).status != 200 {
                            return;
                        }
                        answered.lock().unwrap().insert(n, count);
                    }
                })
            })
            .collect();
        harness::until("there is load", Duration::from_secs(20), || {
            let counts: u64 = answered.lock().unwrap().values().sum();
            (counts > 50 + 37 * crash).then_some(())
        });
        let address = server.address;
        server.kill();
        stop.store(true, Ordering::SeqCst);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        server = Server::restart(folder.path(), address);
        let (answered, sent) = (answered.lock().unwrap(), sent.lock().unwrap());
        for n in 0..SERVICES {
            let shown = server.service(&format!("s{n}"));
            let message = shown["message"].as_str().unwrap_or_default();
            let Some(last) = answered.get(&n) else { continue };
            let stored =
                message.strip_prefix(&format!("{crash}:")).and_then(|count| count.parse::<u64>().ok());
            let stored =
                stored.unwrap_or_else(|| panic!("s{n}: {last} was answered, but {message:?} is stored"));
            assert!((*last..=sent[&n]).contains(&stored), "s{n}: {last} was answered, {stored} is stored");
            answered_in_all += last + 1;
        }
    }
    let acknowledged = answered_in_all;
    Row { fault: "kill -9 under load", tried: crashes as u32, acknowledged, ..Row::default() }.print();
    server.terminate();
}
