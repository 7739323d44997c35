//! The journal of the SQLite store: beats that changed nothing but when a service was last heard.
//!
//! A row of `state` for each of them would dirty a page of its own, which is written twice. Here all beats of a commit are one
//! row, appended; the rows of `state` follow behind, a slice at a time, in order of their ids, each at most once a sweep. At a
//! start the journal is read over them.

use std::collections::HashMap;

use mishpulse_core::{Message, Service, ServiceId, Span, Timestamp, Watchdog};
use rusqlite::{Connection, Transaction, params};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::StoreError;
use super::sqlite_write::{KEEP_FACTS, keep_facts};

/// What of the journal is still to be carried over into `state`.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// The last row, 0 where there is none.
    last: i64,
    /// Who was heard in it since the last sweep began.
    heard: Ids,
    sweep: Option<Sweep>,
    next_sweep: Option<Timestamp>,
    /// Holds the text of a row while it is written.
    text: Vec<u8>,
}

/// A sweep under way: rows of `state` are written first, then the journal's rows that they cover are dropped.
#[derive(Debug)]
struct Sweep {
    /// Covers the journal's rows up to this one.
    until: i64,
    heard: Ids,
    next: usize,
}

/// A set of services, a bit for each.
#[derive(Debug, Default)]
struct Ids(Vec<u64>);

impl Journal {
    /// Appends those who were heard in a batch at `now`, and says in which row.
    pub(super) fn append(
        &mut self,
        to: &Connection,
        heard: &[(ServiceId, &Service)],
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        self.text.clear();
        write_heard(&mut self.text, heard, now)?;
        let text = std::str::from_utf8(&self.text).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        to.prepare_cached("INSERT INTO journal (at, heard) VALUES (?1, ?2)")?
            .execute(params![now.unix_ms(), text])?;
        Ok(to.last_insert_rowid())
    }

    /// Takes note that `row` is kept.
    pub(super) fn appended(&mut self, heard: &[(ServiceId, &Service)], row: i64) {
        self.last = row;
        heard.iter().for_each(|(id, _)| self.heard.add(*id));
    }

    /// Reads the whole journal: who was heard last when, and with which message.
    pub(super) fn read(&mut self, from: &Connection) -> Result<Heard, StoreError> {
        *self = Self::default();
        let mut all = Heard::default();
        let mut select = from.prepare_cached("SELECT seq, at, heard FROM journal ORDER BY seq")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            self.last = row.get(0)?;
            all.until = Some(Timestamp::from_unix_ms(row.get(1)?));
            let mut reading =
                serde_json::Deserializer::from_str(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?);
            let into = Into { all: &mut all, ids: &mut self.heard, at_ms: row.get(1)? };
            reading
                .deserialize_map(into)
                .map_err(|error| StoreError::Corrupt(format!("journal: {error}")))?;
        }
        Ok(all)
    }

    /// Whether a slice should be carried over now.
    pub(super) fn is_due(&mut self, now: Timestamp) -> bool {
        if self.sweep.is_some() {
            return true;
        }
        let next = *self.next_sweep.get_or_insert(now + SWEEP_EVERY);
        self.last > 0 && now >= next
    }

    /// Carries a slice over into `state`, or drops some of the rows that are carried over.
    pub(super) fn carry_over(&mut self, to: &Transaction<'_>, dog: &Watchdog) -> Result<Step, StoreError> {
        let (until, heard) = (self.last, &mut self.heard);
        let sweep = self.sweep.get_or_insert_with(|| Sweep { until, heard: std::mem::take(heard), next: 0 });
        let mut keep = to.prepare_cached(KEEP_FACTS)?;
        let mut next = sweep.next;
        for _ in 0..ROWS_A_SLICE {
            let Some(id) = sweep.heard.next_from(next) else { break };
            next = id.index() + 1;
            // One that is no more has no row to write.
            if let Some(service) = dog.service(id) {
                keep_facts(&mut keep, id, service)?;
            }
        }
        if next > sweep.next {
            return Ok(Step::Carried { next });
        }
        let first: Option<i64> =
            to.prepare_cached("SELECT min(seq) FROM journal")?.query_row([], |row| row.get(0))?;
        let end = first.map_or(sweep.until, |first| sweep.until.min(first + DROPPED_A_SLICE - 1));
        to.prepare_cached("DELETE FROM journal WHERE seq <= ?1")?.execute([end])?;
        Ok(if end < sweep.until { Step::Dropped } else { Step::Done })
    }

    /// Takes note that a step is kept; says whether another one follows.
    pub(super) fn carried_over(&mut self, step: Step, now: Timestamp) -> bool {
        match (step, &mut self.sweep) {
            (Step::Carried { next }, Some(sweep)) => sweep.next = next,
            (Step::Done, Some(sweep)) => {
                if sweep.until == self.last {
                    self.last = 0;
                }
                (self.sweep, self.next_sweep) = (None, Some(now + SWEEP_EVERY));
            }
            _ => {}
        }
        self.sweep.is_some()
    }
}

/// What was done of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The rows of all before this handle are written.
    Carried { next: usize },
    /// Some rows of the journal are dropped.
    Dropped,
    /// It is complete.
    Done,
}

/// How long after one sweep the next begins: the longer, the more beats of a service share one write of its row; the journal
/// grows meanwhile, by some 15 bytes a beat.
const SWEEP_EVERY: Span = Span::from_secs(30);
/// So many rows at a time, so that no beat waits long behind them.
const ROWS_A_SLICE: usize = 256;
const DROPPED_A_SLICE: i64 = 256;

/// Who was heard last when, by the journal.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// By handle, in Unix milliseconds.
    at_ms: Vec<i64>,
    messages: HashMap<ServiceId, Message>,
    /// When the last row was written.
    pub(super) until: Option<Timestamp>,
}

impl Heard {
    /// Brings `facts`, as `state` has them, to what the journal says.
    pub(super) fn bring_up(&mut self, id: ServiceId, facts: &mut Service) {
        let Some(at) = self.at_ms.get(id.index()).copied().map(Timestamp::from_unix_ms) else { return };
        // What the journal has of a service that had this handle before is older than its first beat.
        if facts.last_seen.is_some_and(|seen| at > seen) {
            facts.last_seen = Some(at);
            facts.silent_from = at;
            facts.pardoned = false;
            facts.set_message(self.messages.remove(&id));
        }
    }
}

fn write_heard(
    text: &mut Vec<u8>,
    heard: &[(ServiceId, &Service)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let (mut number, mut before) = (itoa::Buffer::new(), itoa::Buffer::new());
    text.push(b'{');
    for (place, (id, service)) in heard.iter().enumerate() {
        // Below zero while nobody new can be heard: then the batch's time stands still.
        let before_ms = service.last_seen.map_or(0, |seen| now.unix_ms() - seen.unix_ms());
        text.extend_from_slice(if place > 0 { b",\"" } else { b"\"" });
        text.extend_from_slice(number.format(id.number()).as_bytes());
        text.extend_from_slice(b"\":");
        let before_ms = before.format(before_ms).as_bytes();
        match service.message() {
            None => text.extend_from_slice(before_ms),
            Some(message) => {
                text.push(b'[');
                text.extend_from_slice(before_ms);
                text.push(b',');
                // Writing to memory cannot fail, and a text is always JSON.
                let wrong = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
                serde_json::to_writer(&mut *text, message.as_str()).map_err(wrong)?;
                text.push(b']');
            }
        }
    }
    text.push(b'}');
    Ok(())
}

/// Reads a row of the journal without keeping it.
struct Into<'a> {
    all: &'a mut Heard,
    ids: &'a mut Ids,
    at_ms: i64,
}

/// How long before its row a service was heard, and what it said.
#[derive(Deserialize)]
#[serde(untagged)]
enum Beat {
    Plain(i64),
    WithMessage(i64, String),
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of services")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((number, beat)) = map.next_entry::<u32, Beat>()? {
            let id = ServiceId::new(number);
            let (before_ms, message) = match beat {
                Beat::Plain(before_ms) => (before_ms, None),
                Beat::WithMessage(before_ms, text) => (before_ms, Message::new(&text)),
            };
            if number > HANDLE_MAX {
                return Err(serde::de::Error::custom(format!("{number} is no handle")));
            }
            if self.all.at_ms.len() <= id.index() {
                self.all.at_ms.resize(id.index() + 1, i64::MIN);
            }
            self.ids.add(id);
            let at_ms = self.at_ms.saturating_sub(before_ms);
            if at_ms < self.all.at_ms[id.index()] {
                continue;
            }
            self.all.at_ms[id.index()] = at_ms;
            match message {
                Some(message) => drop(self.all.messages.insert(id, message)),
                None => drop(self.all.messages.remove(&id)),
            }
        }
        Ok(())
    }
}

/// A damaged row must not make the server ask for all memory.
const HANDLE_MAX: u32 = 1 << 26;

impl Ids {
    fn add(&mut self, id: ServiceId) {
        let (word, bit) = (id.index() / 64, id.index() % 64);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << bit;
    }

    /// The first of them whose handle is `from` or a later one.
    fn next_from(&self, from: usize) -> Option<ServiceId> {
        let first = from / 64;
        let words = self.0.iter().enumerate().skip(first);
        let masked = words.map(|(place, word)| {
            (place, if place == first { word & (u64::MAX << (from % 64)) } else { *word })
        });
        let (place, word) = masked.into_iter().find(|(_, word)| *word != 0)?;
        Some(ServiceId::new((place * 64) as u32 + word.trailing_zeros()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_in_order_and_once() {
        let mut ids = Ids::default();
        for number in [200, 3, 64, 63, 3, 0] {
            ids.add(ServiceId::new(number));
        }
        let mut from = 0;
        let mut found = Vec::new();
        while let Some(id) = ids.next_from(from) {
            found.push(id.number());
            from = id.index() + 1;
        }
        assert_eq!(found, [0, 3, 63, 64, 200]);
    }
}
