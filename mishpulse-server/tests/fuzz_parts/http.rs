//! Requests to a whole server.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mishpulse_core::{ManualClock, Timestamp};
use mishpulse_server::config::Environment;
use mishpulse_server::{App, Running, Settings};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub const KEY: &str = "admin-key-of-the-fuzzing-0123456789abcdef";
pub const START: Timestamp = Timestamp::from_unix_ms(1_760_616_000_000);

/// A server in this process, whose clock stands still.
pub struct Inside {
    pub address: SocketAddr,
    runtime: Runtime,
    running: Option<Running>,
}

impl Inside {
    /// `Err` says why it does not start.
    pub fn start(data: &Path, config: &str) -> Result<Self, String> {
        let text = format!("admin_key = \"{KEY}\"\n{config}");
        let mut settings = Settings::parse("fuzz.toml", &text, &Environment::default()).unwrap().settings;
        settings.data_dir = data.to_owned();
        let clock = Arc::new(ManualClock::new(START));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let running = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            App::prepare(settings, listener)?.start(Some(clock))
        });
        let running = running.map_err(|error| error.to_string())?;
        Ok(Self { address: running.address(), runtime, running: Some(running) })
    }

    /// The answer to `request`, which closes the connection.
    pub fn ask(&self, request: &[u8], is_whole: bool) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut answer = Vec::new();
        // It may hang up before all is said.
        let _ = stream.write_all(request);
        if !is_whole {
            let _ = stream.shutdown(Shutdown::Write);
        }
        let mut piece = vec![0; 64 * 1024];
        loop {
            match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => answer.extend_from_slice(&piece[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
                Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&answer)),
            }
            // A live stream has no end.
            if answer.windows(17).any(|words| words == b"text/event-stream") {
                break;
            }
        }
        answer
    }

    pub fn get(&self, path: &str) -> u16 {
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\nconnection: close\r\n\r\n"
        );
        status(&self.ask(head.as_bytes(), true))
    }

    pub fn post(&self, path: &str, body: &str) -> u16 {
        status(&self.ask(&request("POST", path.as_bytes(), body.as_bytes()), true))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

pub struct Http {
    server: Inside,
    _folder: tempfile::TempDir,
}

impl Http {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let services: String = ["a", "b"]
            .iter()
            .map(|name| format!("[[services]]\nname = \"{name}\"\ntoken = \"token-{name}\"\n"))
            .collect();
        let config = format!("log_level = \"error\"\n[limits]\nservices = 300\n{services}");
        Self { server: Inside::start(&folder.path().join("data"), &config).unwrap(), _folder: folder }
    }

    /// The first byte says what the others are.
    pub fn run(&self, data: &[u8]) {
        let (first, rest) = data.split_first().unwrap_or((&0, &[]));
        let target = |start: &[u8]| [start, &uri(rest)[..]].concat();
        let (whole, is_whole) = match first % 8 {
            0 => (request("POST", b"/api/heartbeat/token-a", rest), true),
            1 => (request("GET", &target(b"/api/heartbeat/token-a?"), b""), true),
            2 => (request("POST", b"/api/services", rest), true),
            3 => (request("PATCH", b"/api/services/b", rest), true),
            4 => (request("GET", &target(b"/"), b""), true),
            5 => (request("DELETE", &target(b"/api/services/"), b""), true),
            6 => {
                let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                let body = rest.get(end + 1..).unwrap_or_default();
                (request("POST", &[b"/", &uri(&rest[..end])[..]].concat(), body), true)
            }
            _ => (rest.to_vec(), false),
        };
        let answer = self.server.ask(&whole, is_whole);
        if is_whole || !answer.is_empty() {
            let status = status(&answer);
            assert!((200..500).contains(&status), "{}", String::from_utf8_lossy(&answer));
        }
    }
}

fn request(method: &str, path: &[u8], body: &[u8]) -> Vec<u8> {
    let head = format!(
        " HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [method.as_bytes(), b" ", path, head.as_bytes(), body].concat()
}

/// Bytes that cannot stand in a URI are encoded.
fn uri(bytes: &[u8]) -> Vec<u8> {
    let encode = |byte: &u8| match byte {
        b'!'..=b'~' if !b"\"<>\\^`{|}#".contains(byte) => vec![*byte],
        _ => format!("%{byte:02x}").into_bytes(),
    };
    bytes.iter().flat_map(encode).collect()
}

/// The status of an answer; 200 where it is no more than a word to go on.
fn status(answer: &[u8]) -> u16 {
    let text = String::from_utf8_lossy(answer);
    // Before the answer its sender may have been asked to go on.
    let text = text.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&text);
    if text.is_empty() {
        return 200;
    }
    let rest = text.strip_prefix("HTTP/1.1 ").or_else(|| text.strip_prefix("HTTP/1.0 "));
    let status = rest.and_then(|text| text.get(..3)?.parse().ok());
    status.unwrap_or_else(|| panic!("no answer but {text:?}"))
}
