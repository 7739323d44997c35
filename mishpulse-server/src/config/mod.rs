//! What the operator asked for: one TOML file, overridden by `MISHPULSE_*` variables, parsed into types that cannot be wrong.
//!
//! [`Settings::load`] reads it all and either gives settings that can be followed or says every mistake with its file,
//! line and key. It keeps no state: a reload is another call, and [`diff`] says what the new settings would change.
//! Every key stands in [`EXAMPLE`] and in `docs/configuration.md`; tests hold that.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mishpulse_core::Span;

mod channel;
mod describe;
mod diff;
mod environment;
mod header;
mod host;
mod limits;
mod load;
mod mailbox;
mod mistake;
mod names;
mod read;
mod read_channels;
mod read_services;
mod schema;
mod secret;
mod section;
mod service;
mod signing;
mod telegram;
mod token;
mod url;
mod value;
mod words;

#[cfg(test)]
mod tests;

pub use channel::{ChannelSettings, EmailSettings, TelegramSettings, WebhookSettings};
pub use describe::describe;
pub use diff::{diff, needs_restart};
pub use environment::Environment;
pub use limits::Limits;
pub use load::{Loaded, Source};
pub use mailbox::{Mailbox, MailboxError};
pub use mistake::{ConfigError, Mistake};
pub use names::{ChannelName, KeyName, NameError, ServiceName, Tag};
pub(crate) use schema::nearest;
pub use secret::{Secret, SecretBytes};
pub use service::{Defaults, Effective, FieldError, Overrides};
pub use token::Token;
pub(crate) use token::is_version_4;
pub use words::{Durability, KeyAccess, Locale, LogFormat, LogLevel, MailSecurity, StatusAccess};

/// The documented configuration file with every key and its default, as `default-config` prints it.
pub const EXAMPLE: &str = include_str!("../../assets/mishpulse.toml");

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
    /// Whether `public_url` was taken from `listen`, because nobody set it.
    pub public_url_is_derived: bool,
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
    /// Further keys, by name.
    pub keys: BTreeMap<KeyName, KeySettings>,
    /// How long transitions, alerts and settled deliveries are kept.
    pub history: Span,
    /// After how long a delivery that no try got through is given up as failed.
    pub delivery_expires: Span,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines there are.
    pub log_level: LogLevel,
    /// What holds for a service that says nothing else.
    pub defaults: Defaults,
    /// The ways to tell people, by name.
    pub channels: BTreeMap<ChannelName, ChannelSettings>,
    /// The operator's own words: a template for each kind of alert.
    pub templates: BTreeMap<String, String>,
    /// Services that the file declares, in its order.
    pub services: Vec<DeclaredService>,
    /// Who is told that this server itself is well.
    pub self_heartbeat: Option<SelfHeartbeat>,
    /// How much the server takes, and for how long it waits.
    pub limits: Limits,
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

/// A further key to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    /// The key itself.
    pub key: Secret,
    /// What it opens.
    pub access: KeyAccess,
}

/// Where this server sends beats of its own while it is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfHeartbeat {
    /// The heartbeat URL of another server. It carries a token, so it is shown without its path.
    pub url: Secret,
    /// How often.
    pub every: Span,
}
