//! One thread of the load generator: an epoll loop over its connections, one request at a time on each.
//!
//! It shares the cores with the server, so it does as little as it can: requests are made once, answers are compared with
//! the one before, and the clock is read once an answer.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use mishpulse_core::testing::Rng;

use super::Result;
use super::fleet;
use super::latency::Latencies;
use super::open_loop::Schedule;
use super::wire::{Answer, Reader, Request};

/// What one thread has to do.
#[derive(Debug)]
pub(crate) struct Task<'a> {
    pub(crate) address: SocketAddr,
    /// Connected before the time began: under load that takes longer than a window.
    pub(crate) streams: Vec<std::net::TcpStream>,
    pub(crate) turn: Turn,
    /// Beats a second; `None` for as many as are answered.
    pub(crate) rate: Option<f64>,
    /// What is answered between these counts.
    pub(crate) window: (Instant, Instant),
    pub(crate) counted: &'a Counted,
    /// Where the times of the last beats that were answered are kept, if they are.
    pub(crate) acknowledged: Option<Acknowledged>,
}

/// What all threads have counted so far, from the very start.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) sent: AtomicU64,
    pub(crate) answered: AtomicU64,
    pub(crate) errors: AtomicU64,
}

/// Whose beat is next.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Anyone's below the limit.
    Random { rng: Rng, limit: u32 },
    /// Each below the limit once a round, in an order that follows no database's: `stride` has no divisor in common with
    /// the limit.
    InTurn { place: u64, step: u64, stride: u64, limit: u64 },
}

impl Turn {
    fn next(&mut self) -> u32 {
        match self {
            Self::Random { rng, limit } => rng.below(u64::from(*limit)) as u32,
            Self::InTurn { place, step, stride, limit } => {
                let number = *place % *limit * *stride % *limit;
                *place += *step;
                number as u32
            }
        }
    }
}

/// When the last answered beat of each service was sent, in milliseconds since a start, and 1 more; 0 for never.
#[derive(Debug)]
pub(crate) struct Acknowledged {
    pub(crate) start: Instant,
    pub(crate) sent_ms: Vec<u32>,
}

/// What one thread has seen.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) latencies: Latencies,
    pub(crate) acknowledged: Option<Acknowledged>,
}

/// Beats until the end of the window, then waits a moment for what is under way.
pub(crate) fn run(task: Task<'_>) -> Result<Seen> {
    let mut worker = Worker::new(task)?;
    worker.work()?;
    Ok(Seen { latencies: worker.latencies, acknowledged: worker.task.acknowledged })
}

struct Worker<'a> {
    task: Task<'a>,
    poll: Poll,
    connections: Vec<Connection>,
    /// Those on which nothing is under way; the one that has been idle for longest is next, so that none is for long.
    free: VecDeque<usize>,
    schedule: Option<Schedule>,
    request: Request,
    reader: Reader,
    latencies: Latencies,
    sent: u64,
    answered: u64,
    errors: u64,
}

struct Connection {
    stream: TcpStream,
    /// When its request was due.
    began: Instant,
    /// Whose it was.
    number: u32,
    buffer: [u8; 1024],
    filled: usize,
    /// A request is under way.
    is_busy: bool,
}

/// The timer's place among the events; connections have their index.
pub(crate) const TIMER: Token = Token(usize::MAX);
/// How long answers to the last requests are waited for.
const DRAIN: Duration = Duration::from_secs(2);

impl<'a> Worker<'a> {
    fn new(mut task: Task<'a>) -> Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(task.streams.len());
        for (index, stream) in std::mem::take(&mut task.streams).into_iter().enumerate() {
            connections.push(Connection {
                stream: watched(stream, &poll, index)?,
                began: task.window.0,
                number: 0,
                buffer: [0; 1024],
                filled: 0,
                is_busy: false,
            });
        }
        Ok(Self {
            free: (0..connections.len()).collect(),
            schedule: task.rate.map(|rate| Schedule::new(rate, &poll)).transpose()?,
            request: Request::new(task.address),
            reader: Reader::default(),
            latencies: Latencies::new(),
            sent: 0,
            answered: 0,
            errors: 0,
            task,
            poll,
            connections,
        })
    }

    fn work(&mut self) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        let end = self.task.window.1;
        self.send_on_free(Instant::now())?;
        loop {
            self.poll.poll(&mut events, Some(Duration::from_millis(100)))?;
            for event in &events {
                match event.token() {
                    TIMER => {
                        if let Some(schedule) = &mut self.schedule {
                            schedule.tick()?;
                        }
                    }
                    Token(index) => self.receive(index)?,
                }
            }
            let now = Instant::now();
            if now < end {
                self.send_on_free(now)?;
            } else if self.free.len() == self.connections.len() || now > end + DRAIN {
                self.count();
                return Ok(());
            }
            self.count();
        }
    }

    /// Sends what is due on the connections that are free.
    fn send_on_free(&mut self, now: Instant) -> Result<()> {
        while let Some(index) = self.free.pop_front() {
            let due = match &mut self.schedule {
                None => Some(now),
                Some(schedule) => schedule.due(),
            };
            match due {
                Some(due) => self.send(index, due)?,
                None => {
                    self.free.push_front(index);
                    break;
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, index: usize, due: Instant) -> Result<()> {
        let connection = &mut self.connections[index];
        connection.number = self.task.turn.next();
        (connection.began, connection.filled, connection.is_busy) = (due, 0, true);
        let request = self.request.with(fleet::token(connection.number));
        self.sent += 1;
        // A request is far smaller than the socket's buffer, which is empty.
        match connection.stream.write(request) {
            Ok(sent) if sent == request.len() => Ok(()),
            _ => self.start_anew(index),
        }
    }

    /// Reads what there is. One read does, as no more than one answer is under way: what comes later is a new event.
    fn receive(&mut self, index: usize) -> Result<()> {
        let connection = &mut self.connections[index];
        let read = connection.stream.read(&mut connection.buffer[connection.filled..]);
        let read = match read {
            Ok(read) if read > 0 => read,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
            _ => return self.start_anew(index),
        };
        connection.filled += read;
        match self.reader.read(&connection.buffer[..connection.filled]) {
            Answer::Partial if connection.filled < connection.buffer.len() => Ok(()),
            Answer::Whole { is_ok } => self.finish(index, is_ok),
            _ => self.start_anew(index),
        }
    }

    fn finish(&mut self, index: usize, is_ok: bool) -> Result<()> {
        let now = Instant::now();
        self.connections[index].is_busy = false;
        let (began, number) = (self.connections[index].began, self.connections[index].number);
        let (from, until) = self.task.window;
        if is_ok {
            self.answered += 1;
            if from <= now && now < until {
                self.latencies.record(now - began);
            }
            if let Some(Acknowledged { start, sent_ms }) = &mut self.task.acknowledged {
                sent_ms[number as usize] = (began - *start).as_millis() as u32 + 1;
            }
        } else {
            self.errors += 1;
        }
        if self.schedule.is_none() && now < until {
            return self.send(index, now);
        }
        self.free.push_back(index);
        Ok(())
    }

    /// Another connection takes the place of one that has ended. An error is what went wrong with a request; that a server closes
    /// what has been idle for long is none.
    fn start_anew(&mut self, index: usize) -> Result<()> {
        let connection = &mut self.connections[index];
        connection.stream = watched(connect(self.task.address)?, &self.poll, index)?;
        if std::mem::take(&mut connection.is_busy) {
            self.errors += 1;
            self.free.push_back(index);
        }
        Ok(())
    }

    fn count(&mut self) {
        let Counted { sent, answered, errors } = self.task.counted;
        sent.fetch_add(std::mem::take(&mut self.sent), Ordering::Relaxed);
        answered.fetch_add(std::mem::take(&mut self.answered), Ordering::Relaxed);
        errors.fetch_add(std::mem::take(&mut self.errors), Ordering::Relaxed);
    }
}

pub(crate) fn connect(address: SocketAddr) -> Result<std::net::TcpStream> {
    let stream = std::net::TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

fn watched(stream: std::net::TcpStream, poll: &Poll, index: usize) -> Result<TcpStream> {
    let mut stream = TcpStream::from_std(stream);
    poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
    Ok(stream)
}
