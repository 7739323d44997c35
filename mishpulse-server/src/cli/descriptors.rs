//! How many sockets and files the system lets the server have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Limits;

/// Asks for as many descriptors as `limits` need, and says so where the system gives fewer: who cannot be accepted cannot
/// be heard.
pub(super) fn raise(limits: &Limits) {
    let wanted = limits.connections as u64 + OF_ITS_OWN;
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= wanted) {
        return;
    }
    let raised = now.maximum.map_or(wanted, |maximum| wanted.min(maximum));
    let is_raised =
        setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: now.maximum }).is_ok();
    let current = if is_raised { raised } else { now.current.unwrap_or(wanted) };
    if current < wanted {
        tracing::warn!(
            descriptors = current,
            connections = limits.connections,
            "the system gives fewer descriptors than there may be connections; raise `ulimit -n`, or lower \
             `connections` in [limits]"
        );
    }
}

/// How many descriptors there may be at most, where that is too few for `limits`.
pub(super) fn shortage(limits: &Limits) -> Option<u64> {
    getrlimit(Resource::Nofile).maximum.filter(|maximum| *maximum < limits.connections as u64 + OF_ITS_OWN)
}

/// The database, the channels and the standard streams.
const OF_ITS_OWN: u64 = 256;
