//! What the whole server does under load; see the README beside.

use std::process::ExitCode;

use clap::Parser;

mod load;

/// Measures the server on this machine. Everything it needs it starts itself.
#[derive(Debug, Parser)]
#[command(about)]
struct Arguments {
    #[command(subcommand)]
    command: load::Command,
}

fn main() -> ExitCode {
    match load::run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
