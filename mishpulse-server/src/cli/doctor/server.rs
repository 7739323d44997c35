//! Whether a server answers: here, and where people and services are told to go.

use std::io::Read as _;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use super::finding::{Area, Finding};
use crate::cli::{descriptors, remote};
use crate::config::{Settings, StatusAccess};
use crate::notify::probe_url;

const AREA: Area = Area::Server;

/// Asks the server at `url`, else where `settings` have it listen; `is_used` says whether one runs on the data folder, if
/// that is known.
pub(super) fn look(settings: &Settings, url: Option<&str>, is_used: Option<bool>) -> Vec<Finding> {
    let here = url.map_or_else(|| settings.local_url(), |url| url.trim_end_matches('/').to_owned());
    if url.is_none() && here.ends_with(":0") {
        let advice = "say with --url where it is; its first lines on stderr have the address";
        return vec![AREA.warning("`listen` has port 0, so nobody knows where the server is", advice)];
    }
    let asker = Asker::new();
    // A server that is named may be anywhere.
    let is_used = is_used.filter(|_| url.is_none());
    let mut findings = vec![answers(&asker, &here, is_used)];
    if findings[0].advice.is_none() {
        findings.push(is_ready(&asker, &here));
        if !settings.public_url_is_derived && settings.public_url != here {
            findings.extend(is_reached(&asker, &here, settings));
        }
    }
    findings.extend(descriptors(settings));
    findings
}

fn answers(asker: &Asker, here: &str, is_used: Option<bool>) -> Finding {
    match asker.ask(&format!("{here}/healthz")) {
        Ok((200, body)) if body["status"] == "ok" => match is_used {
            Some(true) | None => AREA.ok(format!("it answers at {here}")),
            Some(false) => AREA.problem(
                format!("a server answers at {here}, but none runs on this data folder"),
                "say with --config or --data-dir which folder it is using, or with --url where the server of this one is",
            ),
        },
        Ok((status, _)) => AREA.problem(
            format!("something at {here} answers {status} and is no MishPulse server"),
            "end it, or have MishPulse listen elsewhere: `listen` in the configuration",
        ),
        Err(why) if is_used == Some(true) => AREA.problem(
            format!("a server runs on the data folder, but not at {here}: {why}"),
            "it was started with another address, or hangs: its first lines on stderr say where it listens; then --url",
        ),
        Err(why) => AREA.problem(
            format!("no server answers at {here}: {why}"),
            "start it with `mishpulse serve`; where it ended by itself, its log says why",
        ),
    }
}

fn is_ready(asker: &Asker, here: &str) -> Finding {
    match asker.ask(&format!("{here}/readyz")) {
        Ok((200, _)) => AREA.ok("its store takes writes and its watchdog looks on time"),
        Ok((_, body)) => AREA.problem(
            format!("it is not well: {}", body["detail"].as_str().unwrap_or("it does not say why")),
            "look at its log, at the room on the disk, and whether another program holds mishpulse.db",
        ),
        Err(why) => AREA.problem(format!("it does not say whether it is well: {why}"), "look at its log"),
    }
}

/// Whether `public_url` leads to the server, and lets its live events through.
fn is_reached(asker: &Asker, here: &str, settings: &Settings) -> Vec<Finding> {
    let public = settings.public_url.as_str();
    let unreachable = |why: &str| {
        AREA.problem(
            format!("public_url {public} does not lead to it from here: {why}"),
            "check the name, the reverse proxy and its certificate; heartbeat URLs begin with public_url",
        )
    };
    if let Err(refusal) = probe_url(public, true, PATIENCE) {
        return vec![unreachable(&refusal.to_string())];
    }
    match asker.ask(&format!("{public}/healthz")) {
        Ok((200, body)) if body["status"] == "ok" => {}
        Ok((status, _)) => return vec![unreachable(&format!("what is there answers {status}"))],
        Err(why) => return vec![unreachable(&why)],
    }
    let reached = AREA.ok(format!("public_url {public} leads to a MishPulse server"));
    if settings.status_access == StatusAccess::Key {
        return vec![reached];
    }
    match (asker.run(here), asker.run(public)) {
        (Some(here_run), Some(run)) if here_run == run => {
            vec![AREA.ok(format!("public_url {public} leads to it, live events and all"))]
        }
        (Some(_), Some(_)) => vec![unreachable("another MishPulse server is there")],
        (Some(_), None) => vec![
            reached,
            AREA.warning(
                format!("live events do not come through {public}, so the page there is not live"),
                "have the proxy pass on /events as it comes; docs/operating.md shows how",
            ),
        ],
        (None, _) => vec![reached],
    }
}

fn descriptors(settings: &Settings) -> Option<Finding> {
    let connections = settings.limits.connections;
    descriptors::shortage(&settings.limits).map(|most| {
        AREA.warning(
            format!("a server that is started from here gets {most} descriptors, too few for {connections} connections"),
            "raise the hard limit (`ulimit -Hn`, LimitNOFILE= of its unit), or lower `connections` in [limits]",
        )
    })
}

struct Asker(Agent);

impl Asker {
    fn new() -> Self {
        Self(remote::agent(PATIENCE, concat!("mishpulse-doctor/", env!("CARGO_PKG_VERSION"))))
    }

    /// The status of the answer, and its body where that is JSON.
    fn ask(&self, url: &str) -> Result<(u16, Value), String> {
        let mut answer = self.0.get(url).call().map_err(|error| match error {
            ureq::Error::Timeout(_) => format!("no answer within {} s", PATIENCE.as_secs()),
            ureq::Error::HostNotFound => "its name does not resolve".to_owned(),
            other => other.to_string().trim_start_matches("io: ").to_owned(),
        })?;
        let text = answer.body_mut().with_config().limit(BODY_BYTES_MAX).read_to_string();
        let body = text.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Ok((answer.status().as_u16(), body))
    }

    /// Which run of which server this is, by the id of its first live event; `None` where that does not come.
    fn run(&self, base: &str) -> Option<String> {
        let answer = self.0.get(format!("{base}/events")).call().ok()?;
        let mut reader = answer.into_body().into_reader();
        let mut text = Vec::new();
        let mut piece = [0; 512];
        while text.len() < piece.len() {
            let count = reader.read(&mut piece).ok().filter(|count| *count > 0)?;
            text.extend_from_slice(&piece[..count]);
            let lines = String::from_utf8_lossy(&text);
            let id = lines.split_once("id: ").and_then(|(_, rest)| rest.split_once('\n'));
            if let Some((id, _)) = id {
                return Some(id.rsplit_once('-')?.0.to_owned());
            }
        }
        None
    }
}

const PATIENCE: Duration = Duration::from_secs(5);
const BODY_BYTES_MAX: u64 = 64 * 1024;
