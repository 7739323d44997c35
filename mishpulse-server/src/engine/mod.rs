//! The one thread that decides: it owns the watchdog and the store.
//!
//! All else sends it [`Command`]s through a bounded [`Inbox`] and is answered after the commit. What it decided is then
//! published on the [`Board`], and the [`Bell`] tells the notifier that there are letters.

mod batch;
mod bell;
mod board;
mod changes;
mod command;
mod declare;
mod edit;
mod hush;
mod inbox;
mod letters;
mod listening;
mod registry;
mod rhythm;
mod run;

pub use bell::Bell;
pub use board::{Board, Row, Summary, View};
pub use changes::Changed;
pub use command::{BeatOutcome, Command, Edit, EditError, Edited, Judge, Reply, Unavailable};
pub use inbox::{Inbox, Intake, inbox};
pub(crate) use letters::new_id;
pub use run::{Engine, Flow, Parts, StartError};
