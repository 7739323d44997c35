//! Answers at half of the load that the server can take, and while thousands of services die in the same second.

use std::path::Path;

use clap::Args;
use mishpulse_core::{Service, Timestamp};

use super::Result;
use super::client::{self, Prober};
use super::command::{Place, Promise};
use super::generate::{Load, Outcome};
use super::latency::Latency;
use super::seed::{self, Seeds, TIMEOUT_SECS};
use super::server::{self, Server};
use super::sink::Sink;
use super::table::{head, row, thousands};
use super::throughput::measure;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// How many services there are.
    #[arg(long, default_value_t = 1_000_000)]
    services: u32,
    /// How many of them die in the same second.
    #[arg(long, default_value_t = 10_000)]
    deaths: u32,
    /// What an answered beat survives.
    #[arg(long, value_delimiter = ',', default_value = "process,power")]
    durability: Vec<Promise>,
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// How long it is measured; the deaths are in the middle.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Beats a second. Left out: half of what is measured before.
    #[arg(long)]
    rate: Option<f64>,
}

/// What one time under load came to.
struct Seen {
    outcome: Outcome,
    prober: Latency,
    engine_gap: Option<f64>,
    dead: f64,
    named: usize,
    messages: u64,
}

/// Measures and prints it.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.deaths >= options.services {
        return Err("there must be more services than deaths".into());
    }
    let folder = server::folder(&options.place)?;
    let binary = server::binary(&options.place)?;
    println!(
        "{} services, {} connections, open loop at half of the measured rate for {} s. A beat that waits for a free connection \
         counts from when it was due. The prober beats each millisecond beside.\n",
        thousands(f64::from(options.services)),
        options.connections,
        options.seconds
    );
    head(&[
        "durability",
        "deaths in one second",
        "beats/s",
        "p50 ms",
        "p99 ms",
        "max ms",
        "prober p99 ms",
        "prober max ms",
        "engine's longest gap ms",
        "dead",
        "named by the webhook",
        "in messages",
        "errors",
    ]);
    for promise in &options.durability {
        let rate = match options.rate {
            Some(rate) => rate,
            None => flat_out(options, &folder, &binary, *promise)? / 2.0,
        };
        for deaths in [0, options.deaths] {
            let seen = half(options, &folder, &binary, *promise, rate, deaths)?;
            print(*promise, deaths, &seen);
        }
    }
    Ok(())
}

fn print(promise: Promise, deaths: u32, seen: &Seen) {
    let Outcome { beats_a_second, latency, errors, .. } = seen.outcome;
    row(&[
        promise.word().to_owned(),
        thousands(f64::from(deaths)),
        thousands(beats_a_second),
        format!("{:.2}", latency.p50_ms),
        format!("{:.2}", latency.p99_ms),
        format!("{:.1}", latency.max_ms),
        format!("{:.2}", seen.prober.p99_ms),
        format!("{:.1}", seen.prober.max_ms),
        seen.engine_gap.map_or("-".to_owned(), |gap| format!("{:.1}", gap * 1000.0)),
        thousands(seen.dead),
        thousands(seen.named as f64),
        thousands(seen.messages as f64),
        errors.to_string(),
    ]);
}

fn flat_out(options: &Options, folder: &Path, binary: &Path, promise: Promise) -> Result<f64> {
    let data = tempfile::tempdir_in(folder)?;
    Seeds::in_folder(folder).plant(options.services, data.path(), |_| Vec::new())?;
    let mut server = Server::start(binary, data.path(), promise, "")?;
    server.first_beat(0)?;
    let load = Load::flat_out(server.address(), options.connections, options.services, 3.0);
    let run = measure(&server, &load)?;
    server.stop()?;
    Ok(run.outcome.beats_a_second)
}

fn half(
    options: &Options,
    folder: &Path,
    binary: &Path,
    promise: Promise,
    rate: f64,
    deaths: u32,
) -> Result<Seen> {
    let sink = Sink::start()?;
    let data = tempfile::tempdir_in(folder)?;
    let beating = options.services - deaths;
    // Room for a slow start before the load, and for half of it.
    let ahead_ms = seed::start_ms(options.services) + (options.seconds * 500.0) as i64;
    let mut second = Timestamp::from_unix_ms(0);
    Seeds::in_folder(folder).plant(options.services, data.path(), |now| {
        second = Timestamp::from_unix_ms(now.unix_ms() + ahead_ms);
        (beating..options.services).map(|number| (number, dies_in(second, number, now))).collect()
    })?;
    let mut server = Server::start(binary, data.path(), promise, &sink.channels(1))?;
    server.first_beat(0)?;
    let mut load = Load::flat_out(server.address(), options.connections, beating, options.seconds);
    load.rate = Some(rate);
    let wait_ms = second.unix_ms() - seed::now().unix_ms() - (options.seconds * 500.0) as i64;
    load.warm_up_s = (wait_ms as f64 / 1000.0).max(0.5);
    let prober = Prober::start(server.address(), 0);
    let outcome = measure(&server, &load)?.outcome;
    let prober = prober.finish()?;
    let engine_gap = client::metric(server.address(), "mishpulse_longest_turn_seconds")?;
    let dead = client::dead(server.address())?;
    sink.wait_for(deaths as usize);
    server.stop()?;
    let arrived = sink.arrived();
    Ok(Seen { outcome, prober, engine_gap, dead, named: arrived.named.len(), messages: arrived.messages })
}

/// A service whose time is up at some moment of the second that begins at `second`.
fn dies_in(second: Timestamp, number: u32, now: Timestamp) -> Service {
    let deadline = second.unix_ms() + i64::from(number % 1000);
    seed::heard(Timestamp::from_unix_ms(deadline - TIMEOUT_SECS as i64 * 1000), now)
}
