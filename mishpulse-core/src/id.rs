//! How a watchdog calls its services.

use core::fmt;

/// The handle of a service: small, dense, and used again after [`Watchdog::forget`](crate::Watchdog::forget).
///
/// It is an index into what the watchdog keeps, so that a beat needs no look-up. Memory is as for the highest handle
/// in use: number your own from 0 on where you give them back to [`Watchdog::restore`](crate::Watchdog::restore).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(u32);

impl ServiceId {
    /// The handle with this number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Its number, as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The handle of what is kept at `index`.
    pub(crate) const fn at(index: usize) -> Self {
        Self(index as u32)
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
