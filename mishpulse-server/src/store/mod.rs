//! What is kept, and how it is read again.
//!
//! The engine writes, alone, in batches, through [`Store`]. All others read through [`History`], on connections of
//! their own, and never wait for the engine.

use mishpulse_core::{Gap, Service, ServiceId, Timestamp, Watchdog};

use crate::config::ChannelName;

mod backup;
mod damage;
mod inspect;
mod journal;
mod memory;
mod migrate;
pub mod rows;
mod sqlite;
mod sqlite_facts;
mod sqlite_history;
mod sqlite_rows;
mod sqlite_write;
mod wal;

pub use backup::{Backup, BackupError, Copied, Copying};
pub use inspect::{Inspection, is_in_use};
pub use memory::{Failing, MemoryStore};
pub use sqlite::SqliteStore;
pub use sqlite_history::SqliteHistory;

use rows::{
    DeliveryId, DeliveryRow, DeliveryState, EventRow, Identity, Letter, Loaded, ServiceRow, TransitionRow,
};

/// Keeps what the engine decided. Written by the engine alone, so it needs no lock of its own.
pub trait Store: Send {
    /// All that a server needs to go on where it stopped: every service, in order of their handles, goes to `each`. O(n).
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read; what went to `each` is then worth nothing.
    fn load(&mut self, each: &mut dyn FnMut(ServiceRow)) -> Result<Loaded, StoreError>;

    /// Keeps all of `writes` or nothing. What it kept is there after `kill -9`.
    ///
    /// # Errors
    /// [`StoreError`]; it may then have been kept or not, and only [`load`](Self::load) tells.
    fn commit(&mut self, writes: &Writes<'_>) -> Result<(), StoreError>;

    /// Does a small part of what can wait, such as writing into rows what was only appended, and says whether there is more of
    /// it. `dog` has the facts as of the last commit.
    ///
    /// # Errors
    /// [`StoreError`]; it is done again the next time.
    fn tidy(&mut self, _dog: &Watchdog, _now: Timestamp) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Drops events and settled deliveries from before `before`, at most `limit` of each, and says how many went.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was dropped then.
    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

/// Reads what was kept, beside the engine.
pub trait History: Send {
    /// What leaves by `channel` now: digests first, then the oldest letter of each service, as far as it is due.
    ///
    /// # Errors
    /// [`StoreError`], as for all that follow.
    fn due(&self, channel: &ChannelName, now: Timestamp, limit: u32) -> Result<Vec<DeliveryRow>, StoreError>;

    /// When the next letter by `channel` is due; `None` where none is pending.
    fn next_due(&self, channel: &ChannelName) -> Result<Option<Timestamp>, StoreError>;

    /// When the oldest letter that is still to be delivered was written; `None` where there is none.
    fn oldest_pending(&self) -> Result<Option<Timestamp>, StoreError>;

    /// The deliveries in `state` (all where `None`), newest first, from before `before`.
    fn deliveries(
        &self,
        state: Option<DeliveryState>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, StoreError>;

    /// The history of a service with each line's place in it, newest first, from before `before`.
    fn events(
        &self,
        service: ServiceId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, EventRow)>, StoreError>;

    /// The changes of status of a service since `since`, newest first, at most `limit`.
    fn transitions(
        &self,
        service: ServiceId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<TransitionRow>, StoreError>;

    /// The times in which the server was not listening that ended after `since`, newest first, at most `limit`: from and until.
    fn blindness(&self, since: Timestamp, limit: u32) -> Result<Vec<(Timestamp, Timestamp)>, StoreError>;

    /// The deliveries about a service, newest first, at most `limit`.
    fn deliveries_of(&self, service: ServiceId, limit: u32) -> Result<Vec<DeliveryRow>, StoreError>;
}

/// All that one batch changes.
#[derive(Debug, Default)]
pub struct Writes<'a> {
    /// The moment of the batch: the server is known to have listened until then.
    pub now: Option<Timestamp>,
    /// Services that are new or have other settings; their facts are in `facts`.
    pub identities: Vec<(ServiceId, &'a Identity)>,
    /// Services to which something happened.
    pub facts: Vec<(ServiceId, &'a Service)>,
    /// Services that were heard, to which nothing else happened: they have later times of hearing and another message, and
    /// nothing else is new. None of them is in `facts`, nor twice in here.
    pub heard: Vec<(ServiceId, &'a Service)>,
    /// Services that are no more; they go with their history, before anything else is written.
    pub removed: &'a [ServiceId],
    /// Lines of the history.
    pub events: &'a [EventRow],
    /// Letters on their way.
    pub deliveries: &'a [NewDelivery],
    /// What has become of letters.
    pub settlements: &'a [Settlement],
    /// When the server was away, where that has changed.
    pub gaps: Option<&'a [Gap]>,
}

/// A letter on its way to one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The service it is about.
    pub service: Option<ServiceId>,
    /// The channel it goes to.
    pub channel: ChannelName,
    /// What it tells.
    pub letter: Letter,
    /// When it was decided; also when it is first due.
    pub at: Timestamp,
    /// Of a digest: the deliveries that it carries.
    pub carries: Vec<DeliveryId>,
}

/// What has become of a delivery, and with it of all that it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Which.
    pub id: DeliveryId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub outcome: Outcome,
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was accepted.
    Sent,
    /// It was not accepted, and is tried again.
    Retry {
        /// When.
        next_try: Timestamp,
        /// Why it was not accepted.
        error: String,
    },
    /// It is given up.
    Failed {
        /// Why.
        error: String,
    },
}

/// Why something could not be kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The data folder or a file in it.
    #[error("{path}: {source}{}", advice(source))]
    Io {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Another server runs on the same data.
    #[error("another server is using {path}; stop it first, or give this one a data folder of its own")]
    InUse {
        /// The data folder.
        path: String,
    },
    /// The database was written by a later version.
    #[error(
        "{path} was written by a newer version of MishPulse (schema {found}, this one knows {known}); \
         nothing was changed: install that version again, or restore a backup"
    )]
    Newer {
        /// The database.
        path: String,
        /// Its schema.
        found: i64,
        /// The newest schema that this version knows.
        known: i64,
    },
    /// A file of the database is damaged.
    #[error(
        "{path} is damaged ({found}); nothing was changed: move mishpulse.db and mishpulse.db-wal out of the data folder, \
         and bring a backup back with `mishpulse restore FILE`"
    )]
    Damaged {
        /// Which.
        path: String,
        /// What is wrong with it.
        found: String,
    },
    /// SQLite refused.
    #[error("database: {}{}", .0, damage::advice(.0))]
    Sqlite(#[from] rusqlite::Error),
    /// A stored row cannot be understood.
    #[error("database: {0}")]
    Corrupt(String),
    /// The store was told to fail.
    #[error("the store was told to fail")]
    Planned,
}

/// What to do about an error of the file system.
fn advice(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "; run it as the owner of that folder, or choose another with --data-dir"
        }
        std::io::ErrorKind::ReadOnlyFilesystem => "; choose a folder that can be written with --data-dir",
        std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotADirectory => "; a folder is needed there",
        std::io::ErrorKind::StorageFull => "; make room on that disk",
        _ => "",
    }
}
