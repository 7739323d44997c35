//! 5,000 connections at once, each of which beats: all are answered, and nobody who beats is dead.

mod harness;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use harness::faults::{Row, times};
use harness::{Hook, Server, config, service, until};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const CONNECTIONS: usize = 5_000;

#[test]
fn each_is_answered() {
    let wanted = CONNECTIONS as u64 + 500;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let maximum = limit.maximum.map(|maximum| maximum.max(wanted));
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
            .expect("`ulimit -n 6000` first");
    }
    let mut row = Row::of("5,000 connections at once", times(3));
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start();
    let services: String = (0..CONNECTIONS).map(|n| service(&format!("s{n}"), "5m")).collect();
    // A connection that finds the system's queue full comes a second later, so that all may take longer than one may idle.
    let patient = format!("[limits]\nheader_timeout = \"10m\"\n\n{services}");
    let server = Server::start(folder.path(), &config(&hook, &patient));
    let mut streams: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let stream = TcpStream::connect(server.address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            stream
        })
        .collect();
    for round in 0..row.tried {
        let begun = Instant::now();
        for (n, stream) in streams.iter_mut().enumerate() {
            let body = format!("{{\"message\":\"{round}\"}}");
            let head = format!(
                "POST /api/heartbeat/token-s{n} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
        for (n, stream) in streams.iter_mut().enumerate() {
            let mut answer = Vec::new();
            let mut piece = [0; 512];
            while !answer.ends_with(b"{\"result\":\"ok\"}") {
                let length = stream.read(&mut piece).unwrap();
                let text = String::from_utf8_lossy(&answer);
                assert!(length > 0 && answer.len() < 2048, "s{n}: {text}");
                answer.extend_from_slice(&piece[..length]);
            }
            assert!(answer.starts_with(b"HTTP/1.1 200"), "s{n}: {}", String::from_utf8_lossy(&answer));
            row.acknowledged += 1;
        }
        println!("round {round}: {CONNECTIONS} beats answered in {:?}", begun.elapsed());
        let shown = server.get("/api/status").json();
        let shown = shown.as_array().unwrap();
        assert_eq!(shown.len(), CONNECTIONS);
        let expected = round.to_string();
        row.lost += shown.iter().filter(|service| service["message"] != expected).count() as u64;
        assert!(shown.iter().all(|service| service["status"] == "alive"));
    }
    drop(streams);
    until("it is ready", Duration::from_secs(20), || (server.get("/readyz").status == 200).then_some(()));
    row.count(0, &hook.got());
    row.print();
    server.terminate();
}
