//! Who the services are: by handle, by name and by token.

use std::collections::HashMap;
use std::sync::Arc;

use mishpulse_core::ServiceId;

use super::command::EditError;
use crate::config::{ServiceName, Token};
use crate::store::rows::Identity;

/// The identities of all services; names and tokens are unique.
#[derive(Debug, Default)]
pub(super) struct Registry {
    identities: Vec<Option<Arc<Identity>>>,
    by_token: HashMap<Token, ServiceId>,
    by_name: HashMap<ServiceName, ServiceId>,
}

impl Registry {
    pub(super) fn by_token(&self, token: &Token) -> Option<ServiceId> {
        self.by_token.get(token).copied()
    }

    pub(super) fn by_name(&self, name: &ServiceName) -> Option<ServiceId> {
        self.by_name.get(name).copied()
    }

    pub(super) fn get(&self, id: ServiceId) -> Option<&Arc<Identity>> {
        self.identities.get(id.index())?.as_ref()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (ServiceId, &Arc<Identity>)> {
        let numbered = self.identities.iter().enumerate();
        numbered.filter_map(|(index, identity)| Some((ServiceId::new(index as u32), identity.as_ref()?)))
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether `identity` may belong to `id`, or to a new service where there is no `id`.
    pub(super) fn check(&self, id: Option<ServiceId>, identity: &Identity) -> Result<(), EditError> {
        if self.by_name(&identity.name).is_some_and(|other| Some(other) != id) {
            return Err(EditError::NameTaken(identity.name.clone()));
        }
        if self.by_token(&identity.token).is_some_and(|other| Some(other) != id) {
            return Err(EditError::TokenTaken);
        }
        Ok(())
    }

    /// Makes `identity`, which was checked, that of `id`.
    pub(super) fn set(&mut self, id: ServiceId, identity: Identity) {
        self.remove(id);
        self.by_token.insert(identity.token.clone(), id);
        self.by_name.insert(identity.name.clone(), id);
        if self.identities.len() <= id.index() {
            self.identities.resize(id.index() + 1, None);
        }
        self.identities[id.index()] = Some(Arc::new(identity));
    }

    pub(super) fn remove(&mut self, id: ServiceId) {
        if let Some(identity) = self.identities.get_mut(id.index()).and_then(Option::take) {
            self.by_token.remove(&identity.token);
            self.by_name.remove(&identity.name);
        }
    }
}
