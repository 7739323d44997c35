//! `mishpulse check-config`.

use std::process::ExitCode;

use super::MISTAKE;
use super::args::CheckOptions;
use super::service::say;
use crate::config::{Environment, Settings, Source, describe};
use crate::notify::Texts;

/// Reads the configuration and says what it would do.
pub(super) fn run(options: &CheckOptions) -> ExitCode {
    let source = Source { file: options.config.clone(), ..Source::default() };
    let loaded = match Settings::load(&source, &Environment::of_process()) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(MISTAKE);
        }
    };
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
    let texts = match Texts::new(loaded.settings.locale, &loaded.settings.templates) {
        Ok(texts) => texts,
        Err(error) => {
            eprintln!("{}", loaded.mistake(&format!("templates.{}", error.kind), error.detail));
            return ExitCode::from(MISTAKE);
        }
    };
    say(&describe(&loaded));
    if !loaded.settings.templates.is_empty() {
        say("\nsamples of the texts:");
        for (kind, text) in texts.samples() {
            say(&format!("  {kind}: {}", text.replace('\n', "\n    ")));
        }
    }
    ExitCode::SUCCESS
}
