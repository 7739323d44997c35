//! The settings of services: `[defaults]` and `[[services]]`.

use std::collections::{BTreeSet, HashMap};

use mishpulse_core::AlertKind;

use super::names::{ChannelName, ServiceName, Tag};
use super::section::Section;
use super::service::{Defaults, Overrides};
use super::token::Token;
use super::value::{Value, Wrong};
use super::{DeclaredService, schema};

/// What holds for a service that says nothing else.
pub(super) fn defaults(table: &Section<'_>, channels: &BTreeSet<ChannelName>) -> Defaults {
    let defaults = Defaults(overrides(table, channels));
    match defaults.with(&Overrides::default()).policy() {
        Ok(_) => defaults,
        Err(error) => {
            table.wrong(error.field, error.detail);
            Defaults::default()
        }
    }
}

/// The services that the file declares, in its order.
pub(super) fn services(
    root: &Section<'_>,
    defaults: &Defaults,
    channels: &BTreeSet<ChannelName>,
    most: usize,
) -> Vec<DeclaredService> {
    let tables = root.array("services", "name");
    if let Some(table) = tables.get(most) {
        table
            .wrong_itself(format!("is one too many: [limits] allows {most} services; raise limits.services"));
    }
    let mut names: HashMap<ServiceName, String> = HashMap::with_capacity(tables.len());
    let mut tokens: HashMap<Token, String> = HashMap::new();
    let mut services = Vec::with_capacity(tables.len());
    for table in &tables {
        table.only(schema::SERVICE);
        let name = table.need("name", "\"api-worker\"", Value::parsed::<ServiceName>);
        let token = table.read("token", Value::parsed::<Token>);
        let overrides = overrides(table, channels);
        if let Err(error) = defaults.with(&overrides).policy() {
            table.wrong(error.field, error.detail);
        }
        let Some(name) = name else { continue };
        if let Some(line) = names.insert(name.clone(), table.line("name")) {
            table.wrong("name", format!("is taken by the service on {line}; each needs its own"));
        }
        if let Some(token) = &token
            && let Some(line) = tokens.insert(token.clone(), table.line("token"))
        {
            table.wrong("token", format!("is taken by the service on {line}; each needs its own"));
        }
        services.push(DeclaredService { name, token, overrides });
    }
    services
}

fn overrides(table: &Section<'_>, channels: &BTreeSet<ChannelName>) -> Overrides {
    Overrides {
        timeout: table.read("timeout", Value::span),
        grace: table.read("grace", Value::span),
        tags: table.list("tags", Value::parsed::<Tag>),
        channels: table.list("channels", |value| channel(value, channels)),
        notify_on: table.list("notify_on", alert),
        remind_every: table.read("remind_every", Value::span),
        error_cooldown: table.read("error_cooldown", Value::span),
        resume_on_beat: table.read("resume_on_beat", Value::switch),
        description: table.read("description", Value::text),
    }
}

fn alert(value: &Value<'_>) -> Result<AlertKind, Wrong> {
    let kinds = [AlertKind::Dead, AlertKind::Error, AlertKind::Warning, AlertKind::Recovered];
    match value.text()?.parse() {
        Ok(AlertKind::Reminder) => Err(Wrong::new("must not be \"reminder\": remind_every sets reminders")),
        _ => value.word(&kinds, AlertKind::as_str),
    }
}

fn channel(value: &Value<'_>, channels: &BTreeSet<ChannelName>) -> Result<ChannelName, Wrong> {
    let name: ChannelName = value.parsed()?;
    if channels.contains(&name) {
        return Ok(name);
    }
    let known = || channels.iter().map(ChannelName::as_str);
    Err(Wrong::new(match schema::nearest(name.as_str(), known()) {
        Some(near) => format!("is no channel; did you mean {near}?"),
        None if channels.is_empty() => "is no channel: there is none; write [channels.NAME]".to_owned(),
        None => format!("is no channel; there are {}", known().collect::<Vec<_>>().join(", ")),
    }))
}
