//! Beats a second against the yardstick, in turn with it.

use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::Result;
use super::command::{Place, Promise};
use super::generate::{Generator, Load, Outcome, Word};
use super::seed::Seeds;
use super::server::{self, Server};
use super::svg::{self, Axis, Line, Panel};
use super::table::{head, median_of, megabytes, row, thousands};
use super::{disk, process};

/// What to measure, and how often.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// How many services there are.
    #[arg(long, value_delimiter = ',', default_value = "1000,100000,1000000")]
    sizes: Vec<u32>,
    /// What an answered beat survives.
    #[arg(long, value_delimiter = ',', default_value = "process,power")]
    durability: Vec<Promise>,
    /// How many connections there are.
    #[arg(long, value_delimiter = ',', default_value = "64,256,1024")]
    connections: Vec<usize>,
    /// How often both are started anew.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// How often both are then measured, in turn.
    #[arg(long, default_value_t = 5)]
    turns: usize,
    /// How long each is measured, after a quarter of a second of warm-up.
    #[arg(long, default_value_t = 0.75)]
    seconds: f64,
}

impl Options {
    /// The lines of the table, without figures as yet.
    fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for services in &self.sizes {
            for promise in &self.durability {
                for connections in &self.connections {
                    let (services, promise, connections) = (*services, *promise, *connections);
                    cells.push(Cell { services, promise, connections, pairs: Vec::new() });
                }
            }
        }
        cells
    }
}

/// What one run of one server came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    pub(crate) cpu: Duration,
    pub(crate) generator_cpu: Duration,
    pub(crate) rss: u64,
}

impl Run {
    /// Server CPU by beat.
    pub(crate) fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.outcome.beats as f64
    }

    fn generator_cpu_us(&self) -> f64 {
        self.generator_cpu.as_secs_f64() * 1e6 / self.outcome.beats as f64
    }
}

/// The yardstick and the server right after one another.
#[derive(Debug, Clone, Copy)]
struct Pair {
    echo: Run,
    server: Run,
    sync_ms: f64,
}

/// One line of the table.
#[derive(Debug)]
struct Cell {
    services: u32,
    promise: Promise,
    connections: usize,
    pairs: Vec<Pair>,
}

/// Measures all that is asked for and prints it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = server::folder(&options.place)?;
    let binary = server::binary(&options.place)?;
    let seeds = Seeds::in_folder(&folder);
    println!(
        "Medians of {} rounds through all lines, so that a slow minute of the machine is shared by all; in each, the yardstick and the \
         server are measured {} times in turn, {} s each, while the other waits. A ratio is the median of those of the pairs.\n",
        options.runs, options.turns, options.seconds
    );
    let mut cells = options.cells();
    for round in 1..=options.runs {
        for cell in &mut cells {
            let pairs = pairs(options, &folder, &binary, &seeds, cell)?;
            cell.pairs.extend(pairs);
        }
        eprintln!("round {round} of {} is done", options.runs);
    }
    head(&[
        "services",
        "durability",
        "connections",
        "beats/s",
        "echo/s",
        "**ratio**",
        "p50 ms",
        "echo",
        "p99 ms",
        "echo",
        "p99 ratio",
        "CPU us a beat",
        "echo",
        "generator",
        "RSS MB",
        "errors",
        "fdatasync p50 ms",
    ]);
    cells.iter().for_each(Cell::print);
    plot(options, &cells)?;
    let errors: u64 = cells.iter().map(Cell::errors).sum();
    match errors {
        0 => Ok(()),
        errors => Err(format!("{errors} beats were not answered with 200").into()),
    }
}

/// Starts both and measures them in turn, right after one another: what the machine does otherwise changes within seconds.
fn pairs(options: &Options, folder: &Path, binary: &Path, seeds: &Seeds, cell: &Cell) -> Result<Vec<Pair>> {
    let load = |server: &Server| Load {
        warm_up_s: 0.25,
        ..Load::flat_out(server.address(), cell.connections, cell.services, options.seconds)
    };
    let echo = Server::echo()?;
    let data = tempfile::tempdir_in(folder)?;
    seeds.plant(cell.services, data.path(), |_| Vec::new())?;
    let sync_ms = disk::sync_ms(folder)?;
    let mut server = Server::start(binary, data.path(), cell.promise, "")?;
    server.first_beat(0)?;
    let pair = |_| -> Result<Pair> {
        Ok(Pair { echo: measure(&echo, &load(&echo))?, server: measure(&server, &load(&server))?, sync_ms })
    };
    let pairs = (0..options.turns).map(pair).collect::<Result<_>>()?;
    server.stop()?;
    Ok(pairs)
}

/// Puts `load` on `server` and watches what it costs.
pub(crate) fn measure(server: &Server, load: &Load) -> Result<Run> {
    let mut generator = Generator::start(load)?;
    let cpu = |generator: &Generator| -> Result<(Duration, Duration)> {
        Ok((process::cpu(server.pid())?, process::cpu(generator.pid())?))
    };
    let mut before = (Duration::ZERO, Duration::ZERO);
    let mut after = before;
    loop {
        match generator.word()? {
            Word::Measuring => before = cpu(&generator)?,
            Word::Measured => after = cpu(&generator)?,
            Word::Progress { .. } => {}
            Word::Done(outcome) => {
                let rss = process::memory(server.pid())?.now;
                return Ok(Run { outcome, cpu: after.0 - before.0, generator_cpu: after.1 - before.1, rss });
            }
        }
    }
}

/// The ratios, by what a beat survives: a line for each number of connections.
fn plot(options: &Options, cells: &[Cell]) -> Result<()> {
    let panel = |promise: &Promise| {
        let line = |connections: &usize| Line {
            name: connections.to_string(),
            points: cells
                .iter()
                .filter(|cell| cell.promise == *promise && cell.connections == *connections)
                .map(|cell| (f64::from(cell.services), cell.ratio()))
                .collect(),
        };
        Panel {
            title: format!("Beats/s by connections, hyper echo = 1, {}", promise.word()),
            x: Axis::Log("services"),
            lines: options.connections.iter().map(line).collect(),
        }
    };
    let panels: Vec<Panel> = options.durability.iter().map(panel).collect();
    svg::save(&server::images(&options.place)?, "load.svg", &panels)
}

impl Cell {
    fn ratio(&self) -> f64 {
        median_of(&self.pairs, |pair| pair.server.outcome.beats_a_second / pair.echo.outcome.beats_a_second)
    }

    fn errors(&self) -> u64 {
        self.pairs.iter().map(|pair| pair.server.outcome.errors + pair.echo.outcome.errors).sum()
    }

    fn print(&self) {
        let of = |figure: &dyn Fn(&Pair) -> f64| median_of(&self.pairs, figure);
        row(&[
            thousands(f64::from(self.services)),
            self.promise.word().to_owned(),
            thousands(self.connections as f64),
            thousands(of(&|pair| pair.server.outcome.beats_a_second)),
            thousands(of(&|pair| pair.echo.outcome.beats_a_second)),
            format!("**{:.2}**", self.ratio()),
            format!("{:.2}", of(&|pair| pair.server.outcome.latency.p50_ms)),
            format!("{:.2}", of(&|pair| pair.echo.outcome.latency.p50_ms)),
            format!("{:.2}", of(&|pair| pair.server.outcome.latency.p99_ms)),
            format!("{:.2}", of(&|pair| pair.echo.outcome.latency.p99_ms)),
            format!(
                "{:.2}",
                of(&|pair| pair.server.outcome.latency.p99_ms / pair.echo.outcome.latency.p99_ms)
            ),
            format!("{:.1}", of(&|pair| pair.server.cpu_us())),
            format!("{:.1}", of(&|pair| pair.echo.cpu_us())),
            format!("{:.1}", of(&|pair| pair.server.generator_cpu_us())),
            megabytes(of(&|pair| pair.server.rss as f64)),
            self.errors().to_string(),
            format!("{:.2}", of(&|pair| pair.sync_ms)),
        ]);
    }
}
