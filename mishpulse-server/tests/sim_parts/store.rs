//! Disks that fail as told, and take note of all that is written to them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mishpulse_core::{Service, ServiceId, Timestamp, Watchdog};
use mishpulse_server::config::{ChannelName, Durability};
use mishpulse_server::store::rows::{
    DeliveryRow, DeliveryState, EventRow, Identity, Loaded, ServiceRow, TransitionRow,
};
use mishpulse_server::store::{
    History, MemoryStore, NewDelivery, Settlement, SqliteHistory, SqliteStore, Store, StoreError, Writes,
};

use super::clock::SimClock;
use super::kept::Facts;

/// Where a server keeps its data, over any number of starts of it.
pub trait Disk {
    /// How it writes.
    type Store: Store;
    /// Opens it.
    fn open(&mut self) -> Self::Store;
    /// Opens it for reading.
    fn history(&self) -> Box<dyn History>;
    /// The process that has it open dies: what comes after finds what was on it at this moment.
    fn cut(&mut self);
}

/// A disk that never was.
#[derive(Default)]
pub struct Memory(MemoryStore);

impl Disk for Memory {
    type Store = MemoryStore;

    fn open(&mut self) -> MemoryStore {
        self.0.clone()
    }

    fn history(&self) -> Box<dyn History> {
        Box::new(self.0.clone())
    }

    fn cut(&mut self) {}
}

/// A folder with a database.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// An empty one, in memory where the system has a place for that.
    pub fn new() -> Self {
        let place = std::path::Path::new("/dev/shm");
        let made = if place.is_dir() { tempfile::tempdir_in(place) } else { tempfile::tempdir() };
        Self(made.unwrap())
    }
}

impl Disk for Folder {
    type Store = SqliteStore;

    fn open(&mut self) -> SqliteStore {
        SqliteStore::open(self.0.path(), Durability::Process).unwrap()
    }

    fn history(&self) -> Box<dyn History> {
        Box::new(SqliteHistory::open(&self.0.path().join("mishpulse.db")).unwrap())
    }

    /// What is in the files now is what `kill -9` would leave: no closing of the database tidies it.
    fn cut(&mut self) {
        let after = Self::new();
        for entry in std::fs::read_dir(self.0.path()).unwrap() {
            let entry = entry.unwrap();
            // The index of the log is memory that processes share, and is built anew.
            if !entry.file_name().to_string_lossy().ends_with("-shm") {
                std::fs::copy(entry.path(), after.0.path().join(entry.file_name())).unwrap();
            }
        }
        *self = after;
    }
}

/// What happens to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails; nothing is kept.
    Loses,
    /// It fails, but all is kept.
    KeepsAndFails,
    /// The process dies before it.
    CrashBefore,
    /// The process dies after it, before anyone is answered.
    CrashAfter,
}

/// All that one commit wrote.
pub struct Record {
    pub now: Option<Timestamp>,
    pub identities: Vec<(ServiceId, Identity)>,
    pub facts: Vec<(ServiceId, Service)>,
    /// Of those that were only heard.
    pub heard: Vec<(ServiceId, Service)>,
    pub removed: Vec<ServiceId>,
    pub events: Vec<EventRow>,
    pub deliveries: Vec<NewDelivery>,
    pub settlements: Vec<Settlement>,
    /// Whether it is on the disk.
    pub is_kept: bool,
    /// Whether the engine was told so.
    pub is_told: bool,
}

/// What to do, and what was done.
#[derive(Default)]
pub struct Orders {
    /// What happens to the next commit.
    pub fault: Option<Fault>,
    /// How long the next commit takes.
    pub slow_ms: i64,
    /// Commits are lost until then: the disk is full.
    pub full_until: i64,
    /// It can neither be written nor read until then.
    pub broken_until: i64,
    /// The process dies when it loads.
    pub crash_in_load: bool,
    /// The process is dead.
    pub is_dead: bool,
    /// Times that it was loaded since the last look.
    pub loads: u32,
    /// Commits since the last look.
    pub records: Vec<Record>,
    /// Faults that have happened since the last look.
    pub happened: Vec<&'static str>,
    /// What the last load said of a silence of everyone.
    pub silence: Option<Timestamp>,
    /// What happens when it is tidied next.
    pub fault_in_tidy: Option<Fault>,
    /// Times that it was tidied since it was loaded.
    pub tidied: u32,
    /// Drops of old history since the last look.
    pub prunes: u32,
}

/// What the store, its readers and the simulation share.
#[derive(Clone)]
pub struct Control {
    orders: Arc<Mutex<Orders>>,
    /// The facts that were kept last of each service.
    kept: Arc<Mutex<Facts>>,
    pub clock: SimClock,
}

impl Control {
    pub fn new(clock: SimClock) -> Self {
        Self { orders: Arc::default(), kept: Arc::default(), clock }
    }

    pub fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn kept(&self) -> MutexGuard<'_, Facts> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process starts: what was ordered for its first steps holds, all else is over.
    pub fn begin(&self) {
        let mut orders = self.orders();
        let (crash_in_load, fault) = (orders.crash_in_load, orders.fault);
        *orders = Orders { crash_in_load, fault, ..Orders::default() };
    }

    fn is_broken(&self) -> bool {
        self.clock.ms() < self.orders().broken_until
    }
}

/// A store with faults.
pub struct Faulty<S> {
    pub inner: S,
    pub control: Control,
}

impl<S: Store> Store for Faulty<S> {
    fn load(&mut self, each: &mut dyn FnMut(ServiceRow)) -> Result<Loaded, StoreError> {
        let is_broken = self.control.is_broken();
        let mut orders = self.control.orders();
        if std::mem::take(&mut orders.crash_in_load) {
            orders.is_dead = true;
            orders.happened.push("crash in recovery");
        }
        if orders.is_dead || is_broken {
            return Err(StoreError::Planned);
        }
        let kept = self.control.kept();
        let mut count = 0;
        let loaded = self.inner.load(&mut |row| {
            kept.compare(&row);
            count += 1;
            each(row);
        })?;
        assert_eq!(count, kept.len(), "services in the store");
        (orders.loads, orders.tidied, orders.silence) = (orders.loads + 1, 0, loaded.silence);
        Ok(loaded)
    }

    fn commit(&mut self, writes: &Writes<'_>) -> Result<(), StoreError> {
        let now_ms = self.control.clock.ms();
        let mut orders = self.control.orders();
        if orders.is_dead {
            return Err(StoreError::Planned);
        }
        if orders.slow_ms > 0 {
            self.control.clock.lag(std::mem::take(&mut orders.slow_ms));
            orders.happened.push("slow disk");
        }
        let mut fault = orders.fault.take();
        if now_ms < orders.full_until.max(orders.broken_until) {
            fault = Some(Fault::Loses);
            orders.happened.push("commit on a full or broken disk");
        }
        orders.happened.extend(fault.map(|fault| match fault {
            Fault::Loses => "commit lost",
            Fault::KeepsAndFails => "commit kept, but told as failed",
            Fault::CrashBefore => "crash before a commit",
            Fault::CrashAfter => "crash after a commit",
        }));
        let is_kept = !matches!(fault, Some(Fault::Loses | Fault::CrashBefore));
        if is_kept {
            self.inner.commit(writes).expect("the disk itself works");
            self.control.kept().take(writes);
        }
        orders.is_dead = matches!(fault, Some(Fault::CrashBefore | Fault::CrashAfter));
        orders.records.push(Record {
            now: writes.now,
            identities: writes.identities.iter().map(|(id, identity)| (*id, (*identity).clone())).collect(),
            facts: writes.facts.iter().map(|(id, facts)| (*id, (*facts).clone())).collect(),
            heard: writes.heard.iter().map(|(id, facts)| (*id, (*facts).clone())).collect(),
            removed: writes.removed.to_vec(),
            events: writes.events.to_vec(),
            deliveries: writes.deliveries.to_vec(),
            settlements: writes.settlements.to_vec(),
            is_kept,
            is_told: fault.is_none(),
        });
        if fault.is_some() { Err(StoreError::Planned) } else { Ok(()) }
    }

    /// Says on its own whether there is more to do, so that a run is the same over every disk.
    fn tidy(&mut self, dog: &Watchdog, now: Timestamp) -> Result<bool, StoreError> {
        let mut orders = self.control.orders();
        if orders.is_dead {
            return Err(StoreError::Planned);
        }
        let fault = orders.fault_in_tidy.take();
        orders.happened.extend(fault.map(|fault| match fault {
            Fault::Loses | Fault::KeepsAndFails => "tidying fails",
            Fault::CrashBefore => "crash before tidying",
            Fault::CrashAfter => "crash after tidying",
        }));
        orders.is_dead = matches!(fault, Some(Fault::CrashBefore | Fault::CrashAfter));
        orders.tidied += 1;
        if matches!(fault, None | Some(Fault::CrashAfter)) {
            self.inner.tidy(dog, now).expect("the disk itself works");
        }
        if fault.is_some() { Err(StoreError::Planned) } else { Ok(orders.tidied % 4 == 1) }
    }

    fn prune(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.control.orders().prunes += 1;
        self.inner.prune(before, limit)
    }
}

/// A reader with faults: it fails while the disk is broken.
pub struct FaultyHistory {
    pub inner: Box<dyn History>,
    pub control: Control,
}

impl FaultyHistory {
    fn read<T>(&self, read: impl FnOnce(&dyn History) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.control.is_broken() { Err(StoreError::Planned) } else { read(&*self.inner) }
    }
}

impl History for FaultyHistory {
    fn due(&self, channel: &ChannelName, now: Timestamp, limit: u32) -> Result<Vec<DeliveryRow>, StoreError> {
        self.read(|inner| inner.due(channel, now, limit))
    }

    fn next_due(&self, channel: &ChannelName) -> Result<Option<Timestamp>, StoreError> {
        self.read(|inner| inner.next_due(channel))
    }

    fn oldest_pending(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|inner| inner.oldest_pending())
    }

    fn deliveries(
        &self,
        state: Option<DeliveryState>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        self.read(|inner| inner.deliveries(state, before, limit))
    }

    fn events(
        &self,
        service: ServiceId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, EventRow)>, StoreError> {
        self.read(|inner| inner.events(service, before, limit))
    }

    fn transitions(
        &self,
        service: ServiceId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<TransitionRow>, StoreError> {
        self.read(|inner| inner.transitions(service, since, limit))
    }

    fn blindness(&self, since: Timestamp, limit: u32) -> Result<Vec<(Timestamp, Timestamp)>, StoreError> {
        self.read(|inner| inner.blindness(since, limit))
    }

    fn deliveries_of(&self, service: ServiceId, limit: u32) -> Result<Vec<DeliveryRow>, StoreError> {
        self.read(|inner| inner.deliveries_of(service, limit))
    }
}
