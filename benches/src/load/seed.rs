//! Databases full of services that are alive, made through the store itself, so that they are what a server leaves behind.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mishpulse_core::testing::Rng;
use mishpulse_core::{Service, ServiceId, Span, Status, Timestamp};
use mishpulse_server::config::{Durability, Overrides};
use mishpulse_server::store::rows::Identity;
use mishpulse_server::store::{SqliteStore, Store, Writes};
use rusqlite::Connection;

use super::Result;
use super::fleet;

/// The database of a data folder.
pub(crate) const DATABASE: &str = "mishpulse.db";
/// How long a service may be silent, in a configuration file.
pub(crate) const TIMEOUT: &str = "1h";
/// The same.
pub(crate) const TIMEOUT_SECS: u64 = 3600;

/// Where to keep databases between runs.
#[derive(Debug)]
pub(crate) struct Seeds {
    folder: PathBuf,
    /// A kept database that is older is brought up to date, so that nobody in it comes near a deadline.
    fresh: Duration,
}

impl Seeds {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.join("seeds"), fresh: Duration::from_secs(TIMEOUT_SECS / 3) }
    }

    /// For services that may be silent for less than [`TIMEOUT`].
    pub(crate) fn of_this_minute(self) -> Self {
        Self { fresh: Duration::ZERO, ..self }
    }

    /// Makes a data folder at `to` with `services` that were all heard within the last minute. `change` may give some of
    /// them other facts; it is told the present.
    pub(crate) fn plant(
        &self,
        services: u32,
        to: &Path,
        change: impl FnOnce(Timestamp) -> Vec<(u32, Service)>,
    ) -> Result<()> {
        self.plant_with(services, to, change, |_| Overrides::default())
    }

    /// As [`plant`](Self::plant); those that get other facts get other settings, too.
    pub(crate) fn plant_with(
        &self,
        services: u32,
        to: &Path,
        change: impl FnOnce(Timestamp) -> Vec<(u32, Service)>,
        overrides: impl Fn(u32) -> Overrides,
    ) -> Result<()> {
        let from = self.fresh(services)?;
        fs::create_dir_all(to)?;
        fs::copy(from.join(DATABASE), to.join(DATABASE))?;
        let now = now();
        let changed: Vec<(ServiceId, Service)> =
            change(now).into_iter().map(|(number, facts)| (ServiceId::new(number), facts)).collect();
        let facts = changed.iter().map(|(id, facts)| (*id, facts)).collect();
        let identities = changed
            .iter()
            .map(|(id, _)| Ok((*id, identity(id.number(), overrides(id.number()))?)))
            .collect::<Result<Vec<(ServiceId, Identity)>>>()?;
        // The server was here a moment ago: it has not been away.
        SqliteStore::open(to, Durability::Process)?.commit(&Writes {
            now: Some(now),
            identities: identities.iter().map(|(id, identity)| (*id, identity)).collect(),
            facts,
            ..Writes::default()
        })?;
        // Nothing of this is written to the disk while something is measured.
        Ok(File::open(to.join(DATABASE))?.sync_all()?)
    }

    /// The kept database of `services`, made where there is none, and brought up to date where it is too old.
    fn fresh(&self, services: u32) -> Result<PathBuf> {
        let folder = self.folder.join(format!("{services}-{:016x}", self.schema()?));
        let stamp = folder.join("complete");
        let age = fs::metadata(&stamp).and_then(|stamp| stamp.modified()).map(|at| at.elapsed());
        match age {
            Ok(Ok(age)) if age < self.fresh => return Ok(folder),
            Ok(_) => {
                fs::remove_file(&stamp)?;
                eprintln!("bringing {services} services up to date ...");
            }
            Err(_) => {
                if folder.exists() {
                    fs::remove_dir_all(&folder)?;
                }
                eprintln!("making {services} services ...");
            }
        }
        let is_new = !folder.exists();
        let mut store = SqliteStore::open(&folder, Durability::Process)?;
        let now = now();
        for first in (0..services).step_by(BATCH as usize) {
            let numbers = first..services.min(first + BATCH);
            let identities: Vec<Identity> = match is_new {
                true => numbers
                    .clone()
                    .map(|number| identity(number, Overrides::default()))
                    .collect::<Result<_>>()?,
                false => Vec::new(),
            };
            let facts: Vec<Service> = numbers.clone().map(|number| alive(number, now)).collect();
            let id = ServiceId::new;
            store.commit(&Writes {
                now: Some(now),
                identities: numbers.clone().map(id).zip(&identities).collect(),
                facts: numbers.map(id).zip(&facts).collect(),
                ..Writes::default()
            })?;
        }
        drop(store);
        // All in one file: a store from which nothing was read leaves the log as it is.
        let log = Connection::open(folder.join(DATABASE))?;
        log.query_row("PRAGMA wal_checkpoint(truncate)", [], |_| Ok(()))?;
        File::create(stamp)?;
        Ok(folder)
    }

    /// What tells this schema from another: databases of an older server are not taken.
    fn schema(&self) -> Result<u64> {
        let folder = self.folder.join("schema");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        drop(SqliteStore::open(&folder, Durability::Process)?);
        let database = Connection::open(folder.join(DATABASE))?;
        let mut tables =
            database.prepare("SELECT name, coalesce(sql, '') FROM sqlite_master ORDER BY name")?;
        let mut sum = 0xcbf2_9ce4_8422_2325_u64;
        let mut rows = tables.query([])?;
        while let Some(row) = rows.next()? {
            for column in [0, 1] {
                for byte in row.get_ref(column)?.as_str()?.bytes() {
                    sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                }
            }
        }
        Ok(sum)
    }
}

const BATCH: u32 = 20_000;

fn identity(number: u32, overrides: Overrides) -> Result<Identity> {
    Ok(Identity {
        name: fleet::name(number).parse()?,
        token: fleet::token_text(number).parse()?,
        overrides,
        declared: false,
    })
}

/// A service that has been alive for a day and was heard at some time in the minute before `now`.
fn alive(number: u32, now: Timestamp) -> Service {
    let before = Rng::new(u64::from(number)).below(60_000) as i64;
    heard(Timestamp::from_unix_ms(now.unix_ms() - before), now)
}

/// A service that has been alive for a day and was last heard at `at`.
pub(crate) fn heard(at: Timestamp, now: Timestamp) -> Service {
    let mut service = Service::new(Timestamp::from_unix_ms(now.unix_ms() - DAY.as_ms() as i64));
    service.status = Status::Alive;
    service.last_seen = Some(at);
    service.silent_from = at;
    service
}

const DAY: Span = Span::from_secs(86_400);

/// Room for a slow start over so many services, before anything is to happen.
pub(crate) fn start_ms(services: u32) -> i64 {
    5000 + i64::from(services) / 100
}

/// The wall clock.
pub(crate) fn now() -> Timestamp {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_ms(unix.as_millis() as i64)
}
