//! What the settings say, as `check-config` sees it.

use std::net::SocketAddr;

use super::finding::{Area, Finding};
use crate::config::{ConfigError, Loaded, Settings};
use crate::notify::Texts;

const AREA: Area = Area::Configuration;

/// What is right and what is odd.
///
/// # Errors
/// [`ConfigError`] where a template makes no sense.
pub(super) fn look(loaded: &Loaded) -> Result<Vec<Finding>, ConfigError> {
    Texts::new(loaded.settings.locale, &loaded.settings.templates)
        .map_err(|error| loaded.mistake(&format!("templates.{}", error.kind), error.detail))?;
    let mut findings = vec![AREA.ok(match &loaded.file {
        Some(file) => format!("{} can be followed", super::run::full(file)),
        None => "there is no file: defaults and variables hold".to_owned(),
    })];
    let odd = loaded.warnings.iter();
    findings.extend(odd.map(|warning| AREA.warning(warning.clone(), "check its name and value")));
    findings.extend(tells_nobody(&loaded.settings));
    findings.extend(is_reached_from_here_only(&loaded.settings));
    Ok(findings)
}

/// Every mistake, each a finding.
pub(super) fn mistakes(error: &ConfigError) -> Vec<Finding> {
    let text = error.to_string();
    text.lines().map(|line| AREA.problem(line, "mend it; docs/configuration.md has every key")).collect()
}

fn tells_nobody(settings: &Settings) -> Option<Finding> {
    settings.channels.is_empty().then(|| {
        AREA.warning(
            "there are no channels, so nobody is told of anything",
            "add one; `mishpulse default-config` shows how",
        )
    })
}

/// It listens for others, but gives them URLs that lead to themselves.
fn is_reached_from_here_only(settings: &Settings) -> Option<Finding> {
    let address: SocketAddr = settings.listen.parse().ok()?;
    (settings.public_url_is_derived && !address.ip().is_loopback()).then(|| {
        AREA.warning(
            format!("public_url is not set, so heartbeat URLs begin with {}", settings.public_url),
            "set public_url to where people and services reach the server",
        )
    })
}
