//! Brings what the write-ahead log holds into the database, on a thread of its own: the disk may take its time, and no beat
//! waits for it.

use std::fs::File;
use std::io::{self, Read as _};
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
/// A log of more frames than this, of a page of 4 KiB and its header each, is begun anew while there is room in its file, even if
/// commits must wait for that, which is as long as the disk takes to write what came in since a moment ago.
const FRAMES_MAX: i64 = LOG_BYTES_MAX as i64 * 3 / 4 / 4120;
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// So often, a moment apart, it tries to get between two commits.
const TRIES: usize = 50;
const TRY_EVERY: Duration = Duration::from_millis(2);
const CACHE_PAGES: i64 = 64;

/// Makes the log of `database` as long as it will be, with zeros, which are no part of what it says. A sync of what only writes over it
/// takes half the time of one that makes it longer. Nobody may write by SQLite meanwhile.
pub(super) fn lengthen(database: &Path) -> io::Result<()> {
    let mut log = File::options().append(true).open(damage::log_of(database))?;
    let length = log.metadata()?.len();
    let mut zeros = io::repeat(0).take(LOG_BYTES_MAX.saturating_sub(length));
    if let Err(error) = io::copy(&mut zeros, &mut log).and_then(|_| log.sync_all()) {
        // What little room there is, is for what is to be kept.
        log.set_len(length)?;
        return Err(error);
    }
    Ok(())
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_log_that_was_made_longer_says_what_it_said() {
        let [here, there] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let database = here.path().join("a.db");
        let connection = Connection::open(&database).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (n); INSERT INTO t VALUES (1)")
            .unwrap();
        lengthen(&database).unwrap();
        let length = || damage::log_of(&database).metadata().unwrap().len();
        assert_eq!(length(), LOG_BYTES_MAX);
        connection.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert_eq!(length(), LOG_BYTES_MAX);
        // As they are when the power fails.
        for name in ["a.db", "a.db-wal"] {
            std::fs::copy(here.path().join(name), there.path().join(name)).unwrap();
        }
        assert_eq!(rows(&Connection::open(there.path().join("a.db")).unwrap()), 2);
        // And where the log begins with zeros, because nothing was written into it before.
        checkpoint(&connection, "truncate").unwrap();
        assert_eq!(length(), 0);
        lengthen(&database).unwrap();
        assert_eq!(rows(&Connection::open(&database).unwrap()), 2);
        connection.execute_batch("INSERT INTO t VALUES (3)").unwrap();
        assert_eq!(rows(&Connection::open(&database).unwrap()), 3);
        assert_eq!(length(), LOG_BYTES_MAX);
    }
}
