//! What can be asked on the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};
use mishpulse_core::Span;

pub(super) use super::service_args::{ServiceAction, ServiceOptions};
use crate::config::Source;

/// A self-hosted heartbeat monitor: apps, jobs and devices send beats, and people are told when one falls silent.
///
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "mishpulse", version, styles = STYLES, args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  mishpulse                                  start a server with the defaults
  mishpulse serve --config mishpulse.toml    start one with a file
  mishpulse default-config > mishpulse.toml  get a file to start from
  mishpulse service add backup --timeout 25h have something watched
  mishpulse run URL -- /usr/local/bin/backup run a job and have it say how it ended
  mishpulse status                           see how everything is
  mishpulse doctor                           find out what is wrong

Exit codes: 0 done; 1 not done, or `status` found a service dead or in error; 2 a mistake in the configuration or on the \
command line; 3 the server cannot be reached or does not take the key. `run` ends as its command does.")]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) serve: ServeOptions,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the server.
    Serve(ServeOptions),
    /// Read the configuration and say what it would do. Exit code 2 where it has a mistake.
    CheckConfig(CheckOptions),
    /// Look at configuration, data folder, clock, server and channels, and say what is wrong and what to do.
    Doctor(DoctorOptions),
    /// Print a configuration file with every key, its default and what it means.
    DefaultConfig,
    /// Send one heartbeat.
    Beat(BeatOptions),
    /// Run a command and send a heartbeat that says how it ended.
    Run(RunOptions),
    /// Show how all services are. Exit code 1 where one is dead or in error.
    Status(StatusOptions),
    /// Ask a server whether it is ready, for containers and scripts. Exit code 1 where it is not.
    Healthcheck(HealthcheckOptions),
    /// Add, show, change, pause and drop services.
    Service(Box<ServiceOptions>),
    /// List the ways to tell people, and test them.
    Channel(ChannelOptions),
    /// Copy the database to a file, while the server runs.
    Backup(BackupOptions),
    /// Make a backup the database of an empty data folder.
    Restore(RestoreOptions),
    /// Print completions for a shell.
    #[command(after_help = "Examples:
  mishpulse completions bash > /etc/bash_completion.d/mishpulse
  mishpulse completions zsh > ~/.zfunc/_mishpulse
  mishpulse completions fish > ~/.config/fish/completions/mishpulse.fish")]
    Completions {
        /// Which shell.
        #[arg(value_parser = ["bash", "zsh", "fish"])]
        shell: String,
    },
}

#[derive(Debug, Default, clap::Args)]
#[command(after_help = "SIGHUP makes it read its configuration again, SIGTERM and SIGINT stop it.

Examples:
  mishpulse serve --config /etc/mishpulse.toml
  mishpulse serve --listen 0.0.0.0:8080 --data-dir /var/lib/mishpulse")]
pub(super) struct ServeOptions {
    /// The configuration file; else $MISHPULSE_CONFIG, else ./mishpulse.toml if it is there.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The address to listen on, such as 0.0.0.0:8080.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<String>,
    /// The folder of the database and the admin key.
    #[arg(long, value_name = "FOLDER")]
    pub(super) data_dir: Option<PathBuf>,
}

impl ServeOptions {
    pub(super) fn source(&self) -> Source {
        Source { file: self.config.clone(), listen: self.listen.clone(), data_dir: self.data_dir.clone() }
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  mishpulse check-config --config mishpulse.toml && systemctl reload mishpulse")]
pub(super) struct CheckOptions {
    /// The configuration file; else $MISHPULSE_CONFIG, else ./mishpulse.toml if it is there.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "It changes nothing, and sends nothing that anyone would see: `mishpulse channel test` does. Run it as the user of \
the server, or as root.

Examples:
  mishpulse doctor
  sudo mishpulse doctor --config /etc/mishpulse/mishpulse.toml
  mishpulse doctor --json | jq -r '.findings[] | select(.level == \"problem\") | .what'

Exit codes: 0 no problem, 1 a problem was found, 2 a mistake in the configuration."
)]
pub(super) struct DoctorOptions {
    /// The configuration file; else $MISHPULSE_CONFIG, else ./mishpulse.toml if it is there.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The data folder of the server; else that of its configuration.
    #[arg(long, value_name = "FOLDER")]
    pub(super) data_dir: Option<PathBuf>,
    /// Where the server is; else where the configuration has it listen.
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// Print the findings as JSON, for scripts.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mishpulse beat http://127.0.0.1:8080/api/heartbeat/TOKEN
  mishpulse beat URL --status error --message 'disk full'

Exit codes: 0 it was taken, 1 it was not.")]
pub(super) struct BeatOptions {
    /// The heartbeat URL of the service, with its token.
    #[arg(env = "MISHPULSE_URL", hide_env_values = true)]
    pub(super) url: String,
    /// How the service is.
    #[arg(long, value_name = "STATUS", default_value = "ok", value_parser = ["ok", "warning", "error"])]
    pub(super) status: String,
    /// What it adds in words.
    #[arg(long, value_name = "TEXT")]
    pub(super) message: Option<String>,
}

/// Which database.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct DataOptions {
    /// The data folder of the server; else that of its configuration.
    #[arg(long, value_name = "FOLDER", env = "MISHPULSE_DATA_DIR", global = true)]
    pub(super) data_dir: Option<PathBuf>,
    /// The configuration file of the server; else $MISHPULSE_CONFIG, else ./mishpulse.toml if it is there.
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
}

/// Which server, and how its answers are shown.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Server")]
pub(super) struct ServerOptions {
    /// Where the server is. A heartbeat URL will do, too: what follows the host is left out.
    #[arg(
        long,
        value_name = "URL",
        env = "MISHPULSE_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8080",
        global = true
    )]
    pub(super) url: String,
    /// Where the admin key is, unless $MISHPULSE_ADMIN_KEY has it.
    #[command(flatten)]
    pub(super) data: DataOptions,
    /// Print the server's own answer, for scripts.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "COMMAND gets its input as it is; its output and signals are passed on, and `run` ends with its exit code \
(128 + n where signal n ended it, 124 where --timeout did, 127 where there is no such command). Exit code 0 is the heartbeat \
`ok`; any other is `error` with the last lines of the output, in which the values of variables that are called KEY, TOKEN, SECRET \
or PASSWORD are masked. That the monitor is away changes nothing: it is said on stderr, after 10 s at most.

Examples:
  0 3 * * * mishpulse run https://pulse.example.org/api/heartbeat/TOKEN -- /usr/local/bin/backup --all
  mishpulse run --timeout 2h URL -- sh -c 'pg_dump shop | gzip > shop.gz'
  MISHPULSE_URL=... mishpulse run -- make report"
)]
pub(super) struct RunOptions {
    /// The heartbeat URL of the service, with its token.
    #[arg(env = "MISHPULSE_URL", hide_env_values = true)]
    pub(super) url: String,
    /// End the command where it takes longer, such as 90s or 2h: TERM, and KILL 10 s later.
    #[arg(long, value_name = "TIME")]
    pub(super) timeout: Option<Span>,
    /// Say nothing where the monitor cannot be reached.
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mishpulse status
  mishpulse status --tag prod --status dead,error
  mishpulse status --json | jq -r '.[] | select(.status == \"dead\") | .name'

Exit codes: 0 all is well, 1 a service is dead or in error, 3 the server cannot be reached.")]
pub(super) struct StatusOptions {
    /// Only these, such as dead,error.
    #[arg(long, value_name = "STATUS", value_delimiter = ',',
        value_parser = ["new", "alive", "warning", "error", "dead", "paused"])]
    pub(super) status: Vec<String>,
    /// Only this name, or with a * at its end those that begin so.
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Only those with this label; again for one more.
    #[arg(long, value_name = "TAG")]
    pub(super) tag: Vec<String>,
    #[command(flatten)]
    pub(super) server: ServerOptions,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ready means that the server's store takes writes and its watchdog looks on time, as GET /readyz says. No \
key is needed.

Examples:
  mishpulse healthcheck
  mishpulse healthcheck --url http://127.0.0.1:9000

Exit codes: 0 it is ready; 1 it is not, or there was no answer within 5 s."
)]
pub(super) struct HealthcheckOptions {
    /// Where the server is; else $MISHPULSE_URL, else where its configuration has it listen.
    #[arg(long, value_name = "URL", env = "MISHPULSE_URL", hide_env_values = true, hide_env = true)]
    pub(super) url: Option<String>,
    /// The configuration file of the server; else $MISHPULSE_CONFIG, else ./mishpulse.toml if it is there.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct ChannelOptions {
    #[command(subcommand)]
    pub(super) action: ChannelAction,
    #[command(flatten)]
    pub(super) server: ServerOptions,
}

#[derive(Debug, Subcommand)]
pub(super) enum ChannelAction {
    /// List the configured channels.
    #[command(after_help = "Example:
  mishpulse channel list")]
    List,
    /// Send a test by a channel and say how it went. Exit code 1 where it was not accepted.
    #[command(after_help = "Example:
  mishpulse channel test ops")]
    Test {
        /// The name of the channel.
        name: String,
    },
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The copy is of one moment, checked, and for your eyes only (mode 0600): the tokens of all services are in it. \
The admin key is not.

Examples:
  mishpulse backup /var/backups/mishpulse.db --data-dir /var/lib/mishpulse
  mishpulse backup --force last.db"
)]
pub(super) struct BackupOptions {
    /// The file to make.
    pub(super) file: PathBuf,
    /// Overwrite a file that is there.
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) data: DataOptions,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The data folder must have no database, and no server may run on it. A new admin key is made on the next start, \
unless admin.key is put there.

Example:
  mishpulse restore /var/backups/mishpulse.db --data-dir /var/lib/mishpulse"
)]
pub(super) struct RestoreOptions {
    /// The backup.
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) data: DataOptions,
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());
