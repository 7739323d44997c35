//! The whole server as a simulation in virtual time, everything from one seed: the engine, the outbox and the clerks of the
//! channels over a disk, a network and a clock that fail. An oracle checks each step; `docs/reliability.md` says how.
//!
//! `MISHPULSE_SEED=7` looks at one seed again (`MISHPULSE_SIM_ON=sqlite` over a database); `MISHPULSE_SIM_SECONDS=600` looks at
//! fresh ones for so long.

mod sim_parts;

use std::time::{Duration, Instant};

use mishpulse_core::testing::Rng;
use sim_parts::plan::Plan;
use sim_parts::run::{On, run};
use sim_parts::tally::Tally;

/// How many fixed seeds, and how many fresh ones, are looked at each time.
const FIXED: u64 = 20;
const FRESH: u64 = 10;
const FIXED_ON_SQLITE: usize = 4;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text}")))
}

/// Whether it is asked for something other than what is looked at each time.
fn is_special() -> bool {
    number("MISHPULSE_SEED").is_some() || number("MISHPULSE_SIM_SECONDS").is_some()
}

fn asked_for() -> On {
    let is_sqlite = std::env::var("MISHPULSE_SIM_ON").is_ok_and(|on| on == "sqlite");
    if is_sqlite { On::Sqlite } else { On::Memory }
}

fn fresh_seed() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    u64::from_le_bytes(bytes) >> 16
}

/// Seeds whose runs have few commits, from `first` on.
fn short_from(first: u64) -> impl Iterator<Item = u64> {
    (first..).filter(|seed| Plan::new(&mut Rng::new(*seed), 1).is_short())
}

#[test]
fn nothing_is_lost_and_nobody_is_falsely_dead() {
    let longer = number("MISHPULSE_SIM_LONGER").unwrap_or(1);
    let mut tally = Tally::default();
    if let Some(seed) = number("MISHPULSE_SEED") {
        tally = run(seed, asked_for(), longer, std::env::var_os("MISHPULSE_SIM_TRACE").is_some()).0;
    } else if let Some(secs) = number("MISHPULSE_SIM_SECONDS") {
        let (began, first) = (Instant::now(), number("MISHPULSE_SIM_FIRST").unwrap_or_else(fresh_seed));
        for seed in first.. {
            if began.elapsed() > Duration::from_secs(secs) {
                break;
            }
            let on = if seed % 16 == 0 { On::Sqlite } else { On::Memory };
            tally.add(&run(seed, on, longer, false).0);
        }
        println!("seeds from {first} on");
    } else {
        (0..FIXED).for_each(|seed| tally.add(&run(seed, On::Memory, longer, false).0));
    }
    println!("{tally}");
}

#[test]
fn nor_with_fresh_seeds() {
    if is_special() {
        return;
    }
    let first = fresh_seed();
    println!("fresh seeds: {first} to {}", first + FRESH - 1);
    let mut tally = Tally::default();
    (first..first + FRESH).for_each(|seed| tally.add(&run(seed, On::Memory, 1, false).0));
    println!("{tally}");
}

#[test]
fn nor_on_a_real_database() {
    if is_special() {
        return;
    }
    let first = fresh_seed();
    println!("fresh seed: {first}");
    let mut tally = Tally::default();
    for seed in short_from(0).take(FIXED_ON_SQLITE).chain(short_from(first).take(1)) {
        tally.add(&run(seed, On::Sqlite, 1, false).0);
    }
    println!("{tally}");
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in short_from(1).take(2) {
        let (one, other) = (run(seed, On::Memory, 1, false), run(seed, On::Memory, 1, false));
        assert_eq!(one, other, "seed {seed}");
        assert_eq!(run(seed, On::Sqlite, 1, false), one, "seed {seed}, over a database");
    }
}

/// For `scripts/planted-bugs.sh`: says after how many seeds something is found.
#[test]
fn until_found() {
    let Some(most) = number("MISHPULSE_SIM_UNTIL_FOUND") else { return };
    for seed in 1..=most {
        let ran = std::panic::catch_unwind(|| run(seed, asked_for(), 1, false));
        if let Err(panic) = ran {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
            let line = text.lines().next().unwrap_or_default().replace('|', "/");
            println!("found after {seed}: {}", line.chars().take(110).collect::<String>());
            return;
        }
    }
}
