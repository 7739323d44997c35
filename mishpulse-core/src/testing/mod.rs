//! Seeded random traces and a naive model, to check a watchdog against.

mod rng;

pub use rng::Rng;
