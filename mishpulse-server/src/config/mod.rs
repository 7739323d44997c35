//! What the operator asked for: one TOML file, overridden by `MISHPULSE_*` variables, parsed into types that cannot be wrong.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mishpulse_core::Span;

mod names;
mod secret;
mod service;

pub use names::{ChannelName, NameError, ServiceName, Tag, Token};
pub use secret::Secret;
pub use service::{Defaults, Effective, FieldError, Overrides};

/// Everything that the server is told at start, and again at each reload.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// Address to listen on, `host:port`; port 0 takes any that is free.
    pub listen: String,
    /// Folder of the database and the admin key; made on first start.
    pub data_dir: PathBuf,
    /// Where people reach the server, without a slash at the end; heartbeat URLs and links start with it.
    pub public_url: String,
    /// Language of alerts and page.
    pub locale: Locale,
    /// The longest time between two looks of the watchdog.
    pub check_every: Span,
    /// How long the server may be away before silence in that time is pardoned.
    pub blind_after: Span,
    /// What an answered beat survives.
    pub durability: Durability,
    /// Who may see the status and the page.
    pub status_access: StatusAccess,
    /// The key of the management API; made on first start where there is none.
    pub admin_key: Option<Secret>,
    /// How long transitions, alerts and settled deliveries are kept.
    pub history: Span,
    /// After how long a delivery that no try got through is given up as failed.
    pub delivery_expires: Span,
    /// What holds for a service that says nothing else.
    pub defaults: Defaults,
    /// The ways to tell people, by name.
    pub channels: BTreeMap<ChannelName, ChannelSettings>,
    /// The operator's own words: a template for each kind of alert.
    pub templates: BTreeMap<String, String>,
    /// Services that the file declares, in its order.
    pub services: Vec<DeclaredService>,
}

/// A service that the configuration file declares.
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredService {
    /// Its name.
    pub name: ServiceName,
    /// Its token; one is made when it is first made where the file gives none.
    pub token: Option<Token>,
    /// What it sets itself.
    pub overrides: Overrides,
}

/// The language of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

/// What an answered beat survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The end of the process, `kill -9` included.
    #[default]
    Process,
    /// A power cut, too: every commit waits for the disk.
    Power,
}

/// Who may see the status and the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StatusAccess {
    /// Anyone.
    #[default]
    Public,
    /// Holders of a key.
    Key,
}

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
    /// The password that goes with it.
    pub password: Option<Secret>,
    /// The sender.
    pub from: Mailbox,
    /// Those who get it; at least one.
    pub to: Vec<Mailbox>,
    /// A file with the certificates of a private CA, PEM.
    pub ca_file: Option<PathBuf>,
}

/// How an SMTP connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MailSecurity {
    /// Clear text turned into TLS by STARTTLS; refused where the server does not offer it.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// Clear text.
    None,
}

/// A mail address with an optional display name, checked so that nothing can be smuggled into a header or a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name.
    pub name: Option<String>,
    /// The address itself, ASCII without spaces, controls or angle brackets.
    pub address: String,
}

/// A URL that takes JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookSettings {
    /// The URL; `http` or `https`. It may carry a secret, so it is shown without its path.
    pub url: Secret,
    /// The key that signs by Standard Webhooks: the bytes behind `whsec_`, decoded.
    pub secret: Option<Secret>,
    /// Headers of the operator's own.
    pub headers: Vec<(String, Secret)>,
    /// Whether loopback and private addresses may be a target.
    pub allow_private: bool,
}
