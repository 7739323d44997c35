//! Senders vanish without a word, in a network namespace: their connections are given up in time, and give their places back.

mod harness;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use harness::faults::{Network, Row, Senders, times};
use harness::{Hook, Server, config, service, until};

#[test]
fn their_places_are_given_back() {
    const VANISH: usize = 60;
    let mut row = Row::of("60 half-open connections (peer vanished)", times(2));
    let network = Network::with_links(2);
    let hook = Hook::start_on(&network.here(0));
    let folder = tempfile::tempdir().unwrap();
    let limits = "header_timeout = \"3s\"\nbody_timeout = \"3s\"\nconnections = 80\n";
    let services: String = ["a", "b"].iter().map(|name| service(name, "3s")).collect();
    let text = config(&hook, &format!("[limits]\n{limits}{services}"));
    std::fs::write(folder.path().join("mishpulse.toml"), text).unwrap();
    let anywhere = ["serve", "--listen", "0.0.0.0:0"];
    let mut server = Server::launch(&network.command(), &[], folder.path(), &anywhere);
    // It is reached by two links, one of which stays whole.
    let port = server.address.port();
    server.address.set_ip(network.there(0).parse().unwrap());
    server.wait_until_ready();
    let far = format!("{}:{port}", network.there(1));
    let senders = Senders::start(&server, &["a", "b"], Duration::from_millis(100));
    for _ in 0..row.tried {
        senders.wait_until_heard(Duration::from_secs(20));
        let before = sockets(&server);
        let vanished: Vec<_> = (0..VANISH)
            .map(|n| {
                let mut stream = TcpStream::connect(&far).unwrap();
                // In the middle of a head, of a body, between two beats, and with nothing said at all.
                let head = "POST /api/heartbeat/token-a HTTP/1.1\r\nhost: x\r\ncontent-length: ";
                match n % 4 {
                    0 => stream.write_all(head.as_bytes()).unwrap(),
                    1 => stream.write_all(format!("{head}100\r\n\r\n{{").as_bytes()).unwrap(),
                    2 => {
                        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
                        assert!(stream.read(&mut [0; 512]).unwrap() > 0);
                    }
                    _ => {}
                }
                stream
            })
            .collect();
        until("they are connected", Duration::from_secs(2), || {
            (sockets(&server) >= before + VANISH * 9 / 10).then_some(())
        });
        network.cut(1);
        drop(vanished);
        until("they are given up", Duration::from_secs(15), || {
            (sockets(&server) <= before + 5).then_some(())
        });
        network.mend(1);
        senders.wait_until_heard(Duration::from_secs(20));
        until("the link works again", Duration::from_secs(20), || {
            let answer = harness::request("GET", &format!("http://{far}/readyz"), None, &[]);
            (answer.status == 200).then_some(())
        });
    }
    senders.stop(&server, &mut row);
    row.count(0, &hook.got());
    row.print();
    server.terminate();
}

/// How many sockets the server holds.
fn sockets(server: &Server) -> usize {
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap();
    let links = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}
