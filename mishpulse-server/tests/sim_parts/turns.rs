//! A turn of the engine, and what the oracle says to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use mishpulse_core::{ServiceId, Span, Status, Timestamp};
use mishpulse_server::engine::Flow;
use mishpulse_server::store::rows::Loaded;
use mishpulse_server::store::{NewDelivery, Settlement};

use super::desk::{Answer, Asked, Sent};
use super::mirror::{Mirror, Owed, Said, owed, said};
use super::store::{Disk, Record};
use super::world::{CLERKS, Next, World};

/// How late a death may be noticed by an engine that is free to look.
const LATE: Span = Span::from_ms(100);

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
        if is_dead {
            return self.die();
        }
        let Some(server) = self.server.as_mut() else { return };
        // What is left in the inbox wakes the engine at once.
        let has_more = has_more || !server.waiting.is_empty();
        let wait = if has_more { 0 } else { wait };
        let is_open = records.iter().all(|record| record.is_told) && !records.is_empty();
        server.busy_until = self.now + lag;
        // It was held up, or did not have all that it needs: what it notices late in its next turn is no fault of its own.
        let is_free = is_open && lag == 0 && !has_more;
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
        let Some(server) = self.server.as_mut() else { return Vec::new() };
        let mut mirror = self.mirror.clone();
        mirror.begin();
        if was_restored {
            mirror.restore(now);
        }
        let by_arrival = !std::mem::take(&mut server.has_overflowed);
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
        assert_eq!(record.now, Some(until), "until when the server says it has listened");
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
        let (records, is_dead) = {
            let mut orders = self.control.orders();
            (std::mem::take(&mut orders.records), orders.is_dead)
        };
        self.control.orders().loads = 0;
        self.count_faults();
        let [record] = records.as_slice() else { panic!("a start has one commit, not {}", records.len()) };
        let now = Timestamp::from_unix_ms(self.clock.ms());
        let mut mirror = self.mirror.clone();
        mirror.begin();
        mirror.restore(woke_at);
        mirror.start(now);
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

    /// Everything that was written is what should have been.
    fn check_record(
        &self,
        record: &Record,
        mirror: &Mirror,
        posts: &[NewDelivery],
        settlements: &[Settlement],
    ) {
        let (actual, expected) = (group(record.events.iter().map(said)), group(mirror.said.iter().cloned()));
        assert_eq!(actual, expected, "the history of {:?}", record.now);
        for (id, facts) in &record.facts {
            let policy = mirror.policy(*id).expect("facts are of someone who is there");
            let actual = (facts.status, facts.last_seen, facts.deadline(policy));
            assert_eq!(Some(actual), mirror.facts(*id), "the facts of {id:?}");
        }
        for (id, identity) in &record.identities {
            assert_eq!(Some(identity), mirror.services.get(id), "the identity of {id:?}");
        }
        let is_posted = |letter: &&NewDelivery| letter.letter.service.is_none();
        let posted: Vec<NewDelivery> = record.deliveries.iter().filter(is_posted).cloned().collect();
        assert_eq!(posted, posts, "digests");
        assert_eq!(record.settlements, settlements, "outcomes");
        compare_letters(record, mirror);
    }

    /// Nobody dies who was heard in time, by what was answered 200: found out without the model.
    fn no_false_death(&self, record: &Record, mirror: &Mirror) {
        for event in &record.events {
            let (Some(id), Said::Changed(_, Status::Dead, at)) = said(event) else { continue };
            let Some(heard) = self.acknowledged.get(&id) else { continue };
            let policies = [self.mirror.policy(id), mirror.policy(id)];
            let allowance = policies.into_iter().flatten().map(|policy| policy.allowance()).min();
            let silence = at.since(*heard);
            assert!(
                Some(silence) >= allowance,
                "{id:?} is called dead at {at:?}, but was heard at {heard:?}"
            );
        }
    }

    /// What everyone may read is what should be so.
    pub fn compare_board(&self) {
        let Some(server) = &self.server else { return };
        server.board.read(|view| {
            assert_eq!(view.len(), self.mirror.services.len(), "services on the board");
            for (id, identity) in &*self.mirror.services {
                let row = view.row(identity.name.as_str()).expect("the board shows everyone");
                assert_eq!((row.id, &*row.identity), (*id, identity));
                let facts = (row.status, row.last_seen, row.deadline);
                assert_eq!(Some(facts), self.mirror.facts(*id), "{id:?} on the board");
            }
        });
    }

    /// What a server finds when it starts is what was so when the last one ended, and all that was answered 200 is there.
    pub fn compare_loaded(&self, loaded: &Loaded) {
        assert_eq!(loaded.services.len(), self.mirror.services.len(), "services in the store");
        for row in &loaded.services {
            assert_eq!(
                Some(&row.identity),
                self.mirror.services.get(&row.id),
                "the identity of {:?}",
                row.id
            );
            let facts = self.mirror.facts(row.id).map(|(status, last_seen, _)| (status, last_seen));
            assert_eq!(
                Some((row.facts.status, row.facts.last_seen)),
                facts,
                "what is stored of {:?}",
                row.id
            );
        }
        for (id, heard) in &self.acknowledged {
            let row = loaded.services.iter().find(|row| row.id == *id).expect("who was heard is there");
            assert!(
                row.facts.last_seen >= Some(*heard),
                "{id:?} was answered 200 at {heard:?}: {:?}",
                row.facts
            );
        }
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

/// What fell due was noticed at once, if the engine was free to look.
fn on_time(record: &Record, mirror: &Mirror, now: Timestamp, free_since: i64) {
    for event in &record.events {
        let (Some(id), Said::Changed(_, Status::Dead, at)) = said(event) else { continue };
        let is_changed = mirror.touched.contains(&id);
        let could_since = Timestamp::from_unix_ms(at.unix_ms().saturating_add(1).max(free_since));
        let late = now.since(could_since);
        assert!(is_changed || late <= LATE, "{id:?} is dead since {at:?}, noticed at {now:?}");
    }
}

fn group(events: impl Iterator<Item = (Option<ServiceId>, Said)>) -> BTreeMap<Option<ServiceId>, Vec<Said>> {
    let mut groups = BTreeMap::<_, Vec<Said>>::new();
    events.for_each(|(id, said)| groups.entry(id).or_default().push(said));
    groups
}

/// Each letter that is owed was written, in the order of its service and channel, and no other.
fn compare_letters(record: &Record, mirror: &Mirror) {
    let mut written: BTreeMap<_, std::collections::VecDeque<Owed>> = BTreeMap::new();
    for letter in record.deliveries.iter().filter_map(owed) {
        written.entry((letter.name.clone(), letter.channel.clone())).or_default().push_back(letter);
    }
    for expected in &mirror.owed {
        let queue = written.entry((expected.name.clone(), expected.channel.clone())).or_default();
        let is_same =
            |letter: &Owed| Owed { is_optional: expected.is_optional, ..letter.clone() } == *expected;
        if queue.front().is_some_and(is_same) {
            queue.pop_front();
        } else {
            assert!(expected.is_optional, "owed {expected:?}\nwritten {:?}", queue.front());
        }
    }
    written.retain(|_, queue| !queue.is_empty());
    assert!(written.is_empty(), "nobody asked for {written:?}");
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
