//! Whether a channel works: a test is sent through it, by the same way as any letter, and its outcome waited for.

use std::sync::Arc;
use std::time::Duration;

use mishpulse_core::{Clock, Span};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};
use tokio::time::timeout;

use super::worker::Office;
use crate::config::ChannelName;
use crate::engine::{Command, Inbox, Unavailable, new_id};
use crate::store::rows::{DeliveryId, Letter, LetterKind};
use crate::store::{NewDelivery, Outcome};

/// Tests channels. Cheap to clone.
#[derive(Clone)]
pub struct Trials {
    inbox: Inbox,
    clock: Arc<dyn Clock + Send + Sync>,
    settled: Sender<(DeliveryId, Outcome)>,
}

/// Why a test did not get through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrialError {
    /// The channel did not take it.
    #[error("channel `{channel}` did not take the message: {why}")]
    Refused {
        /// Which.
        channel: ChannelName,
        /// What it said, and what to do.
        why: String,
    },
    /// Its turn has not come yet.
    #[error(
        "channel `{channel}` is busy or was told to wait, and has not sent the message yet; \
         GET /api/deliveries says later what became of {id}"
    )]
    TimedOut {
        /// Which.
        channel: ChannelName,
        /// The delivery.
        id: DeliveryId,
    },
    /// Nothing was sent.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Trials {
    /// Tests the channels of `office`.
    #[must_use]
    pub fn of(office: &Office) -> Self {
        let Office { inbox, clock, settled, .. } = office.clone();
        Self { inbox, clock, settled }
    }

    /// Sends a test through `channel`, which must be configured, and waits at most [`TRIAL_TIMEOUT`] for its outcome: the id
    /// of the delivery that was accepted.
    ///
    /// # Errors
    /// [`TrialError`].
    pub async fn run(&self, channel: &ChannelName) -> Result<DeliveryId, TrialError> {
        let at = self.clock.now();
        let id = new_id(at.unix_ms());
        let letter = Letter {
            kind: LetterKind::Test,
            at,
            began: at,
            since: at,
            allowance: Span::ZERO,
            service: None,
            names: Vec::new(),
            is_gathered: false,
        };
        let (service, carries) = (None, Vec::new());
        let delivery = Box::new(NewDelivery { id, service, channel: channel.clone(), letter, at, carries });
        // Before it is posted: its outcome may be there in no time.
        let settled = self.settled.subscribe();
        self.inbox.ask(|reply| Command::Post { delivery, reply }).await?;
        let channel = channel.clone();
        match timeout(TRIAL_TIMEOUT, outcome_of(id, settled)).await {
            Ok(Some(Outcome::Sent)) => Ok(id),
            Ok(Some(Outcome::Retry { error: why, .. } | Outcome::Failed { error: why })) => {
                Err(TrialError::Refused { channel, why })
            }
            Ok(None) => Err(Unavailable.into()),
            Err(_) => Err(TrialError::TimedOut { channel, id }),
        }
    }
}

/// Longer than any one try to deliver takes.
pub const TRIAL_TIMEOUT: Duration = Duration::from_secs(25);

/// How the first try to deliver `id` ends; `None` where the server ends before.
async fn outcome_of(id: DeliveryId, mut settled: Receiver<(DeliveryId, Outcome)>) -> Option<Outcome> {
    loop {
        match settled.recv().await {
            Ok((other, outcome)) if other == id => return Some(outcome),
            // Where it is among those that were missed, time will be up.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}
