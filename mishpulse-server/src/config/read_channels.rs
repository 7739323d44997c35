//! The channels, read from `[channels.NAME]`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use toml::de::DeValue;

use super::channel::{ChannelSettings, EmailSettings, TelegramSettings, WebhookSettings};
use super::mailbox::Mailbox;
use super::names::ChannelName;
use super::section::Section;
use super::value::{Content, Value, Wrong};
use super::words::MailSecurity;
use super::{Secret, header, host, schema, signing, telegram, url};

/// The channels; and the names of all that the file has, those included that cannot be.
pub(super) fn channels(
    root: &Section<'_>,
) -> (BTreeMap<ChannelName, ChannelSettings>, BTreeSet<ChannelName>) {
    let (mut channels, mut names) = (BTreeMap::new(), BTreeSet::new());
    for (name, table) in root.tables("channels") {
        let name = name.parse::<ChannelName>().map_err(|error| table.wrong_itself(error)).ok();
        names.extend(name.clone());
        if names.len() > CHANNELS_MAX {
            table.wrong_itself(format!("is one too many: there are at most {CHANNELS_MAX} channels"));
        }
        let settings = channel(&table);
        channels.extend(name.zip(settings));
    }
    (channels, names)
}

fn channel(table: &Section<'_>) -> Option<ChannelSettings> {
    let kinds = ["telegram", "email", "webhook"];
    match table
        .need("kind", "\"telegram\", \"email\" or \"webhook\"", |value| value.word(&kinds, |kind| kind))?
    {
        "telegram" => telegram(table).map(ChannelSettings::Telegram),
        "email" => email(table).map(ChannelSettings::Email),
        _ => webhook(table).map(ChannelSettings::Webhook),
    }
}

fn telegram(table: &Section<'_>) -> Option<TelegramSettings> {
    table.only(schema::TELEGRAM);
    let bot_token = table.need("bot_token", "\"${TELEGRAM_BOT_TOKEN}\"", |value| {
        Ok(Secret::new(telegram::bot_token(&value.text()?)?))
    });
    let chat_id = table.need("chat_id", "\"-1001234567890\" or \"@channelname\"", |value| {
        let text = match &value.content {
            Content::Toml(DeValue::Integer(number)) if number.radix() == 10 => number.as_str().to_owned(),
            _ => value.text()?,
        };
        Ok(telegram::chat_id(&text)?.to_owned())
    });
    let message_thread_id = table.read("message_thread_id", |value| value.whole(1..=i64::MAX));
    let api_url = table.read("api_url", |value| Ok(url::base_url(&value.text()?)?));
    Some(TelegramSettings {
        bot_token: bot_token?,
        chat_id: chat_id?,
        message_thread_id,
        api_url: api_url.unwrap_or_else(|| "https://api.telegram.org".to_owned()),
    })
}

fn email(table: &Section<'_>) -> Option<EmailSettings> {
    table.only(schema::EMAIL);
    let host = table.need("host", "\"smtp.example.org\"", |value| Ok(host::host(&value.text()?)?.to_owned()));
    let security = table
        .read("security", |value| value.word(MailSecurity::ALL, MailSecurity::as_str))
        .unwrap_or_default();
    let port = table.read("port", |value| Ok(value.whole(1..=65535)?.unsigned_abs() as u16));
    let username = table.read("username", user);
    let password = table.read("password", |value| Ok(Secret::new(user(value)?)));
    if table.sets("username") && !table.sets("password") {
        table.wrong("password", "is missing; write password = \"${SMTP_PASSWORD}\", or leave username out");
    }
    if table.sets("password") && !table.sets("username") {
        table.wrong("username", "is missing; write username = \"...\", or leave password out");
    }
    let is_exposed = host.as_deref().is_some_and(|host| !host::is_loopback(host));
    if username.is_some() && security == MailSecurity::None && is_exposed {
        let wrong = "must not be \"none\" with a username: the password would be sent in the clear; \
                     write \"starttls\" or \"tls\"";
        table.wrong("security", wrong);
    }
    let from = table.need("from", "\"MishPulse <pulse@example.org>\"", Value::parsed::<Mailbox>);
    if !table.sets("to") {
        table.wrong("to", "is missing; write to = [\"ops@example.org\"]");
    }
    let to = table.list("to", Value::parsed::<Mailbox>);
    if table.sets("to") && table.read("to", Value::list).is_some_and(|to| to.is_empty()) {
        table.wrong("to", "is empty; write to = [\"ops@example.org\"]");
    }
    let ca_file = table.read("ca_file", ca_file);
    Some(EmailSettings {
        host: host?,
        port: port.unwrap_or(security.usual_port()),
        security,
        username,
        password,
        from: from?,
        to: to?,
        ca_file,
    })
}

fn webhook(table: &Section<'_>) -> Option<WebhookSettings> {
    table.only(schema::WEBHOOK);
    let url =
        table.need("url", "\"https://example.org/hook\"", |value| Ok(Secret::new(url::url(&value.text()?)?)));
    let secret = table.read("secret", |value| Ok(signing::signing_key(&value.text()?)?));
    let allow_private = table.read("allow_private", Value::switch).unwrap_or(true);
    Some(WebhookSettings { url: url?, secret, headers: headers(table), allow_private })
}

fn headers(table: &Section<'_>) -> Vec<(String, Secret)> {
    let mut headers: Vec<(String, Secret)> = Vec::new();
    let (table, entries) = table.free("headers");
    for (name, value) in entries {
        let read = |value: &Value<'_>| {
            header::name(&name)?;
            if headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                return Err(Wrong::new("stands here twice, in other letters; keep one"));
            }
            if headers.len() == HEADERS_MAX {
                return Err(Wrong::new(format!("is one too many: there are at most {HEADERS_MAX} headers")));
            }
            Ok(Secret::new(header::value(&value.text()?)?))
        };
        let secret = table.parse(&name, value, read);
        headers.extend(secret.map(|secret| (name, secret)));
    }
    headers
}

/// A user name or password. Line breaks would end the command that carries it.
fn user(value: &Value<'_>) -> Result<String, Wrong> {
    let text = value.filled()?;
    if text.len() > USER_BYTES_MAX || text.contains(char::is_control) {
        return Err(Wrong::new("must be at most 512 bytes without line breaks or other control characters"));
    }
    Ok(text)
}

/// A file with certificates, looked up in the folder of the configuration file.
fn ca_file(value: &Value<'_>) -> Result<PathBuf, Wrong> {
    let path = value.context.folder.join(value.filled()?);
    let mut text = Vec::new();
    File::open(&path).and_then(|file| file.take(CA_FILE_BYTES_MAX).read_to_end(&mut text)).map_err(
        |error| Wrong::new(format!("names a file that cannot be read: {}: {error}", path.display())),
    )?;
    if String::from_utf8_lossy(&text).contains("-----BEGIN CERTIFICATE-----") {
        Ok(path)
    } else {
        let path = path.display();
        Err(Wrong::new(format!("names a file without a certificate: {path}; it must hold one in PEM")))
    }
}

const CHANNELS_MAX: usize = 100;
/// More than ten times what all the authorities of a system take.
const CA_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
const HEADERS_MAX: usize = 32;
const USER_BYTES_MAX: usize = 512;
