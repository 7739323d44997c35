//! Seeded random traces, a driver that stores what it should, and a naive model: what the laws of the watchdog are
//! checked with (feature `testing`).
//!
//! For the tests of this crate, and for those who build on it: a [`Trace`] can be played to a whole server as well.
//! Nothing here is part of the stable interface.

mod driver;
mod model;
mod model_time;
mod rng;
mod scene;
mod trace;

pub use driver::{Driver, Rows, Schedule};
pub use model::Model;
pub use rng::Rng;
pub use scene::{NOTHING, Scene};
pub use trace::{Input, Step, Trace};
