//! Changes by hand: one service at a time.

use mishpulse_core::{ServiceId, Timestamp, Watchdog};

use super::batch::Batch;
use super::command::{Edit, EditError};
use super::registry::Registry;
use crate::config::{ServiceName, Settings};
use crate::store::rows::{EventKind, EventRow, Identity};

/// What an edit works on.
pub(super) struct Desk<'a> {
    pub(super) dog: &'a mut Watchdog,
    pub(super) registry: &'a mut Registry,
    pub(super) batch: &'a mut Batch,
    pub(super) settings: &'a Settings,
    pub(super) now: Timestamp,
}

impl Desk<'_> {
    /// Carries out `edit`; the service that it was, or `None` where that is no more.
    pub(super) fn carry_out(&mut self, edit: Edit, by: &str) -> Result<Option<ServiceId>, EditError> {
        match edit {
            Edit::Create(identity) => self.create(identity, by).map(Some),
            Edit::Update { name, change } => {
                let id = self.find(&name)?;
                let identity = self.registry.get(id).ok_or_else(|| EditError::NotFound(name.clone()))?;
                let identity = change(identity)?;
                self.update(id, identity, by).map(|()| Some(id))
            }
            Edit::Delete(name) => {
                let id = self.find(&name)?;
                self.delete(id);
                tracing::info!(service = %name, %by, "deleted");
                Ok(None)
            }
            Edit::Pause(name) => {
                let id = self.find(&name)?;
                // The service was just found, so the watchdog knows it.
                let _ = self.dog.pause(id, self.now);
                self.note(id, "paused", by);
                Ok(Some(id))
            }
            Edit::Resume(name) => {
                let id = self.find(&name)?;
                let _ = self.dog.resume(id, self.now);
                self.note(id, "resumed", by);
                Ok(Some(id))
            }
            Edit::RotateToken(name, token) => {
                let id = self.find(&name)?;
                let identity = self.registry.get(id).ok_or_else(|| EditError::NotFound(name.clone()))?;
                let identity = Identity { token, ..Identity::clone(identity) };
                self.registry.check(Some(id), &identity)?;
                self.registry.set(id, identity);
                self.batch.edited.push(id);
                self.note(id, "token rotated", by);
                Ok(Some(id))
            }
        }
    }

    pub(super) fn create(&mut self, identity: Identity, by: &str) -> Result<ServiceId, EditError> {
        if self.registry.len() >= self.settings.limits.services {
            return Err(EditError::TooMany(self.settings.limits.services));
        }
        self.registry.check(None, &identity)?;
        let policy = self.settings.defaults.with(&identity.overrides).policy()?;
        let id = self.dog.watch(policy, self.now);
        self.registry.set(id, identity);
        // A handle that was freed in this turn is dropped from the store before it is written anew.
        self.batch.edited.push(id);
        self.note(id, "created", by);
        Ok(id)
    }

    pub(super) fn update(&mut self, id: ServiceId, identity: Identity, by: &str) -> Result<(), EditError> {
        self.registry.check(Some(id), &identity)?;
        let policy = self.settings.defaults.with(&identity.overrides).policy()?;
        if self.registry.get(id).is_some_and(|now| **now == identity) {
            return Ok(());
        }
        let _ = self.dog.change(id, policy, self.now);
        self.registry.set(id, identity);
        self.batch.edited.push(id);
        self.note(id, "updated", by);
        Ok(())
    }

    fn delete(&mut self, id: ServiceId) {
        let _ = self.dog.forget(id, self.now);
        self.registry.remove(id);
        // What was decided of it in this turn goes with it, before its handle is used again.
        self.batch.events.retain(|event| event.service != Some(id));
        for delivery in self.batch.deliveries.iter_mut().filter(|delivery| delivery.service == Some(id)) {
            delivery.service = None;
        }
        self.batch.removed.push(id);
    }

    fn find(&self, name: &ServiceName) -> Result<ServiceId, EditError> {
        self.registry.by_name(name).ok_or_else(|| EditError::NotFound(name.clone()))
    }

    fn note(&mut self, id: ServiceId, action: &str, by: &str) {
        self.batch.touched.push(id);
        self.batch.events.push(EventRow {
            service: Some(id),
            at: self.now,
            kind: EventKind::Edit { action: action.to_owned(), by: by.to_owned() },
        });
    }
}
