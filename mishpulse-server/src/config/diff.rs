//! What other settings would change, in plain lines. No secrets.

use std::collections::{BTreeMap, HashMap};

use super::service::Overrides;
use super::url::origin;
use super::{ChannelSettings, DeclaredService, Secret, Settings};

/// What taking `new` for `old` would change, a line for each key, channel or service; empty where nothing. Keys that only
/// a restart can change say so; [`needs_restart`] names them.
#[must_use]
pub fn diff(old: &Settings, new: &Settings) -> Vec<String> {
    let (before, after) = (facts(old), facts(new));
    let mut lines = Vec::new();
    for (key, new) in &after {
        let restart = if is_fixed(key) { " (takes a restart)" } else { "" };
        match before.get(key) {
            Some(old) if old == new => {}
            Some(old) if old.shown == new.shown => lines.push(format!("{key}: changed{restart}")),
            Some(old) => lines.push(format!("{key}: {} -> {}{restart}", old.shown, new.shown)),
            None => lines.push(format!("{key}: new, {}{restart}", new.shown)),
        }
    }
    lines.extend(before.keys().filter(|key| !after.contains_key(*key)).map(|key| format!("{key}: gone")));
    services(&old.services, &new.services, &mut lines);
    lines
}

/// The keys that differ and that a running server cannot change.
#[must_use]
pub fn needs_restart(old: &Settings, new: &Settings) -> Vec<&'static str> {
    let (before, after) = (facts(old), facts(new));
    let differs = |key: &str| {
        after
            .iter()
            .any(|(name, fact)| (name == key || is_within(name, key)) && before.get(name) != Some(fact))
    };
    FIXED.into_iter().filter(|key| differs(key)).collect()
}

/// A setting as it is compared, and as it may be shown.
#[derive(PartialEq)]
struct Fact {
    whole: String,
    shown: String,
}

impl Fact {
    fn open(value: impl ToString) -> Self {
        let whole = value.to_string();
        Self { shown: whole.clone(), whole }
    }

    fn hidden(secret: Option<&Secret>) -> Self {
        match secret {
            Some(secret) => Self { whole: secret.reveal().to_owned(), shown: "set".to_owned() },
            None => Self { whole: String::new(), shown: "not set".to_owned() },
        }
    }
}

/// Every setting but those of services, by its key.
fn facts(settings: &Settings) -> BTreeMap<String, Fact> {
    let mut facts = BTreeMap::new();
    let mut open = |key: &str, value: String| facts.insert(key.to_owned(), Fact::open(value));
    open("listen", settings.listen.clone());
    open("data_dir", settings.data_dir.display().to_string());
    if settings.public_url_is_derived {
        open("public_url", "that of listen".to_owned());
    } else {
        open("public_url", settings.public_url.clone());
    }
    open("locale", settings.locale.as_str().to_owned());
    open("check_every", settings.check_every.to_string());
    open("blind_after", settings.blind_after.to_string());
    open("durability", settings.durability.as_str().to_owned());
    open("status_access", settings.status_access.as_str().to_owned());
    open("history_days", (settings.history.as_ms() / DAY_MS).to_string());
    open("delivery_expires", settings.delivery_expires.to_string());
    open("log_format", settings.log_format.as_str().to_owned());
    open("log_level", settings.log_level.as_str().to_owned());
    for (key, value) in service_settings(&settings.defaults.0) {
        open(&format!("defaults.{key}"), value.unwrap_or_else(|| "built-in".to_owned()));
    }
    for (key, value) in limits(settings) {
        open(&format!("limits.{key}"), value);
    }
    facts.insert("admin_key".to_owned(), Fact::hidden(settings.admin_key.as_ref()));
    for (name, key) in &settings.keys {
        let whole = format!("{} {}", key.access.as_str(), key.key.reveal());
        facts.insert(format!("keys.{name}"), Fact { whole, shown: key.access.as_str().to_owned() });
    }
    for (name, channel) in &settings.channels {
        let shown = format!("{} to {}", channel.kind(), channel.target());
        facts.insert(format!("channels.{name}"), Fact { whole: channel_secrets(channel), shown });
    }
    for (kind, text) in &settings.templates {
        facts
            .insert(format!("templates.{kind}"), Fact { whole: text.clone(), shown: "own words".to_owned() });
    }
    if let Some(own) = &settings.self_heartbeat {
        let whole = format!("{} {}", own.every, own.url.reveal());
        let shown = format!("to {} every {}", origin(own.url.reveal()), own.every);
        facts.insert("self_heartbeat".to_owned(), Fact { whole, shown });
    }
    facts
}

/// All of a channel, secrets included, for comparing alone.
fn channel_secrets(channel: &ChannelSettings) -> String {
    let mut whole = format!("{channel:?}");
    match channel {
        ChannelSettings::Telegram(telegram) => whole.push_str(telegram.bot_token.reveal()),
        ChannelSettings::Email(email) => whole.push_str(email.password.as_ref().map_or("", Secret::reveal)),
        ChannelSettings::Webhook(webhook) => {
            let bytes = webhook.secret.as_ref().map(|secret| secret.reveal());
            let headers = webhook.headers.iter().map(|(name, value)| (name, value.reveal()));
            whole = format!("{whole} {} {bytes:?} {:?}", webhook.url.reveal(), headers.collect::<Vec<_>>());
        }
    }
    whole
}

fn limits(settings: &Settings) -> [(&'static str, String); 12] {
    let limits = &settings.limits;
    [
        ("body_bytes", limits.body_bytes.to_string()),
        ("header_bytes", limits.header_bytes.to_string()),
        ("headers", limits.headers.to_string()),
        ("header_timeout", limits.header_timeout.to_string()),
        ("body_timeout", limits.body_timeout.to_string()),
        ("write_timeout", limits.write_timeout.to_string()),
        ("connections", limits.connections.to_string()),
        ("connections_per_address", limits.connections_per_address.to_string()),
        ("inbox", limits.inbox.to_string()),
        ("batch", limits.batch.to_string()),
        ("services", limits.services.to_string()),
        ("key_failures", limits.key_failures.to_string()),
    ]
}

fn service_settings(overrides: &Overrides) -> [(&'static str, Option<String>); 9] {
    fn list<T: ToString>(list: Option<&Vec<T>>) -> Option<String> {
        list.map(|list| format!("[{}]", list.iter().map(T::to_string).collect::<Vec<_>>().join(", ")))
    }
    [
        ("timeout", overrides.timeout.map(|span| span.to_string())),
        ("grace", overrides.grace.map(|span| span.to_string())),
        ("tags", list(overrides.tags.as_ref())),
        ("channels", list(overrides.channels.as_ref())),
        ("notify_on", list(overrides.notify_on.as_ref())),
        ("remind_every", overrides.remind_every.map(|span| span.to_string())),
        ("error_cooldown", overrides.error_cooldown.map(|span| span.to_string())),
        ("resume_on_beat", overrides.resume_on_beat.map(|resume| resume.to_string())),
        ("description", overrides.description.as_ref().map(|text| format!("{text:?}"))),
    ]
}

/// What changes for declared services; those that stay as they are, whatever their place in the file, make no line.
fn services(old: &[DeclaredService], new: &[DeclaredService], lines: &mut Vec<String>) {
    let before: HashMap<_, _> = old.iter().map(|service| (&service.name, service)).collect();
    let mut changed = Vec::new();
    for service in new {
        match before.get(&service.name) {
            None => changed.push(format!("service {}: new", service.name)),
            Some(old) if *old == service => {}
            Some(old) => changed.push(format!("service {}: {}", service.name, changes(old, service))),
        }
    }
    let after: HashMap<_, _> = new.iter().map(|service| (&service.name, ())).collect();
    let left = old.iter().filter(|service| !after.contains_key(&service.name));
    changed.extend(left.map(|service| format!("service {}: leaves the file; it is kept", service.name)));
    let more = changed.len().saturating_sub(SERVICES_SHOWN_MAX);
    lines.extend(changed.into_iter().take(SERVICES_SHOWN_MAX));
    if more > 0 {
        lines.push(format!("... and {more} more services"));
    }
}

fn changes(old: &DeclaredService, new: &DeclaredService) -> String {
    let mut changes = Vec::new();
    for ((key, old), (_, new)) in
        service_settings(&old.overrides).into_iter().zip(service_settings(&new.overrides))
    {
        if old != new {
            let shown = |value: Option<String>| value.unwrap_or_else(|| "default".to_owned());
            changes.push(format!("{key} {} -> {}", shown(old), shown(new)));
        }
    }
    if old.token != new.token {
        changes.push("token changed".to_owned());
    }
    changes.join(", ")
}

fn is_fixed(key: &str) -> bool {
    FIXED.iter().any(|fixed| key == *fixed || is_within(key, fixed))
}

fn is_within(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'))
}

/// What is bound, opened or sized once, at start.
const FIXED: [&str; 8] =
    ["listen", "data_dir", "check_every", "blind_after", "durability", "log_format", "log_level", "limits"];
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const SERVICES_SHOWN_MAX: usize = 50;
