//! `mishpulse service`.

use std::io::{Write, stdout};
use std::process::ExitCode;

use serde_json::{Map, Value, json};
use ureq::http::Method;

use super::args::{ServiceAction, ServiceOptions};
use super::remote::{Answer, RemoteError, Server, encoded};
use super::service_args::ServiceSettings;
use super::status::ago;
use super::table::{Cell, Table};

/// Does what was asked of services.
pub(super) fn run(options: &ServiceOptions) -> ExitCode {
    finish(Desk::new(options).and_then(|desk| desk.run(&options.action)))
}

/// Says what went wrong, and with which exit code it ends.
pub(super) fn finish(result: Result<(), RemoteError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mishpulse: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Prints `text` and a line's end. A reader that has gone away is no reason to fail.
pub(super) fn say(text: &str) {
    let _ = writeln!(stdout(), "{}", text.trim_end());
}

/// All pages of a list.
pub(super) fn whole_list(first: Answer, server: &Server) -> Result<Vec<Value>, RemoteError> {
    let mut rows = Vec::new();
    let mut answer = first;
    loop {
        if let Value::Array(page) = answer.json {
            rows.extend(page);
        }
        let Some(next) = answer.next else { return Ok(rows) };
        answer = server.ask(Method::GET, &next, None)?;
    }
}

struct Desk {
    server: Server,
    json: bool,
}

impl Desk {
    fn new(options: &ServiceOptions) -> Result<Self, RemoteError> {
        Ok(Self { server: Server::new(&options.server)?, json: options.server.json })
    }

    fn run(&self, action: &ServiceAction) -> Result<(), RemoteError> {
        match action {
            ServiceAction::Add { name, token, update, settings } => {
                let mut fields = fields(settings);
                set(&mut fields, "token", token.as_ref());
                let (method, path) = if *update {
                    (Method::PUT, path(name, ""))
                } else {
                    fields.insert("name".to_owned(), json!(name));
                    (Method::POST, "/api/services".to_owned())
                };
                let made = self.server.ask(method, &path, Some(&Value::Object(fields)))?;
                self.show(&made, &format!("{name} is watched"))
            }
            ServiceAction::List => self.list(),
            ServiceAction::Show { name } => self.show_whole(name),
            ServiceAction::Edit { name, rename, token, defaults, settings } => {
                let mut fields = fields(settings);
                set(&mut fields, "name", rename.as_ref());
                set(&mut fields, "token", token.as_ref());
                for setting in defaults {
                    fields.insert(setting.clone(), Value::Null);
                }
                let changed =
                    self.server.ask(Method::PATCH, &path(name, ""), Some(&Value::Object(fields)))?;
                self.show(&changed, &format!("{name} is changed"))
            }
            ServiceAction::Rm(names) => self.each(&names.names, Method::DELETE, "", "dropped"),
            ServiceAction::Pause(names) => self.each(&names.names, Method::POST, "/pause", "paused"),
            ServiceAction::Resume(names) => self.each(&names.names, Method::POST, "/resume", "resumed"),
            ServiceAction::RotateToken { name } => {
                let rotated = self.server.ask(Method::POST, &path(name, "/rotate-token"), None)?;
                self.show(&rotated, &format!("{name} has a new token; the old one is worth nothing now"))
            }
        }
    }

    /// Does the same to several, as far as it goes.
    fn each(&self, names: &[String], method: Method, what: &str, done: &str) -> Result<(), RemoteError> {
        for name in names {
            let answer = self.server.ask(method.clone(), &path(name, what), None)?;
            match self.json {
                true if !answer.text.is_empty() => say(&answer.text),
                true => {}
                false => say(&format!("{name} is {done}")),
            }
        }
        Ok(())
    }

    fn list(&self) -> Result<(), RemoteError> {
        let answer = self.server.ask(Method::GET, "/api/services", None)?;
        if self.json && answer.next.is_none() {
            say(&answer.text);
            return Ok(());
        }
        let rows = whole_list(answer, &self.server)?;
        if self.json {
            say(&Value::Array(rows).to_string());
            return Ok(());
        }
        let mut table = Table::new(["NAME", "STATUS", "TIMEOUT", "GRACE", "TAGS", "HEARTBEAT URL"]);
        for row in &rows {
            table.push([
                Cell::some(text(row, "name").as_deref()),
                Cell::status(&text(row, "status").unwrap_or_default()),
                Cell::some(text(row, "timeout").as_deref()),
                Cell::some(text(row, "grace").as_deref()),
                Cell::some(text(row, "tags").as_deref()),
                Cell::some(text(row, "heartbeat_url").as_deref()),
            ]);
        }
        table.print();
        Ok(())
    }

    fn show_whole(&self, name: &str) -> Result<(), RemoteError> {
        let service = self.server.ask(Method::GET, &path(name, ""), None)?;
        self.show(&service, "")?;
        if self.json {
            return Ok(());
        }
        let events = self.server.ask(Method::GET, &path(name, "/events?limit=10"), None)?;
        let events = events.json.as_array().cloned().unwrap_or_default();
        if events.is_empty() {
            return Ok(());
        }
        say("");
        let mut table = Table::new(["WHEN", "EVENT", "MESSAGE"]);
        for event in &events {
            table.push([
                Cell::new(&text(event, "at").map(|at| ago(&at)).unwrap_or_default()),
                Cell::new(&told(event)),
                Cell::some(text(event, "message").as_deref()).cut(),
            ]);
        }
        table.print();
        Ok(())
    }

    /// One service, under `headline` where there is one.
    fn show(&self, service: &Answer, headline: &str) -> Result<(), RemoteError> {
        if self.json {
            say(&service.text);
            return Ok(());
        }
        if !headline.is_empty() {
            say(headline);
        }
        let mut table = Table::new(["SETTING", "VALUE"]);
        let Value::Object(fields) = &service.json else { return Ok(()) };
        let known = FIRST.iter().filter_map(|name| Some((*name, fields.get(*name)?)));
        let others = fields.iter().filter(|(name, _)| !FIRST.contains(&name.as_str()));
        for (name, value) in known.chain(others.map(|(name, value)| (name.as_str(), value))) {
            let value = match name {
                "status" => Cell::status(value.as_str().unwrap_or_default()),
                "channels" if value.is_null() => Cell::new("all"),
                _ => Cell::some(plain(value).as_deref()),
            };
            table.push([Cell::new(name), value]);
        }
        table.print();
        if let (Some(url), false) = (text(&service.json, "heartbeat_url"), headline.is_empty()) {
            say(&format!("\nbeat with: curl -fsS -m 10 --retry 3 -o /dev/null {url}"));
        }
        Ok(())
    }
}

/// What happened, in a few words.
fn told(event: &Value) -> String {
    let word = |name| text(event, name).unwrap_or_default();
    match event["event"].as_str() {
        Some("transition") => format!("{} -> {}", word("from"), word("to")),
        Some("alert") => format!("alert: {}", word("alert")),
        Some("edit") => format!("{} by {}", word("action"), word("by")),
        Some(other) => other.to_owned(),
        None => String::new(),
    }
}

/// What comes first when a service is shown.
const FIRST: [&str; 14] = [
    "name",
    "status",
    "since",
    "last_seen",
    "deadline",
    "message",
    "heartbeat_url",
    "token",
    "timeout",
    "grace",
    "tags",
    "channels",
    "notify_on",
    "remind_every",
];

fn path(name: &str, what: &str) -> String {
    format!("/api/services/{}{what}", encoded(name))
}

fn fields(settings: &ServiceSettings) -> Map<String, Value> {
    let mut fields = Map::new();
    set(&mut fields, "timeout", settings.timeout.as_ref());
    set(&mut fields, "grace", settings.grace.as_ref());
    set(&mut fields, "tags", Some(&settings.tags).filter(|tags| !tags.is_empty()));
    set(&mut fields, "channels", Some(&settings.channels).filter(|channels| !channels.is_empty()));
    set(&mut fields, "notify_on", Some(&settings.notify_on).filter(|kinds| !kinds.is_empty()));
    set(&mut fields, "remind_every", settings.remind_every.as_ref());
    set(&mut fields, "error_cooldown", settings.error_cooldown.as_ref());
    set(&mut fields, "resume_on_beat", settings.resume_on_beat.as_ref());
    set(&mut fields, "description", settings.description.as_ref());
    fields
}

fn set(fields: &mut Map<String, Value>, name: &str, value: Option<&impl serde::Serialize>) {
    if let Some(value) = value {
        fields.insert(name.to_owned(), json!(value));
    }
}

/// A field of `row` in words, where it has one.
pub(super) fn text(row: &Value, name: &str) -> Option<String> {
    plain(row.get(name)?)
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => Some(parts.iter().filter_map(plain).collect::<Vec<_>>().join(", "))
            .filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    }
}
