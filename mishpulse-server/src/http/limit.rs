//! How many connections each address holds.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the connections of each address. Its size is bounded by the number of connections.
#[derive(Debug, Clone, Default)]
pub(super) struct Crowd(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection's place; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    crowd: Crowd,
    address: IpAddr,
}

impl Crowd {
    /// A place for one more connection from `address`, unless it holds `most` already.
    pub(super) fn admit(&self, address: IpAddr, most: usize) -> Option<Place> {
        let address = address.to_canonical();
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
}
