//! The store of a server: one SQLite database in WAL mode, written by one connection.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use mishpulse_core::{ServiceId, Timestamp, Watchdog};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};

use super::journal::Journal;
use super::rows::{Loaded, ServiceRow};
use super::sqlite_facts::Facts;
use super::sqlite_rows as columns;
use super::sqlite_write::{is_heard_only, write_all};
use super::wal::{self, LOG_BYTES_MAX, LogKeeper};
use super::{Store, StoreError, Writes, damage, migrate};
use crate::config::Durability;

/// The database `mishpulse.db` in a data folder, locked against a second server.
#[derive(Debug)]
pub struct SqliteStore {
    /// Closed first: the last connection to close brings in what the log has, where the database is sound.
    _log_keeper: LogKeeper,
    connection: Connection,
    journal: Journal,
    path: PathBuf,
    _lock: File,
}

impl SqliteStore {
    /// Opens the database in `data_dir`; makes folder (mode 0700) and database (mode 0600) where there are none.
    ///
    /// # Errors
    /// [`StoreError`] where another server uses the folder, the database is damaged or from a newer version, or it cannot
    /// be opened; nothing was changed then.
    pub fn open(data_dir: &Path, durability: Durability) -> Result<Self, StoreError> {
        let lock = lock(data_dir)?;
        let path = data_dir.join(DATABASE);
        damage::examine_files(&path)?;
        // SQLite gives its WAL the mode of the database, so the database is made first.
        let file = private_file(&path).map_err(io_error(&path))?;
        let is_new = file.metadata().is_ok_and(|file| file.len() == 0);
        drop(file);
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        damage::close_untouched(&connection, !is_new)?;
        migrate::check(&connection, &path.display().to_string())
            .and_then(|_| damage::examine_pages(&connection, &path))
            .map_err(damage::found_in(&path))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        let synchronous = match durability {
            Durability::Process => "normal",
            Durability::Power => "full",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        migrate::migrate(&mut connection, &path.display().to_string())?;
        // The log is brought in by a thread of its own, and never by a commit.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES_MAX as i64)?;
        if durability == Durability::Power
            && let Err(error) = wal::lengthen(&path)
        {
            tracing::debug!(%error, "the write-ahead log is as long as it was; commits are slower until it has grown");
        }
        let log_keeper = LogKeeper::start(&path)?;
        Ok(Self { connection, journal: Journal::default(), path, _log_keeper: log_keeper, _lock: lock })
    }

    /// Until when a server is known to have listened; `None` where there was none.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read.
    pub fn seen(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT max(at) FROM (SELECT at FROM seen UNION ALL \
             SELECT at FROM (SELECT at FROM journal ORDER BY seq DESC LIMIT 1))",
        )?;
        let seen: Option<i64> = select.query_row([], |row| row.get(0))?;
        Ok(seen.map(Timestamp::from_unix_ms))
    }

    /// Where the database is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Store for SqliteStore {
    fn load(&mut self, each: &mut dyn FnMut(ServiceRow)) -> Result<Loaded, StoreError> {
        let seen = self.seen()?;
        let transaction = self.connection.transaction()?;
        let mut heard = self.journal.read(&transaction)?;
        let mut select = transaction.prepare_cached(columns::SELECT_IDENTITIES)?;
        // Two tables side by side, each in its own order: a look-up for every row would take longer.
        std::thread::scope(|scope| {
            let (mut identities, mut facts) = (select.query([])?, Facts::read(scope, &self.path));
            while let Some(row) = identities.next()? {
                let id = ServiceId::new(row.get(0)?);
                if let Some(mut facts) = facts.of(id)? {
                    heard.bring_up(id, &mut facts);
                    each(ServiceRow { id, identity: columns::identity(row)?, facts });
                }
            }
            Ok::<_, StoreError>(())
        })?;
        let mut select = transaction
            .prepare_cached("SELECT began_at, ended_at, away_ms FROM gap ORDER BY began_at, ended_at")?;
        let gaps = select.query_map([], columns::gap)?.collect::<Result<_, _>>()?;
        let mut select = transaction.prepare_cached(
            "SELECT data ->> 'since' FROM event \
             WHERE service_id IS NULL AND data ->> 'event' = 'silence' ORDER BY seq DESC LIMIT 1",
        )?;
        let silence: Option<i64> = select.query_row([], |row| row.get(0)).optional()?;
        damage::close_untouched(&transaction, false)?;
        Ok(Loaded { gaps, seen, silence: silence.map(Timestamp::from_unix_ms) })
    }

    fn commit(&mut self, writes: &Writes<'_>) -> Result<(), StoreError> {
        let now = writes.now.unwrap_or(Timestamp::from_unix_ms(0));
        if is_heard_only(writes) {
            let row = self.journal.append(&self.connection, &writes.heard, now)?;
            self.journal.appended(&writes.heard, row);
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        write_all(&transaction, writes)?;
        let row = match writes.heard.is_empty() {
            true => None,
            false => Some(self.journal.append(&transaction, &writes.heard, now)?),
        };
        transaction.commit()?;
        if let Some(row) = row {
            self.journal.appended(&writes.heard, row);
        }
        Ok(())
    }

    fn tidy(&mut self, dog: &Watchdog, now: Timestamp) -> Result<bool, StoreError> {
        if !self.journal.is_due(now) {
            return Ok(false);
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let step = self.journal.carry_over(&transaction, dog)?;
        transaction.commit()?;
        Ok(self.journal.carried_over(step, now))
    }

    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut dropped = 0;
        for delete in [
            "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE at < ?1 LIMIT ?2)",
            "DELETE FROM delivery WHERE seq IN \
             (SELECT seq FROM delivery WHERE state <> 0 AND tried_at < ?1 LIMIT ?2)",
        ] {
            dropped += transaction.prepare_cached(delete)?.execute(params![before.unix_ms(), limit])? as u64;
        }
        transaction.commit()?;
        Ok(dropped)
    }
}

/// How long a writer waits for another one, such as a person with the `sqlite3` shell. Senders wait with it, so it is short.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(1);
const STATEMENTS: usize = 64;

/// How a database is opened by one who only reads it, on one thread.
pub(super) const OPEN_TO_READ: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// The name of the database in the data folder.
pub(super) const DATABASE: &str = "mishpulse.db";

/// Makes the data folder (mode 0700) where there is none, and keeps other servers off it as long as the file is open.
pub(super) fn lock(data_dir: &Path) -> Result<File, StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(io_error(data_dir))?;
    let path = data_dir.join("mishpulse.lock");
    let lock = private_file(&path).map_err(io_error(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: data_dir.display().to_string() }),
        Err(TryLockError::Error(error)) => Err(io_error(&path)(error)),
    }
}

pub(super) fn io_error(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.display().to_string();
    move |source| StoreError::Io { path, source }
}

pub(super) fn private_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}
