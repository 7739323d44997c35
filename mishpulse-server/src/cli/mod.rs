//! The command line: flags in, words and exit codes out.

mod args;
mod beat;
mod check;
mod logs;
mod serve;

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
        Command::DefaultConfig => {
            print!("{}", crate::config::EXAMPLE);
            ExitCode::SUCCESS
        }
        Command::Beat(options) => beat::run(&options),
    }
}

/// The command did not do its work.
const FAILED: u8 = 1;
/// The configuration or the command line cannot be followed.
const MISTAKE: u8 = 2;
