//! A start over a large database, the memory it takes, and what it costs to watch it.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use rusqlite::{Connection, OpenFlags};

use super::Result;
use super::command::{Place, Promise};
use super::generate::{Generator, Load, Word};
use super::process;
use super::seed::{DATABASE, Seeds};
use super::server::{self, Server};
use super::table::{head, median, megabytes, row, thousands};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// How many services there are.
    #[arg(long, value_delimiter = ',', default_value = "1000,100000,1000000")]
    sizes: Vec<u32>,
    /// How often it is started.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// How long it is left alone to see what it uses then.
    #[arg(long, default_value_t = 20)]
    idle_seconds: u64,
}

/// Measures and prints it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = server::folder(&options.place)?;
    let binary = server::binary(&options.place)?;
    println!(
        "From the execution to the first answered beat, the database in the page cache, beside a bare SELECT of all rows; \
         medians of {}.\n",
        options.runs
    );
    head(&[
        "services",
        "start s",
        "SELECT s",
        "ratio",
        "RSS MB after the start",
        "RSS MB after all have beaten",
        "idle, % of a core",
    ]);
    for services in &options.sizes {
        let (mut starts, mut selects, mut ratios, mut memories) = (vec![], vec![], vec![], vec![]);
        for _ in 0..options.runs {
            let started = start(&folder, &binary, *services)?;
            starts.push(started.seconds);
            selects.push(started.select_seconds);
            ratios.push(started.seconds / started.select_seconds);
            memories.push(started.rss as f64);
        }
        let (idle, rss) = live(&folder, &binary, *services, options.idle_seconds)?;
        row(&[
            thousands(f64::from(*services)),
            format!("{:.3}", median(&starts)),
            format!("{:.3}", median(&selects)),
            format!("**{:.2}**", median(&ratios)),
            megabytes(median(&memories)),
            megabytes(rss as f64),
            format!("{:.2}", idle * 100.0),
        ]);
    }
    Ok(())
}

/// What one start came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Started {
    pub(crate) seconds: f64,
    pub(crate) select_seconds: f64,
    pub(crate) rss: u64,
}

/// Starts the server once, right after a bare SELECT.
pub(crate) fn start(folder: &Path, binary: &Path, services: u32) -> Result<Started> {
    let data = tempfile::tempdir_in(folder)?;
    Seeds::in_folder(folder).plant(services, data.path(), |_| Vec::new())?;
    // Once for the page cache.
    select(&data.path().join(DATABASE), services)?;
    let select_seconds = select(&data.path().join(DATABASE), services)?.as_secs_f64();
    let mut server = Server::start(binary, data.path(), Promise::Process, "")?;
    let seconds = server.first_beat(services / 2)?.as_secs_f64();
    let rss = process::memory(server.pid())?.now;
    server.stop()?;
    Ok(Started { seconds, select_seconds, rss })
}

/// Reads every column that a start needs, and throws it away.
fn select(database: &Path, services: u32) -> Result<Duration> {
    let database = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let started = Instant::now();
    let mut select = database.prepare(
        "SELECT service.id, name, token, overrides, declared, status, since, last_seen, silent_from, pardoned, message, \
         trouble FROM service CROSS JOIN state ON state.id = service.id ORDER BY service.id",
    )?;
    let (columns, mut count) = (select.column_count(), 0);
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            std::hint::black_box(row.get_ref(column)?);
        }
        count += 1;
    }
    match count == services {
        true => Ok(started.elapsed()),
        false => Err(format!("{count} rows instead of {services}").into()),
    }
}

/// The part of a core that a server uses while nobody beats, and its memory after everyone has.
fn live(folder: &Path, binary: &Path, services: u32, idle_seconds: u64) -> Result<(f64, u64)> {
    let data = tempfile::tempdir_in(folder)?;
    Seeds::in_folder(folder).plant(services, data.path(), |_| Vec::new())?;
    let mut server = Server::start(binary, data.path(), Promise::Process, "")?;
    server.first_beat(0)?;
    let idle = idle(&server, Duration::from_secs(idle_seconds))?;
    everyone_beats(&server, services)?;
    let rss = process::memory(server.pid())?.now;
    server.stop()?;
    Ok((idle, rss))
}

/// The part of a core that `server` uses when it is left alone for `time`, after a moment to settle.
pub(crate) fn idle(server: &Server, time: Duration) -> Result<f64> {
    std::thread::sleep(Duration::from_secs(2));
    let before = process::cpu(server.pid())?;
    std::thread::sleep(time);
    Ok((process::cpu(server.pid())? - before).as_secs_f64() / time.as_secs_f64())
}

/// Has every service beat at least once.
fn everyone_beats(server: &Server, services: u32) -> Result<()> {
    let mut load = Load::flat_out(server.address(), 256, services, 600.0);
    (load.in_turn, load.progress_s, load.warm_up_s) = (true, Some(0.2), 0.0);
    let mut generator = Generator::start(&load)?;
    loop {
        match generator.word()? {
            // Both threads beat for their half; one may be ahead of the other.
            Word::Progress { answered, .. } if answered > u64::from(services) * 3 / 2 => return Ok(()),
            Word::Done(_) => return Err("not everyone could beat in ten minutes".into()),
            _ => {}
        }
    }
}
