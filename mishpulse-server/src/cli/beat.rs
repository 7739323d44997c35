//! `mishpulse beat`.

use std::process::ExitCode;

use mishpulse_client::{Signal, beat};

use super::FAILED;
use super::args::BeatOptions;

/// Sends one heartbeat, and says why where it was not taken.
pub(super) fn run(options: &BeatOptions) -> ExitCode {
    let message = options.message.as_deref().unwrap_or_default();
    let signal = match options.status.as_str() {
        "error" => Signal::error(message),
        "warning" => Signal::warning(message),
        _ => Signal::ok_with(message),
    };
    match beat(&options.url, signal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mishpulse: the heartbeat was not taken: {error}");
            ExitCode::from(FAILED)
        }
    }
}
