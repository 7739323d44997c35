//! Jobs that begin, do their work and end, and say how.

use std::fmt::Display;
use std::thread;

use crate::beater;
use crate::error::Error;
use crate::own;
use crate::panic;
use crate::send::Sender;
use crate::signal::{Signal, Status};

/// A job under way, which reports how it ended: made by [`Job::start`] or [`Builder::job`](crate::Builder::job).
///
/// Each way to end it sends one heartbeat and waits for the answer, at most the builder's `timeout` (10 s) with all
/// retries. Dropped without an end it reports an error: `the job ended without a word`, or the message and place of
/// the panic where a panic has dropped it.
///
/// ```no_run
/// # fn back_up() -> Result<u32, std::io::Error> { Ok(7) }
/// let job = mishpulse_client::Job::start("http://127.0.0.1:8080/api/heartbeat/TOKEN");
/// match back_up() {
///     Ok(_) => job.ok()?,
///     Err(error) => job.error(error)?,
/// }
/// # Ok::<(), mishpulse_client::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a job that is dropped without an end reports an error"]
pub struct Job {
    sender: Result<Sender, Error>,
    quiet: bool,
    over: bool,
}

impl Job {
    /// Begins a job with the defaults of [`Builder`](crate::Builder). Sends nothing yet and never fails: a bad
    /// address is an error of the report, and told once on stderr.
    pub fn start(url: impl AsRef<str>) -> Self {
        crate::Builder::new(url).job()
    }

    pub(crate) fn begin(sender: Result<Sender, Error>, quiet: bool, report_panics: bool) -> Self {
        if let (Err(error), false) = (&sender, quiet) {
            beater::complain(None, error);
        }
        if report_panics {
            panic::install();
        }
        Self { sender, quiet, over: false }
    }

    /// Reports that it has succeeded.
    ///
    /// # Errors
    /// Any [`Error`] but [`Error::NoThread`]; the job itself is none the worse for it.
    pub fn ok(self) -> Result<(), Error> {
        self.end(Status::Ok)
    }

    /// Reports that it has done its work, with something that deserves a look.
    ///
    /// # Errors
    /// As [`ok`](Self::ok).
    pub fn warning(self, message: impl Display) -> Result<(), Error> {
        self.end(Signal::warning(message))
    }

    /// Reports that it has failed.
    ///
    /// # Errors
    /// As [`ok`](Self::ok).
    pub fn error(self, message: impl Display) -> Result<(), Error> {
        self.end(Signal::error(message))
    }

    /// Reports any signal.
    ///
    /// # Errors
    /// As [`ok`](Self::ok).
    pub fn end(mut self, signal: impl Into<Signal>) -> Result<(), Error> {
        self.over = true;
        self.send(&signal.into())
    }

    fn send(&self, signal: &Signal) -> Result<(), Error> {
        match &self.sender {
            Ok(sender) => sender.send_patiently(signal),
            Err(error) => Err(error.clone()),
        }
    }

    /// Like `end` for where nobody is there to take an error.
    fn end_anyway(mut self, signal: Signal) {
        self.over = true;
        self.send_anyway(&signal);
    }

    fn send_anyway(&self, signal: &Signal) {
        if let (Ok(sender), Err(error), false) = (&self.sender, self.send(signal), self.quiet) {
            beater::complain(Some(sender.url()), &error);
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let message = if thread::panicking() {
            // A panic in here, during a panic, would end the program.
            panic::last_of_this_thread().unwrap_or_else(|| "panicked".to_owned())
        } else {
            "the job ended without a word".to_owned()
        };
        let _own = own::enter();
        self.send_anyway(&Signal::error(message));
    }
}

/// Does `work` and reports how it ended: ok, or the error that it returns, or its panic.
///
/// Gives back what `work` returns, whether or not the monitor could be told: what went wrong with that is told on
/// stderr. After the work it waits for the monitor for at most 10 s, retries included; for other settings make a
/// [`Job`] of a [`Builder`](crate::Builder).
///
/// With `panic = "abort"` a panic ends the program before it can be reported: the monitor then notices the silence.
///
/// ```no_run
/// # fn back_up() -> Result<u32, std::io::Error> { Ok(7) }
/// let files = mishpulse_client::job("http://127.0.0.1:8080/api/heartbeat/TOKEN", || back_up())?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Those of `work`, unchanged.
pub fn job<T, E: Display>(url: impl AsRef<str>, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let job = Job::start(url);
    let outcome = work();
    job.end_anyway(match &outcome {
        Ok(_) => Signal::ok(),
        Err(error) => Signal::error(error),
    });
    outcome
}
