//! A look at a database from outside, whether or not a server runs on it: it changes nothing.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use mishpulse_core::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::sqlite::{DATABASE, OPEN_TO_READ, io_error};
use super::{StoreError, migrate};

/// What a look at a database has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// How large the file is.
    pub bytes: u64,
    /// The version of its schema.
    pub schema: usize,
    /// How many services are in it.
    pub services: u64,
    /// Until when a server is known to have listened.
    pub seen: Option<Timestamp>,
}

impl Inspection {
    /// Looks at the database in `data_dir`, which `is_in_use` by a server or not; `None` where there is none. Reads all of it.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read, is damaged, from a newer version, or another program's.
    pub fn of(data_dir: &Path, is_in_use: bool) -> Result<Option<Self>, StoreError> {
        let path = data_dir.join(DATABASE);
        let bytes = match path.metadata() {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(&path)(error)),
        };
        let shown = path.display().to_string();
        look(&path, bytes, is_in_use).map(Some).map_err(|error| match error {
            StoreError::Sqlite(cause) if is_damage(&cause) => {
                StoreError::Corrupt(format!("{shown} is damaged ({cause})"))
            }
            other => other,
        })
    }
}

/// Whether a server runs on `data_dir`.
///
/// # Errors
/// [`StoreError::Io`] where its lock cannot be looked at.
pub fn is_in_use(data_dir: &Path) -> Result<bool, StoreError> {
    let path = data_dir.join(LOCK);
    let lock = match File::open(&path) {
        Ok(lock) => lock,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(io_error(&path)(error)),
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(io_error(&path)(error)),
    }
}

fn look(path: &Path, bytes: u64, is_in_use: bool) -> Result<Inspection, StoreError> {
    let shown = path.display().to_string();
    let database = open(path, is_in_use)?;
    let schema = migrate::check(&database, &shown)?;
    let found: String = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(StoreError::Corrupt(format!("{shown} is damaged ({})", found.replace('\n', " "))));
    }
    if schema == 0 {
        return Ok(Inspection { bytes, schema, services: 0, seen: None });
    }
    let services: i64 = database.query_row("SELECT count(*) FROM service", [], |row| row.get(0))?;
    let seen: Option<i64> = database.query_row("SELECT max(at) FROM seen", [], |row| row.get(0))?;
    let services = u64::try_from(services).unwrap_or_default();
    Ok(Inspection { bytes, schema, services, seen: seen.map(Timestamp::from_unix_ms) })
}

/// Without a server and a log there is nothing but the file, and reading it as such leaves nothing behind; else SQLite needs
/// its shared memory beside the file, and finds or makes it.
fn open(path: &Path, is_in_use: bool) -> Result<Connection, StoreError> {
    let log = path.with_file_name(format!("{DATABASE}-wal"));
    let has_log = log.metadata().is_ok_and(|metadata| metadata.len() > 0);
    if is_in_use || has_log {
        return Ok(Connection::open_with_flags(path, OPEN_TO_READ)?);
    }
    let mut uri = "file:".to_owned();
    uri.extend(percent_encoding::percent_encode(
        path.as_os_str().as_encoded_bytes(),
        percent_encoding::NON_ALPHANUMERIC,
    ));
    uri.push_str("?immutable=1");
    Ok(Connection::open_with_flags(uri, OPEN_TO_READ | OpenFlags::SQLITE_OPEN_URI)?)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// What a server locks.
const LOCK: &str = "mishpulse.lock";
