//! The services that beat, well or badly.

use mishpulse_core::{Signal, SignalKind, Timestamp};
use mishpulse_server::config::Token;

use super::desk::{Answer, Sent};
use super::store::Disk;
use super::world::{Next, World};

/// One that beats.
pub struct Agent {
    pub token: Token,
    /// It says nothing before.
    pub silent_until: i64,
    /// What it says.
    pub kind: SignalKind,
    /// A beat is under way or planned.
    pub retries: u32,
}

const MESSAGES: [&str; 4] = ["", "disk full", "disk 91%", "no route to host"];

impl<D: Disk> World<D> {
    /// One more agent, which beats soon.
    pub fn add_agent(&mut self, token: Token) {
        self.agents.push(Agent { token, silent_until: 0, kind: SignalKind::Ok, retries: 0 });
        let ms = self.rng.below(self.plan.unit_ms) as i64;
        self.after(ms, Next::Beat(self.agents.len() - 1));
    }

    /// An agent beats, or does not, and plans its next beat.
    pub fn agent(&mut self, number: usize) {
        let unit_ms = self.plan.unit_ms;
        let next_ms = unit_ms / 3 + self.rng.below(unit_ms / 2);
        if !self.is_quiet {
            match self.rng.below(1000) {
                0..20 => {
                    let ms = unit_ms * (1 + self.rng.below(14));
                    self.agents[number].silent_until = self.now + ms as i64;
                }
                20..60 => {
                    let kinds = [SignalKind::Ok, SignalKind::Ok, SignalKind::Warning, SignalKind::Error];
                    self.agents[number].kind = self.rng.pick(&kinds);
                }
                _ => {}
            }
        } else {
            self.agents[number].kind = SignalKind::Ok;
        }
        // Now and then to the millisecond of a deadline, and the next one.
        let exact = self.mirror.next_due().map(|due| due.unix_ms() - self.clock.ms());
        let exact = exact.filter(|ms| (1..=next_ms as i64).contains(ms) && self.rng.chance(5));
        let next_ms = exact.map_or(next_ms as i64, |ms| ms - i64::from(self.rng.chance(50)));
        self.after(next_ms, Next::Beat(number));
        if self.now < self.agents[number].silent_until.max(self.silent_until) {
            return;
        }
        self.beat(number, 0);
        if !self.is_quiet && self.rng.chance(2) {
            self.tally.fault("beat twice");
            let ms = self.rng.below(50) as i64;
            self.beat(number, ms);
        }
    }

    /// A beat of an agent comes in, and reaches the inbox so much later.
    pub fn beat(&mut self, number: usize, ms: i64) {
        let agent = &self.agents[number];
        let received = Timestamp::from_unix_ms(self.clock.ms());
        let message = if agent.kind == SignalKind::Ok { "" } else { self.rng.pick(&MESSAGES) };
        let signal = Signal::new(agent.kind, message);
        let sent = Sent::Beat { token: agent.token.clone(), signal, received };
        self.tally.beats += 1;
        if ms == 0 && !self.rng.chance(3) {
            self.ask(sent, number);
        } else {
            // Others that came in later overtake it.
            self.tally.fault("beats in another order");
            let ms = ms.max(self.rng.below(20) as i64);
            self.after(ms, Next::Door(sent, number));
        }
    }

    /// A beat reaches the inbox; nothing is received later than now.
    pub fn door(&mut self, sent: Sent, number: usize) {
        let Sent::Beat { token, signal, received } = sent else { return };
        let received = received.min(Timestamp::from_unix_ms(self.clock.ms()));
        self.ask(Sent::Beat { token, signal, received }, number);
    }

    /// An agent hears how its beat was taken; one that was refused is sent again.
    pub fn beat_answered(&mut self, number: usize, answer: Answer, ms: i64) {
        let Some(agent) = self.agents.get_mut(number) else { return };
        agent.retries = if answer == Answer::Unavailable { agent.retries + 1 } else { 0 };
        if (1..4).contains(&agent.retries) {
            let token = agent.token.clone();
            let at = Timestamp::from_unix_ms(self.clock.ms());
            let wait = ms + 500 + self.rng.below(2000) as i64;
            let received = Timestamp::from_unix_ms(at.unix_ms() + wait);
            let sent = Sent::Beat { token, signal: Signal::new(agent.kind, ""), received };
            self.tally.beats += 1;
            self.after(wait, Next::Door(sent, number));
        }
    }
}
