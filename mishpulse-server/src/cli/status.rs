//! `mishpulse status`.

use std::process::ExitCode;

use mishpulse_core::{Clock, Span, Timestamp};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::FAILED;
use super::args::StatusOptions;
use super::remote::{RemoteError, Server, encoded};
use super::service::{finish, say, text};
use super::table::{Cell, Table};
use crate::clock::SteadyClock;

/// Shows how all services are; the exit code says whether one is dead or in error.
pub(super) fn run(options: &StatusOptions) -> ExitCode {
    match show(options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(error) => finish(Err(error)),
    }
}

/// How long ago a time in RFC 3339 was, such as `3m ago`; the text itself where it is none.
pub(super) fn ago(at: &str) -> String {
    let Ok(then) = OffsetDateTime::parse(at, &Rfc3339) else { return at.to_owned() };
    let then = Timestamp::from_unix_ms((then.unix_timestamp_nanos() / 1_000_000) as i64);
    let now = SteadyClock::new().now();
    if then > now {
        format!("in {}", rounded(then.since(now)))
    } else {
        format!("{} ago", rounded(now.since(then)))
    }
}

fn show(options: &StatusOptions) -> Result<bool, RemoteError> {
    let server = Server::new(&options.server)?;
    let answer = server.look(&format!("/api/status{}", query(options)))?;
    let rows = answer.json.as_array().map(Vec::as_slice).unwrap_or_default();
    let is_in_trouble = |row: &&Value| matches!(row["status"].as_str(), Some("dead" | "error"));
    let troubled = rows.iter().filter(is_in_trouble).count();
    if options.server.json {
        say(&answer.text);
        return Ok(troubled == 0);
    }
    let mut table = Table::new(["STATUS", "NAME", "LAST SEEN", "SINCE", "MESSAGE"]);
    for row in rows {
        let when = |name| text(row, name).map(|at| ago(&at));
        table.push([
            Cell::status(&text(row, "status").unwrap_or_default()),
            Cell::some(text(row, "name").as_deref()),
            Cell::some(when("last_seen").as_deref()),
            Cell::some(when("since").as_deref()),
            Cell::some(text(row, "message").as_deref()).cut(),
        ]);
    }
    match (rows.is_empty(), query(options).is_empty()) {
        (true, true) => say("no services; add one with: mishpulse service add NAME"),
        (true, false) => say("no service is like that"),
        (false, _) => table.print(),
    }
    Ok(troubled == 0)
}

fn query(options: &StatusOptions) -> String {
    let status = (!options.status.is_empty()).then(|| ("status", options.status.join(",")));
    let name = options.name.as_ref().map(|name| ("name", name.clone()));
    let tags = options.tag.iter().map(|tag| ("tag", tag.clone()));
    let parts: Vec<String> = (status.into_iter().chain(name).chain(tags))
        .map(|(key, value)| format!("{key}={}", encoded(&value)))
        .collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

/// The largest unit and the next, such as `2d 3h`.
fn rounded(span: Span) -> String {
    let secs = span.as_ms() / 1000;
    let parts = [(secs / 86400, "d"), (secs / 3600 % 24, "h"), (secs / 60 % 60, "m"), (secs % 60, "s")];
    let Some(first) = parts.iter().position(|(count, _)| *count > 0) else { return "0s".to_owned() };
    let shown = parts[first..].iter().take(2).filter(|(count, _)| *count > 0);
    shown.map(|(count, unit)| format!("{count}{unit}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_to_two_units() {
        for (secs, text) in
            [(0, "0s"), (59, "59s"), (60, "1m"), (3723, "1h 2m"), (86_400, "1d"), (90_061, "1d 1h")]
        {
            assert_eq!(rounded(Span::from_secs(secs)), text);
        }
        assert_eq!(ago("yesterday"), "yesterday");
        assert!(ago("2020-01-01T00:00:00Z").ends_with(" ago"));
        assert!(ago("2999-01-01T00:00:00Z").starts_with("in "));
    }
}
