//! `mishpulse healthcheck`.

use std::process::ExitCode;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use super::FAILED;
use super::args::HealthcheckOptions;
use super::remote::base;
use crate::config::{Environment, Settings, Source};

/// Asks whether a server is ready; the exit code is the answer, stderr has the reason where it is not.
pub(super) fn run(options: &HealthcheckOptions) -> ExitCode {
    match check(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("mishpulse: {why}");
            ExitCode::from(FAILED)
        }
    }
}

fn check(options: &HealthcheckOptions) -> Result<(), String> {
    let url = match &options.url {
        Some(url) => url.clone(),
        None => local_url(options)?,
    };
    let base = base(&url).map_err(|error| error.to_string())?;
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(TIMEOUT))
        .user_agent(concat!("mishpulse/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build()
        .into();
    let answer = agent.get(format!("{base}/readyz")).call();
    let mut answer = answer.map_err(|error| format!("{base} does not answer: {error}"))?;
    let status = answer.status().as_u16();
    if status == OK {
        return Ok(());
    }
    let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string().unwrap_or_default();
    let problem: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let why = problem["detail"].as_str().unwrap_or("it says no more");
    Err(format!("{base} is not ready ({status}): {why}"))
}

fn local_url(options: &HealthcheckOptions) -> Result<String, String> {
    let source = Source { file: options.config.clone(), ..Source::default() };
    let loaded = Settings::load(&source, &Environment::of_process()).map_err(|error| error.to_string())?;
    Ok(loaded.settings.local_url())
}

const OK: u16 = 200;
/// Shorter than any interval at which one asks.
const TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
