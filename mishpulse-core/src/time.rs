//! Points in time and lengths of time, in whole milliseconds, and who may tell the time.

use core::fmt;
use core::num::NonZeroU64;
use core::ops::Add;
use core::str::FromStr;

use crate::error::ParseSpanError;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
///
/// Takes 8 bytes, and so does `Option<Timestamp>`. The range is that of `i64` but for `i64::MIN`, which counts as
/// `i64::MIN + 1`: about 292 million years either way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(NonZeroU64);

/// Flipping the sign bit maps `i64` onto `u64` in the same order, which leaves 0 free for `None`.
const SIGN: u64 = 1 << 63;

impl Timestamp {
    /// The point `ms` milliseconds after the Unix epoch (before it, where negative).
    #[must_use]
    pub const fn from_unix_ms(ms: i64) -> Self {
        match NonZeroU64::new((ms as u64) ^ SIGN) {
            Some(bits) => Self(bits),
            None => Self(NonZeroU64::MIN),
        }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_ms(self) -> i64 {
        (self.0.get() ^ SIGN) as i64
    }

    /// How long after `earlier` this is; zero where it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.get().saturating_sub(earlier.0.get()))
    }

    /// `span` after this; `None` past the end of time.
    pub(crate) fn checked_add(self, span: Span) -> Option<Self> {
        self.0.checked_add(span.0).map(Self)
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;

    /// Saturates at the end of time.
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.unix_ms())
    }
}

/// A length of time in whole milliseconds, never negative.
///
/// Written as people write it: `"90s"`, `"5m"`, `"1h30m"`, `"2d"`; units `ms`, `s`, `m`, `h`, `d` (24 h) and `w` (7 d).
///
/// ```
/// use mishpulse_core::Span;
///
/// let span: Span = "1h30m".parse()?;
/// assert_eq!(span, Span::from_secs(5400));
/// assert_eq!(span.to_string(), "1h30m");
/// # Ok::<(), mishpulse_core::ParseSpanError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// The longest length of time that can be written: 3,650 days.
    pub const LONGEST: Self = Self(3650 * 24 * 60 * 60 * 1000);

    /// `ms` milliseconds.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// `secs` seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// In milliseconds.
    #[must_use]
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// Half of it, rounded down.
    #[must_use]
    pub const fn half(self) -> Self {
        Self(self.0 / 2)
    }
}

impl Add for Span {
    type Output = Self;

    /// Saturates.
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl From<Span> for core::time::Duration {
    fn from(span: Span) -> Self {
        Self::from_millis(span.0)
    }
}

/// Units from the longest to the shortest, in which order a span is written and read.
const UNITS: [(&str, u64); 6] =
    [("w", 7 * 86_400_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl FromStr for Span {
    type Err = ParseSpanError;

    fn from_str(text: &str) -> Result<Self, ParseSpanError> {
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(ParseSpanError::Empty);
        }
        let mut total_ms: u64 = 0;
        let mut units_left = &UNITS[..];
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
            let (number, unit) = (&rest[..digits], &rest[digits..digits + letters]);
            if digits == 0 {
                return Err(ParseSpanError::NoNumber);
            }
            if letters == 0 {
                return Err(ParseSpanError::NoUnit);
            }
            let place = units_left.iter().position(|(name, _)| *name == unit).ok_or(
                if UNITS.iter().any(|(name, _)| *name == unit) {
                    ParseSpanError::Order
                } else {
                    ParseSpanError::UnknownUnit
                },
            )?;
            let number: u64 = number.parse().map_err(|_| ParseSpanError::TooLong)?;
            total_ms = number
                .checked_mul(units_left[place].1)
                .and_then(|ms| ms.checked_add(total_ms))
                .filter(|ms| *ms <= Self::LONGEST.0)
                .ok_or(ParseSpanError::TooLong)?;
            units_left = &units_left[place + 1..];
            rest = rest[digits + letters..].trim_start();
        }
        Ok(Self(total_ms))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest_ms = self.0;
        // Weeks are read but not written: "14d" is what people say.
        for (name, unit_ms) in &UNITS[1..] {
            if rest_ms >= *unit_ms {
                write!(f, "{}{name}", rest_ms / unit_ms)?;
                rest_ms %= unit_ms;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who tells the time to a program that drives a watchdog.
///
/// The watchdog itself never reads a clock: it is for the code around it, so that tests can put a [`ManualClock`] there.
pub trait Clock {
    /// The time now. It must never go backwards, and must count the time for which the machine was suspended.
    fn now(&self) -> Timestamp;
}

/// A clock that stands still until it is told to move; for tests and simulations.
///
/// ```
/// use mishpulse_core::{Clock, ManualClock, Span, Timestamp};
///
/// let clock = ManualClock::new(Timestamp::from_unix_ms(0));
/// clock.advance(Span::from_secs(60));
/// assert_eq!(clock.now(), Timestamp::from_unix_ms(60_000));
/// ```
// Some small processors have no atomic that wide.
#[cfg(target_has_atomic = "64")]
#[derive(Debug)]
pub struct ManualClock(core::sync::atomic::AtomicU64);

#[cfg(target_has_atomic = "64")]
impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self(core::sync::atomic::AtomicU64::new(now.0.get()))
    }

    /// Moves the clock on by `span`.
    pub fn advance(&self, span: Span) {
        self.set(self.now() + span);
    }

    /// Sets the clock to `now`, which may lie in the past.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0.get(), core::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(target_has_atomic = "64")]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        NonZeroU64::new(self.0.load(core::sync::atomic::Ordering::SeqCst))
            .map_or(Timestamp(NonZeroU64::MIN), Timestamp)
    }
}

/// The operating system's clock, for small embedders: wall time when it was made, plus monotonic time since.
///
/// No step of the wall clock moves it. Whether it counts the time of a suspend depends on the platform's
/// [`Instant`](std::time::Instant) (on Linux it does not).
#[cfg(feature = "std")]
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Timestamp,
    started: std::time::Instant,
}

#[cfg(feature = "std")]
impl SystemClock {
    /// A clock that starts at the wall time of this moment.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place in this crate that reads a clock, and only under `std`"
    )]
    pub fn new() -> Self {
        let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let start = Timestamp::from_unix_ms(i64::try_from(unix.as_millis()).unwrap_or(i64::MAX));
        Self { start, started: std::time::Instant::now() }
    }
}

#[cfg(feature = "std")]
impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "std")]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.start + Span::from_ms(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(feature = "serde")]
mod serde_impls {
    use alloc::string::{String, ToString};

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use super::{Span, Timestamp};

    /// As Unix milliseconds.
    impl Serialize for Timestamp {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_i64(self.unix_ms())
        }
    }

    impl<'de> Deserialize<'de> for Timestamp {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            i64::deserialize(deserializer).map(Self::from_unix_ms)
        }
    }

    /// As text such as `"1h30m"`.
    impl Serialize for Span {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(&self.to_string())
        }
    }

    impl<'de> Deserialize<'de> for Span {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_timestamp_keeps_its_milliseconds_and_their_order() {
        let points = [i64::MIN + 1, -1, 0, 1, 1_760_616_000_000, i64::MAX];
        for pair in points.windows(2) {
            assert!(Timestamp::from_unix_ms(pair[0]) < Timestamp::from_unix_ms(pair[1]));
        }
        for ms in points {
            assert_eq!(Timestamp::from_unix_ms(ms).unix_ms(), ms);
        }
        assert_eq!(size_of::<Option<Timestamp>>(), 8);
    }

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, ms) in [
            ("90s", 90_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("250ms", 250),
            ("0s", 0),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.as_ms(), ms, "{text}");
        }
        assert_eq!("2w".parse(), Ok(Span::from_secs(14 * 86_400)));
        assert_eq!("1h 30m".parse(), Ok(Span::from_secs(5400)));
        assert_eq!(Span::from_secs(90).to_string(), "1m30s");
    }

    #[test]
    fn a_wrong_span_says_what_is_wrong() {
        for (text, error) in [
            ("", ParseSpanError::Empty),
            ("300", ParseSpanError::NoUnit),
            ("-5m", ParseSpanError::NoNumber),
            ("m", ParseSpanError::NoNumber),
            ("1.5h", ParseSpanError::NoUnit),
            ("5x", ParseSpanError::UnknownUnit),
            ("5M", ParseSpanError::UnknownUnit),
            ("5m1h", ParseSpanError::Order),
            ("5m5m", ParseSpanError::Order),
            ("4000d", ParseSpanError::TooLong),
            ("99999999999999999999s", ParseSpanError::TooLong),
            ("5µs", ParseSpanError::NoUnit),
        ] {
            assert_eq!(text.parse::<Span>(), Err(error), "{text}");
        }
    }
}
