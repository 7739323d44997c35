//! All descriptors are used up: whoever is connected is heard all the same, and the server is well again when there are some.

mod harness;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use harness::faults::{Row, Senders, times};
use harness::{Hook, Server, config, service, until};

#[test]
fn who_is_connected_is_heard() {
    let mut row = Row::of("descriptors used up", times(3));
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start();
    let services: String = ["a", "b"].iter().map(|name| service(name, "1m")).collect();
    std::fs::write(folder.path().join("mishpulse.toml"), config(&hook, &services)).unwrap();
    let few = ["prlimit", "--nofile=64:64"];
    let server = Server::start_under(&few, &[], folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert!(server.log().contains("fewer descriptors than there may be connections"), "{}", server.log());
    for round in 0..row.tried {
        let mut kept = Connection::to(server.address);
        kept.beat("ok", "before");
        let crowd: Vec<_> = (0..100).map(|_| TcpStream::connect(server.address).unwrap()).collect();
        until("it is said", Duration::from_secs(20), || {
            // Once, as it comes again within a minute.
            server.log().contains("no connection can be accepted").then_some(())
        });
        for number in 0..50 {
            kept.beat("ok", &number.to_string());
        }
        kept.beat("error", &format!("failure {round}"));
        row.acknowledged += 52;
        drop(crowd);
        let senders = Senders::start(&server, &["b"], Duration::from_millis(50));
        senders.wait_until_heard(Duration::from_secs(20));
        senders.stop(&server, &mut row);
        row.lost += u64::from(server.service("a")["message"] != format!("failure {round}"));
        until("it is ready", Duration::from_secs(20), || (server.get("/readyz").status == 200).then_some(()));
        kept.beat("ok", "well");
        row.acknowledged += 1;
    }
    let due = 2 * row.tried as usize;
    until("every alert arrives", Duration::from_secs(60), || (hook.got().len() >= due).then_some(()));
    row.count(due, &hook.got());
    row.print();
    server.terminate();
}

/// One that stays open.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(BufReader::new(stream))
    }

    fn beat(&mut self, status: &str, message: &str) {
        let body = format!("{{\"status\":\"{status}\",\"message\":\"{message}\"}}");
        let head = format!(
            "POST /api/heartbeat/token-a HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.0.get_mut().write_all(format!("{head}{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        while !answer.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut answer).unwrap(), 0, "hung up after {answer:?}");
        }
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let length = answer.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        self.0.read_exact(&mut vec![0; length.parse().unwrap()]).unwrap();
    }
}
