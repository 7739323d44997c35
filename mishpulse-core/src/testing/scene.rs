//! Stories: a watchdog, its driver and a clock, told in words.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Driver, Input, Schedule, Step, Trace};
use crate::{Config, Event, Policy, ServiceId, Signal, SignalKind, Span, Timestamp};

/// A driven watchdog to tell a story with. What is said comes back in words, with times since the story began:
/// `#0 alive -> dead at 5m` is a change of status, `tell dead of #0 at 5m` an alert, `blind for 1h` a gap.
#[derive(Debug)]
pub struct Scene {
    /// Who drives the watchdog, and stores what it should.
    pub driver: Driver,
    start: Timestamp,
}

/// What is said where there is nothing to say.
pub const NOTHING: [&str; 0] = [];

impl Scene {
    /// Nobody is watched yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a story begins, it is not a default")]
    pub fn new() -> Self {
        let start = Timestamp::from_unix_ms(1_760_616_000_000);
        let trace = Trace { config: Config::default(), start, steps: Vec::new() };
        Self { driver: Driver::new(&trace, Schedule::Timely), start }
    }

    /// Watches one more service.
    ///
    /// # Panics
    /// If the watchdog does not.
    pub fn watch(&mut self, policy: Policy) -> ServiceId {
        let before = self.driver.dog.len();
        self.put(Input::Watch(policy));
        assert_eq!(self.driver.dog.len(), before + 1);
        self.driver.dog.services().map(|(id, _)| id).last().expect("it was just watched")
    }

    /// Time passes, with someone listening. `span` is written as in a policy: `"5m"`, `"1h30m"`.
    ///
    /// # Panics
    /// If `span` is none. This holds for every call below.
    pub fn after(&mut self, span: &str) -> Vec<String> {
        let step = Step { now: self.now() + parse(span), attentive: true, input: Input::Look };
        let mut said = Vec::new();
        while let Some(now) = self.driver.next_look(&step) {
            said.extend(self.driver.look(now));
        }
        said.extend(self.driver.look(step.now));
        self.words(said)
    }

    /// Time passes, with nobody listening.
    pub fn away(&mut self, span: &str) -> Vec<String> {
        let said = self.driver.look(self.now() + parse(span));
        self.words(said)
    }

    /// The watcher crashes, is down for this long, and goes on from what was stored.
    pub fn crash(&mut self, down: &str) -> Vec<String> {
        let now = self.now() + parse(down);
        self.at(now, Input::Restart)
    }

    /// The watcher crashes, and comes back with a clock that was set back to the beginning of the story.
    pub fn crash_with_clock_set_back(&mut self) -> Vec<String> {
        self.at(self.start, Input::Restart)
    }

    /// A service says `ok`.
    pub fn ok(&mut self, id: ServiceId) -> Vec<String> {
        self.put(Input::Beat(id, Signal::ok()))
    }

    /// A service says `warning`.
    pub fn warning(&mut self, id: ServiceId, message: &str) -> Vec<String> {
        self.put(Input::Beat(id, Signal::new(SignalKind::Warning, message)))
    }

    /// A service says `error`.
    pub fn error(&mut self, id: ServiceId, message: &str) -> Vec<String> {
        self.put(Input::Beat(id, Signal::new(SignalKind::Error, message)))
    }

    /// Something happens now.
    pub fn put(&mut self, input: Input) -> Vec<String> {
        self.at(self.now(), input)
    }

    /// Something happens when the clock says `now`.
    pub fn at(&mut self, now: Timestamp, input: Input) -> Vec<String> {
        self.driver.apply(&input, now).expect("a story is about services that are watched");
        let said = self.driver.look(now);
        self.words(said)
    }

    /// The time now.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.driver.now
    }

    /// The moment so long after the beginning of the story.
    #[must_use]
    pub fn time(&self, since_start: &str) -> Timestamp {
        self.start + parse(since_start)
    }

    fn words(&self, events: Vec<Event>) -> Vec<String> {
        let since = |at: Timestamp| at.since(self.start);
        let word = |event| match event {
            Event::Changed(change) => {
                format!("{:?} {} -> {} at {}", change.service, change.from, change.to, since(change.at))
            }
            Event::Alert(alert) => {
                format!("tell {} of {:?} at {}", alert.kind, alert.service, since(alert.at))
            }
            Event::Blind(gap) => format!("blind for {}", gap.away),
        };
        events.into_iter().map(word).collect()
    }
}

fn parse(span: &str) -> Span {
    span.parse().expect("a story tells time in spans")
}
