//! The load generator as a process of its own, and how it is told what to do.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Args;
use mishpulse_core::testing::Rng;
use serde::{Deserialize, Serialize};

use super::Result;
use super::generator::{self, Acknowledged, Counted, Seen, Task, Turn};
use super::latency::{Latencies, Latency};

/// The order on the command line.
#[derive(Debug, Args)]
pub(crate) struct Order {
    /// A [`Load`] in JSON.
    load: String,
}

/// Who beats, how, and for how long.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    /// Those with numbers below this beat.
    pub(crate) services: u32,
    /// Beats a second; `None` for as many as are answered.
    pub(crate) rate: Option<f64>,
    /// Whether they beat in turn, each once a round, and not at random.
    pub(crate) in_turn: bool,
    pub(crate) warm_up_s: f64,
    pub(crate) seconds: f64,
    /// Where to write when the last answered beat of each service was sent: 4 bytes each, milliseconds since the start
    /// (which stands in front in Unix milliseconds, 8 bytes) and 1 more, 0 for never; little end first.
    pub(crate) acknowledged: Option<PathBuf>,
    /// How often to say how it goes.
    pub(crate) progress_s: Option<f64>,
}

impl Load {
    /// As many beats as `services` can have answered on `connections`.
    pub(crate) fn flat_out(address: SocketAddr, connections: usize, services: u32, seconds: f64) -> Self {
        Self {
            address,
            connections,
            services,
            rate: None,
            in_turn: false,
            warm_up_s: 0.5,
            seconds,
            acknowledged: None,
            progress_s: None,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Answered within the window, with 200.
    pub(crate) beats: u64,
    pub(crate) beats_a_second: f64,
    pub(crate) latency: Latency,
    /// Sent from the very start.
    pub(crate) sent: u64,
    /// Answered with 200 from the very start.
    pub(crate) answered: u64,
    /// Answers other than 200, and connections that broke, from the very start.
    pub(crate) errors: u64,
}

/// What the generator says while it works.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Word {
    /// The warm-up is over.
    Measuring,
    /// How it goes.
    Progress { answered: u64, errors: u64 },
    /// The time is over.
    Measured,
    /// The last word.
    Done(Outcome),
}

const THREADS: usize = 2;

/// Does what the command line says.
pub(crate) fn run(order: &Order) -> Result<()> {
    let load: Load = serde_json::from_str(&order.load)?;
    let counted = Counted::default();
    let unix_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis() as u64;
    let connect = |thread| -> Result<Vec<_>> {
        (0..(load.connections + thread) / THREADS).map(|_| generator::connect(load.address)).collect()
    };
    let streams: Vec<_> = (0..THREADS).map(connect).collect::<Result<_>>()?;
    let start = Instant::now();
    let from = start + Duration::from_secs_f64(load.warm_up_s);
    let window = (from, from + Duration::from_secs_f64(load.seconds));
    let seen: Vec<Seen> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .zip(streams)
            .map(|(thread, streams)| {
                let task = task(&load, (thread, streams), start, window, &counted);
                scope.spawn(move || generator::run(task))
            })
            .collect();
        report(&load, window, &counted)?;
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| "a thread panicked")?)
            .collect::<Result<_>>()
    })?;
    let mut latencies = Latencies::new();
    seen.iter().for_each(|seen| latencies.add(&seen.latencies));
    if let Some(path) = &load.acknowledged {
        write_acknowledged(path, unix_ms, &seen)?;
    }
    say(&Word::Done(Outcome {
        beats: latencies.count(),
        beats_a_second: latencies.count() as f64 / load.seconds,
        latency: latencies.summary(),
        sent: counted.sent.load(Ordering::Relaxed),
        answered: counted.answered.load(Ordering::Relaxed),
        errors: counted.errors.load(Ordering::Relaxed),
    }))
}

fn task<'a>(
    load: &Load,
    (thread, streams): (usize, Vec<TcpStream>),
    start: Instant,
    window: (Instant, Instant),
    counted: &'a Counted,
) -> Task<'a> {
    let limit = load.services;
    let turn = match load.in_turn {
        true => {
            let (place, step, limit) = (thread as u64, THREADS as u64, u64::from(limit));
            Turn::InTurn { place, step, stride: stride(limit), limit }
        }
        false => Turn::Random { rng: Rng::new(0xbea7 + thread as u64), limit },
    };
    Task {
        address: load.address,
        streams,
        turn,
        rate: load.rate.map(|rate| rate / THREADS as f64),
        window,
        counted,
        acknowledged: load
            .acknowledged
            .as_ref()
            .map(|_| Acknowledged { start, sent_ms: vec![0; limit as usize] }),
    }
}

/// About the golden part of `limit`, without a divisor in common with it.
fn stride(limit: u64) -> u64 {
    let has_divisor = |stride: u64| {
        let (mut a, mut b) = (stride, limit);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a > 1
    };
    let golden = (limit as f64 * 0.618) as u64;
    (golden.max(1)..).find(|stride| !has_divisor(*stride)).unwrap_or(1)
}

/// Says when the window begins and ends, and how it goes between.
fn report(load: &Load, (from, until): (Instant, Instant), counted: &Counted) -> Result<()> {
    sleep_until(from);
    say(&Word::Measuring)?;
    if let Some(every) = load.progress_s.map(Duration::from_secs_f64) {
        let mut next = from + every;
        while next < until {
            sleep_until(next);
            let answered = counted.answered.load(Ordering::Relaxed);
            say(&Word::Progress { answered, errors: counted.errors.load(Ordering::Relaxed) })?;
            next += every;
        }
    }
    sleep_until(until);
    say(&Word::Measured)
}

fn sleep_until(moment: Instant) {
    std::thread::sleep(moment.saturating_duration_since(Instant::now()));
}

fn say(word: &Word) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(word)?)?;
    Ok(out.flush()?)
}

fn write_acknowledged(path: &PathBuf, unix_ms: u64, seen: &[Seen]) -> Result<()> {
    let times: Vec<&[u32]> =
        seen.iter().filter_map(|seen| Some(&seen.acknowledged.as_ref()?.sent_ms[..])).collect();
    let services = times.first().map_or(0, |times| times.len());
    let mut bytes = unix_ms.to_le_bytes().to_vec();
    for number in 0..services {
        let last = times.iter().map(|times| times[number]).max().unwrap_or(0);
        bytes.extend_from_slice(&last.to_le_bytes());
    }
    Ok(std::fs::write(path, bytes)?)
}

/// A generator at work.
#[derive(Debug)]
pub(crate) struct Generator {
    child: Child,
    words: Lines<BufReader<ChildStdout>>,
}

impl Generator {
    pub(crate) fn start(load: &Load) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("generate")
            .arg(serde_json::to_string(load)?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let words = BufReader::new(child.stdout.take().ok_or("no pipe")?).lines();
        Ok(Self { child, words })
    }

    /// What it says next.
    pub(crate) fn word(&mut self) -> Result<Word> {
        let line = self.words.next().ok_or("the load generator broke off")??;
        Ok(serde_json::from_str(&line)?)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        // It has ended, or what it does is of no more use.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
