//! The feature `log`: ERROR records of the app become error beats.

use std::fmt;
use std::sync::Arc;

use log::{Level, Log, Metadata, Record};

use crate::own;
use crate::shared::Shared;
use crate::signal::Signal;

/// A logger around another one: made by [`Pulse::logger`](crate::Pulse::logger).
///
/// What this crate and its HTTP library log themselves makes no beats.
pub struct PulseLogger<L> {
    shared: Arc<Shared>,
    inner: L,
}

impl<L> PulseLogger<L> {
    pub(crate) fn new(shared: Arc<Shared>, inner: L) -> Self {
        Self { shared, inner }
    }
}

impl<L: Log> Log for PulseLogger<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() == Level::Error || self.inner.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if record.level() == Level::Error && !own::is_own() {
            self.shared.set_passing(Signal::error(format_args!("{}: {}", record.target(), record.args())));
        }
        if self.inner.enabled(record.metadata()) {
            self.inner.log(record);
        }
    }

    fn flush(&self) {
        self.inner.flush();
    }
}

impl<L> fmt::Debug for PulseLogger<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PulseLogger").finish_non_exhaustive()
    }
}
