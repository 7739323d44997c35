//! How to reach the channels: what each kind is told.

use std::path::PathBuf;

use super::mailbox::Mailbox;
use super::secret::{Secret, SecretBytes};
use super::url;
use super::words::MailSecurity;

/// How to reach one channel.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ChannelSettings {
    /// A Telegram chat, through the Bot API.
    Telegram(TelegramSettings),
    /// A list of mail recipients, through an SMTP server.
    Email(EmailSettings),
    /// A URL that takes JSON.
    Webhook(WebhookSettings),
}

impl ChannelSettings {
    /// The word in `kind = "..."`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Telegram(_) => "telegram",
            Self::Email(_) => "email",
            Self::Webhook(_) => "webhook",
        }
    }

    /// Where it goes, for people: the chat, the recipients, or the URL without its path. Never a secret.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::Telegram(telegram) => match telegram.message_thread_id {
                Some(topic) => format!("chat {}, topic {topic}", telegram.chat_id),
                None => format!("chat {}", telegram.chat_id),
            },
            Self::Email(email) => {
                let to: Vec<_> = email.to.iter().map(|mailbox| mailbox.address.as_str()).collect();
                to.join(", ")
            }
            Self::Webhook(webhook) => url::origin(webhook.url.reveal()),
        }
    }
}

/// A Telegram chat.
#[derive(Debug, Clone, PartialEq)]
pub struct TelegramSettings {
    /// The bot's token, `123456:ABC...`.
    pub bot_token: Secret,
    /// `-1001234567890` or `@channelname`.
    pub chat_id: String,
    /// The topic of a forum group.
    pub message_thread_id: Option<i64>,
    /// The Bot API server, without a slash at the end.
    pub api_url: String,
}

/// A list of mail recipients behind an SMTP server.
#[derive(Debug, Clone, PartialEq)]
pub struct EmailSettings {
    /// The server's host name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: MailSecurity,
    /// The user to authenticate as; none for no AUTH.
    pub username: Option<String>,
    /// The password that goes with it; there wherever `username` is.
    pub password: Option<Secret>,
    /// The sender.
    pub from: Mailbox,
    /// Those who get it; at least one.
    pub to: Vec<Mailbox>,
    /// A file with the certificates of a private CA, PEM.
    pub ca_file: Option<PathBuf>,
}

impl MailSecurity {
    /// The port that mail servers usually have for it.
    #[must_use]
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// A URL that takes JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookSettings {
    /// The URL; `http` or `https`. It may carry a secret, so it is shown without its path.
    pub url: Secret,
    /// The key that signs by Standard Webhooks: the bytes behind `whsec_`, decoded; 24 to 64 of them.
    pub secret: Option<SecretBytes>,
    /// Headers of the operator's own: names that are theirs to set, values that are visible ASCII and spaces.
    pub headers: Vec<(String, Secret)>,
    /// Whether loopback and private addresses may be a target.
    pub allow_private: bool,
}
