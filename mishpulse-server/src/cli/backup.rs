//! `mishpulse backup` and `mishpulse restore`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use mishpulse_core::{Clock, Span, Timestamp};

use super::args::{BackupOptions, RestoreOptions};
use super::service::say;
use super::{FAILED, MISTAKE};
use crate::clock::SteadyClock;
use crate::store::{Backup, BackupError, Copied, Copying};

/// Copies the database to a file.
pub(super) fn save(options: &BackupOptions) -> ExitCode {
    let data_dir = match options.data.data_dir() {
        Ok(data_dir) => data_dir,
        Err(error) => return mistake(&error),
    };
    let mut progress = Progress::new();
    let saved = Backup::save(&data_dir, &options.file, options.force, |copying| progress.show(copying));
    progress.end();
    tell(saved, |copied| {
        say(&format!("{} has a copy of {}", options.file.display(), contents(copied)));
    })
}

/// Makes a backup the database of a data folder.
pub(super) fn restore(options: &RestoreOptions) -> ExitCode {
    let data_dir = match options.data.data_dir() {
        Ok(data_dir) => data_dir,
        Err(error) => return mistake(&error),
    };
    let mut progress = Progress::new();
    let restored = Backup::restore(&options.file, &data_dir, |copying| progress.show(copying));
    progress.end();
    tell(restored, |copied| {
        let full = std::path::absolute(&data_dir).unwrap_or_else(|_| data_dir.clone());
        say(&format!("{} has {}", full.display(), contents(copied)));
        say(&format!("start the server with: mishpulse serve --data-dir {}", quoted(&data_dir)));
    })
}

fn mistake(error: &str) -> ExitCode {
    eprintln!("mishpulse: {error}");
    ExitCode::from(MISTAKE)
}

fn tell(result: Result<Copied, BackupError>, done: impl FnOnce(Copied)) -> ExitCode {
    match result {
        Ok(copied) => {
            done(copied);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("mishpulse: {error}");
            ExitCode::from(FAILED)
        }
    }
}

fn contents(copied: Copied) -> String {
    let Copied { services, bytes } = copied;
    let noun = if services == 1 { "service" } else { "services" };
    format!("{services} {noun}, {}", HumanBytes(bytes))
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.contains(char::is_whitespace) { format!("'{text}'") } else { text }
}

/// A bar for what takes longer than a moment, on a terminal only.
struct Progress {
    clock: SteadyClock,
    started: Timestamp,
    bar: Option<ProgressBar>,
}

impl Progress {
    fn new() -> Self {
        let clock = SteadyClock::new();
        Self { started: clock.now(), clock, bar: None }
    }

    fn show(&mut self, copying: Copying) {
        if self.bar.is_none() && self.clock.now().since(self.started) >= QUIET {
            // It draws nothing where stderr is no terminal.
            let bar = ProgressBar::with_draw_target(Some(copying.total), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{msg} {wide_bar} {percent} %");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(100));
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_length(copying.total);
            bar.set_position(copying.done);
            // What takes longest comes last, and nobody knows how long.
            bar.set_message(if copying.done < copying.total { "copying" } else { "checking" });
        }
    }

    fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What is done by then needs no bar.
const QUIET: Span = Span::from_secs(1);
