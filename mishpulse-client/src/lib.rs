//! One line that makes an app send heartbeats to MishPulse, a self-hosted heartbeat monitor (a dead man's switch):
//! while they come the app is alive, and when they stop people are told.
//!
//! ```no_run
//! let _pulse = mishpulse_client::start("http://127.0.0.1:8080/api/heartbeat/TOKEN");
//! ```
//!
//! From this line on the app beats `ok` every 60 s from one background thread, the first time at once, and when it
//! panics people read message and place: `panicked at src/main.rs:12: index out of bounds`. The line never panics,
//! never waits for the network and never fails: what is wrong with the address is told once on stderr. Bind it to a
//! name, `_pulse`, that lives as long as the app: `let _ = ...` would drop it at once.
//!
//! # What else an app can say
//!
//! ```no_run
//! # fn work() -> Result<(), std::io::Error> { Ok(()) }
//! let pulse = mishpulse_client::start("http://127.0.0.1:8080/api/heartbeat/TOKEN");
//! loop {
//!     match work() {
//!         Ok(()) => pulse.ok(),
//!         Err(error) => pulse.error(format_args!("work failed: {error}")),
//!     }
//! #   break;
//! }
//! ```
//!
//! - [`Pulse::ok`], [`warning`](Pulse::warning) and [`error`](Pulse::error) hand over a status, which holds until the
//!   next one. Saying `ok` again costs one atomic load, under 1 ns.
//! - [`Pulse::watch`] ties the beats to a loop of the app: a loop that hangs is reported as `stalled for 90 s`, though
//!   the process is alive.
//! - [`job`] and [`Job`] are for what begins and ends, such as a backup: ok, its error, or its panic is one heartbeat.
//! - [`beat`] sends a single heartbeat and says what became of it.
//! - [`from_env`] takes the address from `MISHPULSE_URL`; [`Builder`] has all the settings.
//!
//! # What can be relied on
//!
//! - **It does not get in the way.** No call but [`Pulse::flush`], [`beat`], the end of a job and the drop of a pulse
//!   waits for the network. One thread, at most one connection, one short-lived thread for the look-up of a name, and
//!   a message of at most 4,096 bytes are all that it ever holds, however long the monitor is away.
//! - **The latest status wins.** While the monitor is away nothing piles up; it is tried again after 1 s, 2 s, 4 s and
//!   so on, then once an interval, for ever. An error that is taken back at once is still sent, if the monitor is there.
//! - **A flood becomes a trickle.** 5 changes leave at once, then the latest of them once a second.
//! - **The token stays secret.** It is in no `Debug`, `Display` or error, nor in a message that repeats the address;
//!   redirects are not followed with it. (A logger set to `Trace` for `ureq` and `ureq_proto` writes down whole
//!   requests, though: leave these two at `Debug`.)
//! - **The end is in time.** Dropping a [`Pulse`] delivers what is new within 2 s, and else leaves.
//!
//! # Panics
//!
//! The first pulse or job puts a panic hook before the one that is there, which is then called as always. The
//! panicking thread waits until its report is delivered, at most 2 s and at most once a second, not at all while the
//! monitor is known to be away. So it arrives from a thread, from `main`, with `panic = "abort"` and where the
//! program's own hook ends the process. The error holds until the app says [`ok`](Pulse::ok) or starts anew: what died
//! is not healed by the next minute. A hook that the app sets later should call the one it replaces.
//!
//! # What to know
//!
//! - A `static` is never dropped: a pulse in one delivers what is new only in a [`flush`](Pulse::flush) before the
//!   program ends. [`std::process::exit`] drops nothing either.
//! - After `fork` the child has no background thread: start the pulse in the child, after the fork.
//! - With `panic = "abort"` nothing is dropped: a [`job`] that panics is reported by a pulse, or by its silence.
//! - `https://` is spoken with rustls and Mozilla's roots, or
//!   [roots of your own](Builder::root_certificates). If the program has installed a process-wide rustls provider that
//!   one is used, else ring; two providers in one program do no harm.
//! - Proxies come from [`Builder::proxy`], not from the environment.
//! - The process being stopped (a debugger, a paused container) is no stall of its loops.
//!
//! # Features
//!
//! | feature | what it is for |
//! | --- | --- |
//! | `tls` (default) | `https://` addresses |
//! | `log` | `Pulse::logger`: error records of the `log` crate become error beats |
//! | `tracing` | `Pulse::layer`: ERROR events of `tracing` become error beats |
//!
//! Rust 1.85 or newer.

#![forbid(unsafe_code)]

mod beater;
mod builder;
mod error;
mod job;
#[cfg(feature = "log")]
mod log_records;
mod own;
mod panic;
mod progress;
mod pulse;
mod resolve;
mod schedule;
mod send;
mod shared;
mod signal;
#[cfg(feature = "tracing")]
mod tracing_events;
mod url;
mod watch;

pub use builder::Builder;
pub use error::Error;
pub use job::{Job, job};
#[cfg(feature = "log")]
pub use log_records::PulseLogger;
pub use pulse::Pulse;
pub use signal::{MESSAGE_BYTES_MAX, Signal, Status};
#[cfg(feature = "tracing")]
pub use tracing_events::PulseLayer;
pub use watch::Watch;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Starts to beat for the heartbeat address `url`, `ok` every 60 s, from one background thread; the first beat leaves
/// at once.
///
/// Never fails, never panics and never waits. A bad address or a refusal of the monitor is told once on stderr and
/// kept in [`Pulse::last_error`]; the pulse then does nothing, or goes on trying. [`Builder`] has the settings, and a
/// [`start`](Builder::start) that returns errors.
///
/// ```no_run
/// let _pulse = mishpulse_client::start("http://127.0.0.1:8080/api/heartbeat/TOKEN");
/// ```
pub fn start(url: impl AsRef<str>) -> Pulse {
    Builder::new(url).start_anyway()
}

/// Like [`start`] for the address in the environment variable `MISHPULSE_URL`. Where that is missing or empty, so is
/// the pulse: it is told once on stderr and nothing is sent.
pub fn from_env() -> Pulse {
    Builder::from_env().start_anyway()
}

/// Sends one heartbeat now and waits for the answer, at most 10 s, retries included.
///
/// ```no_run
/// use mishpulse_client::{Signal, Status};
///
/// let url = "http://127.0.0.1:8080/api/heartbeat/TOKEN";
/// mishpulse_client::beat(url, Status::Ok)?;
/// mishpulse_client::beat(url, Signal::warning("disk 91 %"))?;
/// # Ok::<(), mishpulse_client::Error>(())
/// ```
///
/// # Errors
/// Any [`Error`] but [`Error::NoThread`].
pub fn beat(url: impl AsRef<str>, signal: impl Into<Signal>) -> Result<(), Error> {
    Builder::new(url).beat(signal)
}
