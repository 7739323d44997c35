//! How each service is, in 24 bytes, and how it is shown.

use std::collections::HashMap;
use std::sync::Arc;

use mishpulse_core::{Message, Service, ServiceId, Span, Status, Timestamp};

use super::directory::Directory;
use crate::config::{Overrides, Token};
use crate::store::rows::Identity;

/// One service, as of one commit, while the view is being read.
#[derive(Debug, Clone, Copy)]
pub struct RowRef<'a> {
    /// Its handle.
    pub id: ServiceId,
    /// What is believed of it.
    pub status: Status,
    /// When that became true.
    pub since: Timestamp,
    /// When it was last heard.
    pub last_seen: Option<Timestamp>,
    /// What it said last.
    pub message: Option<&'a Message>,
    /// Until when it must be heard.
    pub deadline: Option<Timestamp>,
    name: &'a str,
    who: Who<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Who<'a> {
    Listed(&'a Directory),
    Itself(&'a Identity),
}

impl<'a> RowRef<'a> {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// Its secret.
    #[must_use]
    pub fn token(&self) -> Token {
        match self.who {
            Who::Listed(directory) => directory.token(self.id).expect("a row's service is listed"),
            Who::Itself(identity) => identity.token.clone(),
        }
    }

    /// What it sets itself.
    #[must_use]
    pub fn overrides(&self) -> &'a Overrides {
        match self.who {
            Who::Listed(directory) => directory.overrides(self.id).expect("a row's service is listed"),
            Who::Itself(identity) => &identity.overrides,
        }
    }

    /// Whether the configuration file declares it.
    #[must_use]
    pub fn declared(&self) -> bool {
        match self.who {
            Who::Listed(directory) => directory.is_declared(self.id),
            Who::Itself(identity) => identity.declared,
        }
    }

    /// The same, to keep.
    #[must_use]
    pub fn to_row(&self) -> Row {
        let identity = match self.who {
            Who::Listed(directory) => directory.identity(self.id).expect("a row's service is listed"),
            Who::Itself(identity) => identity.clone(),
        };
        Row {
            id: self.id,
            identity: Arc::new(identity),
            status: self.status,
            since: self.since,
            last_seen: self.last_seen,
            message: self.message.cloned(),
            deadline: self.deadline,
        }
    }
}

/// One service, as of one commit, to keep.
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

impl Row {
    /// The same, as it is shown.
    #[must_use]
    pub fn shown(&self) -> RowRef<'_> {
        RowRef {
            id: self.id,
            status: self.status,
            since: self.since,
            last_seen: self.last_seen,
            message: self.message.as_ref(),
            deadline: self.deadline,
            name: self.identity.name.as_str(),
            who: Who::Itself(&self.identity),
        }
    }
}

/// How the services are, by handle.
#[derive(Debug, Default)]
pub(super) struct Rows {
    packed: Vec<Packed>,
    messages: HashMap<ServiceId, Message>,
    /// Deadlines that do not fit.
    far_deadlines: HashMap<ServiceId, Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct Packed {
    since: Timestamp,
    last_seen: Option<Timestamp>,
    /// In milliseconds after it was last heard; [`NO_DEADLINE`], or [`FAR_DEADLINE`].
    deadline: u32,
    /// `None` where there is no such service.
    status: Option<Status>,
    has_message: bool,
}

const NO_DEADLINE: u32 = u32::MAX;
const FAR_DEADLINE: u32 = u32::MAX - 1;

const ABSENT: Packed = Packed {
    since: Timestamp::from_unix_ms(0),
    last_seen: None,
    deadline: NO_DEADLINE,
    status: None,
    has_message: false,
};

/// What became of a row that was set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    /// Its status and since when; `None` where it was not there.
    pub(super) status: Option<(Status, Timestamp)>,
    /// When it was last heard.
    pub(super) last_seen: Option<Timestamp>,
    /// Whether its message is another.
    pub(super) has_other_message: bool,
}

impl Rows {
    /// The rows of `services`, which come with their deadlines and have handles below `len`.
    pub(super) fn with_len(len: usize) -> Self {
        Self { packed: vec![ABSENT; len], ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.packed.len()
    }

    /// The row of `id`, of whom `directory` says who it is.
    #[inline]
    pub(super) fn get<'a>(&'a self, id: ServiceId, directory: &'a Directory) -> Option<RowRef<'a>> {
        let packed = self.packed.get(id.index())?;
        let name = directory.name(id);
        Some(RowRef {
            id,
            status: packed.status?,
            since: packed.since,
            last_seen: packed.last_seen,
            message: if packed.has_message { self.messages.get(&id) } else { None },
            deadline: self.deadline(id, packed),
            name,
            who: Who::Listed(directory),
        })
    }

    /// The status of `id`, and since when.
    pub(super) fn status(&self, id: ServiceId) -> Option<(Status, Timestamp)> {
        let packed = self.packed.get(id.index())?;
        Some((packed.status?, packed.since))
    }

    /// Whether both say the same of `id`.
    pub(super) fn agrees(&self, other: &Self, id: ServiceId) -> bool {
        let facts = |rows: &Self| {
            let packed = rows.packed.get(id.index())?;
            Some((packed.status?, packed.since, packed.last_seen, rows.deadline(id, packed)))
        };
        facts(self) == facts(other) && self.messages.get(&id) == other.messages.get(&id)
    }

    /// Makes the row of `id` what `service` is, and says what it was.
    pub(super) fn set(&mut self, id: ServiceId, service: &Service, deadline: Option<Timestamp>) -> Before {
        if self.packed.len() <= id.index() {
            self.packed.resize(id.index() + 1, ABSENT);
        }
        let packed = &mut self.packed[id.index()];
        let mut before = Before {
            status: packed.status.map(|status| (status, packed.since)),
            last_seen: packed.last_seen,
            has_other_message: false,
        };
        if packed.deadline == FAR_DEADLINE {
            self.far_deadlines.remove(&id);
        }
        if packed.has_message || service.message().is_some() {
            let old = if packed.has_message { self.messages.get(&id) } else { None };
            before.has_other_message = old != service.message();
            if before.has_other_message {
                match service.message() {
                    Some(message) => drop(self.messages.insert(id, message.clone())),
                    None => drop(self.messages.remove(&id)),
                }
            }
        }
        let after = |deadline: Timestamp| {
            let from = service.last_seen.filter(|from| *from <= deadline)?;
            u32::try_from(deadline.since(from).as_ms()).ok().filter(|ms| *ms < FAR_DEADLINE)
        };
        *packed = Packed {
            since: service.since,
            last_seen: service.last_seen,
            deadline: deadline.map_or(NO_DEADLINE, |deadline| after(deadline).unwrap_or(FAR_DEADLINE)),
            status: Some(service.status),
            has_message: service.message().is_some(),
        };
        if let Some(deadline) = deadline.filter(|_| packed.deadline == FAR_DEADLINE) {
            self.far_deadlines.insert(id, deadline);
        }
        before
    }

    /// Drops the row of `id`, and says what its status was and since when.
    pub(super) fn remove(&mut self, id: ServiceId) -> Option<(Status, Timestamp)> {
        let status = self.status(id)?;
        self.packed[id.index()] = ABSENT;
        self.messages.remove(&id);
        self.far_deadlines.remove(&id);
        Some(status)
    }

    #[inline]
    fn deadline(&self, id: ServiceId, packed: &Packed) -> Option<Timestamp> {
        match packed.deadline {
            NO_DEADLINE => None,
            FAR_DEADLINE => self.far_deadlines.get(&id).copied(),
            ms => Some(packed.last_seen? + Span::from_ms(u64::from(ms))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ServiceId = ServiceId::new(2);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    #[test]
    fn a_row_says_what_was_put_into_it() {
        assert_eq!(size_of::<Packed>(), 24);
        let (mut rows, directory) = (Rows::default(), Directory::default());
        let mut service = Service::new(at(5));
        let deadlines = [
            None,
            Some(at(5)),
            Some(at(5 + i64::from(FAR_DEADLINE) - 1)),
            Some(at(5 + i64::from(FAR_DEADLINE))),
            Some(at(1 << 50)),
            Some(at(0)),
            None,
        ];
        for last_seen in [None, Some(at(5))] {
            service.last_seen = last_seen;
            for (message, deadline) in ["", "a", "b", "b", "", "", "c"].into_iter().zip(deadlines) {
                service.set_message(Message::new(message));
                let old = rows.get(ID, &directory).and_then(|row| row.message.cloned());
                let before = rows.set(ID, &service, deadline);
                assert_eq!(before.has_other_message, old.as_ref() != service.message());
                let row = rows.get(ID, &directory).unwrap();
                let shown = (row.status, row.since, row.last_seen, row.message, row.deadline);
                let set = (service.status, service.since, last_seen, service.message(), deadline);
                assert_eq!(shown, set);
            }
        }
        assert_eq!(rows.remove(ID), Some((Status::New, at(5))));
        assert!(rows.get(ID, &directory).is_none() && rows.remove(ID).is_none());
        assert!(rows.messages.is_empty() && rows.far_deadlines.is_empty());
    }
}
