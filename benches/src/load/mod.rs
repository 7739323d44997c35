//! `load`: the server under load beside a yardstick, each a process of its own, on one machine.

use std::error::Error;

mod client;
mod command;
mod day;
mod deaths;
mod disk;
mod echo;
mod fleet;
mod generate;
mod generator;
mod half;
mod inside;
mod latency;
mod open_loop;
mod process;
mod scale;
mod seed;
mod server;
mod sink;
mod soak;
mod start;
mod status;
mod svg;
mod table;
mod throughput;
mod wire;

pub(crate) use command::{Command, run};

/// Whatever goes wrong ends the program, which says what it was.
pub(crate) type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;
