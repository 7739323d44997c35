//! Whatever comes in gets the answer that the API promises, and the server goes on.

mod harness;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use harness::{Server, request, service};

fn server(folder: &tempfile::TempDir) -> Server {
    Server::start(folder.path(), &service("a", "5m"))
}

#[test]
fn every_kind_of_bad_beat_has_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder);
    let url = server.url("/api/heartbeat/token-a");
    let too_long = format!("{{\"message\":\"{}\"}}", "x".repeat(64 * 1024));
    let much_too_long = "x".repeat(3 * 1024 * 1024);
    for (method, url, body, status) in [
        ("POST", url.as_str(), "nonsense", 400),
        ("POST", &url, "{\"status\":", 400),
        ("POST", &url, "{\"status\":\"fine\"}", 400),
        ("POST", &url, "[1]", 400),
        ("POST", &url, &too_long, 413),
        ("POST", &url, &much_too_long, 413),
        ("PUT", &url, "", 405),
        ("DELETE", &url, "", 405),
        ("POST", &server.url("/api/heartbeat/unknown"), "", 403),
        ("POST", &server.url("/api/heartbeat/not%20a%20token%21"), "", 403),
        ("POST", &server.url("/api/heartbeat/"), "", 404),
        ("POST", &server.url("/api/heartbeat/a/b"), "", 404),
        ("GET", &server.url("/api/heartbeat/token-a?status=fine"), "", 400),
        ("GET", &server.url("/nowhere"), "", 404),
        ("POST", &server.url("/api/status"), "", 405),
        ("GET", &server.url("/api/status?status=fine"), "", 400),
        ("GET", &server.url("/api/status?limit=0"), "", 400),
    ] {
        let answer = request(method, url, (!body.is_empty()).then_some(body), &[]);
        assert_eq!(answer.status, status, "{method} {url}: {}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let problem = answer.json();
        assert_eq!(problem["status"], status);
        for field in ["type", "title", "detail"] {
            assert!(problem[field].is_string(), "{field} in {problem}");
        }
        if status == 405 {
            assert!(
                answer.header("allow").is_some_and(|allow| allow.contains("GET")),
                "{:?}",
                answer.headers
            );
        }
    }
    assert_eq!(server.service("a")["status"], "new", "nothing of it counted");
}

#[test]
fn every_kind_of_good_beat_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder);
    let url = server.url("/api/heartbeat/token-a");
    for (method, query, body, status, message) in [
        ("POST", "", Some(""), "alive", None),
        ("POST", "", Some("{}"), "alive", None),
        ("POST", "", Some("{\"message\":\"m\",\"more\":1}"), "alive", Some("m")),
        ("POST", "", Some("{\"status\":\"warning\"}"), "warning", None),
        ("GET", "?status=error&message=disk+full", None, "error", Some("disk full")),
        ("HEAD", "?status=ok", None, "alive", None),
        ("GET", "", None, "alive", None),
    ] {
        let answer = request(method, &format!("{url}{query}"), body, &[]);
        assert_eq!(answer.status, 200, "{method} {query} {body:?}");
        let shown = server.service("a");
        assert_eq!(shown["status"], status, "{method} {query} {body:?}");
        assert_eq!(shown["message"].as_str(), message);
    }
    let long = "я".repeat(5000);
    assert_eq!(server.beat("token-a", &format!("{{\"message\":\"{long}\"}}")).status, 200);
    assert_eq!(server.service("a")["message"].as_str().unwrap().len(), 4096);
}

#[test]
fn slow_and_half_open_senders_are_cut() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        format!("{}\n[limits]\nheader_timeout = \"1s\"\nbody_timeout = \"1s\"\n", service("a", "5m"));
    let server = Server::start(folder.path(), &config);
    for (sent, answered) in [
        ("", ""),
        ("POST /api/heartbeat/token-a HT", ""),
        ("POST /api/heartbeat/token-a HTTP/1.1\r\ncontent-length: 9\r\n\r\n{", "408"),
    ] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(sent.as_bytes()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let begun = Instant::now();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(begun.elapsed() < Duration::from_secs(5), "{sent:?} was not cut");
        assert!(answer.contains(answered), "{sent:?}: {answer}");
    }
    assert_eq!(server.beat("token-a", "").status, 200);
}

/// Seconds of random bytes from `MISHPULSE_NOISE_SECS`, else 3.
#[test]
fn random_bytes_neither_stop_nor_slow_the_server() {
    let secs = std::env::var("MISHPULSE_NOISE_SECS").ok().and_then(|secs| secs.parse().ok()).unwrap_or(3);
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder);
    let address = server.address;
    let end = Instant::now() + Duration::from_secs(secs);
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let noise: Vec<_> = (0..4_u64)
        .map(|n| {
            std::thread::spawn(move || {
                let mut random = Random(seed + n);
                let mut connections = 0_u64;
                while Instant::now() < end {
                    let Ok(mut stream) = TcpStream::connect(address) else { continue };
                    connections += 1;
                    let _ = stream.write_all(&random.request());
                    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
                    let _ = stream.read(&mut [0; 4096]);
                }
                connections
            })
        })
        .collect();
    let mut slowest = Duration::ZERO;
    let mut beats = 0_u64;
    while Instant::now() < end {
        let begun = Instant::now();
        assert_eq!(server.beat("token-a", "").status, 200, "{}", server.log());
        slowest = slowest.max(begun.elapsed());
        beats += 1;
    }
    let connections: u64 = noise.into_iter().map(|thread| thread.join().unwrap()).sum();
    println!(
        "{connections} connections of noise in {secs} s, {beats} beats taken beside it, the slowest in {slowest:?}"
    );
    assert!(connections > 100 && beats > 100, "{connections} {beats}");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// A small generator of random numbers, so that a seed replays a run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Bytes without sense, or a request with some bytes turned.
    fn request(&mut self) -> Vec<u8> {
        let length = (self.next() % 2000) as usize;
        if self.next().is_multiple_of(2) {
            return (0..length).map(|_| self.next() as u8).collect();
        }
        let mut request = b"POST /api/heartbeat/token-a HTTP/1.1\r\nhost: a\r\ncontent-length: 15\r\n\r\n{\"status\":\"ok\"}".to_vec();
        for _ in 0..=self.next() % 4 {
            let place = (self.next() % request.len() as u64) as usize;
            request[place] = self.next() as u8;
        }
        request
    }
}

#[test]
fn one_address_cannot_take_every_place() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{}\n[limits]\nconnections_per_address = 3\n", service("a", "5m"));
    let server = Server::start(folder.path(), &config);
    let ask = |stream: &mut TcpStream| {
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n");
        let mut answer = [0; 12];
        stream.read(&mut answer).is_ok_and(|read| read > 0)
    };
    let mut held = Vec::new();
    harness::until("three connections are held", Duration::from_secs(10), || {
        let mut stream = TcpStream::connect(server.address).unwrap();
        if ask(&mut stream) {
            held.push(stream);
        }
        (held.len() == 3).then_some(())
    });
    assert!(!ask(&mut TcpStream::connect(server.address).unwrap()), "a fourth one was answered");
    held.pop();
    harness::until("a place that was given back is taken", Duration::from_secs(10), || {
        ask(&mut TcpStream::connect(server.address).unwrap()).then_some(())
    });
}

/// Sends `bytes` as they are, and what comes back within a few seconds.
fn raw(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).unwrap_or(0);
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[test]
fn sloppy_and_broken_requests_are_answered_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder);
    let beat = b"POST /api/heartbeat/token-a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}\r\n";
    assert!(raw(&server, beat).starts_with("HTTP/1.1 200"), "a stray line behind the body");
    for broken in ["GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", "nonsense\r\n\r\n"] {
        let answer = raw(&server, broken.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400"), "{broken:?}: {answer:?}");
    }
    let with_headers = |count: usize| {
        let more = "x-more: 1\r\n".repeat(count - 1);
        raw(&server, format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{more}\r\n").as_bytes())
    };
    assert!(with_headers(64).starts_with("HTTP/1.1 200"), "as many headers as may be");
    let answer = with_headers(65);
    assert!(answer.starts_with("HTTP/1.1 431") && answer.contains("at most"), "one more: {answer:?}");
    assert!(with_headers(200).starts_with("HTTP/1.1 431"), "far more");
    let announced = b"POST /api/heartbeat/token-a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n";
    assert!(raw(&server, announced).starts_with("HTTP/1.1 413"), "a long body is not asked for");
}
