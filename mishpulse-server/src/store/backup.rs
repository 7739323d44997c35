//! A copy of the database while a server writes to it, and the way back.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup as Copy, StepResult};

use super::sqlite::{DATABASE, OPEN_TO_READ, io_error, lock, private_file};
use super::{StoreError, migrate};

/// Copies databases.
#[derive(Debug)]
#[non_exhaustive]
pub struct Backup;

/// How far a copy has come, in pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copying {
    /// So many are copied.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

/// What was copied, and found right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// How large it is.
    pub bytes: u64,
    /// How many services are in it.
    pub services: u64,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is nothing to copy.
    #[error("there is no database {path}; say where it is with --data-dir")]
    NoDatabase {
        /// Where it was looked for.
        path: String,
    },
    /// The target is there already.
    #[error("{path} is there already; choose another file, or overwrite it with --force")]
    Exists {
        /// The target.
        path: String,
    },
    /// A server's data would be overwritten.
    #[error("{path} is there already and is never overwritten; restore into an empty data folder")]
    NotEmpty {
        /// The database that is there.
        path: String,
    },
    /// What was copied is not sound.
    #[error("{path} is damaged ({found}); use another backup")]
    Damaged {
        /// The file.
        path: String,
        /// What SQLite says of it.
        found: String,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Backup {
    /// Copies the database in `data_dir` to `file` (mode 0600), as of one moment, whether or not a server writes to it. The copy
    /// is checked before it gets its name, so that there is either a whole one or none. `watch` hears how far it is.
    ///
    /// Costs the server nothing but a longer write-ahead log meanwhile.
    ///
    /// # Errors
    /// [`BackupError`]; `file` is then as it was.
    pub fn save(
        data_dir: &Path,
        file: &Path,
        overwrite: bool,
        watch: impl FnMut(Copying),
    ) -> Result<Copied, BackupError> {
        let database = data_dir.join(DATABASE);
        let path = database.display().to_string();
        match database.try_exists() {
            Ok(true) => {}
            Ok(false) => return Err(BackupError::NoDatabase { path }),
            Err(source) => return Err(StoreError::Io { path, source }.into()),
        }
        if file.exists() && !overwrite {
            return Err(BackupError::Exists { path: file.display().to_string() });
        }
        let from = open(&database)?;
        migrate::check(&from, &database.display().to_string())?;
        copy(&from, file, watch)
    }

    /// Makes the copy in `file` the database of `data_dir`, which must have none, nor a server that runs.
    ///
    /// # Errors
    /// [`BackupError`]; there is no database in `data_dir` then.
    pub fn restore(file: &Path, data_dir: &Path, watch: impl FnMut(Copying)) -> Result<Copied, BackupError> {
        let path = file.display().to_string();
        File::open(file).map_err(io_error(file))?;
        let from = open(file)?;
        let taken = migrate::check(&from, &path).map_err(|error| match error {
            StoreError::Sqlite(_) => StoreError::Corrupt(format!("{path} is not a MishPulse database")),
            other => other,
        })?;
        if taken == 0 {
            return Err(StoreError::Corrupt(format!("{path} is empty; it is no backup")).into());
        }
        check(&from, file)?;
        let _lock = lock(data_dir)?;
        let database = data_dir.join(DATABASE);
        for name in [DATABASE.to_owned(), format!("{DATABASE}-wal")] {
            let there = data_dir.join(name);
            if there.exists() {
                return Err(BackupError::NotEmpty { path: there.display().to_string() });
            }
        }
        copy(&from, &database, watch)
    }
}

/// So many at a time, between which `watch` hears of it.
const PAGES_A_STEP: i32 = 256;

fn open(path: &Path) -> Result<Connection, BackupError> {
    Ok(Connection::open_with_flags(path, OPEN_TO_READ)?)
}

/// Copies by way of a file beside `to`, which gets that name once it is whole, checked and on the disk.
fn copy(from: &Connection, to: &Path, watch: impl FnMut(Copying)) -> Result<Copied, BackupError> {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = to.with_file_name(name);
    // One of an earlier try that broke off is worth nothing.
    let _ = fs::remove_file(&partial);
    let copied = copy_to(from, &partial, watch).and_then(|copied| {
        fs::rename(&partial, to).map_err(io_error(to))?;
        sync_folder(to).map_err(io_error(to))?;
        Ok(copied)
    });
    if copied.is_err() {
        let _ = fs::remove_file(&partial);
    }
    copied
}

fn copy_to(from: &Connection, path: &Path, mut watch: impl FnMut(Copying)) -> Result<Copied, BackupError> {
    let file = private_file(path).map_err(io_error(path))?;
    let mut to = Connection::open(path)?;
    // A read that lasts as long as the copy pins one moment: otherwise each commit of the server would start it anew.
    from.execute_batch("BEGIN")?;
    from.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
    {
        let copy = Copy::new(from, &mut to)?;
        loop {
            let step = copy.step(PAGES_A_STEP)?;
            let progress = copy.progress();
            let total = u64::try_from(progress.pagecount).unwrap_or_default();
            let left = u64::try_from(progress.remaining).unwrap_or_default();
            watch(Copying { done: total.saturating_sub(left), total });
            if matches!(step, StepResult::Done) {
                break;
            }
        }
    }
    from.execute_batch("COMMIT")?;
    // One file and nothing beside it, so that it can be carried elsewhere. A server turns the log on again.
    to.pragma_update(None, "journal_mode", "delete")?;
    check(&to, path)?;
    let services = to.query_row("SELECT count(*) FROM service", [], |row| row.get::<_, i64>(0))?;
    drop(to);
    file.sync_all().map_err(io_error(path))?;
    let bytes = file.metadata().map_err(io_error(path))?.len();
    Ok(Copied { bytes, services: u64::try_from(services).unwrap_or_default() })
}

fn check(database: &Connection, path: &Path) -> Result<(), BackupError> {
    let found: String = database.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    Err(BackupError::Damaged { path: path.display().to_string(), found: found.replace('\n', " ") })
}

/// A new name is on the disk when its folder is.
fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Durability;
    use crate::store::SqliteStore;

    #[test]
    fn a_copy_is_of_one_moment_and_is_not_begun_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let data_dir = folder.path().join("data");
        let store = SqliteStore::open(&data_dir, Durability::Process).expect("a database");
        let writer = Connection::open(store.path()).expect("the same database");
        let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) \
                    INSERT INTO event (at, data) SELECT 0, hex(zeroblob(100)) FROM n";
        writer.execute_batch(fill).expect("it is filled");

        let (mut steps, mut done) = (0, 0);
        let file = folder.path().join("copy.db");
        Backup::save(&data_dir, &file, false, |copying| {
            // Whoever writes between two steps must neither get in nor make it begin anew.
            writer.execute_batch("UPDATE event SET at = at + 1 WHERE seq % 1000 = 0").expect("it is written");
            assert!(copying.done > done, "after {done} pages {} are done", copying.done);
            (steps, done) = (steps + 1, copying.done);
        })
        .expect("a copy");
        assert!(steps > 3, "{steps} steps");
        let sum = |database: &Connection| {
            database.query_row("SELECT sum(at) FROM event", [], |row| row.get::<_, i64>(0)).expect("a sum")
        };
        assert_eq!(sum(&Connection::open(&file).expect("the copy")), 0);
        assert_eq!(sum(&writer), steps * 30);
    }
}
