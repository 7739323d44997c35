//! What the oracle says to what was written, shown and loaded.

use std::collections::BTreeMap;

use mishpulse_core::{ServiceId, Span, Status, Timestamp};
use mishpulse_server::store::rows::{LetterKind, Loaded, ServiceRow};
use mishpulse_server::store::{NewDelivery, Settlement};

use super::mirror::{Mirror, Owed, Said, owed, said};
use super::store::{Disk, Record};
use super::world::World;

/// How late a death may be noticed by an engine that is free to look.
const LATE: Span = Span::from_ms(100);

impl<D: Disk> World<D> {
    /// Everything that was written is what should have been.
    pub fn check_record(
        &self,
        record: &Record,
        mirror: &Mirror,
        posts: &[NewDelivery],
        settlements: &[Settlement],
    ) {
        let (actual, expected) = (group(record.events.iter().map(said)), group(mirror.said.iter().cloned()));
        assert_eq!(actual, expected, "the history of {:?}", record.now);
        for (id, facts) in record.facts.iter().chain(&record.heard) {
            let policy = mirror.policy(*id).expect("facts are of someone who is there");
            let actual = (facts.status, facts.last_seen, facts.deadline(policy));
            assert_eq!(Some(actual), mirror.facts(*id), "the facts of {id:?}");
        }
        for (id, identity) in &record.identities {
            assert_eq!(Some(identity), mirror.services.get(id), "the identity of {id:?}");
        }
        let is_posted = |letter: &&NewDelivery| {
            letter.letter.service.is_none() && !matches!(letter.letter.kind, LetterKind::Silence { .. })
        };
        let posted: Vec<NewDelivery> = record.deliveries.iter().filter(is_posted).cloned().collect();
        assert_eq!(posted, posts, "digests");
        assert_eq!(record.settlements, settlements, "outcomes");
        compare_letters(record, mirror);
    }

    /// Nobody dies who was heard in time, by what was answered 200: found out without the model.
    pub fn no_false_death(&self, record: &Record, mirror: &Mirror) {
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
                assert_eq!((row.id, &*row.to_row().identity), (*id, identity));
                let facts = (row.status, row.last_seen, row.deadline);
                assert_eq!(Some(facts), self.mirror.facts(*id), "{id:?} on the board");
            }
        });
    }

    /// What a server finds when it starts is what was so when the last one ended, and all that was answered 200 is there.
    pub fn compare_loaded(&self, loaded: &Loaded, services: &[ServiceRow]) {
        self.compare_silence(loaded.silence);
        assert_eq!(services.len(), self.mirror.services.len(), "services in the store");
        for row in services {
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
            let row = services.iter().find(|row| row.id == *id).expect("who was heard is there");
            assert!(
                row.facts.last_seen >= Some(*heard),
                "{id:?} was answered 200 at {heard:?}: {:?}",
                row.facts
            );
        }
    }

    /// What is stored of the last silence of everyone is what people were told, unless that is old history.
    pub fn compare_silence(&self, loaded: Option<Timestamp>) {
        let kept = self.mirror.hush.kept;
        let history_ms = self.plan.history_ms as i64;
        // It was dropped by the time of a server that is no more; the clock may have been set back since.
        let now_ms = self.clock.ms().max(self.mirror.now.unix_ms());
        let is_old = kept.is_some_and(|(_, at)| now_ms - at.unix_ms() >= history_ms);
        let is_dropped = is_old && loaded.is_none();
        assert!(is_dropped || loaded == kept.map(|(since, _)| since), "{loaded:?}, but told {kept:?}");
    }
}

/// What fell due was noticed at once, if the engine was free to look.
pub fn on_time(record: &Record, mirror: &Mirror, now: Timestamp, free_since: i64) {
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
