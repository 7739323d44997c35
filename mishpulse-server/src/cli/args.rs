//! What can be asked on the command line.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};

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
  mishpulse beat http://127.0.0.1:8080/api/heartbeat/TOKEN --status error --message 'disk full'

Exit codes: 0 done, 1 not done, 2 a mistake in the configuration or on the command line.")]
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
    /// Print a configuration file with every key, its default and what it means.
    DefaultConfig,
    /// Send one heartbeat.
    Beat(BeatOptions),
}

#[derive(Debug, Default, clap::Args)]
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
pub(super) struct CheckOptions {
    /// The configuration file; else $MISHPULSE_CONFIG, else ./mishpulse.toml if it is there.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
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

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());
