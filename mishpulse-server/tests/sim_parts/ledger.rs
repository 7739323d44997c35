//! Every letter that was ever owed, and what has become of it: the oracle of the outbox.

use std::collections::{BTreeMap, HashMap};

use mishpulse_core::{ServiceId, Span, Timestamp};
use mishpulse_server::config::ChannelName;
use mishpulse_server::notify::{DIGEST_NAMES_MAX, Refusal};
use mishpulse_server::store::rows::{DeliveryId, DeliveryRow, DeliveryState, LetterKind};
use mishpulse_server::store::{NewDelivery, Outcome, Settlement};

use super::store::Record;
use super::tally::Tally;

/// The letters, in the order in which they were committed.
#[derive(Default)]
pub struct Ledger {
    entries: Vec<Entry>,
    places: HashMap<DeliveryId, usize>,
    /// Of each service and channel: letters that were neither accepted nor given up.
    open: BTreeMap<(ServiceId, ChannelName), Vec<usize>>,
    pending: usize,
}

struct Entry {
    letter: NewDelivery,
    state: DeliveryState,
    service: Option<ServiceId>,
    digest: Option<usize>,
    accepted: u32,
    /// Times that it was accepted, or may have been, and the server could not know.
    excuses: u32,
    last: Option<Result<(), Refusal>>,
}

impl Ledger {
    /// What is on the disk now.
    pub fn keep(&mut self, record: &Record, expires: Span, tally: &mut Tally) {
        for id in &record.removed {
            self.open.retain(|(service, _), _| service != id);
            for entry in self.entries.iter_mut().filter(|entry| entry.service == Some(*id)) {
                entry.service = None;
            }
        }
        for letter in &record.deliveries {
            self.write(letter, tally);
        }
        for settlement in &record.settlements {
            self.settle(settlement, expires, tally);
        }
    }

    fn write(&mut self, letter: &NewDelivery, tally: &mut Tally) {
        let place = self.entries.len();
        if let LetterKind::Digest { .. } = letter.letter.kind {
            tally.digests += 1;
            assert!(!letter.carries.is_empty() && letter.carries.len() <= DIGEST_NAMES_MAX);
            let mut names = Vec::new();
            for id in &letter.carries {
                let carried = &mut self.entries[self.places[id]];
                assert!(carried.state == DeliveryState::Pending, "a digest carries a letter that has left");
                assert!(carried.digest.is_none(), "a letter is carried by two digests");
                carried.digest = Some(place);
                names.extend(carried.letter.letter.service.as_ref().map(|about| about.name.clone()));
            }
            assert_eq!(names, letter.letter.names, "a digest names all that it carries");
        } else {
            tally.letters += 1;
        }
        if let Some(service) = letter.service {
            self.open.entry((service, letter.channel.clone())).or_default().push(place);
        }
        assert!(self.places.insert(letter.id, place).is_none(), "two letters have one id");
        self.pending += 1;
        self.entries.push(Entry {
            service: letter.service,
            letter: letter.clone(),
            state: DeliveryState::Pending,
            digest: None,
            accepted: 0,
            excuses: 0,
            last: None,
        });
    }

    fn settle(&mut self, settlement: &Settlement, expires: Span, tally: &mut Tally) {
        let place = *self.places.get(&settlement.id).expect("what is settled was written");
        let entry = &self.entries[place];
        if entry.state != DeliveryState::Pending {
            return;
        }
        let state = match &settlement.outcome {
            Outcome::Sent => {
                assert!(entry.accepted > 0, "{} is settled as sent, but was never accepted", settlement.id);
                assert!(
                    matches!(entry.last, Some(Ok(()))),
                    "{} is settled as sent, but was refused",
                    settlement.id
                );
                DeliveryState::Sent
            }
            Outcome::Failed { error } => {
                let is_over = settlement.at >= entry.letter.at + expires;
                let is_legitimate = match &entry.last {
                    Some(Err(Refusal::Final { .. })) => true,
                    Some(Err(Refusal::Later { .. })) => {
                        is_over || entry.letter.letter.kind == LetterKind::Test
                    }
                    _ => false,
                };
                assert!(is_legitimate, "{} is given up without a reason: {error}", settlement.id);
                tally.given_up += 1;
                DeliveryState::Failed
            }
            Outcome::Retry { next_try, .. } => {
                assert!(matches!(entry.last, Some(Err(Refusal::Later { .. }))), "put off without a reason");
                let wait = next_try.since(settlement.at);
                assert!(wait <= Span::from_secs(3600), "put off by {wait}");
                return;
            }
        };
        let carried: Vec<usize> = entry.letter.carries.iter().map(|id| self.places[id]).collect();
        for place in carried.into_iter().chain([place]) {
            if self.entries[place].state == DeliveryState::Pending {
                self.pending -= 1;
                self.entries[place].state = state;
                self.close(place);
            }
        }
    }

    fn close(&mut self, place: usize) {
        let entry = &self.entries[place];
        let Some(service) = entry.service else { return };
        if let Some(open) = self.open.get_mut(&(service, entry.letter.channel.clone())) {
            open.retain(|other| *other != place);
        }
    }

    /// A try begins.
    pub fn try_begins(&mut self, row: &DeliveryRow) {
        let entry = &self.entries[*self.places.get(&row.id).expect("what is sent was written before")];
        assert!(entry.state == DeliveryState::Pending, "{} is sent again after it was settled", row.id);
        assert!(entry.digest.is_none(), "{} is sent although a digest carries it", row.id);
        assert_eq!(entry.letter.letter, row.letter, "what is sent is what was decided");
        assert_eq!(entry.letter.channel, row.channel);
    }

    /// A channel accepts a parcel.
    pub fn accept(&mut self, id: DeliveryId, tally: &mut Tally) {
        let place = self.places[&id];
        let carries = self.entries[place].letter.carries.clone();
        let leaving: Vec<usize> = carries.iter().map(|id| self.places[id]).chain([place]).collect();
        for place in leaving {
            let entry = &self.entries[place];
            let first =
                entry.service.and_then(|service| self.open.get(&(service, entry.letter.channel.clone())));
            let earlier = first.and_then(|open| open.first()).filter(|earlier| **earlier < place);
            if let Some(earlier) = earlier {
                let (entry, earlier) = (&entry.letter.letter, &self.entries[*earlier].letter.letter);
                panic!("out of order: {entry:?} is accepted before {earlier:?}");
            }
            self.close(place);
        }
        let entry = &mut self.entries[place];
        entry.accepted += 1;
        tally.accepted += 1;
        tally.duplicates += u64::from(entry.accepted > 1);
        assert!(
            entry.accepted <= 1 + entry.excuses,
            "{id} is accepted {} times, {} of them excused",
            entry.accepted,
            entry.excuses
        );
    }

    /// A try has ended, as the server learns.
    pub fn try_ended(&mut self, id: DeliveryId, result: Result<(), Refusal>) {
        self.entries[self.places[&id]].last = Some(result);
    }

    /// It was or will be accepted without the server's knowing.
    pub fn excuse(&mut self, id: DeliveryId) {
        self.entries[self.places[&id]].excuses += 1;
    }

    /// The number of a letter, the same in each run of a seed.
    pub fn place(&self, id: DeliveryId) -> usize {
        self.places[&id]
    }

    /// The store's outbox is this ledger.
    pub fn compare(&self, rows: &[DeliveryRow]) {
        assert_eq!(rows.len(), self.pending, "letters pending in the store, and owed");
        for row in rows {
            let entry = &self.entries[*self.places.get(&row.id).expect("the store holds what was written")];
            assert_eq!(
                entry.state,
                DeliveryState::Pending,
                "{} is settled, but pending in the store",
                row.id
            );
            assert_eq!(entry.letter.letter, row.letter);
            let digest = entry.digest.map(|place| self.entries[place].letter.id);
            assert_eq!(digest, row.digest, "the digest that carries {}", row.id);
        }
    }

    /// How many letters of before `before` are pending, on the channel that has most of them.
    pub fn most_pending(&self, before: Timestamp) -> usize {
        let mut counts = BTreeMap::<&ChannelName, usize>::new();
        let is_pending = |entry: &&Entry| entry.state == DeliveryState::Pending && entry.letter.at < before;
        for entry in self.entries.iter().filter(is_pending) {
            *counts.entry(&entry.letter.channel).or_default() += 1;
        }
        counts.into_values().max().unwrap_or_default()
    }

    /// Everyone who was to be told before `recent` was told, or there was a reason.
    pub fn all_is_told(&self, recent: Timestamp) {
        for entry in self.entries.iter().filter(|entry| entry.letter.at < recent) {
            let by_digest = entry.digest.map_or(0, |place| self.entries[place].accepted);
            let is_told = entry.accepted + by_digest > 0;
            let is_over =
                entry.state == DeliveryState::Failed || (is_told && entry.state == DeliveryState::Sent);
            let (letter, channel) = (&entry.letter.letter, entry.letter.channel.as_str());
            assert!(is_over, "lost: {letter:?} to {channel} is {:?}", entry.state);
        }
    }
}
