//! How many connections each address holds.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the connections of each source. Its size is bounded by the number of connections.
#[derive(Debug, Clone, Default)]
pub(super) struct Crowd(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// Who counts as one: an address; of IPv6 the network of one customer, who can choose among its addresses at will.
pub(super) fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}

/// One connection's place; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    crowd: Crowd,
    address: IpAddr,
}

impl Crowd {
    /// A place for one more connection from `address`, unless it holds `most` already.
    pub(super) fn admit(&self, address: IpAddr, most: usize) -> Option<Place> {
        let address = source(address);
        let mut counts = self.counts();
        let count = counts.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place { crowd: self.clone(), address })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_so_many_places_and_gives_them_back() {
        let crowd = Crowd::default();
        let (here, mapped): (IpAddr, IpAddr) =
            ("127.0.0.1".parse().unwrap(), "::ffff:127.0.0.1".parse().unwrap());
        let first = crowd.admit(here, 2).unwrap();
        let _second = crowd.admit(mapped, 2).unwrap();
        assert!(crowd.admit(here, 2).is_none());
        assert!(crowd.admit("127.0.0.2".parse().unwrap(), 2).is_some());
        drop(first);
        assert!(crowd.admit(here, 2).is_some());
        assert_eq!(crowd.counts().len(), 1);
    }

    #[test]
    fn a_whole_ipv6_network_is_one_source() {
        let crowd = Crowd::default();
        let admit = |address: &str| crowd.admit(address.parse().unwrap(), 2);
        let (_one, _two) = (admit("2001:db8::1").unwrap(), admit("2001:db8::ffff:2").unwrap());
        assert!(admit("2001:db8:0:0:1:2:3:4").is_none());
        assert!(admit("2001:db8:0:1::1").is_some());
    }
}
