//! `mishpulse completions`.

use std::io::{Write, stdout};
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use super::FAILED;
use super::args::Args;

/// Prints the completions for `shell`.
pub(super) fn run(shell: &str) -> ExitCode {
    let shell = match shell {
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        _ => Shell::Bash,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "mishpulse", &mut script);
    // A reader that has gone away, such as `head`, is no reason to panic.
    match stdout().write_all(&script) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(FAILED),
    }
}
