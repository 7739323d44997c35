//! Which addresses are the public internet's, and names looked up so that only those are connected to.
//!
//! The check is on the addresses that the connection then uses: nothing is looked up a second time, so a name cannot show
//! one address to the check and another to the connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Looks names up, as the system does.
#[derive(Debug)]
pub(super) struct Names<R = DefaultResolver> {
    system: R,
    /// Whether addresses that are not public are left out.
    only_public: bool,
}

/// None of a host's addresses may be a target.
#[derive(Debug, thiserror::Error)]
#[error("only private addresses")]
pub(super) struct OnlyPrivate;

impl Names {
    /// Gives all addresses of a name, or only public ones.
    pub(super) fn new(only_public: bool) -> Self {
        Self { system: DefaultResolver::default(), only_public }
    }
}

impl<R: Resolver> Resolver for Names<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.system.resolve(uri, config, timeout).map_err(|error| match error {
            // All that a failed look-up says here is that it failed.
            Error::Io(_) => Error::HostNotFound,
            error => error,
        })?;
        let mut allowed = self.empty();
        found
            .iter()
            .filter(|addr| !self.only_public || is_public(addr.ip()))
            .for_each(|addr| allowed.push(*addr));
        if allowed.is_empty() { Err(Error::Other(Box::new(OnlyPrivate))) } else { Ok(allowed) }
    }
}

/// Whether `ip` is an address of the public internet, by the registries of special-purpose addresses of IANA (RFC 6890). An
/// IPv6 address that stands for an IPv4 address is as public as that.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = match (a, b, c) {
        // This network, private, loopback.
        (0 | 10 | 127, _, _) => true,
        // Carriers' NAT.
        (100, 64..=127, _) => true,
        // Link-local, where clouds keep their metadata.
        (169, 254, _) => true,
        (172, 16..=31, _) | (192, 168, _) => true,
        // Protocol assignments, the relays of 6to4.
        (192, 0, 0) | (192, 88, 99) => true,
        // Benchmarks, documentation.
        (198, 18..=19, _) | (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => true,
        // Multicast, reserved, broadcast.
        (224..=255, _, _) => true,
        _ => false,
    };
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        // Mapped, and translated by NAT64.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        // 6to4.
        [0x2002, high, low, ..] => v4(high, low),
        // Protocol assignments (Teredo among them), documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // All else that is handed out is in 2000::/3.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use ureq::unversioned::transport::DefaultConnector;

    use super::*;

    /// A name server in the hands of an attacker: public at the first look-up, this machine at all that follow.
    #[derive(Debug)]
    struct Rebinding {
        port: u16,
        look_ups: Arc<AtomicUsize>,
    }

    impl Resolver for Rebinding {
        fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
            let ip = match self.look_ups.fetch_add(1, Ordering::SeqCst) {
                // A public address where nobody answers.
                0 => "192.0.1.1",
                _ => "127.0.0.1",
            };
            let mut found = self.empty();
            found.push(SocketAddr::new(ip.parse().unwrap(), self.port));
            Ok(found)
        }
    }

    #[test]
    fn a_name_that_changes_its_address_reaches_nothing_private() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let look_ups = Arc::new(AtomicUsize::new(0));
        let system = Rebinding { port, look_ups: Arc::clone(&look_ups) };
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_millis(300))).build();
        let names = Names { system, only_public: true };
        let agent = ureq::Agent::with_parts(config, DefaultConnector::default(), names);
        let url = format!("http://rebind.example.org:{port}/");
        for number in 1..=3 {
            let error = agent.post(&url).send("secret").unwrap_err();
            assert_eq!(look_ups.load(Ordering::SeqCst), number, "one look-up a try: {error}");
            let is_private = matches!(&error, Error::Other(cause) if cause.is::<OnlyPrivate>());
            assert_eq!(is_private, number > 1, "{error}");
        }
        assert!(listener.accept().is_err(), "nothing came here");
    }

    #[test]
    fn only_what_the_internet_routes_is_public() {
        for public in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860:4860::8888",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2002:0101:0101::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.0.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1.1.1.1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:0001::1",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }
}
