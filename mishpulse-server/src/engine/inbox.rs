//! The way to the engine: bounded, so that more work than it can do is refused at the door.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use super::command::{Command, Reply, Unavailable};
use crate::metrics::Metrics;

/// Makes an inbox for `size` commands, and the end that the engine reads.
#[must_use]
pub fn inbox(size: usize) -> (Inbox, Intake) {
    let shared = Arc::new(Shared {
        queue: Mutex::new(Queue { commands: VecDeque::new(), size, is_closed: false }),
        stirred: Notify::new(),
        left: AtomicUsize::new(0),
        overflowed: AtomicBool::new(false),
        metrics: Arc::new(Metrics::new()),
    });
    (Inbox(Arc::clone(&shared)), Intake { shared, taken: VecDeque::new() })
}

/// Sends commands to the engine. Cheap to clone.
#[derive(Clone)]
pub struct Inbox(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    /// Rings when a command comes into an empty queue.
    stirred: Notify,
    /// How many the engine had taken out after its last turn, and not begun.
    left: AtomicUsize,
    overflowed: AtomicBool,
    metrics: Arc<Metrics>,
}

struct Queue {
    commands: VecDeque<Command>,
    size: usize,
    /// The engine is no more.
    is_closed: bool,
}

impl Inbox {
    /// Has something done, and waits for the answer without blocking a thread.
    ///
    /// # Errors
    /// [`Unavailable`] where the inbox is full, the engine has stopped, or it could not be kept.
    pub async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply))?;
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

    /// Tells the engine to stop after what it is doing, however full the inbox is.
    pub fn stop(&self) {
        self.0.queue().commands.push_back(Command::Stop);
        self.0.stirred.notify_one();
    }

    /// How many commands wait for the engine.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.queue().commands.len() + self.0.left.load(Ordering::Relaxed)
    }

    /// What the server counts: every part has an inbox, so every part can count.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    fn send(&self, command: Command) -> Result<(), Unavailable> {
        let mut queue = self.0.queue();
        if queue.is_closed {
            return Err(Unavailable);
        }
        if queue.commands.len() >= queue.size {
            drop(queue);
            self.0.overflowed.store(true, Ordering::Release);
            return Err(Unavailable);
        }
        let is_first = queue.commands.is_empty();
        queue.commands.push_back(command);
        drop(queue);
        // One wake-up for all that come in until the engine takes them.
        if is_first {
            self.0.stirred.notify_one();
        }
        Ok(())
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of the inbox that the engine reads. Once it is dropped, all that is sent is refused.
pub struct Intake {
    shared: Arc<Shared>,
    /// Taken out of the queue, all at once.
    taken: VecDeque<Command>,
}

impl Intake {
    /// Waits until there is a command, at most for `wait`.
    pub(super) async fn wait(&mut self, wait: Duration) {
        let rang = async move {
            // It may have rung for what the last turn took.
            while self.len() == 0 {
                self.shared.stirred.notified().await;
            }
        };
        // Whether there is one or the time has passed, the engine looks.
        let _ = timeout(wait, rang).await;
    }

    /// The first commands that are there, at most so many: the next ones that [`next`](Self::next) gives.
    pub(super) fn waiting(&mut self, most: usize) -> impl Iterator<Item = &Command> {
        self.fetch();
        self.taken.iter().take(most)
    }

    /// The next command that is there.
    pub(super) fn next(&mut self) -> Option<Command> {
        self.fetch();
        self.taken.pop_front()
    }

    fn fetch(&mut self) {
        if self.taken.is_empty() {
            std::mem::swap(&mut self.taken, &mut self.shared.queue().commands);
        }
    }

    /// Takes note of how many are left after a turn.
    pub(super) fn turned(&self) {
        self.shared.left.store(self.taken.len(), Ordering::Relaxed);
    }

    /// How many there are to take.
    pub(super) fn len(&self) -> usize {
        self.taken.len() + self.shared.queue().commands.len()
    }

    /// Whether anything was turned away since this was asked last.
    pub(super) fn has_overflowed(&self) -> bool {
        self.shared.overflowed.swap(false, Ordering::AcqRel)
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.shared.metrics
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        let mut queue = self.shared.queue();
        queue.is_closed = true;
        // Whoever waits for an answer is told that there is none.
        let waiting = std::mem::take(&mut queue.commands);
        drop(queue);
        drop(waiting);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[tokio::test]
    async fn a_ring_for_what_is_taken_already_ends_no_wait() {
        let (inbox, mut intake) = inbox(2);
        let post = || inbox.send(Command::Stop).expect("there is room");
        let is_over = |intake: &mut Intake| {
            let wait = pin!(intake.wait(Duration::from_secs(3600)));
            wait.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
        };
        post();
        assert!(is_over(&mut intake));
        post();
        while intake.next().is_some() {}
        assert!(!is_over(&mut intake), "it has rung, and nothing is there");
        post();
        assert!(is_over(&mut intake));
    }
}
