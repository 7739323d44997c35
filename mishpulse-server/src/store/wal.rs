//! Brings what the write-ahead log holds into the database, on a thread of its own: the disk may take its time, and no beat
//! waits for it.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::{StoreError, damage};

/// The thread that keeps the log short; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct LogKeeper {
    /// Dropped first, which tells the thread to end.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl LogKeeper {
    /// Watches over the log of the database at `path`, which is open elsewhere.
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::ZERO)?;
        damage::close_untouched(&connection, true)?;
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.pragma_update(None, "cache_size", CACHE_PAGES)?;
        let (stop, stopped) = channel::<()>();
        let keep = move || {
            while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                keep_short(&connection);
            }
        };
        let thread = std::thread::Builder::new().name("log-keeper".to_owned()).spawn(keep);
        let thread = thread.map_err(super::sqlite::io_error(path))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for LogKeeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A log that has been brought in whole is begun anew by the next commit, in the same file, which keeps this length at most:
/// to write over it is quicker than to make it longer, and to cut it takes milliseconds.
pub(super) const LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// So much of it is brought in at a time.
const FRAMES: i64 = 1024;
/// A log of more frames than this, of a page of 4 KiB and its header each, is begun anew even if commits must wait for that,
/// which is as long as the disk takes to write what came in since a moment ago.
const FRAMES_MAX: i64 = LOG_BYTES_MAX as i64 / 4120;
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// So often, a moment apart, it tries to get between two commits.
const TRIES: usize = 50;
const TRY_EVERY: Duration = Duration::from_millis(2);
const CACHE_PAGES: i64 = 64;

fn keep_short(connection: &Connection) {
    let Some(log) = checkpoint(connection, "noop") else { return };
    if log.frames - log.brought_in < FRAMES {
        return;
    }
    // Most of it beside the commits, which do not wait for this.
    if checkpoint(connection, "passive").is_none() || log.frames < FRAMES_MAX {
        return;
    }
    for _ in 0..TRIES {
        // The little that is left, between two of them.
        if checkpoint(connection, "restart").is_some_and(|log| log.is_whole()) {
            return;
        }
        std::thread::sleep(TRY_EVERY);
    }
}

/// What a checkpoint left.
struct Log {
    is_busy: bool,
    frames: i64,
    brought_in: i64,
}

impl Log {
    /// Whether all of it has been brought in.
    const fn is_whole(&self) -> bool {
        !self.is_busy && self.frames == self.brought_in
    }
}

/// Brings in what `mode` says; `None` where that failed.
fn checkpoint(connection: &Connection, mode: &str) -> Option<Log> {
    let statement = format!("PRAGMA wal_checkpoint({mode})");
    let row = connection.query_row(&statement, [], |row| {
        Ok(Log { is_busy: row.get::<_, i64>(0)? != 0, frames: row.get(1)?, brought_in: row.get(2)? })
    });
    match row {
        Ok(log) => Some(log),
        Err(error) => {
            tracing::warn!(%error, "the write-ahead log could not be brought into the database");
            None
        }
    }
}
