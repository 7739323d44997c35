//! What everyone may read: the state of all services as of the last commit.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use mishpulse_core::{Message, Service, ServiceId, Span, Status, Timestamp};
use tokio::sync::Notify;

use super::changes::{Changed, Changes};
use super::rhythm::Rhythms;
use crate::config::{Defaults, Effective, ServiceName, Tag};
use crate::store::rows::Identity;

/// The published state. The engine writes it after each commit, at a cost of what changed; readers hold it for a page of rows
/// at most, so that the engine never waits long.
#[derive(Debug)]
pub struct Board {
    view: RwLock<View>,
    looked_at_ms: AtomicI64,
    takes_writes: AtomicBool,
    stirred: Notify,
}

impl Board {
    /// An empty board.
    #[must_use]
    pub fn new() -> Self {
        Self {
            view: RwLock::new(View::default()),
            looked_at_ms: AtomicI64::new(i64::MIN),
            takes_writes: AtomicBool::new(false),
            stirred: Notify::new(),
        }
    }

    /// Reads it. Keep `read` short: the engine waits for it.
    pub fn read<T>(&self, read: impl FnOnce(&View) -> T) -> T {
        read(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// When the watchdog last looked; `None` before its first look.
    #[must_use]
    pub fn looked_at(&self) -> Option<Timestamp> {
        let ms = self.looked_at_ms.load(Ordering::Acquire);
        (ms != i64::MIN).then(|| Timestamp::from_unix_ms(ms))
    }

    /// Whether the last commit was kept.
    #[must_use]
    pub fn takes_writes(&self) -> bool {
        self.takes_writes.load(Ordering::Acquire)
    }

    /// Starts or stops to take note of what changes, for the one feed that tells all who watch.
    pub fn follow(&self, is_on: bool) {
        self.write(|view| view.changes.follow(is_on));
    }

    /// Waits until something has changed that was not taken yet. Only while it is followed.
    pub async fn stirred(&self) {
        self.stirred.notified().await;
    }

    /// Takes what has changed since the last time, at most so many services of each kind.
    #[must_use]
    pub fn take_changes(&self, changed_max: usize, heard_max: usize) -> Changed {
        self.write(|view| view.changes.take(changed_max, heard_max))
    }

    pub(super) fn write<T>(&self, write: impl FnOnce(&mut View) -> T) -> T {
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let result = write(&mut view);
        let has_stirred = !view.changes.is_empty();
        drop(view);
        if has_stirred {
            self.stirred.notify_one();
        }
        result
    }

    pub(super) fn looked(&self, now: Timestamp, takes_writes: bool) {
        self.takes_writes.store(takes_writes, Ordering::Release);
        self.looked_at_ms.store(now.unix_ms(), Ordering::Release);
    }
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}

/// All services, as of one commit.
#[derive(Debug, Default)]
pub struct View {
    rows: Vec<Option<Row>>,
    by_name: BTreeMap<ServiceName, ServiceId>,
    defaults: Arc<Defaults>,
    summary: Summary,
    /// Those that need attention: the worst first, and of a kind those first that came to it last.
    attention: BTreeSet<(Urgency, Reverse<Timestamp>, ServiceId)>,
    rhythms: Rhythms,
    changes: Changes,
}

/// How badly a status needs a person: 0 for `dead`, 1 for `error`, 2 for `warning`.
type Urgency = u8;

/// One service, as of one commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its handle.
    pub id: ServiceId,
    /// Who it is and what it set.
    pub identity: Arc<Identity>,
    /// What is believed of it.
    pub status: Status,
    /// When that became true.
    pub since: Timestamp,
    /// When it was last heard.
    pub last_seen: Option<Timestamp>,
    /// What it said last.
    pub message: Option<Message>,
    /// Until when it must be heard.
    pub deadline: Option<Timestamp>,
}

/// How many services have each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary([usize; Status::ALL.len()]);

impl Summary {
    /// How many have `status`.
    #[must_use]
    pub fn of(&self, status: Status) -> usize {
        self.0[place(status)]
    }
}

impl View {
    /// How many services have each status.
    #[must_use]
    pub const fn summary(&self) -> Summary {
        self.summary
    }

    /// How many services there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The services by name, from after `after`.
    pub fn rows_after<'a>(&'a self, after: Option<&str>) -> impl Iterator<Item = &'a Row> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.rows_in(from)
    }

    /// The services by name, from the first that is not before `prefix`.
    pub fn rows_from<'a>(&'a self, prefix: &str) -> impl Iterator<Item = &'a Row> {
        self.rows_in(Bound::Included(prefix))
    }

    /// The service with this name.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows[self.by_name.get(name)?.index()].as_ref()
    }

    /// The service with this handle.
    #[must_use]
    pub fn row_of(&self, id: ServiceId) -> Option<&Row> {
        self.rows.get(id.index())?.as_ref()
    }

    /// The services that are dead, in error or in warning, in this order; of each those first that came to it last.
    pub fn attention(&self) -> impl Iterator<Item = &Row> {
        self.attention.iter().filter_map(|(_, _, id)| self.row_of(*id))
    }

    /// The last gaps between beats of a service, the oldest first, as far as they are kept: since the server started, and
    /// only while there are at most 10,000 services.
    #[must_use]
    pub fn gaps(&self, id: ServiceId) -> Vec<Span> {
        self.rhythms.gaps(id)
    }

    /// The settings that hold for a service.
    #[must_use]
    pub fn effective(&self, row: &Row) -> Effective {
        self.defaults.with(&row.identity.overrides)
    }

    /// The labels of a service.
    #[must_use]
    pub fn tags<'a>(&'a self, row: &'a Row) -> &'a [Tag] {
        let Defaults(all) = &*self.defaults;
        row.identity.overrides.tags.as_deref().or(all.tags.as_deref()).unwrap_or_default()
    }

    pub(super) fn set_defaults(&mut self, defaults: Arc<Defaults>) {
        self.defaults = defaults;
        self.changes.note_all();
    }

    /// Shows what `service` is now; its identity only where that has changed.
    pub(super) fn show(
        &mut self,
        id: ServiceId,
        identity: &Arc<Identity>,
        service: &Service,
        deadline: Option<Timestamp>,
    ) {
        if self.rows.len() <= id.index() {
            self.rows.resize(id.index() + 1, None);
        }
        let mut is_changed = self.rows[id.index()].is_none();
        let row = self.rows[id.index()].get_or_insert_with(|| {
            self.attention.extend(place_in_attention(service.status, service.since, id));
            self.summary.0[place(service.status)] += 1;
            self.by_name.insert(identity.name.clone(), id);
            Row {
                id,
                identity: Arc::clone(identity),
                status: service.status,
                since: service.since,
                last_seen: None,
                message: None,
                deadline: None,
            }
        });
        if !Arc::ptr_eq(&row.identity, identity) {
            if row.identity.name != identity.name {
                // Names may change hands within a commit: only one's own entry is dropped.
                if self.by_name.get(row.identity.name.as_str()) == Some(&id) {
                    self.by_name.remove(row.identity.name.as_str());
                }
                self.by_name.insert(identity.name.clone(), id);
            }
            row.identity = Arc::clone(identity);
            is_changed = true;
        }
        if (row.status, row.since) != (service.status, service.since) {
            if let Some(place) = place_in_attention(row.status, row.since, id) {
                self.attention.remove(&place);
            }
            self.attention.extend(place_in_attention(service.status, service.since, id));
            is_changed = true;
        }
        if row.status != service.status {
            self.summary.0[place(row.status)] -= 1;
            self.summary.0[place(service.status)] += 1;
        }
        row.status = service.status;
        row.since = service.since;
        if row.last_seen != service.last_seen {
            self.rhythms.heard(id, row.last_seen, service.last_seen, self.by_name.len());
        }
        row.last_seen = service.last_seen;
        row.deadline = deadline;
        if row.message != service.message {
            row.message.clone_from(&service.message);
            is_changed = true;
        }
        if is_changed {
            self.changes.note_changed(id);
        } else {
            self.changes.note_heard(id);
        }
    }

    /// Drops everyone who is not there any more.
    pub(super) fn drop_others(&mut self, is_there: impl Fn(ServiceId) -> bool) {
        let ids = self.rows.iter().flatten().map(|row| row.id);
        let gone: Vec<ServiceId> = ids.filter(|id| !is_there(*id)).collect();
        gone.into_iter().for_each(|id| self.remove(id));
    }

    pub(super) fn remove(&mut self, id: ServiceId) {
        if let Some(row) = self.rows.get_mut(id.index()).and_then(Option::take) {
            self.summary.0[place(row.status)] -= 1;
            if let Some(place) = place_in_attention(row.status, row.since, id) {
                self.attention.remove(&place);
            }
            self.rhythms.forget(id);
            self.changes.note_gone(id);
            if self.by_name.get(row.identity.name.as_str()) == Some(&id) {
                self.by_name.remove(row.identity.name.as_str());
            }
        }
    }

    fn rows_in<'a>(&'a self, from: Bound<&str>) -> impl Iterator<Item = &'a Row> {
        let named = self.by_name.range::<str, _>((from, Bound::Unbounded));
        named.filter_map(|(_, id)| self.rows[id.index()].as_ref())
    }
}

fn place_in_attention(
    status: Status,
    since: Timestamp,
    id: ServiceId,
) -> Option<(Urgency, Reverse<Timestamp>, ServiceId)> {
    let urgency = match status {
        Status::Dead => 0,
        Status::Error => 1,
        Status::Warning => 2,
        _ => return None,
    };
    Some((urgency, Reverse(since), id))
}

fn place(status: Status) -> usize {
    Status::ALL.iter().position(|other| *other == status).unwrap_or_default()
}
