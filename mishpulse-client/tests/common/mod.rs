//! A monitor made of a real socket, which writes down what it is sent and answers as the test says.

#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs of it")]
#![allow(clippy::allow_attributes, reason = "what is unused differs from test to test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Long enough for a slow machine; nothing waits for all of it where things go well.
pub const PATIENCE: Duration = Duration::from_secs(20);
pub const TOKEN: &str = "s3cret-0123456789abcdef";

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Beat {
    pub method: String,
    pub path: String,
    pub head: String,
    pub status: String,
    pub message: Option<String>,
    pub at: Instant,
    /// Which connection it came on, counted from 1.
    pub connection: usize,
}

#[derive(Debug, Clone)]
pub enum Answer {
    Ok,
    /// Status, further header lines (each with its line end), body.
    Refuse(u16, String, String),
    After(Duration),
    /// Never an answer.
    Hang,
    /// The connection is closed instead.
    Close,
}

#[derive(Default)]
struct Book {
    beats: Vec<Beat>,
    connections: usize,
}

struct Inner {
    book: Mutex<Book>,
    written: Condvar,
    answer: Mutex<Answer>,
    gone: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
    tls: Option<Arc<rustls::ServerConfig>>,
}

pub struct Monitor {
    pub address: SocketAddr,
    inner: Arc<Inner>,
    listener: Option<JoinHandle<()>>,
}

impl Monitor {
    pub fn start() -> Self {
        Self::listen(0, None)
    }

    pub fn at(port: u16) -> Self {
        Self::listen(port, None)
    }

    pub fn with_tls(config: rustls::ServerConfig) -> Self {
        Self::listen(0, Some(Arc::new(config)))
    }

    fn listen(port: u16, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            book: Mutex::default(),
            written: Condvar::new(),
            answer: Mutex::new(Answer::Ok),
            gone: AtomicBool::new(false),
            streams: Mutex::default(),
            tls,
        });
        let for_thread = Arc::clone(&inner);
        let listener = thread::spawn(move || accept(&listener, &for_thread));
        Self { address, inner, listener: Some(listener) }
    }

    pub fn url(&self) -> String {
        let scheme = if self.inner.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}/api/heartbeat/{TOKEN}", self.address.port())
    }

    pub fn answers(&self, answer: Answer) {
        *self.inner.answer.lock().unwrap() = answer;
    }

    pub fn beats(&self) -> Vec<Beat> {
        self.inner.book.lock().unwrap().beats.clone()
    }

    pub fn connections(&self) -> usize {
        self.inner.book.lock().unwrap().connections
    }

    pub fn forget(&self) {
        self.inner.book.lock().unwrap().beats.clear();
    }

    /// The first beat, past or to come, that fits.
    pub fn wait_for(&self, what: &str, fits: impl Fn(&Beat) -> bool) -> Beat {
        self.wait_until(what, |beats| beats.iter().find(|beat| fits(beat)).cloned())
    }

    pub fn wait_for_status(&self, status: &str) -> Beat {
        self.wait_for(status, |beat| beat.status == status)
    }

    pub fn wait_for_number(&self, number: usize) -> Vec<Beat> {
        self.wait_until("so many beats", |beats| (beats.len() >= number).then(|| beats.to_vec()))
    }

    pub fn wait_until<T>(&self, what: &str, found: impl Fn(&[Beat]) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        let mut book = self.inner.book.lock().unwrap();
        loop {
            if let Some(found) = found(&book.beats) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain for {what}; there were {:#?}", book.beats);
            book = self.inner.written.wait_timeout(book, left).unwrap().0;
        }
    }

    /// Closes the socket and every connection; returns the port, to come back at.
    pub fn leaves(mut self) -> u16 {
        self.close();
        self.address.port()
    }

    fn close(&mut self) {
        self.inner.gone.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            listener.join().unwrap();
        }
        for stream in self.inner.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.close();
    }
}

fn accept(listener: &TcpListener, inner: &Arc<Inner>) {
    loop {
        let (stream, _) = listener.accept().unwrap();
        if inner.gone.load(Ordering::SeqCst) {
            return;
        }
        inner.streams.lock().unwrap().push(stream.try_clone().unwrap());
        let end = stream.try_clone().unwrap();
        let connection = {
            let mut book = inner.book.lock().unwrap();
            book.connections += 1;
            book.connections
        };
        let inner = Arc::clone(inner);
        thread::spawn(move || {
            match &inner.tls {
                None => converse(stream, &inner, connection),
                Some(config) => {
                    let tls = rustls::ServerConnection::new(Arc::clone(config)).unwrap();
                    converse(rustls::StreamOwned::new(tls, stream), &inner, connection);
                }
            }
            let _ = end.shutdown(Shutdown::Both);
        });
    }
}

/// Answers one request after the other until the other side has enough.
fn converse(stream: impl Read + Write, inner: &Inner, connection: usize) {
    let mut stream = BufReader::new(stream);
    while let Some(beat) = read_request(&mut stream, connection) {
        // Settled before anyone can know of the beat and change it.
        let answer = inner.answer.lock().unwrap().clone();
        {
            let mut book = inner.book.lock().unwrap();
            book.beats.push(beat);
            inner.written.notify_all();
        }
        let (status, headers, body) = match answer {
            Answer::Ok => (200, String::new(), "{\"result\":\"ok\"}".to_owned()),
            Answer::Refuse(status, headers, body) => (status, headers, body),
            Answer::After(time) => {
                thread::sleep(time);
                (200, String::new(), "{\"result\":\"ok\"}".to_owned())
            }
            Answer::Hang => loop {
                if inner.gone.load(Ordering::SeqCst) {
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            },
            Answer::Close => return,
        };
        let length = body.len();
        let text = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n{body}");
        if stream.get_mut().write_all(text.as_bytes()).and_then(|()| stream.get_mut().flush()).is_err() {
            return;
        }
    }
}

fn read_request(stream: &mut BufReader<impl Read>, connection: usize) -> Option<Beat> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head
        .to_ascii_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length:").and_then(|length| length.trim().parse().ok()));
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    let mut words = head.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    let (status, message) = (text("status").unwrap_or_default(), text("message"));
    Some(Beat { method, path, head, status, message, at: Instant::now(), connection })
}

/// Waits for what no beat shows.
pub fn eventually(what: &str, happens: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !happens() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A port where nobody listens.
pub fn closed_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

pub fn nobody() -> String {
    format!("http://localhost:{}/api/heartbeat/{TOKEN}", closed_port())
}

/// Runs the test `name` of this file once more, as a program of its own with `variables` set: what it does depends
/// on finding them.
pub fn as_a_program(name: &str, variables: &[(&str, &str)]) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}
