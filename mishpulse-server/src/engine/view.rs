//! The state of all services as of one commit: who they are, how they are, and in which orders they are shown.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use mishpulse_core::{Service, ServiceId, Span, Status, Timestamp, Watchdog};

use super::changes::Changes;
use super::directory::Directory;
use super::rhythm::Rhythms;
use super::row::{RowRef, Rows};
use crate::config::{Defaults, Effective, Tag, Token};
use crate::store::rows::Identity;

/// All services, as of one commit.
#[derive(Debug, Default)]
pub struct View {
    directory: Directory,
    rows: Rows,
    defaults: Arc<Defaults>,
    summary: Summary,
    /// Those that need attention: the worst first, and of a kind those first that came to it last.
    attention: BTreeSet<(Urgency, Reverse<Timestamp>, ServiceId)>,
    rhythms: Rhythms,
    changes: Changes,
}

/// How badly a status needs a person: 0 for `dead`, 1 for `error`, 2 for `warning`.
type Urgency = u8;

/// How many services have each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary([usize; Status::ALL.len()]);

impl Summary {
    /// How many have `status`.
    #[must_use]
    pub fn of(&self, status: Status) -> usize {
        self.0[place(status)]
    }

    /// How many are measured: those that die where they are not heard in time.
    #[must_use]
    pub fn measured(&self) -> usize {
        Status::ALL.iter().filter(|status| status.is_timed()).map(|status| self.of(*status)).sum()
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
        self.directory.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The services by name, from the first that is not before `name`, or where `is_after`, that comes after it.
    pub fn rows_by_name(&self, name: &str, is_after: bool) -> impl Iterator<Item = RowRef<'_>> + use<'_> {
        self.directory.ids_from(name, is_after).filter_map(|id| self.row_of(id))
    }

    /// The service with this name.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<RowRef<'_>> {
        self.row_of(self.directory.by_name(name)?)
    }

    /// The service with this handle.
    #[must_use]
    #[inline]
    pub fn row_of(&self, id: ServiceId) -> Option<RowRef<'_>> {
        self.rows.get(id, &self.directory)
    }

    /// Whose token it is.
    #[must_use]
    pub fn by_token(&self, token: &Token) -> Option<ServiceId> {
        self.directory.by_token(token)
    }

    /// The services that are dead, in error or in warning, in this order; of each those first that came to it last.
    pub fn attention(&self) -> impl Iterator<Item = RowRef<'_>> {
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
    pub fn effective(&self, row: RowRef<'_>) -> Effective {
        self.defaults.with(row.overrides())
    }

    /// The labels of a service.
    #[must_use]
    pub fn tags<'a>(&'a self, row: RowRef<'a>) -> &'a [Tag] {
        let Defaults(all) = &*self.defaults;
        row.overrides().tags.as_deref().or(all.tags.as_deref()).unwrap_or_default()
    }

    /// Who the services are.
    pub(super) const fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(super) const fn changes_mut(&mut self) -> &mut Changes {
        &mut self.changes
    }

    pub(super) fn set_defaults(&mut self, defaults: Arc<Defaults>) {
        self.defaults = defaults;
        self.changes.note_all();
    }

    /// The view of the services in `directory`, as `dog` has them.
    pub(super) fn of(directory: Directory, dog: &Watchdog) -> Self {
        let rows = Rows::with_len(directory.handles());
        let mut view = Self { directory, rows, ..Self::default() };
        let mut attention = Vec::new();
        for (id, service) in dog.services() {
            view.rows.set(id, service, dog.deadline(id));
            view.summary.0[place(service.status)] += 1;
            attention.extend(place_in_attention(service.status, service.since, id));
        }
        view.attention = attention.into_iter().collect();
        view
    }

    /// Becomes what is shown from now on, and leaves in `old` what was.
    pub(super) fn take_place_of(&mut self, old: &mut Self) {
        std::mem::swap(self, old);
        let (now, before) = (old, self);
        for whole in 0..now.rows.len().max(before.rows.len()) {
            let id = ServiceId::new(whole as u32);
            match (before.rows.status(id).is_some(), now.rows.status(id).is_some()) {
                (true, false) => {
                    before.changes.note_gone(id);
                    before.rhythms.forget(id);
                }
                (_, true) if !now.rows.agrees(&before.rows, id) => before.changes.note_changed(id),
                _ => {}
            }
        }
        std::mem::swap(&mut now.defaults, &mut before.defaults);
        std::mem::swap(&mut now.rhythms, &mut before.rhythms);
        std::mem::swap(&mut now.changes, &mut before.changes);
        if !before.is_empty() {
            now.changes.note_all();
        }
    }

    /// Lets go of the names and tokens of these, if they have any, for others to take.
    pub(super) fn let_go(&mut self, id: ServiceId) {
        self.directory.remove(id);
    }

    /// Says who `id` is, whose name and token nobody else has.
    pub(super) fn identify(&mut self, id: ServiceId, identity: &Identity) {
        self.directory.insert(id, identity);
        if self.rows.status(id).is_some() {
            self.changes.note_changed(id);
        }
    }

    /// Shows what `service` is now.
    pub(super) fn show(&mut self, id: ServiceId, service: &Service, deadline: Option<Timestamp>) {
        let now = (service.status, service.since);
        let before = self.rows.set(id, service, deadline);
        if before.status != Some(now) {
            if let Some((status, since)) = before.status {
                self.summary.0[place(status)] -= 1;
                if let Some(place) = place_in_attention(status, since, id) {
                    self.attention.remove(&place);
                }
            }
            self.summary.0[place(service.status)] += 1;
            self.attention.extend(place_in_attention(service.status, service.since, id));
        }
        if before.last_seen != service.last_seen {
            self.rhythms.heard(id, before.last_seen, service.last_seen, self.directory.len());
        }
        if before.status != Some(now) || before.has_other_message {
            self.changes.note_changed(id);
        } else {
            self.changes.note_heard(id);
        }
    }

    /// Drops a service that is no more, if it was ever shown.
    pub(super) fn remove(&mut self, id: ServiceId) {
        self.directory.remove(id);
        if let Some((status, since)) = self.rows.remove(id) {
            self.summary.0[place(status)] -= 1;
            if let Some(place) = place_in_attention(status, since, id) {
                self.attention.remove(&place);
            }
            self.rhythms.forget(id);
            self.changes.note_gone(id);
        }
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

const fn place(status: Status) -> usize {
    status as usize
}
