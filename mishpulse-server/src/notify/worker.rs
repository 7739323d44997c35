//! The thread of one channel: does what its [`Clerk`] says, and blocks where that takes time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mishpulse_core::{Clock, Span};
use tokio::sync::broadcast;

use super::clerk::{Clerk, Paper, STORE_PAUSE, Step};
use super::message::Texts;
use super::retry;
use super::{Channel, Parcel, Refusal};
use crate::config::ChannelName;
use crate::engine::{Bell, Inbox};
use crate::store::rows::{DeliveryId, DeliveryRow};
use crate::store::{History, Outcome};

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
    clerk: Clerk,
    office: Office,
    stop: Arc<AtomicBool>,
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
        let (dice, bytes_max) = (Arc::new(retry::jitter), channel.text_bytes_max());
        let clerk = Clerk::new(name.clone(), history, office.clone(), dice, bytes_max);
        Self { name, channel, clerk, office, stop }
    }

    /// Works until it is told to stop.
    pub fn run(mut self) {
        while !self.is_stopping() {
            let rings = self.office.bell.rings();
            let step = self.clerk.step().unwrap_or_else(|error| {
                tracing::error!(channel = %self.name, %error, "the outbox cannot be read");
                Step::Wait(STORE_PAUSE)
            });
            match step {
                Step::Look => {}
                Step::Wait(wait) => self.office.bell.wait(rings, wait.into()),
                Step::Ask(paper) => self.ask(paper),
                Step::Send(row) => {
                    let result = self.send(&row);
                    self.clerk.sent(&row, result);
                    // At once, even where it is to stop: what was sent and is not written down is sent again.
                    if let Ok(Step::Ask(paper)) = self.clerk.step() {
                        self.ask(paper);
                    }
                }
            }
        }
        if let Some(settlement) = self.clerk.unsettled() {
            tracing::warn!(delivery = %settlement.id, "its outcome could not be written down; it is sent again");
        }
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn send(&mut self, row: &DeliveryRow) -> Result<(), Refusal> {
        let text = self.office.texts.text(&row.letter, &self.name, self.office.clock.now());
        let parcel = Parcel { id: row.id, letter: &row.letter, text: &text, in_reply_to: row.in_reply_to };
        // A fault in one channel must not end its thread, and with it every alert that is still to come.
        let sent = catch_unwind(AssertUnwindSafe(|| self.channel.send(&parcel)));
        sent.unwrap_or_else(|_| Err(Refusal::later("the channel failed inside; the log says where")))
    }

    fn ask(&mut self, paper: Paper) {
        let asked = self.office.inbox.ask_blocking(|reply| paper.into_command(reply));
        self.clerk.answered(asked.is_ok());
    }
}
