//! What it costs the app to hand over a heartbeat, in ns a call:
//! `cargo run --release -p mishpulse-client --example handover_cost [URL]`.
//!
//! Without a URL nobody listens, which is the worst case for everything but the app.

use std::hint::black_box;
use std::time::{Duration, Instant};

use mishpulse_client::Builder;

fn main() -> Result<(), mishpulse_client::Error> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:9/api/heartbeat/nobody".to_owned());
    let pulse = Builder::new(url).quiet().start()?;
    let watch = pulse.watch(Duration::from_secs(60));

    report("ok() where all was well", 200_000_000, |_| black_box(&pulse).ok());
    pulse.error("the same");
    report("error() with the same message", 2_000_000, |_| black_box(&pulse).error("the same"));
    report("error(), ok() in turn", 2_000_000, |number| match number % 2 {
        0 => black_box(&pulse).error("the same"),
        _ => black_box(&pulse).ok(),
    });
    report("error() with a new message", 2_000_000, |number| black_box(&pulse).error(number));
    pulse.ok();
    report("tick()", 20_000_000, |_| black_box(&watch).tick());
    report("Instant::now(), for comparison", 20_000_000, |_| {
        black_box(Instant::now());
    });
    Ok(())
}

/// The fastest of five rounds: what disturbs a round only ever makes it slower.
fn report(what: &str, calls: u64, call: impl Fn(u64)) {
    let rounds = (0..5).map(|_| {
        let started = Instant::now();
        (0..calls / 5).for_each(&call);
        started.elapsed()
    });
    let fastest = rounds.min().unwrap_or_default();
    println!("{what:32} {:8.2} ns", fastest.as_secs_f64() * 1e9 / (calls / 5) as f64);
}
