//! The server's clock; the only file that reads one.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use mishpulse_core::{Clock, Span, Timestamp};

/// Wall time when it was made, plus the time since by a clock that nobody sets and that goes on while the machine is
/// suspended (`CLOCK_BOOTTIME`). No step of the wall clock moves it.
#[derive(Debug, Clone)]
pub struct SteadyClock {
    start: Timestamp,
    started: Started,
}

impl SteadyClock {
    /// A clock that starts at the wall time of this moment.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(WallClock.now())
    }

    /// A clock that starts at `start`, for where the wall clock cannot be believed.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, started: Started::now() }
    }
}

impl Default for SteadyClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        self.start + Span::from_ms(self.started.elapsed_ms())
    }
}

/// Measures how long something took, for the metrics; nothing is decided by it.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Microseconds since it was started.
    #[must_use]
    pub fn elapsed_us(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// The wall clock, for what others compare with theirs. It may step; nothing is decided by it.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_ms(i64::try_from(unix.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A moment by a clock that goes on while the machine is suspended, where the system has one.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone)]
struct Started(rustix::time::Timespec);

#[cfg(target_os = "linux")]
impl Started {
    fn now() -> Self {
        Self(rustix::time::clock_gettime(rustix::time::ClockId::Boottime))
    }

    fn elapsed_ms(&self) -> u64 {
        let Self(now) = Self::now();
        let ms = (now.tv_sec - self.0.tv_sec) * 1000 + (now.tv_nsec - self.0.tv_nsec).div_euclid(1_000_000);
        u64::try_from(ms).unwrap_or_default()
    }
}

#[cfg(not(target_os = "linux"))]
#[derive(Debug, Clone)]
struct Started(Instant);

#[cfg(not(target_os = "linux"))]
impl Started {
    fn now() -> Self {
        Self(Instant::now())
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
