//! A turn of the engine, and what the oracle says to it.

use std::sync::Arc;

use mishpulse_core::{Status, Timestamp};
use mishpulse_server::engine::Flow;
use mishpulse_server::store::{NewDelivery, Settlement};

use super::checks::on_time;
use super::desk::{Answer, Asked, Sent};
use super::mirror::{Ears, Mirror, Said};
use super::store::{Disk, Record};
use super::world::{CLERKS, Next, World};

impl<D: Disk> World<D> {
    /// Asks something of the engine.
    pub fn ask(&mut self, sent: Sent, by: usize) {
        let is_beat = matches!(sent, Sent::Beat { .. });
        let Some(server) = self.server.as_mut() else {
            return self.answered(&sent, by, Answer::Unavailable, 0);
        };
        match Asked::new(&server.inbox, sent.clone(), by) {
            Ok(asked) => {
                server.waiting.push_back(asked);
                let at = (self.now + self.rng.below(4) as i64).max(server.busy_until);
                if at < server.turn_at {
                    server.turn_at = at;
                    self.after(at - self.now, Next::Turn(self.run));
                }
            }
            Err(answer) => {
                assert!(server.waiting.len() >= self.plan.inbox, "turned away, but there is room");
                assert_eq!(answer, Answer::Unavailable);
                server.has_overflowed = true;
                if is_beat {
                    self.tally.fault("inbox full");
                }
                self.answered(&sent, by, answer, 0);
            }
        }
    }

    /// The engine takes a turn.
    pub fn turn(&mut self) {
        let now = Timestamp::from_unix_ms(self.clock.ms());
        let Some(server) = self.server.as_mut() else { return };
        let rings = server.bell.rings();
        let (flow, has_more) = server.engine.turn(None);
        assert_eq!(flow, Flow::Continue);
        server.turns += 1;
        self.tally.turns += 1;
        let wait = if has_more { 0 } else { server.engine.wait().as_ms() as i64 };
        let has_rung = server.bell.rings() > rings;
        let lag = self.clock.take_lag();
        let (records, loads, prunes, is_dead) = {
            let mut orders = self.control.orders();
            let taken = (std::mem::take(&mut orders.records), orders.loads, orders.prunes, orders.is_dead);
            (orders.loads, orders.prunes) = (0, 0);
            taken
        };
        let had_trouble = self.count_faults();
        let Some(server) = self.server.as_mut() else { return };
        if had_trouble {
            server.trouble_at = self.now + lag;
        }
        let mut answered = Vec::new();
        match records.as_slice() {
            [] => {
                let now_ms = self.clock.ms();
                let broken_until = self.control.orders().broken_until;
                let closed_ms = (self.now - server.trouble_at).min(now_ms - broken_until);
                assert!(is_dead || closed_ms < 2500, "closed {closed_ms} ms after the last trouble");
                server.free_since = i64::MAX;
                answered.extend(server.waiting.drain(..).map(|asked| (asked, Answer::Unavailable)));
            }
            [record] => answered = self.check_turn(record, now, loads > 0),
            _ => panic!("a turn has one commit"),
        }
        // It may also have died after it had answered.
        let is_told = records.iter().all(|record| record.is_told);
        if is_dead && (records.is_empty() || !is_told) {
            return self.die();
        }
        let is_deaf = self.mirror.deaf_since.is_some();
        if is_deaf {
            self.tally.fault("deaf at a look");
        }
        let Some(server) = self.server.as_mut() else { return };
        // What is left in the inbox wakes the engine at once.
        let has_more = has_more || !server.waiting.is_empty();
        let wait = if has_more { 0 } else { wait };
        let is_open = is_told && !records.is_empty();
        server.busy_until = self.now + lag;
        // It was held up, or did not have all that it needs: what it notices late in its next turn is no fault of its own.
        let is_free = is_open && lag == 0 && !has_more && !is_deaf;
        server.free_since = if is_free { server.free_since.min(now.unix_ms()) } else { i64::MAX };
        let latency = if has_more { 0 } else { self.rng.below(20) as i64 };
        server.turn_at = self.now + lag + wait + latency;
        let turns = server.turns;
        let (after_ms, run) = (lag + wait + latency, self.run);
        self.after(after_ms, Next::Turn(run));
        for (mut asked, expected) in answered {
            let answer = asked.poll();
            assert_eq!(answer, Some(expected), "the answer to {}", name_of(&asked.sent));
            self.answered(&asked.sent, asked.by, expected, lag);
        }
        if is_dead {
            return self.die();
        }
        if has_rung {
            self.ring(lag + 1);
        }
        let has_changed =
            records.iter().any(|record| !record.facts.is_empty() || !record.identities.is_empty());
        if is_open && (has_changed || turns.is_multiple_of(64)) {
            self.compare_board();
        }
        if prunes > 0 || turns.is_multiple_of(256) {
            self.compare_outbox();
        }
    }

    /// What the engine decided in a turn is what it should have. Gives back all that was answered, and how it should be.
    fn check_turn(&mut self, record: &Record, now: Timestamp, was_restored: bool) -> Vec<(Asked, Answer)> {
        let silence = self.control.orders().silence;
        if was_restored {
            self.compare_silence(silence);
        }
        let Some(server) = self.server.as_mut() else { return Vec::new() };
        let mut mirror = self.mirror.clone();
        mirror.begin();
        if was_restored {
            mirror.restore(now, silence);
            server.ears = Ears::new(now);
        }
        let has_refused = std::mem::take(&mut server.has_overflowed);
        let by_arrival = !has_refused;
        mirror.listen(&mut server.ears, has_refused, now);
        let (mut answers, mut heard_until) = (Vec::new(), now);
        let mut posts: Vec<NewDelivery> = Vec::new();
        let mut settlements: Vec<Settlement> = Vec::new();
        let most = self.plan.batch;
        while answers.len() < most {
            let Some(asked) = server.waiting.pop_front() else { break };
            heard_until = match &asked.sent {
                Sent::Beat { received, .. } if by_arrival => now.min(*received),
                _ => now,
            };
            match &asked.sent {
                Sent::Post(delivery) => posts.push(delivery.clone()),
                Sent::Settle(settlement) => settlements.push(settlement.clone()),
                _ => {}
            }
            let answer = mirror.apply(&asked.sent, heard_until);
            answers.push((asked, answer));
        }
        let until = if answers.len() < most { now } else { heard_until };
        mirror.look(until);
        mirror.look_at_silence(record, &self.mirror, until);
        let listened = mirror.deaf_since.map_or(mirror.now, |since| since.min(mirror.now));
        assert_eq!(record.now, Some(listened), "until when the server says it has listened");
        let free_since = server.free_since;
        if record.is_kept {
            self.no_false_death(record, &mirror);
            on_time(record, &mirror, now, free_since);
        }
        self.check_record(record, &mirror, &posts, &settlements);
        if !record.is_told {
            for (_, answer) in &mut answers {
                let is_known_at_once = matches!(answer, Answer::Unknown | Answer::Wrong);
                if !is_known_at_once {
                    *answer = Answer::Unavailable;
                }
            }
        }
        self.commit(record, mirror);
        answers
    }

    /// What a server decided when it started. Whether it lives.
    pub fn check_start(&mut self, woke_at: Timestamp) -> bool {
        self.clock.take_lag();
        let (records, silence, is_dead) = {
            let mut orders = self.control.orders();
            (std::mem::take(&mut orders.records), orders.silence, orders.is_dead)
        };
        self.control.orders().loads = 0;
        self.count_faults();
        let [record] = records.as_slice() else { panic!("a start has one commit, not {}", records.len()) };
        let now = Timestamp::from_unix_ms(self.clock.ms());
        let mut mirror = self.mirror.clone();
        mirror.begin();
        mirror.restore(woke_at, silence);
        mirror.start(now);
        mirror.look_at_silence(record, &self.mirror, now);
        self.check_record(record, &mirror, &[], &[]);
        let is_told = record.is_told;
        self.commit(record, mirror);
        is_told && !is_dead
    }

    /// What is on the disk is what counts from now on.
    fn commit(&mut self, record: &Record, mut mirror: Mirror) {
        if !record.is_kept {
            return;
        }
        if !record.is_told {
            // The engine goes on by the settings that it had.
            mirror.settings = Arc::clone(&self.mirror.settings);
        }
        for (id, said) in &mirror.said {
            match said {
                Said::Changed(_, to, _) => {
                    self.tally.transitions += 1;
                    self.tally.deaths += u64::from(*to == Status::Dead);
                }
                Said::Alert(..) => self.tally.alerts += 1,
                Said::Silence(..) => self.tally.silences += 1,
                _ => {}
            }
            let at = record.now.map_or(0, Timestamp::unix_ms);
            self.lines.add(self.now, &format!("{id:?} {said:?} by {at}"));
        }
        self.ledger.keep(record, self.file.delivery_expires, &mut self.tally);
        for id in &record.removed {
            self.acknowledged.remove(id);
        }
        self.mirror = mirror;
    }

    /// Counts what has gone wrong in the store; whether anything has.
    pub fn count_faults(&mut self) -> bool {
        let happened = std::mem::take(&mut self.control.orders().happened);
        happened.iter().for_each(|fault| self.tally.fault(fault));
        !happened.is_empty()
    }

    /// Someone gets an answer.
    fn answered(&mut self, sent: &Sent, by: usize, answer: Answer, ms: i64) {
        match sent {
            Sent::Beat { token, received, .. } => {
                match answer {
                    Answer::Kept => {
                        self.tally.acknowledged += 1;
                        let found =
                            self.mirror.services.iter().find(|(_, identity)| identity.token == *token);
                        if let Some((id, _)) = found {
                            let heard = self.acknowledged.entry(*id).or_insert(*received);
                            *heard = (*heard).max(*received);
                        }
                    }
                    Answer::Unavailable => self.tally.refused += 1,
                    _ => {}
                }
                self.beat_answered(by, answer, ms);
            }
            Sent::Settle(_) | Sent::Post(_) => {
                if self.server.is_some() {
                    self.clerk_answered(by - CLERKS, answer, ms + 1);
                }
            }
            Sent::Reconfigure(settings) => {
                if answer == Answer::Kept {
                    self.file = Arc::clone(settings);
                    self.change_clerks();
                }
            }
            _ => self.edit_answered(sent, answer),
        }
    }
}

const fn name_of(sent: &Sent) -> &'static str {
    match sent {
        Sent::Beat { .. } => "a beat",
        Sent::Settle(_) => "an outcome",
        Sent::Post(_) => "a digest",
        Sent::Reconfigure(_) => "a reload",
        _ => "an edit",
    }
}
