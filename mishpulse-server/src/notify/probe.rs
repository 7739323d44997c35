//! Looking at a channel without sending anything through it.

use std::sync::Arc;
use std::time::Duration;

use super::notifier::open;
use super::reach::reach;
use super::{Refusal, SharedClock};
use crate::clock::WallClock;
use crate::config::ChannelSettings;

/// What a look has shown: no hindrance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What is there, without secrets.
    pub what: String,
    /// What works but should not stay so, with what to do.
    pub concern: Option<String>,
}

impl Seen {
    /// A sight without any concern.
    pub(super) fn well(what: impl Into<String>) -> Self {
        Self { what: what.into(), concern: None }
    }
}

/// Looks at the channel of `settings`, for at most about `timeout`; nothing is sent that anyone would see.
///
/// # Errors
/// [`Refusal`] where nothing would get through.
pub fn probe(settings: &ChannelSettings, timeout: Duration) -> Result<Seen, Refusal> {
    let clock: SharedClock = Arc::new(WallClock);
    let mut channel = open(settings, &clock, timeout).map_err(|error| Refusal::last(error.to_string()))?;
    channel.probe()
}

/// Looks whether the server of `url` can be reached, with TLS where it says `https`; nothing is asked of it.
///
/// # Errors
/// [`Refusal`] where it cannot.
pub fn probe_url(url: &str, allow_private: bool, timeout: Duration) -> Result<Seen, Refusal> {
    reach(url, allow_private, timeout).map(Seen::well)
}
