//! Names into addresses, with at most one look-up under way.
//!
//! The resolver that comes with ureq starts a thread for each look-up that has a time limit, panics where there is
//! no thread to be had, and leaves threads behind while name servers are silent. This one does none of it.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Error, Timeout};

/// A resolver that waits for a look-up it has already asked for rather than ask again.
#[derive(Default)]
pub(crate) struct OneLookup {
    under_way: Mutex<Option<LookUp>>,
}

struct LookUp {
    host: String,
    port: u16,
    answer: Receiver<io::Result<Vec<SocketAddr>>>,
}

impl Resolver for OneLookup {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let found = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => self.look_up(host, port, *timeout.after, timeout.reason)?,
        };
        let mut addresses = self.empty();
        for address in found.into_iter().take(ADDRESSES_MAX) {
            addresses.push(address);
        }
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

impl OneLookup {
    fn look_up(
        &self,
        host: &str,
        port: u16,
        timeout: Duration,
        reason: Timeout,
    ) -> Result<Vec<SocketAddr>, Error> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let look_up = match under_way.take() {
            Some(earlier) if earlier.host == host && earlier.port == port => earlier,
            _ => LookUp::start(host, port)?,
        };
        match look_up.answer.recv_timeout(timeout.min(TIMEOUT_MAX)) {
            Ok(answer) => answer.map_err(Error::Io),
            Err(RecvTimeoutError::Disconnected) => Err(Error::HostNotFound),
            Err(RecvTimeoutError::Timeout) => {
                *under_way = Some(look_up);
                Err(Error::Timeout(reason))
            }
        }
    }
}

impl LookUp {
    fn start(host: &str, port: u16) -> io::Result<Self> {
        let (tell, answer) = mpsc::sync_channel(1);
        let name = host.to_owned();
        thread::Builder::new().name("mishpulse-dns".to_owned()).spawn(move || {
            // Nobody may be waiting any more.
            let _ = tell.send((name.as_str(), port).to_socket_addrs().map(Iterator::collect));
        })?;
        Ok(Self { host: host.to_owned(), port, answer })
    }
}

impl fmt::Debug for OneLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneLookup").finish_non_exhaustive()
    }
}

/// As many as ureq's array of addresses holds.
const ADDRESSES_MAX: usize = 16;
const TIMEOUT_MAX: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(resolver: &OneLookup, uri: &str, timeout: Duration) -> Result<usize, Error> {
        let uri: Uri = uri.parse().expect("a uri");
        let timeout = NextTimeout {
            after: ureq::unversioned::transport::time::Duration::Exact(timeout),
            reason: Timeout::Resolve,
            per_read: None,
            per_write: None,
        };
        resolver.resolve(&uri, &Config::default(), timeout).map(|addresses| addresses.len())
    }

    #[test]
    fn an_address_needs_no_look_up() {
        let resolver = OneLookup::default();
        assert_eq!(resolve(&resolver, "http://127.0.0.1:80/", Duration::ZERO).expect("itself"), 1);
        assert_eq!(resolve(&resolver, "http://[::1]/", Duration::ZERO).expect("itself"), 1);
        assert!(resolve(&resolver, "http://localhost:80/", Duration::from_secs(10)).expect("known") > 0);
    }

    #[test]
    fn a_silent_name_server_is_asked_once() {
        let resolver = OneLookup::default();
        let (tell, answer) = mpsc::sync_channel(1);
        let look_up = LookUp { host: "slow".to_owned(), port: 80, answer };
        *resolver.under_way.lock().expect("not poisoned") = Some(look_up);
        for _ in 0..3 {
            let refused =
                resolve(&resolver, "http://slow/", Duration::from_millis(1)).expect_err("no answer yet");
            assert!(matches!(refused, Error::Timeout(Timeout::Resolve)));
        }
        tell.send(Ok(vec![SocketAddr::from(([127, 0, 0, 1], 80))])).expect("still waited for");
        assert_eq!(resolve(&resolver, "http://slow/", Duration::from_millis(1)).expect("answered"), 1);
        assert!(resolver.under_way.lock().expect("not poisoned").is_none());
    }
}
