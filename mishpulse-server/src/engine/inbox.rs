//! The way to the engine: bounded, so that more work than it can do is refused at the door.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::time::Duration;

use tokio::sync::oneshot;

use super::command::{Command, Reply, Unavailable};
use crate::metrics::Metrics;

/// Makes an inbox for `size` commands, and the end that the engine reads.
#[must_use]
pub fn inbox(size: usize) -> (Inbox, Intake) {
    let (sender, receiver) = sync_channel(size);
    let metrics = Arc::new(Metrics::new());
    let overflowed = Arc::new(AtomicBool::new(false));
    let intake = Intake { receiver, metrics: Arc::clone(&metrics), overflowed: Arc::clone(&overflowed) };
    (Inbox { sender, metrics, overflowed }, intake)
}

/// Sends commands to the engine. Cheap to clone.
#[derive(Clone)]
pub struct Inbox {
    sender: SyncSender<Command>,
    metrics: Arc<Metrics>,
    overflowed: Arc<AtomicBool>,
}

impl Inbox {
    /// Has something done, and waits for the answer without blocking a thread.
    ///
    /// # Errors
    /// [`Unavailable`] where the inbox is full, the engine has stopped, or it could not be kept.
    pub async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.try_send(command(reply))?;
        answer.await.unwrap_or(Err(Unavailable))
    }

    /// Has something done, and blocks the thread until the answer is there.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn ask_blocking<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply))?;
        answer.blocking_recv().unwrap_or(Err(Unavailable))
    }

    /// Tells the engine to stop after what it is doing. Waits where the inbox is full.
    pub fn stop(&self) {
        // Where the engine is gone already, there is nothing left to stop.
        let _ = self.send(Command::Stop);
    }

    /// What the server counts: every part has an inbox, so every part can count.
    #[must_use]
    pub const fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    fn send(&self, command: Command) -> Result<(), Unavailable> {
        // Counted before it is sent, so that the other end never takes one that was not counted.
        self.metrics.inbox_depth.add_one();
        self.sender.send(command).map_err(|_| self.not_sent())
    }

    fn try_send(&self, command: Command) -> Result<(), Unavailable> {
        self.metrics.inbox_depth.add_one();
        self.sender.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => {
                self.overflowed.store(true, Ordering::Release);
                self.not_sent()
            }
            TrySendError::Disconnected(_) => self.not_sent(),
        })
    }

    fn not_sent(&self) -> Unavailable {
        self.metrics.inbox_depth.take_one();
        Unavailable
    }
}

/// The end of the inbox that the engine reads.
pub struct Intake {
    receiver: Receiver<Command>,
    metrics: Arc<Metrics>,
    overflowed: Arc<AtomicBool>,
}

impl Intake {
    /// The next command, or `None` after `wait`. `Some(Command::Stop)` where nobody can send any more.
    pub(super) fn wait(&self, wait: Duration) -> Option<Command> {
        match self.receiver.recv_timeout(wait) {
            Ok(command) => Some(self.taken(command)),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Command::Stop),
        }
    }

    /// A command that is there already.
    pub(super) fn next(&self) -> Option<Command> {
        match self.receiver.try_recv() {
            Ok(command) => Some(self.taken(command)),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }

    /// Whether anything was turned away since this was asked last.
    pub(super) fn has_overflowed(&self) -> bool {
        self.overflowed.swap(false, Ordering::AcqRel)
    }

    pub(super) const fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    fn taken(&self, command: Command) -> Command {
        self.metrics.inbox_depth.take_one();
        command
    }
}
