//! What everyone may read: the state of all services as of the last commit.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock};

use mishpulse_core::{Timestamp, Watchdog};
use tokio::sync::Notify;

use super::changes::Changed;
use super::directory::Directory;
use super::view::View;

/// The published state. The engine writes it after each commit, at a cost of what changed; readers hold it for a page of rows
/// at most, so that the engine never waits long.
#[derive(Debug)]
pub struct Board {
    view: RwLock<View>,
    looked_at_ms: AtomicI64,
    takes_writes: AtomicBool,
    stirred: Notify,
}

impl Board {
    /// An empty board.
    #[must_use]
    pub fn new() -> Self {
        Self {
            view: RwLock::new(View::default()),
            looked_at_ms: AtomicI64::new(i64::MIN),
            takes_writes: AtomicBool::new(false),
            stirred: Notify::new(),
        }
    }

    /// Reads it. Keep `read` short: the engine waits for it.
    pub fn read<T>(&self, read: impl FnOnce(&View) -> T) -> T {
        read(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// When the watchdog last looked; `None` before its first look.
    #[must_use]
    pub fn looked_at(&self) -> Option<Timestamp> {
        let ms = self.looked_at_ms.load(Ordering::Acquire);
        (ms != i64::MIN).then(|| Timestamp::from_unix_ms(ms))
    }

    /// Whether the last commit was kept.
    #[must_use]
    pub fn takes_writes(&self) -> bool {
        self.takes_writes.load(Ordering::Acquire)
    }

    /// Starts or stops to take note of what changes, for the one feed that tells all who watch.
    pub fn follow(&self, is_on: bool) {
        self.write(|view| view.changes_mut().follow(is_on));
    }

    /// Waits until something has changed that was not taken yet. Only while it is followed.
    pub async fn stirred(&self) {
        self.stirred.notified().await;
    }

    /// Takes what has changed since the last time, at most so many services of each kind.
    #[must_use]
    pub fn take_changes(&self, changed_max: usize, heard_max: usize) -> Changed {
        self.write(|view| view.changes_mut().take(changed_max, heard_max))
    }

    pub(super) fn write<T>(&self, write: impl FnOnce(&mut View) -> T) -> T {
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let result = write(&mut view);
        let has_stirred = !view.changes_mut().is_empty();
        drop(view);
        if has_stirred {
            self.stirred.notify_one();
        }
        result
    }

    /// Shows what was read from the store: these services, and no others.
    pub(super) fn restore(&self, directory: Directory, dog: &Watchdog) {
        let mut view = View::of(directory, dog);
        // Built beside the old one, so that nobody waits; which goes when the lock has been let go.
        self.write(|old| view.take_place_of(old));
    }

    pub(super) fn looked(&self, now: Timestamp, takes_writes: bool) {
        self.takes_writes.store(takes_writes, Ordering::Release);
        self.looked_at_ms.store(now.unix_ms(), Ordering::Release);
    }
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}
