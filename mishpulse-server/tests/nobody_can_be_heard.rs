//! No connection can be accepted: descriptors are used up, or every place is taken by clients that say nothing. Nobody is called
//! dead for that, who is connected still counts, and who really died is found within one timeout of its end.

mod harness;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Hook, Server, config, service, until};

/// Connections that say nothing.
fn hold(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let connect = |_| TcpStream::connect_timeout(&address, Duration::from_secs(5));
    (0..count).map_while(|n| connect(n).ok()).collect()
}

/// Sends a beat on a connection that is open already, and reads the start of the answer.
fn beat_on(mut stream: &TcpStream, token: &str) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let head = format!("POST /api/heartbeat/{token} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 256];
    let length = stream.read(&mut answer).unwrap_or(0);
    String::from_utf8_lossy(&answer[..length]).lines().next().unwrap_or_default().to_owned()
}

fn services(connections: usize) -> String {
    let limits = format!("[limits]\nconnections = {connections}\n\n");
    format!("{limits}{}{}", service("silent", "3s"), service("connected", "3s"))
}

/// What there was to say while nobody could be heard, and after.
fn story(server: &Server, hook: &Hook, connected: &TcpStream, held: Vec<TcpStream>) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(8) {
        assert_eq!(beat_on(connected, "token-connected"), "HTTP/1.1 200 OK");
        std::thread::sleep(Duration::from_millis(300));
    }
    assert!(hook.got().is_empty(), "nobody is dead, since nobody could be heard: {:?}", hook.events());
    drop(held);
    until("it answers again", Duration::from_secs(20), || {
        (server.get("/readyz").status == 200).then_some(())
    });
    // Who was connected all the time goes on; who was not had no chance, and gets one full timeout from the end.
    let seen = server.service("silent");
    assert_eq!(seen["status"], "alive", "{seen}\n{}", server.log());
    let got = hook.wait_for(1, Duration::from_secs(20));
    assert_eq!((got[0].event(), &got[0].json["service"]["name"]), ("service.dead", &"silent".into()));
    assert_eq!(beat_on(connected, "token-connected").split(' ').nth(1), Some("200"));
    let log = server.log();
    assert!(log.contains("was not listening"), "{log}");
    println!("{}", log.lines().filter(|line| !line.contains(" INFO ")).collect::<Vec<_>>().join("\n"));
    assert!(log.matches("WARN").count() < 8, "the log is not flooded:\n{log}");
}

fn start(connections: usize, descriptors: usize) -> (tempfile::TempDir, Hook, Server, TcpStream) {
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start();
    std::fs::write(folder.path().join("mishpulse.toml"), config(&hook, &services(connections))).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {descriptors}; exec \"$0\" serve --listen 127.0.0.1:0")]);
    command.arg(env!("CARGO_BIN_EXE_mishpulse")).current_dir(folder.path());
    let server = Server::start_by(command);
    let connected = TcpStream::connect(server.address).unwrap();
    assert_eq!(beat_on(&connected, "token-connected"), "HTTP/1.1 200 OK");
    assert_eq!(server.beat("token-silent", "").status, 200);
    (folder, hook, server, connected)
}

#[test]
fn every_place_is_taken_by_clients_that_say_nothing() {
    let (_folder, hook, server, connected) = start(40, 1024);
    let held = hold(server.address, 60);
    until("all places are taken", Duration::from_secs(10), || {
        server.log().contains("all connections are taken").then_some(())
    });
    story(&server, &hook, &connected, held);
}

#[test]
fn descriptors_are_used_up() {
    let (_folder, hook, server, connected) = start(500, 64);
    let held = hold(server.address, 100);
    until("no connection is accepted", Duration::from_secs(10), || {
        server.log().contains("no connection can be accepted").then_some(())
    });
    story(&server, &hook, &connected, held);
}
