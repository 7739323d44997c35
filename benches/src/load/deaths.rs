//! How long after its deadline a death is told to a webhook.
//!
//! A channel gathers what goes to it once 10 alerts have gone within 10 s, so deaths are spread over many channels, each of
//! which gets fewer: what is measured is each death's own message.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use mishpulse_core::{Service, Timestamp};
use mishpulse_server::config::Overrides;

use super::Result;
use super::client;
use super::command::{Place, Promise};
use super::generate::{Generator, Load};
use super::latency::Latencies;
use super::seed::{self, Seeds, TIMEOUT_SECS};
use super::server::{self, Server};
use super::sink::Sink;
use super::table::{head, row, thousands};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// How many services there are.
    #[arg(long, value_delimiter = ',', default_value = "1000,1000000")]
    sizes: Vec<u32>,
    /// How many deaths to wait for; where there are fewer services, the server is started anew for more.
    #[arg(long, default_value_t = 10_000)]
    deaths: u32,
    /// What an answered beat survives.
    #[arg(long, default_value = "process")]
    durability: Promise,
    /// How many webhooks there are; each gets a death in 1.25 s.
    #[arg(long, default_value_t = 100)]
    channels: u32,
    /// Beats a second meanwhile.
    #[arg(long, default_value_t = 1000.0)]
    rate: f64,
}

/// Eight in 10 s.
const DEATH_OF_A_CHANNEL_EVERY_MS: i64 = 1250;

/// Measures and prints it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = server::folder(&options.place)?;
    let binary = server::binary(&options.place)?;
    println!(
        "From the deadline to the webhook's socket, in whole milliseconds of the wall clock; {} webhooks, each with a death in \
         {DEATH_OF_A_CHANNEL_EVERY_MS} ms, and {} beats a second meanwhile.\n",
        options.channels, options.rate
    );
    head(&["services", "deaths", "p50 ms", "p99 ms", "worst ms", "in digests", "not told"]);
    for services in &options.sizes {
        let mut told = Told { latencies: Latencies::new(), digests: 0, missing: 0, deaths: 0 };
        while told.deaths < options.deaths {
            // One is left alive, to beat.
            let deaths = (options.deaths - told.deaths).min(services - 1);
            round(options, &folder, &binary, *services, deaths, &mut told)?;
            told.deaths += deaths;
        }
        let latency = told.latencies.summary();
        row(&[
            thousands(f64::from(*services)),
            thousands(f64::from(told.deaths)),
            format!("{:.1}", latency.p50_ms),
            format!("{:.1}", latency.p99_ms),
            format!("{:.1}", latency.max_ms),
            told.digests.to_string(),
            told.missing.to_string(),
        ]);
    }
    Ok(())
}

struct Told {
    latencies: Latencies,
    digests: u64,
    missing: u32,
    deaths: u32,
}

fn round(
    options: &Options,
    folder: &Path,
    binary: &Path,
    services: u32,
    deaths: u32,
    told: &mut Told,
) -> Result<()> {
    let sink = Sink::start()?;
    let data = tempfile::tempdir_in(folder)?;
    let beating = services - deaths;
    let mut start = Timestamp::from_unix_ms(0);
    let deadline = |start: Timestamp, number: u32| {
        let turn = i64::from(number - beating);
        Timestamp::from_unix_ms(
            start.unix_ms() + turn * DEATH_OF_A_CHANNEL_EVERY_MS / i64::from(options.channels),
        )
    };
    Seeds::in_folder(folder).plant_with(
        services,
        data.path(),
        |now| {
            start = Timestamp::from_unix_ms(now.unix_ms() + seed::start_ms(services));
            (beating..services).map(|number| (number, dies_at(deadline(start, number), now))).collect()
        },
        |number| Overrides {
            channels: format!("hook{}", number % options.channels).parse().ok().map(|name| vec![name]),
            ..Overrides::default()
        },
    )?;
    let mut server =
        Server::start(binary, data.path(), options.durability, &sink.channels(options.channels))?;
    server.first_beat(0)?;
    let last = deadline(start, services - 1);
    let mut load = Load::flat_out(server.address(), 16, beating, 3600.0);
    load.rate = Some(options.rate);
    let generator = Generator::start(&load)?;
    while seed::now() < Timestamp::from_unix_ms(last.unix_ms() + 1000)
        || (client::dead(server.address())? as u32) < deaths
    {
        std::thread::sleep(Duration::from_millis(500));
        if seed::now() > Timestamp::from_unix_ms(last.unix_ms() + 60_000) {
            return Err("not all died in time".into());
        }
    }
    sink.wait_for(deaths as usize);
    drop(generator);
    server.stop()?;
    let arrived = sink.arrived();
    for number in beating..services {
        match arrived.named.get(&number) {
            Some(at) => told.latencies.record(at.since(deadline(start, number)).into()),
            None => told.missing += 1,
        }
    }
    told.digests += arrived.digests;
    Ok(())
}

fn dies_at(deadline: Timestamp, now: Timestamp) -> Service {
    seed::heard(Timestamp::from_unix_ms(deadline.unix_ms() - TIMEOUT_SECS as i64 * 1000), now)
}
