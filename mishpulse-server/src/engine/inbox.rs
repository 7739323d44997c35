//! The way to the engine: bounded, so that more work than it can do is refused at the door.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::time::Duration;

use tokio::sync::oneshot;

use super::command::{Command, Reply, Unavailable};

/// Makes an inbox for `size` commands, and the end that the engine reads.
#[must_use]
pub fn inbox(size: usize) -> (Inbox, Intake) {
    let (sender, receiver) = sync_channel(size);
    (Inbox(sender), Intake(receiver))
}

/// Sends commands to the engine. Cheap to clone.
#[derive(Clone)]
pub struct Inbox(SyncSender<Command>);

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
        self.0.send(command(reply)).map_err(|_| Unavailable)?;
        answer.blocking_recv().unwrap_or(Err(Unavailable))
    }

    /// Tells the engine to stop after what it is doing. Waits where the inbox is full.
    pub fn stop(&self) {
        // Where the engine is gone already, there is nothing left to stop.
        let _ = self.0.send(Command::Stop);
    }

    fn try_send(&self, command: Command) -> Result<(), Unavailable> {
        self.0.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Unavailable,
        })
    }
}

/// The end of the inbox that the engine reads.
pub struct Intake(Receiver<Command>);

impl Intake {
    /// The next command, or `None` after `wait`. `Some(Command::Stop)` where nobody can send any more.
    pub(super) fn wait(&self, wait: Duration) -> Option<Command> {
        match self.0.recv_timeout(wait) {
            Ok(command) => Some(command),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Command::Stop),
        }
    }

    /// A command that is there already.
    pub(super) fn next(&self) -> Option<Command> {
        match self.0.try_recv() {
            Ok(command) => Some(command),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }
}
