//! What the benchmarks share: fleets of services to beat for.

use hashbrown::HashMap;
use mishpulse_core::testing::Rng;
use mishpulse_core::{Config, Event, Policy, ServiceId, Signal, Span, Timestamp, Watchdog};

/// The sizes that everything is measured at.
pub const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];

/// How long a service of a fleet may be silent.
pub const TIMEOUT: Span = Span::from_secs(60);

/// Services that are alive, each under a random token.
pub struct Fleet {
    /// Who watches them.
    pub dog: Watchdog,
    /// Their tokens, in order of their handles.
    pub tokens: Vec<u128>,
    /// Who has which token, as a server would look it up.
    pub by_token: HashMap<u128, ServiceId>,
    /// The time of the last call.
    pub now: Timestamp,
    /// When to look next, as of the last [`run_until`](Self::run_until).
    pub next: Timestamp,
}

impl Fleet {
    /// `size` services that were all heard at the same moment, the least memory that they can take.
    #[must_use]
    pub fn heard_at_once(size: usize) -> Self {
        let mut fleet = Self::unheard(size);
        for number in 0..size {
            fleet.beat(ServiceId::new(number as u32));
        }
        fleet.drain();
        fleet
    }

    /// `size` services whose last signals are spread evenly over the `spread` before now, in random order.
    #[must_use]
    pub fn heard_within(size: usize, spread: Span) -> Self {
        let mut fleet = Self::unheard(size);
        let start = fleet.now;
        for (turn, number) in shuffled(size).into_iter().enumerate() {
            fleet.run_until(start + part(spread, turn, size));
            fleet.beat(ServiceId::new(number));
            fleet.drain();
        }
        fleet
    }

    fn unheard(size: usize) -> Self {
        let now = Timestamp::from_unix_ms(1_760_616_000_000);
        let mut rng = Rng::new(size as u64);
        let mut dog = Watchdog::new(Config::default(), now);
        let policy = Policy::new(TIMEOUT).expect("a minute is a timeout");
        let tokens: Vec<u128> =
            (0..size).map(|_| u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64())).collect();
        let by_token = tokens.iter().map(|token| (*token, dog.watch(policy, now))).collect();
        Self { dog, tokens, by_token, now, next: now }
    }

    /// An `ok` from one of them, now.
    pub fn beat(&mut self, id: ServiceId) {
        self.dog.beat(id, Signal::ok(), self.now).expect("all of a fleet are watched");
    }

    /// An `ok` from whoever has this token, now.
    pub fn beat_token(&mut self, token: u128) {
        self.beat(self.by_token[&token]);
    }

    /// Polls until there is no more to say; how many events came out.
    pub fn drain(&mut self) -> usize {
        std::iter::from_fn(|| self.dog.poll(self.now)).inspect(Self::expect_no_gap).count()
    }

    /// Lets time pass as a driver should: polled at each `next_deadline`. How many events came out.
    pub fn run_until(&mut self, until: Timestamp) -> usize {
        let mut events = 0;
        loop {
            self.next = self.dog.next_deadline().expect("someone is watched");
            if self.next > until {
                self.now = until;
                return events;
            }
            self.now = self.next;
            events += self.drain();
        }
    }

    fn expect_no_gap(event: &Event) {
        assert!(!matches!(event, Event::Blind(_)), "the driver was not away: {event:?}");
    }
}

/// The numbers below `size`, in random order.
#[must_use]
pub fn shuffled(size: usize) -> Vec<u32> {
    let mut rng = Rng::new(7);
    let mut numbers: Vec<u32> = (0..size as u32).collect();
    for left in (1..size).rev() {
        numbers.swap(left, rng.below(left as u64 + 1) as usize);
    }
    numbers
}

/// The part `turn / turns` of `span`.
#[must_use]
pub fn part(span: Span, turn: usize, turns: usize) -> Span {
    Span::from_ms((u128::from(span.as_ms()) * turn as u128 / turns as u128) as u64)
}
