//! Prints the figures of the core that a benchmark of averages does not show: memory, and the longest single call.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mishpulse_benches::{Fleet, SIZES, TIMEOUT, part, shuffled};
use mishpulse_core::testing::Rng;
use mishpulse_core::{Event, ServiceId, Signal, Span};

fn main() {
    println!(
        "{:>9} {:>12} {:>11} {:>11} {:>11}",
        "services", "B/service", "beat ns", "by token", "idle poll"
    );
    for size in SIZES {
        let bytes = bytes_a_service(size);
        let mut fleet = Fleet::heard_within(size, TIMEOUT);
        let by_handle = best_of(5, || beats(&mut fleet));
        let by_token = best_of(5, || beats_by_token(&mut fleet));
        let idle = best_of(5, || idle_polls(&mut fleet));
        println!("{size:>9} {bytes:>12.1} {by_handle:>11.1} {by_token:>11.1} {idle:>11.1}");
    }

    println!();
    println!("{:>9} {:>22} {:>22}", "services", "index, ns a beat", "death, ns each");
    for size in SIZES {
        let index = best_of(3, || index_a_beat(size));
        let death = best_of(3, || death(size));
        println!("{size:>9} {index:>22.1} {death:>22.1}");
    }

    println!();
    println!("All 1,000,000 due at the same millisecond, driven by next_deadline:");
    println!("{:>9} {:>9} {:>9} {:>9} {:>9} {:>9}", "", "calls", "p50 us", "p99 us", "p99.9 us", "max us");
    for _ in 0..3 {
        all_due_at_once(1_000_000);
    }
}

/// Live heap by service, once all were heard, spread over a timeout.
fn bytes_a_service(size: usize) -> f64 {
    let mut fleet = Fleet::heard_within(size, TIMEOUT);
    fleet.tokens = Vec::new();
    fleet.by_token = Default::default();
    let with = ALLOCATED.load(Ordering::Relaxed);
    drop(fleet);
    let without = ALLOCATED.load(Ordering::Relaxed);
    (with - without) as f64 / size as f64
}

const BEATS: usize = 4_000_000;

fn beats(fleet: &mut Fleet) -> f64 {
    let mut rng = Rng::new(1);
    let size = fleet.tokens.len() as u64;
    let ids: Vec<ServiceId> = (0..BEATS).map(|_| ServiceId::new(rng.below(size) as u32)).collect();
    nanos_each(BEATS, || ids.iter().for_each(|id| fleet.beat(*id)))
}

fn beats_by_token(fleet: &mut Fleet) -> f64 {
    let mut rng = Rng::new(2);
    let size = fleet.tokens.len() as u64;
    let tokens: Vec<u128> = (0..BEATS).map(|_| fleet.tokens[rng.below(size) as usize]).collect();
    nanos_each(BEATS, || tokens.iter().for_each(|token| fleet.beat_token(*token)))
}

/// Polls at times at which nothing is due: the deadlines behind the bucket that is being emptied are left alone.
fn idle_polls(fleet: &mut Fleet) -> f64 {
    fleet.drain();
    let now = fleet.now;
    nanos_each(1_000_000, || (0..1_000_000).for_each(|_| assert!(black_box(fleet.dog.poll(now)).is_none())))
}

/// Three minutes of a healthy fleet, everyone heard each 20 s in random order: what its polls cost, by beat.
fn index_a_beat(size: usize) -> f64 {
    const PERIOD: Span = Span::from_secs(20);
    let mut fleet = Fleet::heard_within(size, PERIOD);
    let order = shuffled(size);
    let (mut spent, mut beats) = (Duration::ZERO, 0);
    for _ in 0..9 {
        let start = fleet.now;
        for (turn, number) in order.iter().enumerate() {
            let now = start + part(PERIOD, turn, size);
            if fleet.next <= now {
                let started = Instant::now();
                assert_eq!(fleet.run_until(now), 0, "nobody dies");
                spent += started.elapsed();
            }
            fleet.now = now;
            fleet.beat(ServiceId::new(*number));
            beats += 1;
        }
        fleet.now = start + PERIOD;
    }
    spent.as_nanos() as f64 / f64::from(beats)
}

/// What a death costs from the moment it is due, with its two events.
fn death(size: usize) -> f64 {
    let mut fleet = Fleet::heard_within(size, TIMEOUT);
    let end = fleet.now + TIMEOUT + Span::from_ms(1);
    let mut events = 0;
    let nanos = nanos_each(size, || events = fleet.run_until(end) + fleet.drain());
    assert_eq!(events, 2 * size);
    nanos
}

/// The length of each call while everyone dies in the same millisecond and half of them come back in the next.
fn all_due_at_once(size: usize) {
    let mut fleet = Fleet::heard_at_once(size);
    let dead_at = fleet.now + TIMEOUT + Span::from_ms(1);
    let (mut polls, mut beats, mut next_deadlines) = (Vec::new(), Vec::new(), Vec::new());
    let mut deaths = 0;
    while fleet.now < dead_at {
        let next = timed(&mut next_deadlines, || fleet.dog.next_deadline()).expect("someone is watched");
        fleet.now = next;
        while let Some(event) = timed(&mut polls, || fleet.dog.poll(next)) {
            assert!(!matches!(event, Event::Blind(_)));
            deaths += usize::from(matches!(event, Event::Changed(_)));
        }
    }
    assert_eq!(deaths, size);
    for number in shuffled(size).into_iter().take(size / 2) {
        timed(&mut beats, || fleet.dog.beat(ServiceId::new(number), Signal::ok(), fleet.now))
            .expect("watched");
        while timed(&mut polls, || fleet.dog.poll(fleet.now)).is_some() {}
    }
    print_lengths("poll", polls);
    print_lengths("beat", beats);
    print_lengths("next", next_deadlines);
}

fn timed<T>(lengths: &mut Vec<Duration>, call: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = call();
    lengths.push(started.elapsed());
    result
}

fn print_lengths(name: &str, mut lengths: Vec<Duration>) {
    lengths.sort_unstable();
    let at = |part: f64| {
        let place = (lengths.len() as f64 * part) as usize;
        lengths[place.min(lengths.len() - 1)].as_nanos() as f64 / 1000.0
    };
    let (calls, p50, p99, p999, max) = (lengths.len(), at(0.5), at(0.99), at(0.999), at(1.0));
    println!("{name:>9} {calls:>9} {p50:>9.2} {p99:>9.2} {p999:>9.2} {max:>9.1}");
}

fn nanos_each(count: usize, work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_nanos() as f64 / count as f64
}

fn best_of(times: usize, mut measure: impl FnMut() -> f64) -> f64 {
    (0..times).map(|_| measure()).fold(f64::INFINITY, f64::min)
}

/// The system's allocator, which counts what is live.
struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator is unsafe to implement; this one only counts and hands on")]
// SAFETY: every call goes to the system's allocator with the arguments it came with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(place, layout) }
    }
}
