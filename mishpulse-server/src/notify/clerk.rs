//! What one channel does next, as a machine of steps: it sends nothing itself and waits for nobody, so that whoever drives it,
//! a thread or a simulation, decides what happens between two steps.

use std::collections::VecDeque;

use mishpulse_core::{AlertKind, Span, Timestamp};

use super::message::DIGEST_NAMES_MAX;
use super::retry::{Dice, backoff};
use super::storm::Storm;
use super::{Office, Refusal};
use crate::config::{ChannelName, ServiceName};
use crate::engine::{Command, Reply};
use crate::store::rows::{DeliveryRow, Letter, LetterKind};
use crate::store::{History, NewDelivery, Outcome, Settlement, StoreError};

/// Takes what is due out of the outbox of one channel, and says step by step what is to be done with it.
///
/// Call [`step`](Self::step), do what it says, and tell it how that went: [`sent`](Self::sent) after [`Step::Send`],
/// [`answered`](Self::answered) after [`Step::Ask`]. Until the outcome of a try is written down, nothing else is sent, or that
/// letter would be sent again.
pub struct Clerk {
    name: ChannelName,
    history: Box<dyn History>,
    office: Office,
    dice: Dice,
    /// The most bytes that a text may have on this channel.
    text_bytes_max: usize,
    /// What was due when it looked last, as far as it has not been dealt with.
    due: VecDeque<DeliveryRow>,
    /// What is still to be written down.
    owed: Option<Owed>,
    storm: Storm,
    last_digest: Option<Timestamp>,
    /// Tries in a row that were put off, whatever the letter.
    put_off: u32,
    /// Nothing is tried before.
    hold_until: Option<Timestamp>,
    /// Nothing is asked of the engine before.
    ask_from: Option<Timestamp>,
}

/// What a clerk wants next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// This letter sent. Then [`Clerk::sent`].
    Send(Box<DeliveryRow>),
    /// This written down. Then [`Clerk::answered`].
    Ask(Paper),
    /// To be called again at once.
    Look,
    /// Nothing for so long, unless there are new letters.
    Wait(Span),
}

/// Something to write down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paper {
    /// How a try ended.
    Settle(Settlement),
    /// A digest, which is then delivered like any letter.
    Post(Box<NewDelivery>),
}

impl Paper {
    /// What the engine is asked for it, and where its answer goes.
    #[must_use]
    pub fn into_command(self, reply: Reply<()>) -> Command {
        match self {
            Self::Settle(settlement) => Command::Settle { settlement, reply },
            Self::Post(delivery) => Command::Post { delivery, reply },
        }
    }
}

struct Owed {
    paper: Paper,
    /// Of a digest: when the letters that it carries were decided, and when it was put together.
    carries: Vec<Timestamp>,
    at: Timestamp,
}

impl Clerk {
    /// A clerk for the channel `name`, whose texts may have `text_bytes_max` bytes.
    #[must_use]
    pub fn new(
        name: ChannelName,
        history: Box<dyn History>,
        office: Office,
        dice: Dice,
        text_bytes_max: usize,
    ) -> Self {
        Self {
            name,
            history,
            office,
            dice,
            text_bytes_max,
            due: VecDeque::new(),
            owed: None,
            storm: Storm::default(),
            last_digest: None,
            put_off: 0,
            hold_until: None,
            ask_from: None,
        }
    }

    /// What is to be done now.
    ///
    /// # Errors
    /// [`StoreError`] where the outbox cannot be read; try again after [`STORE_PAUSE`].
    pub fn step(&mut self) -> Result<Step, StoreError> {
        let now = self.office.clock.now();
        if let Some(owed) = &self.owed {
            let left = self.ask_from.map_or(Span::ZERO, |from| from.since(now));
            return Ok(if left > Span::ZERO { Step::Wait(left) } else { Step::Ask(owed.paper.clone()) });
        }
        let held = self.hold_until.map_or(Span::ZERO, |until| until.since(now));
        if held > Span::ZERO {
            self.due.clear();
            return Ok(Step::Wait(held.min(IDLE)));
        }
        if self.due.is_empty() {
            self.due = self.history.due(&self.name, now, DUE_MAX)?.into();
        }
        let Some(row) = self.due.front() else {
            let wait = self.history.next_due(&self.name)?.map_or(IDLE, |next| next.since(now));
            return Ok(Step::Wait(wait.clamp(SHORTEST_WAIT, IDLE)));
        };
        if let LetterKind::Alert(kind) = row.letter.kind
            && row.attempts == 0
            && (row.letter.is_gathered || self.storm.takes(row.created_at, now))
        {
            // Those before it have left one by one just now.
            return Ok(self.gather(kind, now));
        }
        Ok(self.due.pop_front().map_or(Step::Look, |row| Step::Send(Box::new(row))))
    }

    /// The try to send `row` has ended.
    pub fn sent(&mut self, row: &DeliveryRow, result: Result<(), Refusal>) {
        let at = self.office.clock.now();
        let outcome = self.judge(row, result, at);
        if matches!(row.letter.kind, LetterKind::Alert(_)) && outcome == Outcome::Sent {
            self.storm.left(row.created_at, at);
        }
        log(row, &outcome);
        self.office.inbox.metrics().count_delivery(&self.name, &outcome);
        self.owe(Paper::Settle(Settlement { id: row.id, at, outcome }), Vec::new(), at);
    }

    /// What was to be written down is, or could not be.
    pub fn answered(&mut self, is_kept: bool) {
        let now = self.office.clock.now();
        let Some(owed) = self.owed.take() else { return };
        match (&owed.paper, is_kept) {
            (Paper::Settle(settlement), true) => {
                // Nobody may be listening.
                let _ = self.office.settled.send((settlement.id, settlement.outcome.clone()));
            }
            (Paper::Settle(_), false) => {
                self.owed = Some(owed);
                self.ask_from = Some(now + SETTLE_PAUSE);
            }
            (Paper::Post(_), true) => {
                owed.carries.iter().for_each(|decided_at| self.storm.left(*decided_at, owed.at));
                self.last_digest = Some(owed.at);
            }
            // It may have been kept after all: what is due then is looked up again.
            (Paper::Post(_), false) => self.hold_until = Some(now + STORE_PAUSE),
        }
    }

    /// The outcome of a try that is not written down yet.
    #[must_use]
    pub fn unsettled(&self) -> Option<&Settlement> {
        match &self.owed.as_ref()?.paper {
            Paper::Settle(settlement) => Some(settlement),
            Paper::Post(_) => None,
        }
    }

    fn owe(&mut self, paper: Paper, carries: Vec<Timestamp>, at: Timestamp) {
        self.owed = Some(Owed { paper, carries, at });
        self.ask_from = None;
    }

    /// Puts the letters of `kind` that are due into a digest.
    fn gather(&mut self, kind: AlertKind, now: Timestamp) -> Step {
        let due = std::mem::take(&mut self.due);
        let of_kind = |row: &&DeliveryRow| row.letter.kind == LetterKind::Alert(kind) && row.attempts == 0;
        let rows: Vec<&DeliveryRow> = due.iter().filter(of_kind).take(DIGEST_NAMES_MAX).collect();
        // More of them may be on their way: a digest that is not full waits a moment.
        let since_last = self.last_digest.map_or(Span::LONGEST, |last| now.since(last));
        let is_told = rows.iter().all(|row| row.letter.is_gathered);
        let every = if is_told { DIGEST_EVERY_IN_SILENCE } else { DIGEST_EVERY };
        if rows.len() < DIGEST_NAMES_MAX && since_last < every {
            return Step::Wait(Span::from_ms(every.as_ms() - since_last.as_ms()));
        }
        if let [only] = rows[..] {
            // Alone it says more as it is; it counts as a digest, so that a trickle is still gathered.
            self.last_digest = Some(now);
            return Step::Send(Box::new(only.clone()));
        }
        let name_of = |row: &&DeliveryRow| row.letter.service.as_ref().map(|about| about.name.clone());
        let names: Vec<ServiceName> = rows.iter().filter_map(name_of).collect();
        let fit = self.office.texts.names_that_fit(kind, &names, self.text_bytes_max, now);
        let Some(first) = rows.first() else { return Step::Look };
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
        let paper = Paper::Post(Box::new(delivery));
        self.owe(paper.clone(), rows[..fit].iter().map(|row| row.created_at).collect(), now);
        Step::Ask(paper)
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
            self.hold_until = Some(at + backoff(rounds, (self.dice)()).min(HOLD_MAX));
        }
        // Whoever tests a channel waits for the answer.
        if row.letter.kind == LetterKind::Test {
            return Outcome::Failed { error: why };
        }
        let next_try = at + backoff(row.attempts.saturating_add(1), (self.dice)()).max(asked);
        let expires_at = row.created_at + self.office.expires;
        if at >= expires_at {
            return Outcome::Failed { error: format!("given up after {}: {why}", self.office.expires) };
        }
        // The last try is made when it expires, whatever the channel asked for.
        Outcome::Retry { next_try: next_try.min(expires_at), error: why }
    }
}

/// How long to leave the outbox in peace after it could not be read.
pub const STORE_PAUSE: Span = Span::from_secs(1);

/// How many letters are looked at in a turn: enough to fill a digest of one kind among others.
const DUE_MAX: u32 = 200;
/// The longest that a clerk waits without looking.
const IDLE: Span = Span::from_secs(60);
const SHORTEST_WAIT: Span = Span::from_ms(10);
const SETTLE_PAUSE: Span = Span::from_ms(100);
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
            let attempt = row.attempts.saturating_add(1);
            tracing::warn!(%delivery, %channel, kind, service, attempt, %error, "not delivered yet, will be tried again");
        }
        Outcome::Failed { error } => {
            tracing::error!(%delivery, %channel, kind, service, %error, "not delivered");
        }
    }
}
