//! The store of a server: one SQLite database in WAL mode, written by one connection.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use mishpulse_core::{Service, ServiceId, Timestamp};
use rusqlite::{CachedStatement, Connection, Transaction, TransactionBehavior, params};

use super::rows::{DeliveryState, Loaded};
use super::sqlite_rows::{self as columns, state_code, status_code};
use super::{NewDelivery, Outcome, Settlement, Store, StoreError, Writes, damage, migrate};
use crate::config::Durability;

/// The database `mishpulse.db` in a data folder, locked against a second server.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
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
        drop(private_file(&path).map_err(io_error(&path))?);
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        damage::close_untouched(&connection, true)?;
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
        Ok(Self { connection, path, _lock: lock })
    }

    /// Where the database is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Store for SqliteStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        let transaction = self.connection.transaction()?;
        let mut select = transaction.prepare_cached(&format!(
            "SELECT {} FROM service JOIN state USING (id) ORDER BY service.id",
            columns::SERVICE_COLUMNS
        ))?;
        let services = select.query_map([], columns::service)?.collect::<Result<_, _>>()?;
        let mut select = transaction
            .prepare_cached("SELECT began_at, ended_at, away_ms FROM gap ORDER BY began_at, ended_at")?;
        let gaps = select.query_map([], columns::gap)?.collect::<Result<_, _>>()?;
        let seen: Option<i64> =
            transaction.prepare_cached("SELECT max(at) FROM seen")?.query_row([], |row| row.get(0))?;
        damage::close_untouched(&transaction, false)?;
        Ok(Loaded { services, gaps, seen: seen.map(Timestamp::from_unix_ms) })
    }

    fn commit(&mut self, writes: &Writes<'_>) -> Result<(), StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        write_all(&transaction, writes)?;
        Ok(transaction.commit()?)
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

fn write_all(to: &Transaction<'_>, writes: &Writes<'_>) -> Result<(), StoreError> {
    let mut remove = to.prepare_cached("DELETE FROM service WHERE id = ?1")?;
    for id in writes.removed {
        remove.execute([id.number()])?;
    }
    // Names and tokens may change hands within a batch: first all are let go, then taken.
    let mut let_go = to
        .prepare_cached("UPDATE service SET name = 'let go ' || id, token = 'let go ' || id WHERE id = ?1")?;
    if writes.identities.len() > 1 {
        for (id, _) in &writes.identities {
            let_go.execute([id.number()])?;
        }
    }
    let mut identify = to.prepare_cached(
        "INSERT INTO service (id, name, token, overrides, declared) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (id) DO UPDATE SET name = ?2, token = ?3, overrides = ?4, declared = ?5",
    )?;
    for (id, identity) in &writes.identities {
        let overrides = text(&identity.overrides)?;
        identify.execute(params![
            id.number(),
            identity.name.as_str(),
            identity.token.as_str(),
            overrides,
            identity.declared
        ])?;
    }
    let mut keep = to.prepare_cached(
        "INSERT INTO state (id, status, since, last_seen, silent_from, pardoned, message, trouble) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET status = ?2, since = ?3, \
         last_seen = ?4, silent_from = ?5, pardoned = ?6, message = ?7, trouble = ?8",
    )?;
    for (id, facts) in &writes.facts {
        keep_facts(&mut keep, *id, facts)?;
    }
    let mut insert = to.prepare_cached("INSERT INTO event (service_id, at, data) VALUES (?1, ?2, ?3)")?;
    for event in writes.events {
        insert.execute(params![
            event.service.map(ServiceId::number),
            event.at.unix_ms(),
            text(&event.kind)?
        ])?;
    }
    for delivery in writes.deliveries {
        send_off(to, delivery)?;
    }
    for settlement in writes.settlements {
        settle(to, settlement)?;
    }
    if let Some(gaps) = writes.gaps {
        to.prepare_cached("DELETE FROM gap")?.execute([])?;
        let mut insert =
            to.prepare_cached("INSERT INTO gap (began_at, ended_at, away_ms) VALUES (?1, ?2, ?3)")?;
        for gap in gaps {
            insert.execute(params![
                gap.from.unix_ms(),
                gap.until.unix_ms(),
                i64::try_from(gap.away.as_ms()).unwrap_or(i64::MAX)
            ])?;
        }
    }
    if let Some(now) = writes.now {
        to.prepare_cached("INSERT INTO seen (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = ?1")?
            .execute([now.unix_ms()])?;
    }
    Ok(())
}

fn keep_facts(keep: &mut CachedStatement<'_>, id: ServiceId, facts: &Service) -> Result<(), StoreError> {
    keep.execute(params![
        id.number(),
        status_code(facts.status),
        facts.since.unix_ms(),
        facts.last_seen.map(Timestamp::unix_ms),
        facts.silent_from.unix_ms(),
        facts.pardoned,
        facts.message.as_ref().map(|message| message.as_str()),
        facts.trouble.as_deref().map(columns::write_trouble),
    ])?;
    Ok(())
}

fn send_off(to: &Transaction<'_>, delivery: &NewDelivery) -> Result<(), StoreError> {
    let id = delivery.id.to_string();
    to.prepare_cached(
        "INSERT INTO delivery (id, service_id, channel, kind, letter, created_at, state, next_try) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?6)",
    )?
    .execute(params![
        id,
        delivery.service.map(ServiceId::number),
        delivery.channel.as_str(),
        delivery.letter.kind.as_str(),
        text(&delivery.letter)?,
        delivery.at.unix_ms()
    ])?;
    let mut carry = to.prepare_cached("UPDATE delivery SET digest = ?1 WHERE id = ?2 AND state = 0")?;
    for carried in &delivery.carries {
        carry.execute(params![id, carried.to_string()])?;
    }
    Ok(())
}

fn settle(to: &Transaction<'_>, settlement: &Settlement) -> Result<(), StoreError> {
    let (state, next_try, error) = match &settlement.outcome {
        Outcome::Sent => (DeliveryState::Sent, settlement.at, None),
        Outcome::Retry { next_try, error } => (DeliveryState::Pending, *next_try, Some(error)),
        Outcome::Failed { error } => (DeliveryState::Failed, settlement.at, Some(error)),
    };
    to.prepare_cached(
        "UPDATE delivery SET state = ?2, attempts = attempts + 1, next_try = ?3, tried_at = ?4, last_error = ?5 \
         WHERE (id = ?1 OR digest = ?1) AND state = 0",
    )?
    .execute(params![
        settlement.id.to_string(),
        state_code(state),
        next_try.unix_ms(),
        settlement.at.unix_ms(),
        error
    ])?;
    Ok(())
}

fn text(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}
