//! A damaged database is told of, and left as it is.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};

use super::StoreError;

/// Looks at the files before SQLite does, which takes an empty database for a new one and throws an unreadable log away.
pub(super) fn examine_files(database: &Path) -> Result<(), StoreError> {
    let bytes = |path: &Path| fs::metadata(path).map(|file| file.len()).unwrap_or_default();
    let log = log_of(database);
    if database.exists() && bytes(database) == 0 {
        let was_in_use = MADE_AFTER_IT.iter().any(|name| database.with_file_name(name).exists());
        if was_in_use || bytes(&log) > 0 {
            return Err(damaged(database, "it is empty, though it was in use"));
        }
    }
    let mut head = [0; 4];
    // A log that was begun when the power failed may be short, or zeros.
    let is_read = File::open(&log).and_then(|mut file| file.read_exact(&mut head)).is_ok();
    if is_read && head != [0; 4] && !LOG_MAGIC.contains(&u32::from_be_bytes(head)) {
        return Err(damaged(&log, "it is no write-ahead log of SQLite"));
    }
    Ok(())
}

/// Looks whether a small database is sound: in a large one that would keep the server from listening for too long.
pub(super) fn examine_pages(connection: &Connection, database: &Path) -> Result<(), StoreError> {
    if fs::metadata(database).is_ok_and(|file| file.len() > CHECKED_BYTES_MAX) {
        return Ok(());
    }
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    match found.as_str() {
        "ok" => Ok(()),
        found => Err(damaged(database, &found.replace('\n', " "))),
    }
}

/// Whether what the log holds is written into the database when the connection closes. Not before the database is known to
/// be sound: until then nothing is to be changed.
pub(super) fn close_untouched(connection: &Connection, is_untouched: bool) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, is_untouched)?;
    Ok(())
}

/// Says of `database` what SQLite found out when it was opened.
pub(super) fn found_in(database: &Path) -> impl Fn(StoreError) -> StoreError {
    move |error| match error {
        StoreError::Sqlite(cause) if is_damage(&cause) => damaged(database, &cause.to_string()),
        other => other,
    }
}

/// What to do about an error of SQLite.
pub(super) fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ": another program is using it; end that one, or wait until it is done"
        }
        Some(ErrorCode::DiskFull) => "; make room on that disk",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "; stop the server, move the database away, and bring a backup back with `mishpulse restore`"
        }
        _ => "",
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn damaged(path: &Path, found: &str) -> StoreError {
    StoreError::Damaged { path: path.display().to_string(), found: found.to_owned() }
}

/// The write-ahead log of `database`.
pub(super) fn log_of(database: &Path) -> std::path::PathBuf {
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push("-wal");
    database.with_file_name(name)
}

/// Files in a data folder that are made once there is a database.
const MADE_AFTER_IT: [&str; 2] = ["admin.key", "badge.key"];
/// What a log begins with: checksums in either order of bytes.
const LOG_MAGIC: [u32; 2] = [0x377f_0682, 0x377f_0683];
/// Read in a fraction of a second.
const CHECKED_BYTES_MAX: u64 = 64 * 1024 * 1024;
