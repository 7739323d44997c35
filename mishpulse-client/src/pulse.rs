//! The pulse of an app: what `start` gives.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::beater;
use crate::builder::Builder;
use crate::error::Error;
use crate::panic;
use crate::send::Sender;
use crate::shared::Shared;
use crate::signal::Signal;
use crate::watch::{Watch, watch_name};

/// Beats for as long as it lives, from one background thread.
///
/// The status handed over last holds: after [`warning`](Self::warning) or [`error`](Self::error) every regular beat
/// repeats it, until [`ok`](Self::ok). While the monitor is away only the latest status is kept. An error that is
/// taken back before it could be sent is still sent once, if the monitor is there.
///
/// All methods take `&self`, may be called from any thread, never panic, and but for [`flush`](Self::flush) and the
/// drop never wait for the network. Changes leave at once; in a flood of them 5 do and then the latest once a second.
///
/// Dropping it delivers what the monitor does not know yet, for at most
/// [`flush_timeout`](Builder::flush_timeout) (2 s), and ends the thread. So bind it to a name that lives as long as
/// the app: `let _pulse = ...`, not `let _ = ...`. In a `static` it is never dropped: call [`flush`](Self::flush)
/// before the program ends.
#[must_use = "dropping it at once ends the heartbeats: bind it with `let _pulse = ...`"]
pub struct Pulse {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    flush_timeout: Duration,
    shown: String,
}

impl Pulse {
    /// The same as [`Builder::new`].
    pub fn builder(url: impl AsRef<str>) -> Builder {
        Builder::new(url)
    }

    /// Says that all is well.
    ///
    /// Where it was so before this is one atomic load (under 1 ns); else an atomic exchange and the wake-up of the
    /// background thread (2 to 9 µs). It makes no more beats than the regular ones: to beat only while a loop turns,
    /// use [`watch`](Self::watch).
    #[inline]
    pub fn ok(&self) {
        self.shared.ok();
    }

    /// Says that something deserves a look. The message is cut to 4,096 bytes before it is kept; the same one again
    /// sends nothing new.
    ///
    /// Takes anything that prints, such as `format_args!("disk {used} %")` or an error, whose causes are printed too
    /// where its alternate form (`{:#}`) does.
    pub fn warning(&self, message: impl fmt::Display) {
        self.shared.set(Signal::warning(message));
    }

    /// Says that the app does not do its work; the monitor tells people. The message is treated as that of
    /// [`warning`](Self::warning).
    pub fn error(&self, message: impl fmt::Display) {
        self.shared.set(Signal::error(message));
    }

    /// Says any of the three, for instance [`Status::Ok`](crate::Status::Ok) with a message.
    pub fn signal(&self, signal: impl Into<Signal>) {
        self.shared.set(signal.into());
    }

    /// Ties the beats to a loop of the app, which has to call [`Watch::tick`] at least once each `every` (10 ms to 30
    /// days): a loop that does not is reported as the error `stalled for 90 s`, and as ok once it ticks again.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// let pulse = mishpulse_client::start("http://127.0.0.1:8080/api/heartbeat/TOKEN");
    /// let watch = pulse.watch(Duration::from_secs(90));
    /// loop {
    ///     watch.tick();
    ///     // take a task and do it
    /// #   break;
    /// }
    /// ```
    ///
    /// Any number may be watched at the same time; the beats are ok while all of them tick. The time counts from this
    /// call, and starts anew when the whole process was stopped.
    pub fn watch(&self, every: Duration) -> Watch {
        Watch::start(&self.shared, every, None)
    }

    /// Like [`watch`](Self::watch) with a name (at most 128 bytes) in the message: `importer stalled for 90 s`.
    pub fn watch_named(&self, name: impl fmt::Display, every: Duration) -> Watch {
        Watch::start(&self.shared, every, Some(watch_name(name)))
    }

    /// Waits until the monitor knows the status of this moment, at most `limit` (up to 1 hour), trying again at once
    /// and every 200 ms.
    ///
    /// False where it does not know it then; at once where the monitor refuses or nothing is sent at all.
    pub fn flush(&self, limit: Duration) -> bool {
        self.shared.flush(limit.min(Duration::from_secs(3600)))
    }

    /// Why the last try did not get through; none while all is well or nothing has been tried.
    #[must_use]
    pub fn last_error(&self) -> Option<Error> {
        self.shared.progress.last_error()
    }

    /// A logger that passes everything on to `inner` and makes each record of level `Error` an error beat,
    /// `target: text`, which turns back into what was said before after one interval without another.
    ///
    /// ```no_run
    /// # fn app_logger() -> impl log::Log { struct L; impl log::Log for L { fn enabled(&self, _: &log::Metadata<'_>)
    /// # -> bool { true } fn log(&self, _: &log::Record<'_>) {} fn flush(&self) {} } L }
    /// let pulse = mishpulse_client::start("http://127.0.0.1:8080/api/heartbeat/TOKEN");
    /// log::set_boxed_logger(Box::new(pulse.logger(app_logger())))?;
    /// log::set_max_level(log::LevelFilter::Info);
    /// # Ok::<(), log::SetLoggerError>(())
    /// ```
    #[cfg(feature = "log")]
    pub fn logger<L: log::Log>(&self, inner: L) -> crate::PulseLogger<L> {
        crate::log_records::PulseLogger::new(Arc::clone(&self.shared), inner)
    }

    /// A layer for `tracing-subscriber` that makes each event of level `ERROR` an error beat, `target: text
    /// field=value`, which turns back into what was said before after one interval without another.
    ///
    /// ```no_run
    /// use tracing_subscriber::prelude::*;
    ///
    /// let pulse = mishpulse_client::start("http://127.0.0.1:8080/api/heartbeat/TOKEN");
    /// tracing_subscriber::registry().with(pulse.layer()).init();
    /// ```
    #[cfg(feature = "tracing")]
    pub fn layer(&self) -> crate::PulseLayer {
        crate::tracing_events::PulseLayer::new(Arc::clone(&self.shared))
    }

    pub(crate) fn start(builder: &Builder, sender: Sender) -> Result<Self, Error> {
        let shown = sender.url().to_string();
        let shared = Arc::new(Shared::new());
        let thread = beater::start(&shared, sender, builder.interval, builder.retries, builder.quiet)?;
        if builder.report_panics {
            panic::report_to(&shared, builder.flush_timeout);
        }
        let flush_timeout = builder.flush_timeout;
        Ok(Self { shared, thread: Some(thread), flush_timeout, shown })
    }
}

/// A pulse that does nothing because of `error`.
pub(crate) fn idle(error: Error, quiet: bool, flush_timeout: Duration) -> Pulse {
    if !quiet {
        beater::complain(None, &error);
    }
    let shared = Arc::new(Shared::idle(error));
    Pulse { shared, thread: None, flush_timeout, shown: "nowhere".to_owned() }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if self.shared.progress.is_elsewhere() {
            // This process has no such thread to wait for or to let go.
            mem::forget(thread);
        } else if thread.thread().id() == thread::current().id() {
            // Waiting for oneself would be for ever.
        } else if self.shared.stop(self.flush_timeout) {
            let _ = thread.join();
        }
    }
}

/// The token is not shown.
impl fmt::Debug for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pulse")
            .field("url", &self.shown)
            .field("last_error", &self.last_error())
            .finish_non_exhaustive()
    }
}
