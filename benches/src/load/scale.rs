//! What things cost by the number of services: only a start and memory may grow with it.

use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::Result;
use super::command::{Place, Promise};
use super::generate::Load;
use super::inside::Inside;
use super::seed::Seeds;
use super::server::{self, Server};
use super::start;
use super::svg::{self, Axis, Line, Panel};
use super::table::{head, median, megabytes, row, thousands};
use super::throughput::measure;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// How many services there are.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000,1000000")]
    sizes: Vec<u32>,
    /// How often each is measured.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// How long the server is left alone to see what it uses then.
    #[arg(long, default_value_t = 10)]
    idle_seconds: u64,
}

/// What one size costs, in the order of the columns.
#[derive(Debug)]
struct Cost {
    services: u32,
    beat_us: f64,
    idle: f64,
    look_us: f64,
    death_us: f64,
    start_s: f64,
    rss: f64,
}

/// Measures and prints it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = server::folder(&options.place)?;
    let binary = server::binary(&options.place)?;
    println!(
        "Medians of {}. A beat: server CPU under full load on 256 connections. A look and a death: one turn of the engine over the \
         real store, in one thread; {} services die in the same second, with one letter each.\n",
        options.runs,
        thousands(f64::from(DEATHS))
    );
    head(&[
        "services",
        "a beat, CPU us",
        "idle, % of a core",
        "an idle look, us",
        "a death, us",
        "a start, s",
        "RSS MB after it",
    ]);
    let mut costs = Vec::new();
    for services in &options.sizes {
        let cost = cost(options, &folder, &binary, *services)?;
        row(&[
            thousands(f64::from(*services)),
            format!("{:.1}", cost.beat_us),
            format!("{:.2}", cost.idle * 100.0),
            format!("{:.1}", cost.look_us),
            format!("{:.1}", cost.death_us),
            format!("{:.3}", cost.start_s),
            megabytes(cost.rss),
        ]);
        costs.push(cost);
    }
    plot(&server::images(&options.place)?, &costs)
}

const DEATHS: u32 = 1000;

fn cost(options: &Options, folder: &Path, binary: &Path, services: u32) -> Result<Cost> {
    let seeds = Seeds::in_folder(folder);
    let (mut beats, mut idles, mut looks, mut deaths, mut starts, mut memories) =
        (vec![], vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..options.runs {
        let data = tempfile::tempdir_in(folder)?;
        seeds.plant(services, data.path(), |_| Vec::new())?;
        let mut server = Server::start(binary, data.path(), Promise::Process, "")?;
        server.first_beat(0)?;
        idles.push(start::idle(&server, Duration::from_secs(options.idle_seconds))?);
        beats.push(measure(&server, &Load::flat_out(server.address(), 256, services, 2.5))?.cpu_us());
        server.stop()?;
        let started = start::start(folder, binary, services)?;
        starts.push(started.seconds);
        memories.push(started.rss as f64);
        let mut inside = Inside::start(folder, services, DEATHS.min(services - 1))?;
        looks.push(inside.idle_look()?.as_secs_f64() * 1e6);
        deaths.push(inside.death()?.as_secs_f64() * 1e6);
    }
    Ok(Cost {
        services,
        beat_us: median(&beats),
        idle: median(&idles),
        look_us: median(&looks),
        death_us: median(&deaths),
        start_s: median(&starts),
        rss: median(&memories),
    })
}

fn plot(images: &Path, costs: &[Cost]) -> Result<()> {
    let panel = |title: &str, figure: &dyn Fn(&Cost) -> f64| Panel {
        title: title.to_owned(),
        x: Axis::Log("services"),
        lines: vec![Line {
            name: String::new(),
            points: costs.iter().map(|cost| (f64::from(cost.services), figure(cost))).collect(),
        }],
    };
    svg::save(
        images,
        "scale.svg",
        &[
            panel("A beat, CPU us", &|cost| cost.beat_us),
            panel("An idle look, us", &|cost| cost.look_us),
            panel("A death, us", &|cost| cost.death_us),
            panel("A start, seconds", &|cost| cost.start_s),
        ],
    )
}
