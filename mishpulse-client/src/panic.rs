//! Panics of the app, told to the monitor before the program's own hook prints them.

use std::cell::RefCell;
use std::fmt;
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::own;
use crate::shared::{Shared, lock};
use crate::signal::{Signal, bounded};

/// From now on a panic anywhere in the program is an error of this pulse.
///
/// `wait_max` is how long the panicking thread waits for its delivery: the program may be about to end.
pub(crate) fn report_to(shared: &Arc<Shared>, wait_max: Duration) {
    let mut reporters = lock(&REPORTERS);
    reporters.retain(|reporter| reporter.shared.strong_count() > 0);
    reporters.push(Reporter { shared: Arc::downgrade(shared), wait_max });
    drop(reporters);
    install();
}

/// Puts the hook in place, once, before the one that is there.
pub(crate) fn install() {
    let mut installed = lock(&INSTALLED);
    // The standard library does not let a thread that is panicking change the hook.
    if *installed || thread::panicking() {
        return;
    }
    *installed = true;
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        // What this crate itself does is not the app's trouble.
        if !own::is_own() {
            report(info);
        }
        before(info);
    }));
}

/// The last panic of this thread as its error says it: message and place.
pub(crate) fn last_of_this_thread() -> Option<String> {
    LAST.try_with(|last| last.try_borrow().ok()?.clone()).ok().flatten()
}

fn report(info: &PanicHookInfo<'_>) {
    let text = bounded(Told(info));
    // Nothing that can panic runs under this lock, so this thread does not hold it.
    let reporters: Vec<(Arc<Shared>, Duration)> =
        lock(&REPORTERS).iter().filter_map(|one| Some((one.shared.upgrade()?, one.wait_max))).collect();
    for (shared, _) in &reporters {
        shared.set(Signal::error(&text));
    }
    let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| *last = Some(text)));
    if !may_wait() {
        return;
    }
    for (shared, wait_max) in &reporters {
        // Known to be away: the panic will be told later, and the app need not wait to learn that.
        if shared.progress.last_error().is_none() {
            shared.flush(*wait_max);
        }
    }
}

/// One panic a second waits, so that a program that catches its panics is not slowed down by many.
fn may_wait() -> bool {
    let mut last = lock(&LAST_WAIT);
    let now = Instant::now();
    if last.is_some_and(|last| now.saturating_duration_since(last) < WAIT_EVERY) {
        return false;
    }
    *last = Some(now);
    true
}

/// `thread worker panicked at src/x.rs:12: message`.
struct Told<'a>(&'a PanicHookInfo<'a>);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thread = thread::current();
        match thread.name() {
            Some("main") | None => {}
            Some(name) => write!(f, "thread {name} ")?,
        }
        f.write_str("panicked")?;
        if let Some(place) = self.0.location() {
            write!(f, " at {}:{}", place.file(), place.line())?;
        }
        let payload = self.0.payload();
        match payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str))
        {
            Some(message) => write!(f, ": {message}"),
            None => f.write_str(": its payload is no text"),
        }
    }
}

struct Reporter {
    shared: Weak<Shared>,
    wait_max: Duration,
}

static REPORTERS: Mutex<Vec<Reporter>> = Mutex::new(Vec::new());
static INSTALLED: Mutex<bool> = Mutex::new(false);
static LAST_WAIT: Mutex<Option<Instant>> = Mutex::new(None);

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

const WAIT_EVERY: Duration = Duration::from_secs(1);
