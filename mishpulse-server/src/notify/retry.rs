//! When to try again.

use std::sync::Arc;

use mishpulse_core::Span;

/// Gives a random byte each time.
pub type Dice = Arc<dyn Fn() -> u8 + Send + Sync>;

/// How long to wait after try number `attempts` (from 1) has failed: about 1 s after the first, twice as long after each further
/// one, up to 5 minutes, and up to a quarter more by `jitter`, so that those who failed together do not come back together.
#[must_use]
pub(super) fn backoff(attempts: u32, jitter: u8) -> Span {
    let base_ms = FIRST_MS
        .saturating_mul(1_u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(u64::MAX))
        .min(MOST_MS);
    Span::from_ms(base_ms + base_ms / 4 * u64::from(jitter) / 255)
}

/// A random byte. Without random numbers there is no jitter, which is no reason not to try.
pub(super) fn jitter() -> u8 {
    let mut byte = [0];
    let _ = getrandom::fill(&mut byte);
    byte[0]
}

const FIRST_MS: u64 = 1000;
/// With the jitter on top it is 5 minutes.
const MOST_MS: u64 = 240_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_further_and_further_apart_up_to_five_minutes() {
        assert_eq!(backoff(1, 0), Span::from_secs(1));
        assert_eq!(backoff(2, 0), Span::from_secs(2));
        assert_eq!(backoff(4, 0), Span::from_secs(8));
        assert_eq!(backoff(4, 255), Span::from_secs(10));
        for attempts in [20, 64, 65, u32::MAX] {
            assert_eq!(backoff(attempts, 0), Span::from_secs(240));
            assert_eq!(backoff(attempts, 255), Span::from_secs(300));
        }
    }
}
