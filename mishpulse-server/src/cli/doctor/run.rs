//! All checks, in order.

use std::path::Path;
use std::process::ExitCode;

use super::finding::{Area, Finding, Level};
use super::{channels, clock, configuration, database, folder, report, server};
use crate::cli::args::DoctorOptions;
use crate::cli::{FAILED, MISTAKE};
use crate::config::{Environment, Settings, Source};
use crate::store::is_in_use;

/// Looks at everything and says what is wrong. Changes nothing and sends nothing that anyone would see.
pub(in crate::cli) fn run(options: &DoctorOptions) -> ExitCode {
    let source =
        Source { file: options.config.clone(), data_dir: options.data_dir.clone(), ..Source::default() };
    let mut findings = Vec::new();
    let loaded = Settings::load(&source, &Environment::of_process());
    let settings = loaded.and_then(|loaded| {
        findings.extend(configuration::look(&loaded)?);
        Ok(loaded.settings)
    });
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => {
            findings.extend(configuration::mistakes(&error));
            report::print(&findings, options.json);
            return ExitCode::from(MISTAKE);
        }
    };
    let lock = is_in_use(&settings.data_dir);
    let is_used = lock.as_ref().ok().copied();
    findings.extend(folder::look(&settings.data_dir, lock));
    let (database, seen) = database::look(&settings.data_dir, is_used == Some(true));
    findings.push(database);
    findings.extend(clock::look(seen));
    findings.extend(server::look(&settings, options.url.as_deref(), is_used));
    findings.extend(channels::look(&settings));
    report::print(&findings, options.json);
    if is_bad(&findings) { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
}

/// A path as people can find it from anywhere.
pub(super) fn full(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// What an error of the store says, with its own advice apart.
pub(super) fn broken(area: Area, error: &str, advice: &str) -> Finding {
    match error.split_once("; ") {
        Some((what, own)) => area.problem(what, own),
        None => area.problem(error, advice),
    }
}

fn is_bad(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.level == Level::Problem)
}
