//! The thread of one channel: takes what is due out of the outbox, sends it, and has the outcome written down before it goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mishpulse_core::{AlertKind, Clock, Span, Timestamp};
use tokio::sync::broadcast;

use super::message::{DIGEST_NAMES_MAX, Texts};
use super::retry::{backoff, jitter};
use super::storm::Storm;
use super::{Channel, Parcel, Refusal};
use crate::config::{ChannelName, ServiceName};
use crate::engine::{Bell, Command, Inbox, Unavailable};
use crate::store::rows::{DeliveryId, DeliveryRow, Letter, LetterKind};
use crate::store::{History, NewDelivery, Outcome, Settlement, StoreError};

/// What the threads of all channels share.
#[derive(Clone)]
pub struct Office {
    /// Where outcomes are written down.
    pub inbox: Inbox,
    /// What rings when there are letters.
    pub bell: Arc<Bell>,
    /// Who tells the time.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// Who tells the time that others compare with theirs.
    pub wall: Arc<dyn Clock + Send + Sync>,
    /// In which words.
    pub texts: Arc<Texts>,
    /// After how long a letter that no try got through is given up.
    pub expires: Span,
    /// Hears how each try ended, once it is written down.
    pub settled: broadcast::Sender<(DeliveryId, Outcome)>,
}

/// One channel at work.
pub struct Worker {
    name: ChannelName,
    channel: Box<dyn Channel>,
    history: Box<dyn History>,
    office: Office,
    stop: Arc<AtomicBool>,
    storm: Storm,
    last_digest: Option<Timestamp>,
    /// Tries in a row that were put off, whatever the letter.
    put_off: u32,
    /// Nothing is tried before.
    hold_until: Option<Timestamp>,
}

/// What a worker does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It looks again at once.
    Look,
    /// There is nothing to do for so long, unless the bell rings.
    Wait(Span),
}

impl Worker {
    /// A worker for the channel `name`; it stops soon after `stop` is set.
    #[must_use]
    pub fn new(
        name: ChannelName,
        channel: Box<dyn Channel>,
        history: Box<dyn History>,
        office: Office,
        stop: Arc<AtomicBool>,
    ) -> Self {
        office.inbox.metrics().know_channel(&name);
        let (storm, last_digest, put_off, hold_until) = (Storm::default(), None, 0, None);
        Self { name, channel, history, office, stop, storm, last_digest, put_off, hold_until }
    }

    /// Works until it is told to stop.
    pub fn run(mut self) {
        while !self.is_stopping() {
            let rings = self.office.bell.rings();
            let next = self.turn().unwrap_or_else(|error| {
                tracing::error!(channel = %self.name, %error, "the outbox cannot be read");
                Next::Wait(STORE_PAUSE)
            });
            if let Next::Wait(wait) = next {
                self.office.bell.wait(rings, wait.into());
            }
        }
    }

    /// Sends what is due.
    ///
    /// # Errors
    /// [`StoreError`] where the outbox cannot be read.
    pub fn turn(&mut self) -> Result<Next, StoreError> {
        let now = self.office.clock.now();
        if let Some(left) = self.hold_until.map(|until| until.since(now)).filter(|left| *left > Span::ZERO) {
            return Ok(Next::Wait(left.min(IDLE)));
        }
        let due = self.history.due(&self.name, now, DUE_MAX)?;
        if due.is_empty() {
            let wait = self.history.next_due(&self.name)?.map_or(IDLE, |next| next.since(now));
            return Ok(Next::Wait(wait.clamp(SHORTEST_WAIT, IDLE)));
        }
        for (place, row) in due.iter().enumerate() {
            if self.is_stopping() || self.hold_until.is_some_and(|until| until > self.office.clock.now()) {
                break;
            }
            if let LetterKind::Alert(kind) = row.letter.kind
                && row.attempts == 0
                && (row.letter.is_gathered || self.storm.takes(row.created_at, self.office.clock.now()))
            {
                // Those before it have left one by one just now.
                return Ok(self.gather(kind, &due[place..]));
            }
            self.deliver(row);
        }
        Ok(Next::Look)
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Puts the letters of `kind` that are due into a digest, which is then delivered like any letter.
    fn gather(&mut self, kind: AlertKind, due: &[DeliveryRow]) -> Next {
        let now = self.office.clock.now();
        let of_kind = |row: &&DeliveryRow| row.letter.kind == LetterKind::Alert(kind) && row.attempts == 0;
        let rows: Vec<&DeliveryRow> = due.iter().filter(of_kind).take(DIGEST_NAMES_MAX).collect();
        // More of them may be on their way: a digest that is not full waits a moment.
        let since_last = self.last_digest.map_or(Span::LONGEST, |last| now.since(last));
        let is_told = rows.iter().all(|row| row.letter.is_gathered);
        let every = if is_told { DIGEST_EVERY_IN_SILENCE } else { DIGEST_EVERY };
        if rows.len() < DIGEST_NAMES_MAX && since_last < every {
            return Next::Wait(Span::from_ms(every.as_ms() - since_last.as_ms()));
        }
        if let [only] = rows[..] {
            // Alone it says more as it is; it counts as a digest, so that a trickle is still gathered.
            self.last_digest = Some(now);
            self.deliver(only);
            return Next::Look;
        }
        let name_of = |row: &&DeliveryRow| row.letter.service.as_ref().map(|about| about.name.clone());
        let names: Vec<ServiceName> = rows.iter().filter_map(name_of).collect();
        let fit = self.office.texts.names_that_fit(kind, &names, self.channel.text_bytes_max(), now);
        let Some(first) = rows.first() else { return Next::Look };
        let letter = Letter {
            kind: LetterKind::Digest { digest: kind },
            at: now,
            service: None,
            names: names[..fit].to_vec(),
            is_gathered: false,
            ..first.letter.clone()
        };
        let delivery = NewDelivery {
            id: crate::engine::new_id(now.unix_ms()),
            service: None,
            channel: self.name.clone(),
            letter,
            at: now,
            carries: rows[..fit].iter().map(|row| row.id).collect(),
        };
        let posted =
            self.office.inbox.ask_blocking(|reply| Command::Post { delivery: Box::new(delivery), reply });
        match posted {
            Ok(()) => {
                rows[..fit].iter().for_each(|row| self.storm.left(row.created_at, now));
                self.last_digest = Some(now);
                Next::Look
            }
            Err(Unavailable) => Next::Wait(STORE_PAUSE),
        }
    }

    fn deliver(&mut self, row: &DeliveryRow) {
        let text = self.office.texts.text(&row.letter, &self.name, self.office.clock.now());
        let parcel = Parcel { id: row.id, letter: &row.letter, text: &text, in_reply_to: row.in_reply_to };
        // A fault in one channel must not end its thread, and with it every alert that is still to come.
        let sent = catch_unwind(AssertUnwindSafe(|| self.channel.send(&parcel)));
        let result =
            sent.unwrap_or_else(|_| Err(Refusal::later("the channel failed inside; the log says where")));
        let at = self.office.clock.now();
        let outcome = self.judge(row, result, at);
        if matches!(row.letter.kind, LetterKind::Alert(_)) && outcome == Outcome::Sent {
            self.storm.left(row.created_at, at);
        }
        log(row, &outcome);
        self.office.inbox.metrics().count_delivery(&self.name, &outcome);
        self.settle(Settlement { id: row.id, at, outcome });
    }

    fn judge(&mut self, row: &DeliveryRow, result: Result<(), Refusal>, at: Timestamp) -> Outcome {
        let (why, after) = match result {
            Ok(()) => {
                self.put_off = 0;
                return Outcome::Sent;
            }
            Err(Refusal::Final { why }) => return Outcome::Failed { error: why },
            Err(Refusal::Later { why, after }) => (why, after),
        };
        self.put_off = self.put_off.saturating_add(1);
        let asked = after.unwrap_or_default().min(ASKED_MAX);
        if asked > Span::ZERO {
            self.hold_until = Some(at + asked);
        } else if let Some(rounds) = self.put_off.checked_sub(PUT_OFF_FREE).filter(|rounds| *rounds > 0) {
            // Whatever is sent is put off: the channel itself is unwell, and is left in peace for a while.
            self.hold_until = Some(at + backoff(rounds, jitter()).min(HOLD_MAX));
        }
        // Whoever tests a channel waits for the answer.
        if row.letter.kind == LetterKind::Test {
            return Outcome::Failed { error: why };
        }
        let next_try = at + backoff(row.attempts + 1, jitter()).max(asked);
        let expires_at = row.created_at + self.office.expires;
        if at >= expires_at {
            return Outcome::Failed { error: format!("given up after {}: {why}", self.office.expires) };
        }
        // The last try is made when it expires, whatever the channel asked for.
        Outcome::Retry { next_try: next_try.min(expires_at), error: why }
    }

    /// Has it written down. Until that is done nothing else is sent, or this letter would be sent again.
    fn settle(&self, settlement: Settlement) {
        loop {
            let again = settlement.clone();
            let asked = self.office.inbox.ask_blocking(|reply| Command::Settle { settlement: again, reply });
            if asked.is_ok() {
                // Nobody may be listening.
                let _ = self.office.settled.send((settlement.id, settlement.outcome));
                return;
            }
            if self.is_stopping() {
                tracing::warn!(delivery = %settlement.id, "its outcome could not be written down; it is sent again");
                return;
            }
            std::thread::sleep(SETTLE_PAUSE);
        }
    }
}

/// How many letters are looked at in a turn: enough to fill a digest of one kind among others.
const DUE_MAX: u32 = 200;
/// The longest that a worker sleeps without looking.
const IDLE: Span = Span::from_secs(60);
const SHORTEST_WAIT: Span = Span::from_ms(10);
const STORE_PAUSE: Span = Span::from_secs(1);
const SETTLE_PAUSE: Duration = Duration::from_millis(100);
/// A digest that is not full waits so long after the last one.
const DIGEST_EVERY: Span = Span::from_secs(1);
/// The same while nobody is heard, which people know: each of those who die one after another need not be a message.
const DIGEST_EVERY_IN_SILENCE: Span = Span::from_secs(5);
/// So many tries in a row may be put off before the whole channel is left in peace.
const PUT_OFF_FREE: u32 = 3;
const HOLD_MAX: Span = Span::from_secs(30);
/// The longest wait that a channel may ask for.
const ASKED_MAX: Span = Span::from_secs(3600);

fn log(row: &DeliveryRow, outcome: &Outcome) {
    let (delivery, channel, kind) = (row.id, &row.channel, row.letter.kind.as_str());
    let named = row.letter.names.first().map_or("", |name| name.as_str());
    let service = row.letter.service.as_ref().map_or(named, |about| about.name.as_str());
    match outcome {
        Outcome::Sent => tracing::info!(%delivery, %channel, kind, service, "delivered"),
        Outcome::Retry { error, .. } => {
            let attempt = row.attempts + 1;
            tracing::warn!(%delivery, %channel, kind, service, attempt, %error, "not delivered yet, will be tried again");
        }
        Outcome::Failed { error } => {
            tracing::error!(%delivery, %channel, kind, service, %error, "not delivered");
        }
    }
}
