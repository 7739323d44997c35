//! Looking at a server from outside: a page of it, and how it answers while something happens to it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Result;
use super::fleet;
use super::latency::{Latencies, Latency};
use super::wire::{Answer, Reader, Request};

/// Gets a page, hands its bytes to `each` as they come in, and says how many there were; head included.
pub(crate) fn fetch(address: SocketAddr, path: &str, mut each: impl FnMut(&[u8])) -> Result<u64> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let (mut buffer, mut bytes) = (vec![0; 64 * 1024], 0);
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(bytes),
            read => {
                each(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}

/// One number of `/metrics`; `None` where there is none of this name, labels included.
pub(crate) fn metric(address: SocketAddr, name: &str) -> Result<Option<f64>> {
    let mut page = Vec::new();
    fetch(address, "/metrics", |bytes| page.extend_from_slice(bytes))?;
    let page = String::from_utf8_lossy(&page);
    let values = page.lines().filter_map(|line| line.strip_prefix(name));
    Ok(values.filter_map(|rest| rest.strip_prefix(' ')).find_map(|value| value.trim().parse().ok()))
}

/// How many services are dead, as the server counts.
pub(crate) fn dead(address: SocketAddr) -> Result<f64> {
    Ok(metric(address, r#"mishpulse_services{status="dead"}"#)?.unwrap_or(0.0))
}

/// Sends a beat each millisecond, on one connection, and watches how long the answers take.
#[derive(Debug)]
pub(crate) struct Prober {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Latency>>,
}

impl Prober {
    pub(crate) fn start(address: SocketAddr, number: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || probe(address, number, &stopped));
        Self { stop, thread }
    }

    /// Stops it; how long answers took, and the longest that one did.
    pub(crate) fn finish(self) -> Result<Latency> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the prober panicked")?
    }
}

fn probe(address: SocketAddr, number: u32, stop: &AtomicBool) -> Result<Latency> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let (mut request, mut reader, mut latencies) =
        (Request::new(address), Reader::default(), Latencies::new());
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        stream.write_all(request.with(fleet::token(number)))?;
        let (mut buffer, mut filled) = ([0; 1024], 0);
        loop {
            let read = stream.read(&mut buffer[filled..])?;
            filled += read;
            match reader.read(&buffer[..filled]) {
                Answer::Whole { is_ok: true } => break,
                Answer::Partial if read > 0 => {}
                answer => {
                    return Err(format!("a beat in between was not answered with 200: {answer:?}").into());
                }
            }
        }
        let took = began.elapsed();
        latencies.record(took);
        std::thread::sleep(Duration::from_millis(1).saturating_sub(took));
    }
    Ok(latencies.summary())
}
