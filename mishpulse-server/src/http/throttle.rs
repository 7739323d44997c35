//! Whoever sends wrong keys again and again is slowed down.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use mishpulse_core::{Clock, Span, Timestamp};

use super::limit::source;

/// Counts the wrong keys that came from each address, for as many addresses as it has room for.
///
/// After so many in a row an address has to wait before its next try, longer after each further wrong key. What comes
/// sooner is not looked at, right or wrong: otherwise guessing would cost nothing. No other address waits for it.
#[derive(Clone)]
pub(super) struct Throttle(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock + Send + Sync>,
    /// So many wrong keys in a row cost nothing.
    free: usize,
    failures: Mutex<HashMap<Source, Failures>>,
}

/// An address; of IPv6 the network of one customer, who can choose among its addresses at will.
type Source = IpAddr;

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: usize,
    last: Timestamp,
    /// Until when the next try has to wait.
    until: Timestamp,
}

impl Throttle {
    pub(super) fn new(clock: Arc<dyn Clock + Send + Sync>, free: usize) -> Self {
        Self(Arc::new(Inner { clock, free, failures: Mutex::default() }))
    }

    /// What `find` finds with the key that came from `address`; the time to wait where it has to.
    pub(super) fn attempt<T>(
        &self,
        address: IpAddr,
        find: impl FnOnce() -> Option<T>,
    ) -> Result<Option<T>, Span> {
        let Inner { clock, free, failures } = &*self.0;
        let (source, now) = (source(address), clock.now());
        // Held while the key is compared, so that tries at the same time count one after the other.
        let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
        let before = failures.get(&source).filter(|before| !before.is_forgotten(now)).copied();
        if let Some(wait) = before.map(|before| before.until.since(now)).filter(|wait| *wait > Span::ZERO) {
            return Err(wait);
        }
        let found = find();
        if found.is_some() {
            failures.remove(&source);
            return Ok(found);
        }
        let count = before.map_or(0, |before| before.count).saturating_add(1);
        let until = count.checked_sub(*free).map_or(now, |beyond| now + pause(beyond));
        if failures.len() >= SOURCES_MAX && !failures.contains_key(&source) {
            make_room(&mut failures, now);
        }
        failures.insert(source, Failures { count, last: now, until });
        if until > now {
            tracing::warn!(%address, count, "wrong keys keep coming; the next ones from there have to wait");
        }
        Ok(None)
    }
}

impl Failures {
    fn is_forgotten(&self, now: Timestamp) -> bool {
        now.since(self.last) > FORGOTTEN_AFTER
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("free", &self.0.free).finish_non_exhaustive()
    }
}

/// About a megabyte.
const SOURCES_MAX: usize = 10_000;
/// Longer than the longest pause.
const FORGOTTEN_AFTER: Span = Span::from_secs(600);
const PAUSE_MAX: Span = Span::from_secs(30);

/// 1 s after the last free try, twice as long after each further one.
fn pause(beyond: usize) -> Span {
    Span::from_secs(1 << beyond.min(5)).min(PAUSE_MAX)
}

/// Drops those that are forgotten, or else the one that was silent for longest.
fn make_room(failures: &mut HashMap<Source, Failures>, now: Timestamp) {
    failures.retain(|_, failures| !failures.is_forgotten(now));
    if failures.len() >= SOURCES_MAX
        && let Some(oldest) =
            failures.iter().min_by_key(|(_, failures)| failures.last).map(|(source, _)| *source)
    {
        failures.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use mishpulse_core::ManualClock;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn throttle(free: usize) -> (Throttle, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_ms(0)));
        (Throttle::new(Arc::<ManualClock>::clone(&clock), free), clock)
    }

    fn wrong(throttle: &Throttle, address: IpAddr) -> Result<Option<()>, Span> {
        throttle.attempt(address, || None)
    }

    fn right(throttle: &Throttle, address: IpAddr) -> Result<Option<()>, Span> {
        throttle.attempt(address, || Some(()))
    }

    #[test]
    fn wrong_keys_in_a_row_cost_more_and_more_time() {
        let (throttle, clock) = throttle(3);
        for _ in 0..3 {
            assert_eq!(wrong(&throttle, HERE), Ok(None));
        }
        for secs in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(right(&throttle, HERE), Err(Span::from_secs(secs)), "a right key waits, too");
            clock.advance(Span::from_ms(secs * 1000 - 1));
            assert_eq!(wrong(&throttle, HERE), Err(Span::from_ms(1)));
            clock.advance(Span::from_ms(1));
            assert_eq!(wrong(&throttle, HERE), Ok(None));
        }
        clock.advance(Span::from_secs(30));
        assert_eq!(right(&throttle, HERE), Ok(Some(())));
        assert_eq!(wrong(&throttle, HERE), Ok(None), "a right key wipes the slate clean");
        assert_eq!(right(&throttle, HERE), Ok(Some(())));
    }

    #[test]
    fn nobody_waits_for_another_address() {
        let (throttle, _) = throttle(1);
        for _ in 0..5 {
            let _ = wrong(&throttle, HERE);
        }
        assert!(right(&throttle, HERE).is_err());
        assert_eq!(right(&throttle, "192.0.2.1".parse().unwrap()), Ok(Some(())));
        assert_eq!(right(&throttle, "::1".parse().unwrap()), Ok(Some(())));
        assert!(right(&throttle, "::ffff:127.0.0.1".parse().unwrap()).is_err(), "the same address");
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let (throttle, _) = throttle(2);
        for address in ["2001:db8::1", "2001:db8::2"] {
            assert_eq!(wrong(&throttle, address.parse().unwrap()), Ok(None));
        }
        assert!(wrong(&throttle, "2001:db8::3".parse().unwrap()).is_err());
        assert_eq!(wrong(&throttle, "2001:db8:0:1::3".parse().unwrap()), Ok(None));
    }

    #[test]
    fn it_takes_no_more_than_its_room_and_forgets() {
        let (throttle, clock) = throttle(1);
        let address = |number: usize| IpAddr::V4(std::net::Ipv4Addr::from_bits(number as u32));
        for number in 0..SOURCES_MAX + 100 {
            clock.advance(Span::from_ms(1));
            assert_eq!(wrong(&throttle, address(number)), Ok(None));
        }
        assert_eq!(throttle.0.failures.lock().unwrap().len(), SOURCES_MAX);
        assert!(wrong(&throttle, address(SOURCES_MAX + 99)).is_err(), "the newest are kept");
        clock.advance(FORGOTTEN_AFTER + Span::from_ms(1));
        assert_eq!(wrong(&throttle, address(SOURCES_MAX + 200)), Ok(None));
        assert_eq!(throttle.0.failures.lock().unwrap().len(), 1);
    }
}
