//! The way to the engine: bounded, so that more work than it can do is refused at the door.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::command::{Command, Reply, Unavailable};
use crate::metrics::Metrics;

/// Makes an inbox for `size` commands, and the end that the engine reads.
#[must_use]
pub fn inbox(size: usize) -> (Inbox, Intake) {
    let shared = Arc::new(Shared {
        queue: Mutex::new(Queue { commands: VecDeque::new(), size, rings_at: FIRST, is_closed: false }),
        stirred: Notify::new(),
        left: AtomicUsize::new(0),
        overflowed: AtomicBool::new(false),
        metrics: Arc::new(Metrics::new()),
    });
    (Inbox(Arc::clone(&shared)), Intake { shared, taken: VecDeque::new() })
}

/// The engine is woken for the first command, unless it said that it waits for more.
const FIRST: usize = 1;

/// Sends commands to the engine. Cheap to clone.
#[derive(Clone)]
pub struct Inbox(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    /// Rings when as many commands have come into the queue as it says.
    stirred: Notify,
    /// How many the engine had taken out after its last turn, and not begun.
    left: AtomicUsize,
    overflowed: AtomicBool,
    metrics: Arc<Metrics>,
}

struct Queue {
    commands: VecDeque<Command>,
    size: usize,
    /// It rings for the command that makes it so many.
    rings_at: usize,
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
        queue.commands.push_back(command);
        // One wake-up for all that come in until the engine takes them.
        let rings = queue.commands.len() == queue.rings_at;
        drop(queue);
        if rings {
            self.0.stirred.notify_one();
        }
        Ok(())
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until so many commands are in the queue, where it rings for as many.
    async fn holds(&self, commands: usize) {
        // It may have rung for what was taken already.
        while self.queue().commands.len() < commands {
            self.stirred.notified().await;
        }
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
        let rang = self.shared.holds(FIRST.saturating_sub(self.taken.len()));
        // Whether there is one or the time has passed, the engine looks.
        let _ = timeout(wait, rang).await;
    }

    /// Lets others have their turn, all of them or until `enough` commands are there.
    pub(super) async fn look(&mut self, enough: usize) {
        let (shared, missing) = (&self.shared, enough.saturating_sub(self.taken.len()));
        shared.queue().rings_at = missing;
        tokio::select! {
            () = shared.holds(missing) => {}
            () = yield_now() => {}
        }
        shared.queue().rings_at = FIRST;
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
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Wake, Waker};

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

    #[tokio::test]
    async fn a_look_is_over_at_once_when_enough_have_come() {
        let (inbox, mut intake) = inbox(9);
        let post = || inbox.send(Command::Stop).expect("there is room");
        post();
        {
            let rung = Arc::new(Rung::default());
            let mut look = pin!(intake.look(3));
            assert!(rung.poll(look.as_mut()).is_pending(), "it has rung for the first, and looks for three");
            post();
            assert_eq!(rung.count(), 0);
            post();
            assert_eq!(rung.count(), 1);
            assert!(rung.poll(look).is_ready());
        }
        intake.look(usize::MAX).await;
        while intake.next().is_some() {}
        let rung = Arc::new(Rung::default());
        let mut wait = pin!(intake.wait(Duration::from_secs(3600)));
        assert!(rung.poll(wait.as_mut()).is_pending());
        post();
        assert_eq!(rung.count(), 1, "after a look it rings for the first again");
        assert!(rung.poll(wait).is_ready());
    }

    /// Counts how often it was woken.
    #[derive(Default)]
    struct Rung(AtomicUsize);

    impl Rung {
        fn poll(self: &Arc<Self>, future: Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
            future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
        }

        fn count(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl Wake for Rung {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}
