//! Brings what the write-ahead log holds into the database, on a thread of its own: the disk may take its time, and no beat
//! waits for it.

use std::path::{Path, PathBuf};
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
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        let (stop, stopped) = channel::<()>();
        let keep = move || {
            while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                keep_short(&connection, &log);
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

/// A log that has been brought in whole is begun anew by the next commit, and is then cut to this length: a longer one has
/// something new in it.
pub(super) const LOG_BYTES: u64 = 4 * 1024 * 1024;
/// A log longer than this is begun anew even if commits must wait for that, which is as long as the disk takes to write what
/// came in since a moment ago.
const LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// So often, a moment apart, it tries to get between two commits.
const TRIES: usize = 50;
const TRY_EVERY: Duration = Duration::from_millis(2);
const CACHE_PAGES: i64 = 64;

fn keep_short(connection: &Connection, log: &Path) {
    let length = || std::fs::metadata(log).map_or(0, |metadata| metadata.len());
    if length() <= LOG_BYTES {
        return;
    }
    // Most of it beside the commits, which do not wait for this.
    let done = checkpoint(connection, "passive");
    if length() > LOG_BYTES_MAX && done.is_some() {
        for _ in 0..TRIES {
            // The little that is left, between two of them.
            if checkpoint(connection, "restart") == Some(true) {
                return;
            }
            std::thread::sleep(TRY_EVERY);
        }
    }
}

/// Whether all of the log has been brought in; `None` where that failed.
fn checkpoint(connection: &Connection, mode: &str) -> Option<bool> {
    let statement = format!("PRAGMA wal_checkpoint({mode})");
    let row = connection.query_row(&statement, [], |row| {
        Ok((row.get::<_, i64>(0)? == 0, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    });
    match row {
        Ok((is_free, frames, done)) => Some(is_free && frames == done),
        Err(error) => {
            tracing::warn!(%error, "the write-ahead log could not be brought into the database");
            None
        }
    }
}
