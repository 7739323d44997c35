//! What laws are made of.

use std::fmt::Debug;

use mishpulse_core::{Change, Event, ServiceId};

/// Fails with `what` where the two differ.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, left: &T, right: &T) -> Result<(), String> {
    if left == right { Ok(()) } else { Err(format!("{what}:\n  {left:?}\n  {right:?}")) }
}

/// Fails with `what` where it does not hold.
pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// Whom an event is about.
pub(crate) fn of_whom(event: &Event) -> Option<ServiceId> {
    match event {
        Event::Changed(Change { service, .. }) => Some(*service),
        Event::Alert(alert) => Some(alert.service),
        _ => None,
    }
}
