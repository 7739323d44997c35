//! `mishpulse beat`.

use std::process::ExitCode;

use mishpulse_client::{Signal, Status, beat};

use super::FAILED;
use super::args::BeatOptions;

/// Sends one heartbeat, and says why where it was not taken.
pub(super) fn run(options: &BeatOptions) -> ExitCode {
    let status = match options.status.as_str() {
        "error" => Status::Error,
        "warning" => Status::Warning,
        _ => Status::Ok,
    };
    match beat(&options.url, Signal::new(status, options.message.as_deref())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mishpulse: the heartbeat was not taken: {error}");
            ExitCode::from(FAILED)
        }
    }
}
