//! Throws the kept corpus and mutations of it at all that takes bytes from outside.
//!
//! `MISHPULSE_FUZZ_SECONDS=60` looks for longer at each target; `MISHPULSE_SEED=7` makes the same mutations again. `fuzz/` looks
//! with libFuzzer, by what is covered.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use mishpulse_core::testing::Rng;

mod fuzz_parts;

use fuzz_parts::{answers, configuration, http, rows, smtp, traces};

#[test]
fn requests() {
    let target = http::Http::start();
    throw("http", |data| target.run(data));
}

#[test]
fn configuration_files() {
    throw("config", configuration::run);
}

#[test]
fn answers_of_the_bot_api() {
    let target = answers::BotApi::start();
    throw("bot_api", |data| target.run(data));
}

#[test]
fn answers_of_webhooks() {
    let target = answers::Hook::start();
    throw("webhook", |data| target.run(data));
}

#[test]
fn replies_of_mail_servers() {
    let target = smtp::Smtp::start();
    throw("smtp", |data| target.run(data));
}

#[test]
fn stored_rows() {
    let target = rows::Rows::start();
    throw("rows", |data| target.run(data));
}

#[test]
fn traces_of_the_core() {
    throw("traces", traces::run);
}

/// Panics of the server's own threads, which would otherwise pass for a connection that broke off.
static PANICS: AtomicU32 = AtomicU32::new(0);

thread_local!(static IS_TEST: Cell<bool> = const { Cell::new(false) });

fn throw(name: &str, run: impl Fn(&[u8])) {
    IS_TEST.set(true);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !IS_TEST.get() {
            PANICS.fetch_add(1, Ordering::SeqCst);
        }
        usual(panic);
    }));
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("MISHPULSE_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let limit = Duration::from_secs(number("MISHPULSE_FUZZ_SECONDS").unwrap_or(6));
    let corpus = corpus(name);
    let mut rng = Rng::new(seed);
    let begun = Instant::now();
    let mut executions = 0;
    let mut at = |data: &[u8]| {
        executions += 1;
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(data)));
        let is_well = result.is_ok() && PANICS.load(Ordering::SeqCst) == 0;
        assert!(is_well, "{name}, MISHPULSE_SEED={seed}: fell over {:?}", data.escape_ascii().to_string());
    };
    corpus.iter().for_each(|data| at(data));
    while begun.elapsed() < limit {
        let mut data = corpus[rng.pick(&INDEXES) * corpus.len() / INDEXES.len()].clone();
        for _ in 0..rng.pick(&[1, 1, 2, 4, 16]) {
            mutate(&mut data, &corpus, &mut rng);
        }
        at(&data);
    }
    println!("{name}: {executions} executions, {} kept, seed {seed}", corpus.len());
}

const INDEXES: [usize; 256] = {
    let mut indexes = [0; 256];
    let mut index = 0;
    while index < 256 {
        indexes[index] = index;
        index += 1;
    }
    indexes
};

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz_corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn mutate(data: &mut Vec<u8>, corpus: &[Vec<u8>], rng: &mut Rng) {
    const PIECES: [&str; 14] = [
        "\"",
        "{",
        "}",
        "[",
        "\\u",
        "\\ud800",
        "\0",
        "\r\n",
        "%00",
        "null",
        "-1",
        "99999999999999999999",
        "\u{202e}",
        "=",
    ];
    let byte = rng.pick(&INDEXES) as u8;
    let place = rng.pick(&INDEXES) * rng.pick(&[1, 1, 7, 31]) % (data.len() + 1);
    let end = (place + 1 + rng.pick(&INDEXES) / 8).min(data.len());
    match rng.pick(&INDEXES) % 8 {
        0 if place < data.len() => data[place] ^= 1 << (byte % 8),
        1 if place < data.len() => data[place] = byte,
        2 => data.insert(place, byte),
        3 if place < end => drop(data.drain(place..end)),
        4 if place < end && data.len() < 65_536 => data.extend_from_within(place..end),
        5 => drop(data.splice(place..place, rng.pick(&PIECES).bytes())),
        6 => data.truncate(place),
        _ => {
            let other = &corpus[rng.pick(&INDEXES) * corpus.len() / INDEXES.len()];
            let from = rng.pick(&INDEXES) % (other.len() + 1);
            data.truncate(place);
            data.extend_from_slice(&other[from..]);
        }
    }
}
