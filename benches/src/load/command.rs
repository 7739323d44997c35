//! The commands, and what they have in common.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use mishpulse_server::config::Durability;

use super::{Result, day, deaths, echo, generate, half, scale, soak, start, status, throughput};

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Puts the server under load, beside a bare HTTP server.
    Load(Box<Load>),
    /// The yardstick; it is started by `load`.
    #[command(hide = true)]
    Echo,
    /// The load generator; it is started by `load`.
    #[command(hide = true)]
    Generate(generate::Order),
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Load {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    throughput: throughput::Options,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Beats a second against the yardstick, latency, CPU and memory; the default.
    Throughput(throughput::Options),
    /// Answers at half of that load, while thousands of services die in the same second.
    Half(half::Options),
    /// Seconds from a start to the first answered beat, memory, and CPU when idle.
    Start(start::Options),
    /// `GET /api/status` of everyone.
    Status(status::Options),
    /// From a deadline to the webhook's socket.
    Deaths(deaths::Options),
    /// A million services that beat once a minute, in real time: nothing lost, nobody dead, nothing grows.
    Soak(soak::Options),
    /// What things cost by the number of services.
    Scale(scale::Options),
    /// A day in simulated time.
    Day(day::Options),
}

/// What every measurement has to know.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// The folder for databases; it should be on a real disk. Left out: `target/load`.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
    /// The server to measure. Left out: the one of this workspace, which is built first.
    #[arg(long, value_name = "FILE")]
    pub(crate) server: Option<PathBuf>,
    /// The folder for plots. Left out: that for databases.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) images: Option<PathBuf>,
}

/// What an answered beat survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Promise {
    Process,
    Power,
}

impl Promise {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Power => "power",
        }
    }
}

impl From<Promise> for Durability {
    fn from(promise: Promise) -> Self {
        match promise {
            Promise::Process => Self::Process,
            Promise::Power => Self::Power,
        }
    }
}

/// Does what was asked for.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Echo => echo::serve(),
        Command::Generate(order) => generate::run(&order),
        Command::Load(load) => match load.what {
            None => throughput::run(&load.throughput),
            Some(What::Throughput(options)) => throughput::run(&options),
            Some(What::Half(options)) => half::run(&options),
            Some(What::Start(options)) => start::run(&options),
            Some(What::Status(options)) => status::run(&options),
            Some(What::Deaths(options)) => deaths::run(&options),
            Some(What::Soak(options)) => soak::run(&options),
            Some(What::Scale(options)) => scale::run(&options),
            Some(What::Day(options)) => day::run(&options),
        },
    }
}
