//! Changes by hand: one service at a time.

use std::sync::Arc;

use mishpulse_core::{ServiceId, Timestamp, Watchdog};

use super::batch::Batch;
use super::command::{Edit, EditError};
use super::registry::Registry;
use crate::config::{ChannelName, FieldError, ServiceName, Settings};
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
            Edit::Create(identity) => {
                self.check_channels(&identity, None)?;
                self.create(identity, by).map(Some)
            }
            Edit::Update { name, change } => {
                let (id, before) = self.find(&name)?;
                let identity = change(&before)?;
                self.check_against_file(&identity, &before)?;
                self.check_channels(&identity, Some(&before))?;
                self.update(id, identity, by).map(|()| Some(id))
            }
            Edit::Delete { name, check } => {
                let (id, identity) = self.find(&name)?;
                check(&identity)?;
                self.delete(id);
                tracing::info!(service = %name, %by, "deleted");
                Ok(None)
            }
            Edit::Pause(name) => {
                let (id, _) = self.find(&name)?;
                // The service was just found, so the watchdog knows it.
                let _ = self.dog.pause(id, self.now);
                self.note(id, "paused", by);
                Ok(Some(id))
            }
            Edit::Resume(name) => {
                let (id, _) = self.find(&name)?;
                let _ = self.dog.resume(id, self.now);
                self.note(id, "resumed", by);
                Ok(Some(id))
            }
            Edit::RotateToken(name, token) => {
                let (id, before) = self.find(&name)?;
                let identity = Identity { token, ..Identity::clone(&before) };
                self.check_against_file(&identity, &before)?;
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
        if self.registry.get(id).is_some_and(|now| *now == identity) {
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

    fn find(&self, name: &ServiceName) -> Result<(ServiceId, Arc<Identity>), EditError> {
        let found = self.registry.by_name(name);
        let found = found.and_then(|id| Some((id, self.registry.get(id)?)));
        found.ok_or_else(|| EditError::NotFound(name.clone()))
    }

    /// Refuses what the file would undo when it is read again, or would then stumble over.
    fn check_against_file(&self, identity: &Identity, before: &Identity) -> Result<(), EditError> {
        if !before.declared {
            return Ok(());
        }
        if identity.name != before.name {
            return Err(EditError::NameDeclared(before.name.clone()));
        }
        let declared = self.settings.services.iter().find(|service| service.name == before.name);
        let has_token = declared.is_some_and(|service| service.token.is_some());
        if has_token && identity.token != before.token {
            return Err(EditError::TokenDeclared(before.name.clone()));
        }
        Ok(())
    }

    /// Refuses channels that there are not. Those that it had stay its own, as their absence may be for a while.
    fn check_channels(&self, identity: &Identity, before: Option<&Identity>) -> Result<(), EditError> {
        let had = before.and_then(|before| before.overrides.channels.as_deref()).unwrap_or_default();
        let known = &self.settings.channels;
        let mut wanted = identity.overrides.channels.iter().flatten();
        let Some(unknown) = wanted.find(|name| !known.contains_key(*name) && !had.contains(name)) else {
            return Ok(());
        };
        let names: Vec<&str> = known.keys().map(ChannelName::as_str).collect();
        let detail = match names.is_empty() {
            true => format!("`{unknown}` is no channel: there is none; write [channels.{unknown}] first"),
            false => format!("`{unknown}` is no channel; the channels are {}", names.join(", ")),
        };
        Err(FieldError { field: "channels", detail }.into())
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
