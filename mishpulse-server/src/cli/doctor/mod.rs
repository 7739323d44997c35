//! `mishpulse doctor`: one check, one small function, one finding.

mod channels;
mod clock;
mod configuration;
mod database;
mod finding;
mod folder;
mod report;
mod run;
mod server;

pub(super) use run::run;
