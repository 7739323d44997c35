//! What goes wrong, and what people do meanwhile.

use mishpulse_core::{ServiceId, Status};
use mishpulse_server::config::{ServiceName, Token};
use mishpulse_server::store::rows::Identity;

use super::agents::Agent;
use super::desk::{Amendment, Answer, Sent};
use super::store::{Disk, Fault};
use super::world::{Next, OPERATOR, World};

impl<D: Disk> World<D> {
    /// Something happens, and the next one is planned.
    pub fn chaos(&mut self) {
        if self.is_quiet {
            return;
        }
        let ms = 1 + self.rng.below(self.plan.chaos_ms * 2) as i64;
        self.after(ms, Next::Chaos);
        match self.rng.below(100) {
            0..12 if self.plan.has_crashes => self.crash(),
            12..30 if self.plan.has_disk_faults => self.disk_fault(),
            30..36 => self.suspend(),
            36..42 => self.stall(),
            42..48 if self.plan.has_wall_steps => self.step_wall(),
            48..66 if self.plan.has_channel_faults => {
                let channel = self.rng.pick(&super::plan::CHANNELS).parse().expect("a channel's name");
                let mood = self.network.change(channel, &mut self.rng);
                self.lines.add(self.now, &format!("a channel is {mood:?}"));
            }
            66..72 => self.silence_many(),
            72..76 => self.flood(),
            76..80 if self.plan.has_edits => self.reload(),
            80..97 if self.plan.has_edits => self.edit(),
            97..100 if self.plan.has_edits => self.replace(),
            _ => {}
        }
    }

    fn crash(&mut self) {
        if self.server.is_none() {
            return;
        }
        match self.rng.below(6) {
            0 => self.control.orders().fault = Some(Fault::CrashBefore),
            1 => self.control.orders().fault = Some(Fault::CrashAfter),
            2 => self.control.orders().fault_in_tidy = Some(Fault::CrashBefore),
            3 => self.control.orders().fault_in_tidy = Some(Fault::CrashAfter),
            _ => {
                self.tally.fault("crash between two steps");
                if self.rng.chance(15) {
                    self.control.orders().crash_in_load = true;
                }
                if self.rng.chance(15) {
                    let faults = [Fault::CrashBefore, Fault::CrashAfter, Fault::Loses, Fault::KeepsAndFails];
                    self.control.orders().fault = Some(self.rng.pick(&faults));
                }
                self.die();
            }
        }
    }

    fn disk_fault(&mut self) {
        let now = self.clock.ms();
        let most_ms = self.plan.unit_ms * 2;
        let is_long = self.rng.chance(10);
        let for_ms = self.rng.below(if is_long { most_ms } else { most_ms.min(120_000) }) as i64;
        let mut orders = self.control.orders();
        match self.rng.below(7) {
            0 => orders.fault = Some(Fault::Loses),
            5 => orders.fault_in_tidy = Some(Fault::Loses),
            1 | 2 => orders.fault = Some(Fault::KeepsAndFails),
            3 => orders.full_until = now + for_ms,
            4 => orders.broken_until = now + for_ms,
            _ => orders.slow_ms = 1 + self.rng.below(self.plan.unit_ms) as i64,
        }
    }

    fn suspend(&mut self) {
        self.tally.fault("suspend");
        let ms = if self.rng.chance(80) { self.plan.unit_ms } else { self.plan.unit_ms * 20 };
        self.suspended_until = self.now + 1 + self.rng.below(ms) as i64;
        self.lines.add(self.now, &format!("suspended until {}", self.suspended_until));
    }

    /// The engine's thread is kept from running; beats go on coming in.
    fn stall(&mut self) {
        let ms = 1 + self.rng.below(self.plan.unit_ms * 2) as i64;
        let until = self.now + ms;
        let run = self.run;
        let Some(server) = self.server.as_mut() else { return };
        self.tally.fault("engine held up");
        server.busy_until = server.busy_until.max(until);
        server.free_since = i64::MAX;
        server.turn_at = server.busy_until;
        let after = server.turn_at - self.now;
        self.after(after, Next::Turn(run));
    }

    /// Someone sets the clock.
    pub fn step_wall(&mut self) {
        self.tally.fault("wall clock stepped");
        let most = self.rng.pick(&[2000, self.plan.unit_ms, self.plan.unit_ms * 50]);
        let by = self.rng.below(most) as i64;
        self.wall_ahead_ms += if self.rng.chance(50) { by } else { -by };
        self.lines.add(self.now, &format!("the wall clock is {} ms ahead", self.wall_ahead_ms));
    }

    fn silence_many(&mut self) {
        match self.rng.below(3) {
            0 => {
                self.tally.fault("everyone falls silent");
                self.silent_until = self.now + (self.plan.unit_ms * (2 + self.rng.below(30))) as i64;
                return;
            }
            1 => return self.silence_all_but_one(),
            _ => {}
        }
        self.tally.fault("many fall silent at once");
        let share = self.rng.pick(&[30, 80]);
        let until = self.now + (self.plan.unit_ms * (2 + self.rng.below(12))) as i64;
        for number in 0..self.agents.len() {
            if self.rng.chance(share) {
                self.agents[number].silent_until = until;
            }
        }
    }

    /// All are heard once more in the same moment, and then only one is: that is no silence of everyone.
    fn silence_all_but_one(&mut self) {
        let Some((one, _)) = self.known_agent() else { return };
        self.tally.fault("all but one fall silent at once");
        self.agents[one].silent_until = 0;
        let until = self.now + (self.plan.unit_ms * (6 + self.rng.below(8))) as i64;
        for (number, _) in self.known_agents().into_iter().filter(|(number, _)| *number != one) {
            self.beat(number, 0);
            self.agents[number].silent_until = until;
        }
    }

    /// The agents that belong to services, with the names of these.
    fn known_agents(&self) -> Vec<(usize, ServiceName)> {
        let name_of = |agent: &Agent| {
            let mut services = self.mirror.services.values();
            services.find(|identity| identity.token == agent.token).map(|identity| identity.name.clone())
        };
        let agents = self.agents.iter().enumerate();
        agents.filter_map(|(number, agent)| Some((number, name_of(agent)?))).collect()
    }

    /// One of them.
    fn known_agent(&mut self) -> Option<(usize, ServiceName)> {
        let mut known = self.known_agents();
        (!known.is_empty()).then(|| known.swap_remove(self.rng.below(known.len() as u64) as usize))
    }

    fn flood(&mut self) {
        if self.plan.inbox < 10 && self.rng.chance(50) {
            self.tally.fault("beats that leave no room");
            let most_ms = (self.plan.blind_after_ms * 2).min(self.plan.unit_ms * 4).min(40_000);
            let ms = 1 + self.rng.below(most_ms) as i64;
            let number = self.rng.below(self.agents.len() as u64) as usize;
            return self.storm(number, self.now + ms);
        }
        self.tally.fault("flood of beats");
        for _ in 0..20 + self.rng.below(60) {
            let number = self.rng.below(self.agents.len() as u64) as usize;
            self.beat(number, 0);
        }
    }

    /// One agent leaves no room for others until then: at each look it is found that something was turned away.
    pub fn storm(&mut self, number: usize, until: i64) {
        for _ in 0..=self.plan.inbox {
            self.beat(number, 0);
        }
        if self.now < until && !self.is_quiet {
            self.after(20, Next::Storm(number, until));
        }
    }

    fn reload(&mut self) {
        self.tally.fault("reload");
        let settings = self.plan.settings(Some(&mut self.rng));
        if self.plan.has_disk_faults && self.rng.chance(30) {
            // It is what is at hand that a failed commit must put back.
            self.control.orders().fault = Some(self.rng.pick(&[Fault::Loses, Fault::KeepsAndFails]));
        }
        self.ask(Sent::Reconfigure(settings), OPERATOR);
    }

    /// A service that the API makes, with an agent for it.
    pub fn make_service(&mut self) {
        let identity = self.newcomer();
        self.ask(Sent::Create(identity), OPERATOR);
    }

    /// Who is to be made next.
    fn newcomer(&mut self) -> Identity {
        self.names += 1;
        let token: Token = format!("t{}", self.names).parse().expect("a token");
        let name = format!("service {}", self.names % 40).parse().expect("a name");
        let overrides = self.plan.overrides(&mut self.rng);
        self.add_agent(token.clone());
        self.tally.edits += 1;
        Identity { name, token, overrides, declared: false }
    }

    /// A service is heard and goes, another one may get its handle, and before that is heard the server goes on from what is
    /// stored.
    fn replace(&mut self) {
        let Some((number, name)) = self.known_agent() else { return };
        self.tally.fault("a service takes another's place");
        self.beat(number, 0);
        self.after(50, Next::Edit(Sent::Delete(name)));
        let identity = self.newcomer();
        if let Some(agent) = self.agents.last_mut() {
            agent.silent_until = self.now + 5000;
        }
        self.after(100, Next::Edit(Sent::Create(identity)));
        let ms = 150 + self.rng.below(4500) as i64;
        self.after(ms, Next::Again);
    }

    /// The server goes on from what is stored, as after a crash or a commit of which it is not known whether it was kept.
    pub fn again(&mut self) {
        if self.plan.has_crashes && self.server.is_some() {
            self.tally.fault("crash between two steps");
            self.die();
        } else if self.plan.has_disk_faults {
            self.control.orders().fault = Some(Fault::KeepsAndFails);
        }
    }

    fn edit(&mut self) {
        let names: Vec<ServiceName> =
            self.mirror.services.values().map(|identity| identity.name.clone()).collect();
        if names.is_empty() || (names.len() < 40 && self.rng.chance(15)) {
            return self.make_service();
        }
        self.tally.edits += 1;
        let name = names[self.rng.below(names.len() as u64) as usize].clone();
        let sent = match self.rng.below(8) {
            0 => Sent::Delete(name),
            1 | 2 => {
                // Before its next beat resumes it, or long after.
                let ms = 1 + self.rng.below(self.plan.unit_ms) as i64;
                if self.rng.chance(50) {
                    self.after(ms, Next::Edit(Sent::Resume(name.clone())));
                }
                Sent::Pause(name)
            }
            3 => {
                let is_paused = |id: &ServiceId| {
                    self.mirror.facts(*id).is_some_and(|(status, ..)| status == Status::Paused)
                };
                let mut paused = self.mirror.services.iter().filter(|(id, _)| is_paused(id));
                Sent::Resume(paused.next().map_or(name, |(_, identity)| identity.name.clone()))
            }
            4 => {
                self.names += 1;
                Sent::RotateToken(name, format!("t{}", self.names).parse().expect("a token"))
            }
            // One that the file may declare again keeps its name, or the file could not be followed.
            5 if !name.as_str().starts_with("declared") => {
                let renamed = format!("service {}", self.rng.below(40)).parse().expect("a name");
                Sent::Amend(name, Amendment { name: Some(renamed), overrides: None })
            }
            _ => {
                let overrides = Some(self.plan.overrides(&mut self.rng));
                Sent::Amend(name, Amendment { name: None, overrides })
            }
        };
        self.ask(sent, OPERATOR);
    }

    /// An operator hears what became of an edit.
    pub fn edit_answered(&mut self, sent: &Sent, answer: Answer) {
        if let (Sent::RotateToken(_, token), Answer::Kept) = (sent, answer) {
            // Whoever got a new token uses it; the old agent beats on in vain.
            let token = token.clone();
            self.add_agent(token);
        }
    }

    /// From now on all is well.
    pub fn calm(&mut self) {
        self.is_quiet = true;
        {
            let mut orders = self.control.orders();
            (orders.fault, orders.slow_ms, orders.full_until, orders.broken_until) = (None, 0, 0, 0);
            (orders.crash_in_load, orders.fault_in_tidy) = (false, None);
        }
        self.network.0.clear();
        (self.suspended_until, self.silent_until) = (0, 0);
        let (now, run) = (self.now, self.run);
        match self.server.as_mut() {
            Some(server) => {
                (server.busy_until, server.turn_at, server.free_since) = (now, now + 1, i64::MAX);
                // A disk may have been broken until now.
                server.trouble_at = now;
                self.after(1, Next::Turn(run));
            }
            None => self.after(1, Next::Start),
        }
        self.agents.iter_mut().for_each(|agent| agent.silent_until = 0);
    }
}
