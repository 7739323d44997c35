//! What settings would do, in the words that `check-config` prints. No secrets.

use mishpulse_core::AlertKind;

use super::service::Overrides;
use super::url::origin;
use super::{ChannelSettings, Durability, Loaded, MailSecurity, Settings, StatusAccess};

/// What the settings would do, a line for each thing, ending with a line break. [`Loaded::warnings`] are not in it.
#[must_use]
pub fn describe(loaded: &Loaded) -> String {
    let Loaded { settings, file, .. } = loaded;
    let mut lines = vec![match file {
        Some(file) => format!("configuration: {}", file.display()),
        None => "configuration: no file, only defaults and variables".to_owned(),
    }];
    server(settings, &mut lines);
    access(settings, &mut lines);
    channels(settings, &mut lines);
    services(settings, &mut lines);
    if let Some(own) = &settings.self_heartbeat {
        lines.push(format!("own heartbeat: to {} every {}", origin(own.url.reveal()), own.every));
    }
    lines.push(format!("log: {}, from level {}", settings.log_format.as_str(), settings.log_level.as_str()));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn server(settings: &Settings, lines: &mut Vec<String>) {
    lines.push(format!("address: listens on {}, reached at {}", settings.listen, settings.public_url));
    let survives = match settings.durability {
        Durability::Process => "the end of the process",
        Durability::Power => "a power cut",
    };
    lines.push(format!(
        "data: in {}, history kept for {}; an answered beat survives {survives}",
        settings.data_dir.display(),
        settings.history
    ));
    lines.push(format!(
        "watchdog: looks every {}, pardons silence after an absence of {}",
        settings.check_every, settings.blind_after
    ));
}

fn access(settings: &Settings, lines: &mut Vec<String>) {
    let status = match settings.status_access {
        StatusAccess::Public => "status and page open to anyone",
        StatusAccess::Key => "status and page open to holders of a key",
    };
    let admin = match settings.admin_key {
        Some(_) => "admin key set",
        None => "admin key made on first start in the data folder",
    };
    let keys = settings.keys.iter().map(|(name, key)| format!(", key {name} ({})", key.access.as_str()));
    lines.push(format!("access: {status}; {admin}{}", keys.collect::<String>()));
}

fn channels(settings: &Settings, lines: &mut Vec<String>) {
    if settings.channels.is_empty() {
        lines.push("channels: none, so nobody is told of anything".to_owned());
    }
    for (name, channel) in &settings.channels {
        let how = match channel {
            ChannelSettings::Telegram(telegram) => format!(" through {}", telegram.api_url),
            ChannelSettings::Email(email) => {
                let security = match email.security {
                    MailSecurity::Starttls => "STARTTLS",
                    MailSecurity::Tls => "TLS",
                    MailSecurity::None => "no encryption",
                };
                let user = if email.username.is_some() { ", with a password" } else { "" };
                format!(" from {} through {}:{} ({security}{user})", email.from, email.host, email.port)
            }
            ChannelSettings::Webhook(webhook) => {
                let signed = if webhook.secret.is_some() { ", signed" } else { "" };
                let private = if webhook.allow_private { "" } else { ", public addresses only" };
                let headers = match webhook.headers.len() {
                    0 => String::new(),
                    1 => ", 1 header".to_owned(),
                    count => format!(", {count} headers"),
                };
                format!("{signed}{headers}{private}")
            }
        };
        lines.push(format!("channel {name}: {} to {}{how}", channel.kind(), channel.target()));
    }
    let templates: Vec<_> = settings.templates.keys().map(String::as_str).collect();
    let own =
        if templates.is_empty() { String::new() } else { format!("; own words for {}", join(&templates)) };
    lines.push(format!(
        "alerts: in {}{own}; given up after {}",
        match settings.locale {
            super::Locale::En => "English",
            super::Locale::Ru => "Russian",
        },
        settings.delivery_expires
    ));
}

fn services(settings: &Settings, lines: &mut Vec<String>) {
    lines.push(match settings.services.len() {
        0 => "services: none in the file".to_owned(),
        1 => "services: 1 in the file".to_owned(),
        count => format!("services: {count} in the file"),
    });
    let usual = settings.defaults.with(&Overrides::default());
    let told = match (&usual.channels, usual.notify_on.as_slice()) {
        (_, []) => "tells nobody of anything".to_owned(),
        (Some(channels), _) if channels.is_empty() => "tells no channel".to_owned(),
        (Some(channels), kinds) => {
            format!("tells {} of {}", join(channels.iter().map(|name| name.as_str())), words(kinds))
        }
        (None, kinds) => format!("tells all channels of {}", words(kinds)),
    };
    let mut line = format!(
        "a service that says nothing else: dead after {} of silence, {told}",
        usual.timeout + usual.grace
    );
    match usual.remind_every {
        Some(every) => line.push_str(&format!(", with a reminder every {every}")),
        None => line.push_str(", without reminders"),
    }
    if !usual.tags.is_empty() {
        line.push_str(&format!(", tagged {}", join(usual.tags.iter().map(|tag| tag.as_str()))));
    }
    if !usual.resume_on_beat {
        line.push_str(", stays paused when it beats");
    }
    lines.push(line);
}

fn words(kinds: &[AlertKind]) -> String {
    join(kinds.iter().map(|kind| kind.as_str()))
}

fn join<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
    words.join(", ")
}
