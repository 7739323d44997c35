//! What the calls of a watchdog cost, at a thousand, a hundred thousand and a million services.
//!
//! Each batch of calls is timed as a whole, so that the processor may overlap independent ones as it does in a server.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use mishpulse_benches::{Fleet, SIZES, TIMEOUT, part, shuffled};
use mishpulse_core::testing::Rng;
use mishpulse_core::{Config, Policy, Service, ServiceId, Span, Watchdog};

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(3)).without_plots();
    targets = beat, beat_by_token, index_a_beat, death, storm, restore, idle_poll
}
criterion_main!(benches);

/// An `ok` from a random service, by its handle.
fn beat(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("beat by handle");
    for size in SIZES {
        let mut fleet = Fleet::heard_within(size, TIMEOUT);
        let mut rng = Rng::new(1);
        let ids: Vec<ServiceId> =
            (0..1 << 20).map(|_| ServiceId::new(rng.below(size as u64) as u32)).collect();
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_custom(|times| {
                timed(|| ids.iter().cycle().take(times as usize).for_each(|id| fleet.beat(*id)))
            });
        });
    }
    group.finish();
}

/// An `ok` from a random service, with the look-up of its token.
fn beat_by_token(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("beat by token");
    for size in SIZES {
        let mut fleet = Fleet::heard_within(size, TIMEOUT);
        let mut rng = Rng::new(2);
        let tokens: Vec<u128> = (0..1 << 20).map(|_| fleet.tokens[rng.below(size as u64) as usize]).collect();
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_custom(|times| {
                timed(|| {
                    tokens.iter().cycle().take(times as usize).for_each(|token| fleet.beat_token(*token))
                })
            });
        });
    }
    group.finish();
}

/// What the polls of a healthy fleet cost, by beat: everyone is heard each 20 s, in random order, and may be silent for 60 s.
fn index_a_beat(criterion: &mut Criterion) {
    const PERIOD: Span = Span::from_secs(20);
    let mut group = criterion.benchmark_group("index a beat");
    for size in SIZES {
        let mut fleet = Fleet::heard_within(size, PERIOD);
        let order = shuffled(size);
        let mut turn = 0;
        let mut start = fleet.now;
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    let now = start + part(PERIOD, turn, size);
                    if fleet.next <= now {
                        spent += timed(|| fleet.run_until(now));
                    }
                    fleet.now = now;
                    fleet.beat(ServiceId::new(order[turn]));
                    turn += 1;
                    if turn == size {
                        (turn, start) = (0, start + PERIOD);
                    }
                }
                spent
            });
        });
    }
    group.finish();
}

/// A death with its two events, when everyone has been silent for too long, one after the other.
fn death(criterion: &mut Criterion) {
    deaths(criterion, "death", |size| Fleet::heard_within(size, TIMEOUT));
}

/// The same, when everyone dies in the same millisecond.
fn storm(criterion: &mut Criterion) {
    deaths(criterion, "death in a storm", Fleet::heard_at_once);
}

fn deaths(criterion: &mut Criterion, name: &str, fleet: impl Fn(usize) -> Fleet) {
    let mut group = criterion.benchmark_group(name);
    for size in SIZES {
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_custom(|times| {
                let (mut spent, mut deaths) = (Duration::ZERO, 0);
                while deaths < times {
                    let mut fleet = fleet(size);
                    let end = fleet.now + TIMEOUT + Span::from_ms(1);
                    spent += timed(|| assert_eq!(fleet.run_until(end) + fleet.drain(), 2 * size));
                    deaths += size as u64;
                }
                spent.mul_f64(times as f64 / deaths as f64)
            });
        });
    }
    group.finish();
}

/// A watchdog restored from its facts, by service.
fn restore(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("restore a service");
    for size in SIZES {
        let fleet = Fleet::heard_within(size, TIMEOUT);
        let policy = Policy::new(TIMEOUT).expect("a minute is a timeout");
        let facts: Vec<(ServiceId, Policy, Service)> =
            fleet.dog.services().map(|(id, service)| (id, policy, service.clone())).collect();
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_custom(|times| {
                let (mut spent, mut restored) = (Duration::ZERO, 0);
                while restored < times {
                    let facts = facts.clone();
                    spent += timed(|| {
                        black_box(Watchdog::restore(Config::default(), facts, [], fleet.now, fleet.now))
                            .is_ok()
                    });
                    restored += size as u64;
                }
                spent.mul_f64(times as f64 / restored as f64)
            });
        });
    }
    group.finish();
}

/// A poll that finds nothing.
fn idle_poll(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("idle poll");
    for size in SIZES {
        let mut fleet = Fleet::heard_within(size, TIMEOUT);
        fleet.drain();
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| black_box(fleet.dog.poll(black_box(fleet.now))));
        });
    }
    group.finish();
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let started = Instant::now();
    black_box(work());
    started.elapsed()
}
