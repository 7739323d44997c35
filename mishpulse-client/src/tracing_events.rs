//! The feature `tracing`: ERROR events of the app become error beats.

use std::fmt::{self, Debug, Display};
use std::sync::Arc;

use tracing_core::field::{Field, Visit};
use tracing_core::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::own;
use crate::shared::Shared;
use crate::signal::Signal;

/// A layer for `tracing-subscriber`: made by [`Pulse::layer`](crate::Pulse::layer).
pub struct PulseLayer {
    shared: Arc<Shared>,
}

impl PulseLayer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl Debug for PulseLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PulseLayer").finish_non_exhaustive()
    }
}

impl<S: Subscriber> Layer<S> for PulseLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == Level::ERROR && !own::is_own() {
            self.shared.set_passing(Signal::error(Told(event)));
        }
    }
}

/// `target: message field=value`, written straight into the bounded message.
struct Told<'a>(&'a Event<'a>);

impl Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.0.metadata().target())?;
        let mut fields = Fields { f, outcome: Ok(()) };
        self.0.record(&mut fields);
        fields.outcome
    }
}

struct Fields<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    outcome: fmt::Result,
}

impl Visit for Fields<'_, '_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if self.outcome.is_ok() {
            self.outcome = match field.name() {
                "message" => write!(self.f, " {value:?}"),
                name => write!(self.f, " {name}={value:?}"),
            };
        }
    }
}
