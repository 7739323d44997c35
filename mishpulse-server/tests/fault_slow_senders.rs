//! Senders of a byte a second, in head and body: they are cut off in time, and nobody else waits for them.

mod harness;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use harness::faults::{Row, Senders, times};
use harness::{Hook, Server, config, service};

#[test]
fn nobody_waits_for_them() {
    let count = 300;
    let mut row = Row::of("300 senders of a byte a second", times(2));
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start();
    let services: String = ["a", "b", "c"].iter().map(|name| service(name, "5s")).collect();
    let limits = "[limits]\nheader_timeout = \"3s\"\nbody_timeout = \"3s\"\n";
    let server = Server::start(folder.path(), &config(&hook, &format!("{limits}{services}")));
    let senders = Senders::start(&server, &["a", "b", "c"], Duration::from_millis(50));
    for _ in 0..row.tried {
        senders.wait_until_heard(Duration::from_secs(20));
        let begun = Instant::now();
        let head = "POST /api/heartbeat/token-a HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n";
        let mut slow: Vec<_> = (0..count)
            .map(|n| {
                let mut stream = TcpStream::connect(server.address).unwrap();
                let first = if n % 2 == 0 { &head[..9] } else { head };
                stream.write_all(first.as_bytes()).unwrap();
                stream.set_nonblocking(true).unwrap();
                (stream, first.len() % head.len(), String::new())
            })
            .collect();
        let mut longest = Duration::ZERO;
        while !slow.is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{} are still connected", slow.len());
            slow.retain_mut(|(stream, at, answer)| {
                // Its head goes on, or its body does.
                let byte = if answer.is_empty() && *at > 0 { &head.as_bytes()[*at..=*at] } else { b"x" };
                *at += usize::from(*at > 0);
                let _ = stream.write(byte);
                let mut piece = [0; 1024];
                match stream.read(&mut piece) {
                    Ok(length) if length > 0 => {
                        answer.push_str(&String::from_utf8_lossy(&piece[..length]));
                        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
                        true
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => true,
                    _ => false,
                }
            });
            let next = begun + Duration::from_secs(begun.elapsed().as_secs() + 1);
            while Instant::now() < next {
                let asked = Instant::now();
                assert_eq!(server.get("/healthz").status, 200);
                longest = longest.max(asked.elapsed());
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        let took = begun.elapsed();
        assert!(took >= Duration::from_secs(3), "cut off after {took:?}");
        assert!(longest < Duration::from_secs(2), "somebody waited {longest:?}");
    }
    senders.stop(&server, &mut row);
    row.count(0, &hook.got());
    row.print();
    server.terminate();
}
