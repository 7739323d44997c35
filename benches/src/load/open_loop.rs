//! Beats at a rate of their own, whether or not the server keeps up: what is due waits for a free connection, and the wait
//! counts as latency.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Interest, Poll};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use super::Result;
use super::generator::TIMER;

/// When beats are due: those of a tick, at its beginning.
#[derive(Debug)]
pub(crate) struct Schedule {
    timer: OwnedFd,
    start: Instant,
    ticks: u32,
    beats_a_tick: f64,
    /// The part of a beat that is owed.
    owed: f64,
    due: VecDeque<Instant>,
}

/// Short beside an answer, long beside a system call.
const TICK: Duration = Duration::from_micros(250);

impl Schedule {
    /// `rate` beats a second from now on, told by `poll`.
    pub(crate) fn new(rate: f64, poll: &Poll) -> Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let tick = Timespec { tv_sec: 0, tv_nsec: i64::from(TICK.subsec_nanos()) };
        let every = Itimerspec { it_interval: tick, it_value: tick };
        let start = Instant::now();
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &every)?;
        poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), TIMER, Interest::READABLE)?;
        let beats_a_tick = rate * TICK.as_secs_f64();
        Ok(Self { timer, start, ticks: 0, beats_a_tick, owed: 0.0, due: VecDeque::new() })
    }

    /// Takes note of the ticks that have passed.
    pub(crate) fn tick(&mut self) -> Result<()> {
        let mut passed = [0; 8];
        match rustix::io::read(&self.timer, &mut passed) {
            Ok(_) => {}
            Err(rustix::io::Errno::AGAIN) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        for _ in 0..u64::from_ne_bytes(passed) {
            self.ticks += 1;
            self.owed += self.beats_a_tick;
            let beats = self.owed as usize;
            self.owed -= beats as f64;
            let at = self.start + TICK * self.ticks;
            self.due.extend(std::iter::repeat_n(at, beats));
        }
        Ok(())
    }

    /// When the oldest beat that was not sent yet was due; it is sent now.
    pub(crate) fn due(&mut self) -> Option<Instant> {
        self.due.pop_front()
    }
}
