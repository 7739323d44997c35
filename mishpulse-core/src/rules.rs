//! THE TABLE: what a service is, what happens to it, what it is then. No other file changes a status.

use crate::service::Status;
use crate::signal::SignalKind;

/// What can happen to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It was heard.
    Signal(SignalKind),
    /// It was heard while it is paused by a policy that lets no beat resume it.
    SignalWhilePaused,
    /// It has been silent for more than it is allowed.
    Silence,
    /// Someone paused it.
    Pause,
    /// Someone resumed it.
    Resume {
        /// Whether it was ever heard.
        heard: bool,
    },
}

/// What a service that was `status` is after `cause`.
pub(crate) const fn next(status: Status, cause: Cause) -> Status {
    use SignalKind::{Ok, Warning};
    use Status::{Alive, Dead, Error, New, Paused};

    match (status, cause) {
        (_, Cause::Signal(Ok)) => Alive,
        (_, Cause::Signal(Warning)) => Status::Warning,
        (_, Cause::Signal(SignalKind::Error)) => Error,
        (status, Cause::SignalWhilePaused) => status,

        // Silence says nothing of who was never heard, and is not asked of who is paused.
        (New, Cause::Silence) => New,
        (Paused, Cause::Silence) => Paused,
        (Alive | Status::Warning | Error | Dead, Cause::Silence) => Dead,

        (_, Cause::Pause) => Paused,
        (Paused, Cause::Resume { heard: false }) => New,
        (Paused, Cause::Resume { heard: true }) => Alive,
        (status, Cause::Resume { .. }) => status,
    }
}
