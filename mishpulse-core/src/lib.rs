//! A heartbeat watchdog as a pure state machine.
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod alert;
mod blind;
mod deadlines;
mod error;
mod event;
mod id;
pub mod keyed;
mod policies;
mod policy;
mod restore;
mod rules;
mod service;
mod signal;
#[cfg(any(feature = "testing", test))]
pub mod testing;
mod time;
mod watchdog;

pub use blind::{Config, Gap};
pub use error::{AlreadyWatched, ParseSpanError, PolicyError, RestoreError, UnknownService, UnknownWord};
pub use event::{Alert, AlertKind, Change, Event};
pub use id::ServiceId;
pub use policy::{AlertKinds, Policy};
pub use service::{Service, Status, Trouble};
pub use signal::{Message, Signal, SignalKind};
#[cfg(feature = "std")]
pub use time::SystemClock;
pub use time::{Clock, ManualClock, Span, Timestamp};
pub use watchdog::Watchdog;
