//! A heartbeat watchdog as a pure state machine: no I/O, no threads, no clock. Time comes from outside.
//!
//! Services say that they are well. When one has been silent for longer than it may be, or says that it is not well, the
//! watchdog says so: once, at the millisecond, in an order that does not change from run to run. It watches a million
//! services on one thread, and is what [MishPulse](https://github.com/mishpulse/mishpulse), a self-hosted dead man's
//! switch, is built around. It is as good for a program that watches over its own workers, or for a device without an
//! operating system.
//!
//! ```
//! use mishpulse_core::{Config, Event, Policy, Signal, Span, Status, Timestamp, keyed::Watchdog};
//!
//! let noon = Timestamp::from_unix_ms(1_760_616_000_000);
//! let mut dog = Watchdog::new(Config::default(), noon);
//! dog.watch("backup", Policy::new("1d".parse()?)?.grace("1h".parse()?)?, noon)?;
//! dog.beat(&"backup", Signal::ok(), noon)?;
//! assert_eq!(dog.deadline(&"backup"), Some(noon + Span::from_secs(25 * 3600)));
//!
//! while let Some(event) = dog.poll(noon) {
//!     let Event::Changed(change) = event else { continue };
//!     assert_eq!((change.service, change.from, change.to), ("backup", Status::New, Status::Alive));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How to drive it
//!
//! A watchdog does nothing by itself. Whoever drives it hands in what happens, with the time, and acts on what comes out:
//!
//! 1. Hand in inputs as they come: [`watch`](Watchdog::watch), [`beat`](Watchdog::beat), [`pause`](Watchdog::pause),
//!    [`resume`](Watchdog::resume), [`change`](Watchdog::change), [`forget`](Watchdog::forget).
//! 2. Call [`poll`](Watchdog::poll) until it returns `None`, after every input or batch of inputs, and act on each event.
//! 3. Do that again at [`next_deadline`](Watchdog::next_deadline) at the latest, also if no input has come.
//!
//! Every call takes the time, so read your clock once for a batch. The clock should not jump when somebody sets the time of
//! the day, and should go on while the machine is suspended; [`SystemClock`] will do to begin with.
//!
//! This loop takes beats from other threads until a worker falls silent:
//!
//! ```
//! use std::sync::mpsc::{self, RecvTimeoutError};
//! use std::thread;
//! use std::time::Duration;
//!
//! use mishpulse_core::{AlertKind, Clock, Config, Event, Policy, Signal, Span, SystemClock, keyed};
//!
//! let (beats, inbox) = mpsc::channel();
//! thread::spawn(move || {
//!     for _ in 0..3 {
//!         beats.send(("worker", Signal::ok())).expect("someone listens");
//!         thread::sleep(Duration::from_millis(10));
//!     }
//!     // Falls silent, but does not hang up.
//!     thread::sleep(Duration::from_secs(60));
//! });
//!
//! let clock = SystemClock::new();
//! let mut dog = keyed::Watchdog::new(Config::default(), clock.now());
//! dog.watch("worker", Policy::new(Span::from_ms(300))?, clock.now())?;
//! let dead = 'run: loop {
//!     let now = clock.now();
//!     while let Some(event) = dog.poll(now) {
//!         match event {
//!             Event::Changed(change) => println!("{}: {} -> {}", change.service, change.from, change.to),
//!             Event::Alert(alert) if alert.kind == AlertKind::Dead => break 'run alert,
//!             Event::Alert(alert) => println!("tell {} of {}", alert.kind, alert.service),
//!             Event::Blind(gap) => println!("was away for {}", gap.away),
//!             _ => {}
//!         }
//!     }
//!     let wait = dog.next_deadline().map_or(Duration::MAX, |next| next.since(now).into());
//!     match inbox.recv_timeout(wait) {
//!         Ok((worker, signal)) => dog.beat(&worker, signal, clock.now())?,
//!         Err(RecvTimeoutError::Timeout) => {}
//!         Err(RecvTimeoutError::Disconnected) => return Ok(()),
//!     }
//! };
//! assert_eq!(dead.service, "worker");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In a test the clock is a [`ManualClock`], or just a number that grows: nothing waits, and ten years take a moment.
//!
//! # What it says
//!
//! | is, and then | ok | warning | error | silent for too long |
//! | --- | --- | --- | --- | --- |
//! | new | alive | warning | error, alert | new |
//! | alive | alive | warning, alert if asked for | error, alert | dead, alert |
//! | warning | alive | warning | error, alert | dead, alert |
//! | error | alive, recovered | warning, recovered | error, see below | dead, alert |
//! | dead | alive, recovered | warning, recovered | error, alert | dead |
//! | paused | alive | warning | error, alert | paused |
//!
//! Every change of status is an [`Event::Changed`]. What a person should hear of is an [`Event::Alert`] after it, as the
//! [`Policy`] of the service asks for:
//!
//! - Silent for too long is *more than* timeout and grace. The change is stamped with the deadline, not with the moment at
//!   which somebody looked.
//! - The same error again raises nothing. Another error raises an alert, at most one each `error_cooldown`.
//! - `recovered` is raised only where the trouble before it was.
//! - With `remind_every` there is a reminder each interval while a service is dead or in error, if that was told.
//! - A paused service raises nothing. A beat resumes it, unless the policy has `resume_on_beat(false)`.
//!
//! # When the watcher was away
//!
//! Silence counts only while someone was listening. When time jumps between two calls by more than
//! [`Config::blind_after`], or by more than half of a service's timeout and grace where that is less, the watcher was away: the
//! process was stopped, the machine suspended, the disk stuck. Every service whose deadline was still ahead then gets one
//! full timeout and grace from the watcher's return, once until it is heard again. So nobody is called dead who could not
//! report, what has really died is found all the same, and a watcher that is away again and again hides nobody for ever. An
//! [`Event::Blind`] says that it was so.
//!
//! A driver that looks but knows that nobody can be heard, since no connection is accepted, says so with [`deaf`](Watchdog::deaf)
//! and [`hears`](Watchdog::hears): nothing falls due in between, and then that time counts as having been away.
//!
//! # How to store it
//!
//! Store [`service`](Watchdog::service) and [`policy`](Watchdog::policy) of everyone whom an input or an event named, and
//! [`gaps`](Watchdog::gaps) after an [`Event::Blind`], in one transaction with what you owe for the events; and the time, now
//! and then. [`Watchdog::restore`] goes on from there, exactly as the watchdog that is gone would have. Nothing that can be
//! computed is stored, so no two facts can disagree.
//!
//! # Laws
//!
//! Each is checked by a test over thousands of random traces, with a naive model beside it that has no index and looks at
//! everyone each time:
//!
//! - The same inputs give the same events.
//! - When it is polled does not matter, as long as the driver keeps to `next_deadline`; who does is never taken for blind.
//! - After `poll` has returned `None`, `next_deadline` is ahead, and nothing falls due before it.
//! - An extra poll changes nothing. A time before the last one counts as the last one.
//! - A change starts where the last change of that service led to, and is not earlier.
//! - `recovered` comes once, after its trouble was told.
//! - Who is silent for longer than allowed is dead, and who is not is not. Being away never kills.
//! - A watchdog restored from what was stored goes on as the original would.
//!
//! # What it costs
//!
//! A beat is O(1): it writes to the record of the service and to nothing else. A poll that finds nothing is O(1) whatever
//! the number of services, a death O(log n). No call is long, even when everyone is due in the same millisecond: the index is
//! worked off in slices ahead of time. Only the first call after having been away visits everyone. A service takes about
//! 55 bytes, and its last message if there was one.
//!
//! # What it does not do
//!
//! - It does not know of networks, databases or time zones, and tells nobody anything: it decides that somebody should be.
//! - It keeps no history: each event is said once.
//! - It is not a scheduler: a service is expected within a time of its last signal, not at three in the morning.
//! - It does not guard against a driver that calls it from several threads: it is `Send`, and one thread at a time has it.
//!
//! # Features
//!
//! - `std` (default): [`SystemClock`], and nothing else. Without it the crate is `no_std` and needs `alloc`.
//! - `serde`: for [`Timestamp`] (Unix milliseconds), [`Span`] (text such as `"1h30m"`) and the words of statuses, signals and
//!   alerts.
//! - `testing`: the random traces, the driver and the naive model of the laws, to check what is built on the watchdog.
//!
//! It compiles on Rust 1.85 and newer, and has no `unsafe` code.
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod alert;
mod blind;
mod deadlines;
mod deaf;
mod error;
mod event;
mod id;
pub mod keyed;
mod policies;
mod policy;
mod restore;
mod rules;
mod service;
mod signal;
#[cfg(any(feature = "testing", test))]
pub mod testing;
mod time;
mod watchdog;

pub use blind::{Config, Gap};
pub use error::{AlreadyWatched, ParseSpanError, PolicyError, RestoreError, UnknownService, UnknownWord};
pub use event::{Alert, AlertKind, Change, Event};
pub use id::ServiceId;
pub use policy::{AlertKinds, Policy};
pub use service::{Service, Status, Trouble};
pub use signal::{Message, Signal, SignalKind};
#[cfg(target_has_atomic = "64")]
pub use time::ManualClock;
#[cfg(feature = "std")]
pub use time::SystemClock;
pub use time::{Clock, Span, Timestamp};
pub use watchdog::Watchdog;
