//! The clerks of all channels at work: what they send, and what they have written down.

use std::sync::{Arc, Mutex, PoisonError};

use mishpulse_core::testing::Rng;
use mishpulse_core::{Span, Timestamp};
use mishpulse_server::config::ChannelName;
use mishpulse_server::notify::{Clerk, Office, Paper, Refusal, Step, Texts};
use mishpulse_server::store::Outcome;
use mishpulse_server::store::rows::DeliveryRow;
use tokio::sync::broadcast;

use super::desk::{Answer, Sent};
use super::store::{Disk, FaultyHistory};
use super::world::{AtWork, CLERKS, Doing, Next, World};

enum Does {
    Waits(i64),
    Sends(Box<DeliveryRow>),
    Asks(Paper),
}

impl<D: Disk> World<D> {
    /// Puts a clerk to every channel of the file that has none; those that are to leave go first.
    pub fn open_channels(&mut self) {
        let Some(server) = self.server.as_mut() else { return };
        server.clerks.retain(|_, at_work| {
            !at_work.is_leaving || at_work.at != Doing::Nothing || at_work.clerk.unsettled().is_some()
        });
        let missing = self.file.channels.keys().filter(|name| !server.clerks.contains_key(*name));
        let missing: Vec<ChannelName> = missing.cloned().collect();
        for name in missing {
            let dice = Mutex::new(Rng::new(self.rng.next_u64()));
            let dice = Arc::new(move || dice.lock().unwrap_or_else(PoisonError::into_inner).below(256) as u8);
            let Some(server) = self.server.as_mut() else { return };
            let office = Office {
                inbox: server.inbox.clone(),
                bell: Arc::clone(&server.bell),
                clock: Arc::new(self.clock.clone()),
                wall: Arc::new(self.clock.clone()),
                texts: Arc::clone(&self.texts),
                expires: self.file.delivery_expires,
                settled: broadcast::Sender::new(8),
            };
            let history = FaultyHistory { inner: self.disk.history(), control: self.control.clone() };
            let clerk = Clerk::new(name.clone(), Box::new(history), office, dice, TEXT_BYTES_MAX);
            let at_work = AtWork { clerk, at: Doing::Nothing, wakes_at: self.now, is_leaving: false };
            server.clerks.insert(name.clone(), at_work);
            self.after(0, Next::Clerk(self.run, name));
        }
    }

    /// Other clerks take over, each as soon as what is under way is done.
    pub fn change_clerks(&mut self) {
        let Some(server) = self.server.as_mut() else { return };
        server.clerks.values_mut().for_each(|at_work| at_work.is_leaving = true);
        self.open_channels();
    }

    /// A clerk takes steps until it has to wait for something.
    pub fn clerk(&mut self, name: &ChannelName) {
        let (now, run) = (self.now, self.run);
        self.open_channels();
        let Some(server) = self.server.as_mut() else { return };
        let is_full = server.waiting.len() >= self.plan.inbox;
        let Some(at_work) = server.clerks.get_mut(name) else { return };
        if at_work.at != Doing::Nothing || at_work.wakes_at > now {
            return;
        }
        let mut steps = 0;
        let does = loop {
            steps += 1;
            assert!(steps < 10_000, "the clerk of {} does nothing, again and again", name.as_str());
            match at_work.clerk.step() {
                Err(_) => break Does::Waits(1000),
                Ok(Step::Look) => {}
                Ok(Step::Wait(wait)) => break Does::Waits(wait.as_ms().max(1) as i64),
                Ok(Step::Ask(_)) if is_full => break Does::Waits(5),
                Ok(Step::Ask(paper)) => break Does::Asks(paper),
                Ok(Step::Send(row)) => break Does::Sends(row),
            }
        };
        match does {
            Does::Waits(wait) => {
                at_work.wakes_at = now + wait;
                self.after(wait, Next::Clerk(run, name.clone()));
            }
            Does::Asks(paper) => {
                let unsettled = at_work.clerk.unsettled();
                let sent = unsettled.filter(|settlement| settlement.outcome == Outcome::Sent);
                at_work.at = Doing::Asking(sent.map(|settlement| settlement.id));
                let sent = match paper {
                    Paper::Settle(settlement) => Sent::Settle(settlement),
                    Paper::Post(delivery) => Sent::Post(*delivery),
                };
                let place = super::plan::CHANNELS.iter().position(|other| *other == name.as_str());
                self.ask(sent, CLERKS + place.unwrap_or_default());
            }
            Does::Sends(row) => {
                self.ledger.try_begins(&row);
                let waited = Timestamp::from_unix_ms(self.clock.ms()).since(row.created_at);
                let is_late = self.is_settled && row.attempts == 0 && waited > PROMPT;
                assert!(!is_late, "{} is first tried after {waited}, although all is well", row.id);
                let plan = self.network.plan(name, &mut self.rng);
                let is_clear = plan.result.is_ok() && plan.accepted_after_ms.is_some();
                if let Some(fault) = plan.fault {
                    self.tally.fault(fault);
                }
                if plan.accepted_after_ms.is_some() && !is_clear {
                    self.ledger.excuse(row.id);
                }
                let kind = row.letter.kind.as_str();
                self.lines.add(
                    now,
                    &format!(
                        "{} sends {kind} {} of {:?}",
                        name.as_str(),
                        self.ledger.place(row.id),
                        row.service
                    ),
                );
                at_work.at = Doing::Sending(row.id, is_clear);
                if let Some(ms) = plan.accepted_after_ms {
                    self.after(ms, Next::Accepted(row.id));
                }
                self.after(plan.answered_after_ms, Next::Ended(run, name.clone(), row, plan.result));
            }
        }
    }

    /// A try has ended.
    pub fn ended(&mut self, run: u64, name: &ChannelName, row: &DeliveryRow, result: Result<(), Refusal>) {
        if run != self.run {
            return;
        }
        let Some(at_work) = self.server.as_mut().and_then(|server| server.clerks.get_mut(name)) else {
            return;
        };
        self.lines.add(self.now, &format!("{} {}: {result:?}", name.as_str(), self.ledger.place(row.id)));
        self.ledger.try_ended(row.id, result.clone());
        at_work.clerk.sent(row, result);
        (at_work.at, at_work.wakes_at) = (Doing::Nothing, self.now);
        self.clerk(name);
    }

    /// What a clerk had written down is, or is not.
    pub fn clerk_answered(&mut self, place: usize, answer: Answer, ms: i64) {
        let (now, run) = (self.now, self.run);
        let Ok(name) = super::plan::CHANNELS[place].parse::<ChannelName>() else { return };
        let Some(at_work) = self.server.as_mut().and_then(|server| server.clerks.get_mut(&name)) else {
            return;
        };
        at_work.clerk.answered(answer == Answer::Kept);
        (at_work.at, at_work.wakes_at) = (Doing::Nothing, now + ms);
        self.after(ms, Next::Clerk(run, name));
    }

    /// There are new letters.
    pub fn ring(&mut self, ms: i64) {
        let now = self.now;
        let Some(server) = self.server.as_mut() else { return };
        let mut names = Vec::new();
        for (name, at_work) in &mut server.clerks {
            if at_work.at == Doing::Nothing && at_work.wakes_at > now + ms {
                at_work.wakes_at = now + ms;
                names.push(name.clone());
            }
        }
        for name in names {
            self.after(ms, Next::Clerk(self.run, name));
        }
    }

    /// The texts that everyone uses.
    pub fn texts(settings: &mishpulse_server::Settings) -> Arc<Texts> {
        Arc::new(
            Texts::new(settings.locale, &settings.templates).expect("there are no templates of one's own"),
        )
    }
}

/// How soon a letter leaves where all is well, digests and all.
pub const PROMPT: Span = Span::from_secs(15);
const TEXT_BYTES_MAX: usize = 4096;
