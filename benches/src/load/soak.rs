//! Everyone beats once a minute, in real time: nothing is lost, nobody is taken for dead, nothing grows.

use std::fs;
use std::path::Path;
use std::time::Instant;

use clap::Args;
use rusqlite::{Connection, OpenFlags};

use super::Result;
use super::client;
use super::command::{Place, Promise};
use super::generate::{Generator, Load, Outcome, Word};
use super::process;
use super::seed::{DATABASE, Seeds};
use super::server::{self, Server};
use super::svg::{self, Axis, Line, Panel};
use super::table::{head, megabytes, row, thousands};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// How many services there are.
    #[arg(long, default_value_t = 1_000_000)]
    services: u32,
    /// How long it goes on.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// How often each service beats.
    #[arg(long, default_value_t = 60.0)]
    every_seconds: f64,
    /// How long each may be silent.
    #[arg(long, default_value = "3m")]
    timeout: String,
    /// What an answered beat survives.
    #[arg(long, default_value = "process")]
    durability: Promise,
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// How often memory and disk are looked at.
    #[arg(long, default_value_t = 10.0)]
    look_seconds: f64,
}

/// One look.
#[derive(Debug, Clone, Copy)]
struct Look {
    seconds: f64,
    beats: u64,
    rss: u64,
    disk: u64,
    cpu: f64,
    dead: f64,
}

/// Runs it, prints each look and what came of it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = server::folder(&options.place)?;
    let binary = server::binary(&options.place)?;
    let data = tempfile::tempdir_in(&folder)?;
    Seeds::in_folder(&folder).of_this_minute().plant(options.services, data.path(), |_| Vec::new())?;
    let mut server = Server::start_with(&binary, data.path(), options.durability, &options.timeout, "")?;
    server.first_beat(0)?;
    let rate = f64::from(options.services) / options.every_seconds;
    println!(
        "{} services, each heard every {} s and dead after {}: {} beats a second for {} minutes, durability {}.\n",
        thousands(f64::from(options.services)),
        options.every_seconds,
        options.timeout,
        thousands(rate),
        options.minutes,
        options.durability.word()
    );
    let acknowledged = folder.join("acknowledged");
    let mut load =
        Load::flat_out(server.address(), options.connections, options.services, options.minutes * 60.0);
    (load.rate, load.in_turn, load.warm_up_s) = (Some(rate), true, 0.0);
    (load.progress_s, load.acknowledged) = (Some(options.look_seconds), Some(acknowledged.clone()));
    let (looks, outcome) = watch(&server, &load, data.path())?;
    let deaths = client::dead(server.address())?;
    server.stop()?;
    print(data.path(), &acknowledged, &outcome, deaths)?;
    fs::remove_file(acknowledged)?;
    plot(&server::images(&options.place)?, &looks)
}

fn watch(server: &Server, load: &Load, data: &Path) -> Result<(Vec<Look>, Outcome)> {
    head(&["seconds", "beats in", "CPU, % of a core", "RSS MB", "database and logs MB", "dead"]);
    let started = Instant::now();
    let mut generator = Generator::start(load)?;
    let mut looks = Vec::new();
    let mut last = (0.0, process::cpu(server.pid())?);
    loop {
        match generator.word()? {
            Word::Progress { answered, .. } => {
                let (seconds, cpu) = (started.elapsed().as_secs_f64(), process::cpu(server.pid())?);
                let look = Look {
                    seconds,
                    beats: answered,
                    rss: process::memory(server.pid())?.now,
                    disk: bytes_in(data)?,
                    cpu: (cpu - last.1).as_secs_f64() / (seconds - last.0),
                    dead: client::dead(server.address())?,
                };
                last = (seconds, cpu);
                row(&[
                    format!("{seconds:.0}"),
                    thousands(answered as f64),
                    format!("{:.0}", look.cpu * 100.0),
                    megabytes(look.rss as f64),
                    megabytes(look.disk as f64),
                    thousands(look.dead),
                ]);
                looks.push(look);
            }
            Word::Done(outcome) => return Ok((looks, outcome)),
            Word::Measuring | Word::Measured => {}
        }
    }
}

/// The bytes of all files of the database.
fn bytes_in(data: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("mishpulse.db") {
            // A log may be gone by now.
            bytes += entry.metadata().map_or(0, |metadata| metadata.len());
        }
    }
    Ok(bytes)
}

fn print(data: &Path, acknowledged: &Path, outcome: &Outcome, deaths: f64) -> Result<()> {
    let kept = Kept::read(data, acknowledged)?;
    println!();
    head(&[
        "beats sent",
        "answered with 200",
        "other answers",
        "not answered in time",
        "p50 ms",
        "p99 ms",
        "max ms",
        "services heard",
        "lost",
        "dead at the end",
        "false deaths ever",
    ]);
    row(&[
        thousands(outcome.sent as f64),
        thousands(outcome.answered as f64),
        thousands(outcome.errors as f64),
        thousands(outcome.sent.saturating_sub(outcome.answered + outcome.errors) as f64),
        format!("{:.2}", outcome.latency.p50_ms),
        format!("{:.2}", outcome.latency.p99_ms),
        format!("{:.1}", outcome.latency.max_ms),
        thousands(f64::from(kept.heard)),
        format!("**{}**", kept.lost),
        thousands(deaths),
        format!("**{}**", kept.deaths),
    ]);
    Ok(())
}

/// What the database says afterwards, beside what was answered.
struct Kept {
    /// Services that had a beat answered.
    heard: u32,
    /// Those whose last answered beat is not in the database.
    lost: u32,
    /// Changes to `dead` in the history.
    deaths: u32,
}

impl Kept {
    fn read(data: &Path, acknowledged: &Path) -> Result<Self> {
        let bytes = fs::read(acknowledged)?;
        let (start, sent) = bytes.split_first_chunk().ok_or("the generator wrote nothing")?;
        let start = u64::from_le_bytes(*start);
        let database = Connection::open_with_flags(data.join(DATABASE), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut select = database.prepare(
            "SELECT service_name, CAST(round((julianday(last_seen) - 2440587.5) * 86400000) AS INTEGER) FROM heartbeats",
        )?;
        let mut rows = select.query([])?;
        let (mut heard, mut lost) = (0, 0);
        while let Some(row) = rows.next()? {
            let name = row.get_ref(0)?.as_str()?;
            let number: usize = name.trim_start_matches("service-").parse()?;
            let last_seen = row.get::<_, i64>(1)?.unsigned_abs();
            let Some(last) = sent.get(number * 4..).and_then(|rest| rest.first_chunk()) else { continue };
            let last = u32::from_le_bytes(*last);
            if last > 0 {
                heard += 1;
                // The clocks of two processes may differ by what the system's clock was corrected meanwhile.
                lost += u32::from(last_seen + CLOCKS_DIFFER_MS < start + u64::from(last) - 1);
            }
        }
        let deaths =
            "SELECT count(*) FROM event WHERE data ->> 'event' = 'transition' AND data ->> 'to' = 'dead'";
        let deaths = database.query_row(deaths, [], |row| row.get(0))?;
        Ok(Self { heard, lost, deaths })
    }
}

const CLOCKS_DIFFER_MS: u64 = 1000;

fn plot(images: &Path, looks: &[Look]) -> Result<()> {
    let panel = |title: &str, figure: &dyn Fn(&Look) -> f64| Panel {
        title: title.to_owned(),
        x: Axis::Linear("seconds"),
        lines: vec![Line {
            name: String::new(),
            points: looks.iter().map(|look| (look.seconds, figure(look))).collect(),
        }],
    };
    svg::save(
        images,
        "soak.svg",
        &[
            panel("Beats stored", &|look| look.beats as f64),
            panel("CPU, % of a core", &|look| look.cpu * 100.0),
            panel("Memory, MB", &|look| look.rss as f64 / 1e6),
            panel("Database and logs, MB", &|look| look.disk as f64 / 1e6),
        ],
    )
}
