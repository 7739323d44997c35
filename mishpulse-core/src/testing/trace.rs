//! Random traces: what happens to a watchdog, and when.

use alloc::vec::Vec;
use core::fmt;

use super::Rng;
use crate::{AlertKind, AlertKinds, Config, Policy, ServiceId, Signal, SignalKind, Span, Timestamp};

/// A run of inputs with their times, made from a seed.
///
/// Times and timeouts of one trace are small multiples of one unit, a millisecond more or less, so that deadlines are
/// often met to the millisecond.
#[derive(Debug, Clone)]
pub struct Trace {
    /// What holds for the watcher.
    pub config: Config,
    /// When its time starts.
    pub start: Timestamp,
    /// What happens, in this order; the time may go back in between.
    pub steps: Vec<Step>,
}

/// Something that happens.
#[derive(Debug, Clone)]
pub struct Step {
    /// What the clock says by then.
    pub now: Timestamp,
    /// Whether the driver looks after its services until then, at each `next_deadline`; else it is away.
    pub attentive: bool,
    /// What happens.
    pub input: Input,
}

/// What can happen to a watchdog.
#[derive(Debug, Clone)]
pub enum Input {
    /// One more service is watched.
    Watch(Policy),
    /// A service is watched no longer.
    Forget(ServiceId),
    /// A service gets another policy.
    Change(ServiceId, Policy),
    /// A service is heard.
    Beat(ServiceId, Signal),
    /// A service is paused.
    Pause(ServiceId),
    /// A service is resumed.
    Resume(ServiceId),
    /// From now on nobody can be heard; whoever gets through all the same counts.
    Deaf,
    /// Everybody can be heard again.
    Hears,
    /// Nothing: someone looks.
    Look,
    /// The watchdog is restored from what was stored.
    Restart,
}

impl Trace {
    /// The trace of this seed: up to 160 steps with up to a dozen services.
    #[must_use]
    pub fn generate(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let unit_ms = rng.pick(&UNITS_MS);
        let blind_after = Span::from_ms(rng.pick(&[10_000, 10_000, 10_000, 1000, 1, 0, 3_600_000, YEAR_MS]));
        let start = Timestamp::from_unix_ms(rng.pick(&[0, -5_000_000_000, 1_760_616_000_000]));
        let mut temper = Temper {
            unit_ms,
            watched: 0,
            blind_after,
            has_restarts: rng.chance(50),
            has_deafness: rng.chance(40),
        };
        let mut steps = Vec::new();
        let mut latest = start;
        for _ in 0..rng.pick(&[20, 60, 160]) {
            let is_opening = temper.watched < 2;
            let step = temper.step(&mut rng, latest, is_opening);
            latest = latest.max(step.now);
            steps.push(step);
        }
        Self { config: Config::blind_after(blind_after), start, steps }
    }

    /// The shortest trace that `fails` as well, found by leaving out steps: first all after the failure, then one after
    /// the other.
    #[must_use]
    pub fn shrink(&self, fails: impl Fn(&Self) -> bool) -> Self {
        let mut least = self.clone();
        let failing = (0..=self.steps.len()).find(|length| fails(&self.first(*length)));
        if let Some(length) = failing {
            least = self.first(length);
        }
        let mut place = least.steps.len();
        while place > 0 {
            place -= 1;
            let mut shorter = least.clone();
            shorter.steps.remove(place);
            if fails(&shorter) {
                least = shorter;
            }
        }
        least
    }

    fn first(&self, length: usize) -> Self {
        Self { steps: self.steps[..length].to_vec(), ..*self }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "blind after {:?}, from {:?}:", self.config.blind_after, self.start)?;
        for step in &self.steps {
            let way = if step.attentive { "then" } else { "away" };
            writeln!(f, "  {way} {:?} {:?}", step.now, step.input)?;
        }
        Ok(())
    }
}

impl Input {
    /// Whom it names, if it names anyone by a handle.
    #[must_use]
    pub const fn service(&self) -> Option<ServiceId> {
        match self {
            Self::Forget(id)
            | Self::Change(id, _)
            | Self::Beat(id, _)
            | Self::Pause(id)
            | Self::Resume(id) => Some(*id),
            Self::Watch(_) | Self::Deaf | Self::Hears | Self::Look | Self::Restart => None,
        }
    }
}

/// What the steps of one trace have in common.
struct Temper {
    unit_ms: u64,
    blind_after: Span,
    watched: u64,
    has_restarts: bool,
    has_deafness: bool,
}

impl Temper {
    fn step(&mut self, rng: &mut Rng, latest: Timestamp, is_opening: bool) -> Step {
        let input = if is_opening { Input::Watch(self.policy(rng)) } else { self.input(rng) };
        if matches!(input, Input::Watch(_)) {
            self.watched += 1;
        }
        let later_ms = self.later_ms(rng);
        if !is_opening && rng.chance(4) {
            let now = Timestamp::from_unix_ms(latest.unix_ms() - later_ms as i64);
            return Step { now, attentive: false, input };
        }
        // Attention is not paid for longer than some dozens of looks.
        let look_ms = (self.blind_after.as_ms().min(self.unit_ms / 2).min(MINUTE_MS) / 2).max(1);
        let attentive = later_ms / look_ms <= 50 && rng.chance(75);
        Step { now: latest + Span::from_ms(later_ms), attentive, input }
    }

    fn later_ms(&self, rng: &mut Rng) -> u64 {
        let units_ms = rng.below(5) * self.unit_ms;
        match rng.below(100) {
            0..30 => 0,
            30..40 => 1,
            40..60 => units_ms,
            60..70 => units_ms + 1,
            70..80 => units_ms.saturating_sub(1),
            80..90 => rng.below(3 * self.unit_ms + 1),
            90..96 => self.blind_after.as_ms().min(3 * self.unit_ms) + rng.below(3),
            96..99 => 20 * self.unit_ms,
            _ => 3000 * self.unit_ms,
        }
    }

    fn input(&self, rng: &mut Rng) -> Input {
        // One more than there can be: nobody is to be had under that handle.
        let id = ServiceId::new(rng.below(self.watched + 1) as u32);
        match rng.below(100) {
            0..6 if self.watched < 12 => Input::Watch(self.policy(rng)),
            6..8 => Input::Forget(id),
            8..14 => Input::Change(id, self.policy(rng)),
            14..18 => Input::Pause(id),
            18..22 => Input::Resume(id),
            22..35 => Input::Look,
            35..38 if self.has_restarts => Input::Restart,
            38..42 if self.has_deafness => Input::Deaf,
            42..47 if self.has_deafness => Input::Hears,
            _ => Input::Beat(id, signal(rng)),
        }
    }

    fn policy(&self, rng: &mut Rng) -> Policy {
        let mut span = |most: u64| Span::from_ms((rng.below(most) + 1) * self.unit_ms).min(Span::LONGEST);
        let (timeout, grace, cooldown, every) = (span(4), span(2), span(6), span(4));
        let timeout = match rng.below(40) {
            0 => Span::LONGEST,
            1 if self.unit_ms <= 10 => Span::from_ms(1),
            _ => timeout,
        };
        let grace = if rng.chance(70) { Span::ZERO } else { grace };
        let cooldown = rng.pick(&[cooldown, cooldown, Span::ZERO, Span::from_secs(300)]);
        let every = rng.chance(50).then_some(every);
        let kinds = if rng.chance(60) {
            AlertKinds::DEFAULT
        } else {
            AlertKind::ALL.into_iter().filter(|_| rng.chance(50)).collect()
        };
        Policy::new(timeout)
            .and_then(|policy| policy.grace(grace)?.error_cooldown(cooldown)?.remind_every(every))
            .expect("all spans are within range")
            .notify_on(kinds)
            .resume_on_beat(rng.chance(70))
    }
}

fn signal(rng: &mut Rng) -> Signal {
    let kind = rng.pick(&[
        SignalKind::Ok,
        SignalKind::Ok,
        SignalKind::Ok,
        SignalKind::Warning,
        SignalKind::Error,
        SignalKind::Error,
    ]);
    Signal::new(kind, rng.pick(&["", "", "disk full", "disk 91%"]))
}

const UNITS_MS: [u64; 10] = [1, 2, 10, 100, 1000, 5000, 60_000, 3_600_000, 86_400_000, 30 * 86_400_000];
/// No driver is attentive for days without a look.
const MINUTE_MS: u64 = 60_000;
const YEAR_MS: u64 = 365 * 86_400_000;
