//! `mishpulse run`: a command, and a heartbeat that says how it ended.

mod child;
mod mask;
mod signals;
mod tail;
mod wrap;

pub(super) use wrap::run;
