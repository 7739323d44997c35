//! The one thread that decides: it owns the watchdog and the store.
//!
//! All else sends it [`Command`]s through a bounded [`Inbox`] and is answered after the commit. What it decided is then
//! published on the [`Board`], and the [`Bell`] tells the notifier that there are letters.

mod batch;
mod bell;
mod board;
mod changes;
mod chores;
mod command;
mod declare;
mod directory;
mod edit;
mod hush;
mod inbox;
mod interned;
mod letters;
mod listening;
mod order;
mod pace;
mod registry;
mod restore;
mod rhythm;
mod row;
mod run;
mod start_error;
mod view;

pub use bell::Bell;
pub use board::Board;
pub use changes::Changed;
pub use command::{BeatOutcome, Command, Edit, EditError, Edited, Judge, Reply, Unavailable};
pub use inbox::{Inbox, Intake, inbox};
pub(crate) use letters::new_id;
pub use row::{Row, RowRef};
pub use run::{Engine, Flow, Parts};
pub use start_error::StartError;
pub use view::{Summary, View};
