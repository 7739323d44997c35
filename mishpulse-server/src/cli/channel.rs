//! `mishpulse channel`.

use std::process::ExitCode;

use serde_json::Value;
use ureq::http::Method;

use super::args::{ChannelAction, ChannelOptions};
use super::remote::{RemoteError, Server, encoded};
use super::service::{finish, say, text, whole_list};
use super::table::{Cell, Table};

/// Lists or tests channels.
pub(super) fn run(options: &ChannelOptions) -> ExitCode {
    finish(match &options.action {
        ChannelAction::List => list(options),
        ChannelAction::Test { name } => test(options, name),
    })
}

fn list(options: &ChannelOptions) -> Result<(), RemoteError> {
    let server = Server::new(&options.server)?;
    let answer = server.ask(Method::GET, "/api/channels", None)?;
    if options.server.json {
        say(&answer.text);
        return Ok(());
    }
    let rows = whole_list(answer, &server)?;
    if rows.is_empty() {
        say(
            "no channels: nobody is told. Add one to the configuration; `mishpulse default-config` shows how",
        );
        return Ok(());
    }
    let mut table = Table::new(["NAME", "KIND", "SETTINGS"]);
    for row in &rows {
        table.push([
            Cell::some(text(row, "name").as_deref()),
            Cell::some(text(row, "kind").as_deref()),
            Cell::some(Some(&settings(row))),
        ]);
    }
    table.print();
    Ok(())
}

fn test(options: &ChannelOptions, name: &str) -> Result<(), RemoteError> {
    let server = Server::new(&options.server)?;
    let answer = server.ask(Method::POST, &format!("/api/channels/{}/test", encoded(name)), None)?;
    match options.server.json {
        true => say(&answer.text),
        false => say(&format!("{name} took the test")),
    }
    Ok(())
}

/// What else the server tells of a channel.
fn settings(row: &Value) -> String {
    let Value::Object(fields) = row else { return String::new() };
    let others = fields.keys().filter(|name| !["name", "kind"].contains(&name.as_str()));
    let shown: Vec<String> = others.filter_map(|name| Some(format!("{name}={}", text(row, name)?))).collect();
    shown.join(" ")
}
