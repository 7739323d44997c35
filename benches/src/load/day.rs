//! A day of beats in simulated time: the engine and the real store, with a clock that is wound by hand.

use std::fs;
use std::time::{Duration, Instant};

use clap::Args;
use mishpulse_core::Span;

use super::Result;
use super::command::Place;
use super::inside::Inside;
use super::process;
use super::seed::DATABASE;
use super::server;
use super::table::{head, megabytes, row, thousands};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// How many services there are.
    #[arg(long, default_value_t = 100_000)]
    services: u32,
    /// How often each beats.
    #[arg(long, default_value_t = 60)]
    every_seconds: u32,
    /// How long the day is.
    #[arg(long, default_value_t = 24)]
    hours: u32,
    /// How long it may take in real time; what is left of the day then is left out, and said so.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
}

/// Beats come in this often.
const STEP: Span = Span::from_ms(100);
const STEPS_A_SECOND: u32 = 10;

/// Runs it and prints each hour.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = server::folder(&options.place)?;
    let mut inside = Inside::start(&folder, options.services, 0)?;
    println!(
        "{} services, each heard every {} s, for {} hours of simulated time; each may be silent for an hour. Beats come in every \
         {} ms of it; those of one such step share commits of 1,024 at most.\n",
        thousands(f64::from(options.services)),
        options.every_seconds,
        options.hours,
        STEP.as_ms()
    );
    head(&["hour", "beats in", "stored", "lost", "dead", "RSS MB", "database and log MB", "seconds it took"]);
    let started = Instant::now();
    let limit = Duration::from_secs_f64(options.minutes * 60.0);
    let steps_a_round = options.every_seconds * STEPS_A_SECOND;
    let (mut sent, mut stored) = (0_u64, 0_u64);
    let mut step = 0;
    while step < options.hours * 3600 * STEPS_A_SECOND {
        inside.clock.advance(STEP);
        let turn = step % steps_a_round;
        // Whoever has this turn: every `steps_a_round`-th service.
        for number in (turn..options.services).step_by(steps_a_round as usize) {
            inside.beat(number)?;
            sent += 1;
        }
        stored += inside.turn()?;
        step += 1;
        let is_late = started.elapsed() > limit;
        if step % (3600 * STEPS_A_SECOND) == 0 || is_late {
            let database = inside.data.path().join(DATABASE);
            let log = inside.data.path().join(format!("{DATABASE}-wal"));
            let bytes: u64 =
                [database, log].iter().map(|path| fs::metadata(path).map_or(0, |file| file.len())).sum();
            row(&[
                format!("{:.2}", f64::from(step) / f64::from(3600 * STEPS_A_SECOND)),
                thousands(sent as f64),
                thousands(stored as f64),
                (sent - stored).to_string(),
                inside.dead().to_string(),
                megabytes(process::memory(std::process::id())?.now as f64),
                megabytes(bytes as f64),
                format!("{:.0}", started.elapsed().as_secs_f64()),
            ]);
        }
        if is_late {
            println!("\nThe time was up before the day was over.");
            break;
        }
    }
    Ok(())
}
