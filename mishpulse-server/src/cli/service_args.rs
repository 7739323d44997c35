//! What can be asked of services.

use clap::Subcommand;

use super::args::ServerOptions;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "These go over HTTP and need the admin key: that of $MISHPULSE_ADMIN_KEY, else of the configuration, else of\nadmin.key in the data folder."
)]
pub(super) struct ServiceOptions {
    #[command(subcommand)]
    pub(super) action: ServiceAction,
    #[command(flatten)]
    pub(super) server: ServerOptions,
}

#[derive(Debug, Subcommand)]
pub(super) enum ServiceAction {
    /// Have something watched. Prints its heartbeat URL.
    #[command(after_help = "Examples:
  mishpulse service add backup --timeout 25h --tag prod
  mishpulse service add api --timeout 2m --grace 30s --channel ops --notify-on dead,recovered
  mishpulse service add api --update --timeout 3m    (again and again, from a script)
  mishpulse service add api --json | jq -r .heartbeat_url")]
    Add {
        /// Its name.
        name: String,
        /// Its token; one is made where this is left out.
        #[arg(long, value_name = "TOKEN")]
        token: Option<String>,
        /// Where it is there already, set it to just this, and keep its token: so that a script can be run twice.
        #[arg(long)]
        update: bool,
        #[command(flatten)]
        settings: ServiceSettings,
    },
    /// List all services, with what they are set to.
    #[command(after_help = "Examples:
  mishpulse service list
  mishpulse service list --json | jq -r '.[].name'")]
    List,
    /// Show one service: its settings, its heartbeat URL and what happened to it.
    #[command(after_help = "Example:
  mishpulse service show backup")]
    Show {
        /// Its name.
        name: String,
    },
    /// Change what a service is set to; what is not named stays.
    #[command(after_help = "Examples:
  mishpulse service edit backup --timeout 26h
  mishpulse service edit api --tag prod --tag eu   (these labels and no others)
  mishpulse service edit api --default channels    (back to the defaults)
  mishpulse service edit api --rename api-eu")]
    Edit {
        /// Its name.
        name: String,
        /// A new name.
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        /// A new token of your own.
        #[arg(long, value_name = "TOKEN")]
        token: Option<String>,
        /// Take these settings back to the defaults, such as channels,remind_every.
        #[arg(long = "default", value_name = "SETTING", value_delimiter = ',', value_parser = SETTINGS)]
        defaults: Vec<String>,
        #[command(flatten)]
        settings: ServiceSettings,
    },
    /// Drop services, with their history.
    #[command(after_help = "Example:
  mishpulse service rm backup old-backup")]
    Rm(Names),
    /// Pause services: no deadline, no alerts.
    #[command(after_help = "Example:
  mishpulse service pause backup")]
    Pause(Names),
    /// Resume services that are paused.
    #[command(after_help = "Example:
  mishpulse service resume backup")]
    Resume(Names),
    /// Give a service a new token; the old one is worth nothing from then on.
    #[command(after_help = "Example:
  mishpulse service rotate-token backup")]
    RotateToken {
        /// Its name.
        name: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Names {
    /// Their names.
    #[arg(required = true, value_name = "NAME")]
    pub(super) names: Vec<String>,
}

/// What a service can be set to. What is left out stays as it is, or is that of the defaults.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct ServiceSettings {
    /// How long it may be silent, such as 90s, 5m, 25h, 2d.
    #[arg(long, value_name = "TIME")]
    pub(super) timeout: Option<String>,
    /// How much longer before it counts as dead.
    #[arg(long, value_name = "TIME")]
    pub(super) grace: Option<String>,
    /// A label to narrow lists by; again for one more.
    #[arg(long = "tag", value_name = "TAG")]
    pub(super) tags: Vec<String>,
    /// A channel that is told; again for one more. All channels where neither it nor the defaults say.
    #[arg(long = "channel", value_name = "CHANNEL")]
    pub(super) channels: Vec<String>,
    /// Which alerts it raises: dead, error, warning, recovered, with commas between.
    #[arg(long, value_name = "ALERTS", value_delimiter = ',')]
    pub(super) notify_on: Vec<String>,
    /// A reminder each so long while it is dead or in error; 0s for none.
    #[arg(long, value_name = "TIME")]
    pub(super) remind_every: Option<String>,
    /// The least time between the alerts of two different errors.
    #[arg(long, value_name = "TIME")]
    pub(super) error_cooldown: Option<String>,
    /// Whether a beat resumes it while it is paused.
    #[arg(long, value_name = "true|false")]
    pub(super) resume_on_beat: Option<bool>,
    /// What it is, for people.
    #[arg(long, value_name = "TEXT")]
    pub(super) description: Option<String>,
}

const SETTINGS: [&str; 9] = [
    "timeout",
    "grace",
    "tags",
    "channels",
    "notify_on",
    "remind_every",
    "error_cooldown",
    "resume_on_beat",
    "description",
];
