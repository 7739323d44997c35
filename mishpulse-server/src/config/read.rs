//! The settings of the server itself, read from the top of the file and its small tables.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mishpulse_core::Span;

use super::load::Source;
use super::mistake::Place;
use super::names::KeyName;
use super::section::Section;
use super::value::{Content, Value, Wrong};
use super::words::{Durability, KeyAccess, Locale, LogFormat, LogLevel, StatusAccess};
use super::{
    KeySettings, Limits, Secret, SelfHeartbeat, Settings, host, read_channels, read_services, schema, url,
};

/// The settings, and what is odd in them; what cannot be is reported to the context of `root`.
pub(super) fn settings(root: &Section<'_>, source: &Source) -> (Settings, Vec<String>) {
    root.only(schema::TOP);
    let limits = limits(&root.table("limits", schema::LIMITS));
    let (channels, names) = read_channels::channels(root);
    let defaults = read_services::defaults(&root.table("defaults", schema::DEFAULTS), &names);
    let services = read_services::services(root, &defaults, &names, limits.services);

    let listen = listen(root, source);
    let public_url = root.read("public_url", |value| Ok(url::base_url(&value.text()?)?));
    let admin_key = root.read("admin_key", key);
    let keys = keys(root, admin_key.as_ref());
    let settings = Settings {
        public_url_is_derived: public_url.is_none(),
        public_url: public_url.unwrap_or_else(|| host::local_url(&listen)),
        listen,
        data_dir: data_dir(root, source),
        locale: root.read("locale", |value| value.word(Locale::ALL, Locale::as_str)).unwrap_or_default(),
        check_every: root
            .read("check_every", |value| value.span_within(Span::from_ms(10)..=Span::from_secs(60)))
            .unwrap_or(Span::from_secs(1)),
        blind_after: root
            .read("blind_after", |value| value.span_within(Span::from_secs(1)..=Span::from_secs(3600)))
            .unwrap_or(Span::from_secs(10)),
        durability: root
            .read("durability", |value| value.word(Durability::ALL, Durability::as_str))
            .unwrap_or_default(),
        status_access: root
            .read("status_access", |value| value.word(StatusAccess::ALL, StatusAccess::as_str))
            .unwrap_or_default(),
        history: Span::from_secs(
            DAY_SECS * root.read("history_days", |value| value.whole(1..=3650)).unwrap_or(90).unsigned_abs(),
        ),
        delivery_expires: root
            .read("delivery_expires", |value| {
                value.span_within(Span::from_secs(1)..=Span::from_secs(365 * DAY_SECS))
            })
            .unwrap_or(Span::from_secs(DAY_SECS)),
        log_format: root
            .read("log_format", |value| value.word(LogFormat::ALL, LogFormat::as_str))
            .unwrap_or_default(),
        log_level: root
            .read("log_level", |value| value.word(LogLevel::ALL, LogLevel::as_str))
            .unwrap_or_default(),
        templates: templates(&root.table("templates", schema::TEMPLATES)),
        self_heartbeat: self_heartbeat(&root.table("self_heartbeat", schema::SELF_HEARTBEAT)),
        admin_key,
        keys,
        defaults,
        channels,
        services,
        limits,
    };
    let warnings = short_keys(&settings);
    (settings, warnings)
}

fn listen(root: &Section<'_>, source: &Source) -> String {
    let parse = |value: &Value<'_>| Ok(host::listen(&value.text()?)?.to_owned());
    let listen = match &source.listen {
        Some(listen) => {
            let place = Place::Flag("--listen");
            root.parse(
                "listen",
                Value { context: root.context, place, content: Content::Text(listen) },
                parse,
            )
        }
        None => root.read("listen", parse),
    };
    listen.unwrap_or_else(|| "127.0.0.1:8080".to_owned())
}

fn data_dir(root: &Section<'_>, source: &Source) -> PathBuf {
    let by_key = || root.read("data_dir", |value| Ok(PathBuf::from(value.filled()?)));
    source.data_dir.clone().or_else(by_key).unwrap_or_else(|| "mishpulse-data".into())
}

fn templates(table: &Section<'_>) -> BTreeMap<String, String> {
    let text = |value: &Value<'_>| match value.filled()? {
        text if text.len() > TEMPLATE_BYTES_MAX => Err(Wrong::new("must be at most 16384 bytes")),
        text => Ok(text),
    };
    let kinds = schema::TEMPLATES.iter();
    kinds.filter_map(|kind| Some(((*kind).to_owned(), table.read(kind, text)?))).collect()
}

fn self_heartbeat(table: &Section<'_>) -> Option<SelfHeartbeat> {
    let every =
        table.read("every", |value| value.span_within(Span::from_secs(1)..=Span::from_secs(DAY_SECS)));
    if !table.is_there() && every.is_none() && !table.sets("url") {
        return None;
    }
    let url = table.need("url", "\"https://other.example.org/api/heartbeat/TOKEN\"", |value| {
        Ok(Secret::new(url::url(&value.text()?)?))
    });
    Some(SelfHeartbeat { url: url?, every: every.unwrap_or(Span::from_secs(60)) })
}

fn limits(table: &Section<'_>) -> Limits {
    let usual = Limits::default();
    let count = |key: &str, range, usual| table.read(key, |value| value.count(range)).unwrap_or(usual);
    let span = |key: &str, usual| {
        let range = Span::from_ms(10)..=Span::from_secs(600);
        table.read(key, |value| value.span_within(range)).unwrap_or(usual)
    };
    Limits {
        body_bytes: count("body_bytes", 1024..=16 * 1024 * 1024, usual.body_bytes),
        // The least that hyper takes is 8 KiB.
        header_bytes: count("header_bytes", 8192..=1024 * 1024, usual.header_bytes),
        headers: count("headers", 8..=1024, usual.headers),
        header_timeout: span("header_timeout", usual.header_timeout),
        body_timeout: span("body_timeout", usual.body_timeout),
        write_timeout: span("write_timeout", usual.write_timeout),
        connections: count("connections", 1..=1_000_000, usual.connections),
        connections_per_address: count(
            "connections_per_address",
            1..=1_000_000,
            usual.connections_per_address,
        ),
        inbox: count("inbox", 1..=1_000_000, usual.inbox),
        batch: count("batch", 1..=100_000, usual.batch),
        services: count("services", 1..=10_000_000, usual.services),
        key_failures: count("key_failures", 1..=1000, usual.key_failures),
    }
}

fn keys(root: &Section<'_>, admin_key: Option<&Secret>) -> BTreeMap<KeyName, KeySettings> {
    let mut keys: BTreeMap<KeyName, KeySettings> = BTreeMap::new();
    for (name, table) in root.tables("keys") {
        table.only(schema::KEY);
        let name = name.parse::<KeyName>().map_err(|error| table.wrong_itself(error)).ok();
        let key = table.need("key", "\"...\"", key);
        let access =
            table.read("access", |value| value.word(KeyAccess::ALL, KeyAccess::as_str)).unwrap_or_default();
        let (Some(name), Some(key)) = (name, key) else { continue };
        if admin_key.is_some_and(|admin| *admin == key) || keys.values().any(|other| other.key == key) {
            table.wrong("key", "is the same as another key; make each key a text of its own");
        } else if keys.len() == KEYS_MAX {
            table.wrong_itself(format!("is one too many: there are at most {KEYS_MAX} keys"));
        } else {
            keys.insert(name, KeySettings { key, access });
        }
    }
    keys
}

/// A key as it can be sent in `Authorization: Bearer`.
fn key(value: &Value<'_>) -> Result<Secret, Wrong> {
    let text = value.filled()?;
    if text.len() <= KEY_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(Secret::new(text))
    } else {
        Err(Wrong::new(
            "must be at most 256 letters, digits and signs of ASCII without spaces; \
             make one with: openssl rand -hex 32",
        ))
    }
}

fn short_keys(settings: &Settings) -> Vec<String> {
    let admin = settings.admin_key.iter().map(|key| ("admin_key".to_owned(), key));
    let others = settings.keys.iter().map(|(name, key)| (format!("keys.{name}.key"), &key.key));
    admin
        .chain(others)
        .filter(|(_, key)| key.reveal().len() < KEY_BYTES_SAFE)
        .map(|(path, _)| {
            format!(
                "{path}: is shorter than {KEY_BYTES_SAFE} characters; make one with: openssl rand -hex 32"
            )
        })
        .collect()
}

const DAY_SECS: u64 = 24 * 60 * 60;
const TEMPLATE_BYTES_MAX: usize = 16 * 1024;
const KEYS_MAX: usize = 100;
const KEY_BYTES_MAX: usize = 256;
/// Below this, a key can be guessed by someone with time.
const KEY_BYTES_SAFE: usize = 16;
