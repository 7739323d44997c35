//! The one thread of a pulse: looks at the state, waits until something is due, sends it.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::own;
use crate::schedule::{Need, Schedule};
use crate::send::{LEAST_TIMEOUT, Sender};
use crate::shared::{Shared, lock};
use crate::signal::{Signal, Status};
use crate::url::Url;

/// Starts the thread.
///
/// # Errors
/// [`Error::NoThread`].
pub(crate) fn start(
    shared: &Arc<Shared>,
    sender: Sender,
    interval: Duration,
    retries: u32,
    quiet: bool,
) -> Result<JoinHandle<()>, Error> {
    let now = Instant::now();
    let beater = Beater {
        shared: Arc::clone(shared),
        sender,
        schedule: Schedule::new(interval, retries, now),
        seen: 0,
        state: Signal::ok(),
        wanted: Signal::ok(),
        overtaken: None,
        known: None,
        awake_since: now,
        told_kinds: if quiet { u8::MAX } else { 0 },
        tries_while_stopping: 0,
    };
    let thread = thread::Builder::new()
        .name("mishpulse".to_owned())
        .spawn(move || beater.run())
        .map_err(|error| Error::NoThread { reason: error.to_string() })?;
    shared.sent_by(thread.thread().clone());
    // It may have gone to sleep before it could be found.
    shared.wake();
    Ok(thread)
}

/// Says once on stderr what a person should know. Never fails: a closed stderr is no reason to.
pub(crate) fn complain(url: Option<&Url>, error: &Error) {
    let line = match url {
        Some(url) => format!("mishpulse: heartbeat to {url}: {error}\n"),
        None => format!("mishpulse: no heartbeats: {error}\n"),
    };
    let _ = io::stderr().write_all(line.as_bytes());
}

struct Beater {
    shared: Arc<Shared>,
    sender: Sender,
    schedule: Schedule,
    /// The sequence up to which the state was looked at.
    seen: u64,
    /// What the app says.
    state: Signal,
    /// What the monitor should know: the state, or that a loop has stalled.
    wanted: Signal,
    /// An error that the app took back before it could be sent: it goes first, once.
    overtaken: Option<Signal>,
    /// What the monitor knows.
    known: Option<Signal>,
    /// When this process last came back from being stopped.
    awake_since: Instant,
    told_kinds: u8,
    tries_while_stopping: u32,
}

impl Beater {
    fn run(mut self) {
        let _own = own::enter();
        let _finish = Finish(Arc::clone(&self.shared));
        loop {
            let now = Instant::now();
            let sleeps_until = self.look(now);
            let (hurry_until, stopping) = self.shared.progress.waited_for(now);
            if stopping && self.may_end(hurry_until) {
                return;
            }
            let need = match (self.is_new(), hurry_until) {
                (false, _) => Need::Nothing,
                (true, None) => Need::Change,
                (true, Some(_)) => Need::Hurry,
            };
            let due = self.schedule.next(need);
            let latest = if due <= now {
                self.send(need, hurry_until, now, stopping);
                now + self.sender.timeout()
            } else {
                let wake = [Some(due), sleeps_until, hurry_until].into_iter().flatten().min().unwrap_or(due);
                thread::park_timeout(wake.saturating_duration_since(now));
                wake
            };
            let now = Instant::now();
            if now.saturating_duration_since(latest) > STOPPED_FOR {
                self.awake_since = now;
            }
        }
    }

    /// Takes in what has changed; returns when a watched loop is due at the latest.
    fn look(&mut self, now: Instant) -> Option<Instant> {
        let look = self.shared.look(self.seen);
        self.seen = look.sequence;
        self.overtaken = look.overtaken.or(self.overtaken.take());
        if let Some(state) = look.changed {
            self.state = state;
        }
        let paces = lock(&self.shared.paces);
        let stalled = paces.iter().filter(|pace| pace.look(now, self.awake_since)).map(|pace| pace.message());
        let stalled: Vec<String> = stalled.collect();
        let deadline = paces.iter().filter_map(|pace| pace.deadline(self.awake_since)).min();
        drop(paces);
        // What the app itself calls an error says more than that it also stalls.
        self.wanted = if stalled.is_empty() || self.state.status() == Status::Error {
            self.state.clone()
        } else {
            Signal::error(stalled.join(", "))
        };
        if !self.is_new() {
            self.shared.progress.delivered(self.seen);
        }
        deadline
    }

    fn is_new(&self) -> bool {
        self.overtaken.is_some() || self.known.as_ref() != Some(&self.wanted)
    }

    fn may_end(&self, hurry_until: Option<Instant>) -> bool {
        let hopeless = self.tries_while_stopping > 0
            && self.schedule.is_failing()
            && (self.wanted.status() == Status::Ok
                || self.shared.progress.last_error().is_some_and(|error| !error.is_temporary()));
        !self.is_new() || hurry_until.is_none() || hopeless
    }

    fn send(&mut self, need: Need, hurry_until: Option<Instant>, now: Instant, stopping: bool) {
        if need == Need::Nothing {
            self.shared.interval_over();
            self.look(now);
        }
        let signal = self.overtaken.take().unwrap_or_else(|| self.wanted.clone());
        let timeout = match hurry_until {
            Some(until) => until.saturating_duration_since(now).max(LEAST_TIMEOUT),
            None => self.sender.timeout(),
        };
        self.schedule.tries(need, now);
        self.tries_while_stopping += u32::from(stopping);
        let outcome = self.sender.send(&signal, timeout);
        let now = Instant::now();
        match &outcome {
            Ok(()) => {
                self.known = Some(signal);
                self.schedule.succeeded(now);
            }
            Err(error) => {
                self.schedule.failed(error, now);
                if self.told_kinds & error.kind_bit() == 0 {
                    self.told_kinds |= error.kind_bit();
                    complain(Some(self.sender.url()), error);
                }
            }
        }
        if outcome.is_ok() && !self.is_new() {
            self.shared.progress.delivered(self.seen);
        }
        self.shared.progress.tried(outcome);
    }
}

/// Tells who waits that nobody will send any more, however the thread ends.
struct Finish(Arc<Shared>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.progress.finished();
    }
}

/// Later than this past the time it meant to wake, the thread concludes that the whole process was stopped (a
/// debugger, a paused container, a suspended machine), and that its loops could not tick either.
const STOPPED_FOR: Duration = Duration::from_secs(1);
