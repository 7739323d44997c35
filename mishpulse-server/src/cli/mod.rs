//! The command line: flags in, words and exit codes out.

mod args;
mod backup;
mod beat;
mod channel;
mod check;
mod completions;
mod data;
mod descriptors;
mod doctor;
mod healthcheck;
mod logs;
mod memory;
mod remote;
mod run;
mod serve;
mod service;
mod service_args;
mod status;
mod systemd;
mod table;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

/// Runs the command that the command line asks for.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    match args.command.unwrap_or(Command::Serve(args.serve)) {
        Command::Serve(options) => serve::run(&options),
        Command::CheckConfig(options) => check::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::DefaultConfig => {
            service::say(crate::config::EXAMPLE);
            ExitCode::SUCCESS
        }
        Command::Beat(options) => beat::run(&options),
        Command::Run(options) => run::run(&options),
        Command::Status(options) => status::run(&options),
        Command::Healthcheck(options) => healthcheck::run(&options),
        Command::Service(options) => service::run(&options),
        Command::Channel(options) => channel::run(&options),
        Command::Backup(options) => backup::save(&options),
        Command::Restore(options) => backup::restore(&options),
        Command::Completions { shell } => completions::run(&shell),
    }
}

/// The command did not do its work.
const FAILED: u8 = 1;
/// The configuration or the command line cannot be followed.
const MISTAKE: u8 = 2;
/// The server cannot be reached, or does not take the key.
const NO_SERVER: u8 = 3;
