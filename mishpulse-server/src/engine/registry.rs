//! Who the services are while a turn is decided: what it changed itself, over what the board has of the last commit.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mishpulse_core::ServiceId;

use super::board::Board;
use super::command::EditError;
use super::directory::Directory;
use super::view::View;
use crate::config::{Overrides, ServiceName, Token};
use crate::store::rows::Identity;

/// The identities of all services; names and tokens are unique. It holds only what is not published yet.
#[derive(Debug)]
pub(super) struct Registry {
    board: Arc<Board>,
    /// Who became what; `None` for who is no more.
    identities: BTreeMap<ServiceId, Option<Arc<Identity>>>,
    /// Whose these are now; `None` for nobody's.
    names: HashMap<ServiceName, Option<ServiceId>>,
    tokens: HashMap<Token, Option<ServiceId>>,
    /// How many services there are more than the board has, or less.
    more: isize,
}

/// A service, where it need not be kept.
pub(super) struct Known<'a> {
    pub(super) overrides: &'a Overrides,
    pub(super) is_declared: bool,
}

impl Registry {
    /// What `board` has, and no change to it.
    pub(super) fn over(board: Arc<Board>) -> Self {
        let (identities, names, tokens) = Default::default();
        Self { board, identities, names, tokens, more: 0 }
    }

    /// Whether the board has it all.
    pub(super) fn is_published(&self) -> bool {
        self.identities.is_empty()
    }

    pub(super) fn by_token(&self, token: &Token) -> Option<ServiceId> {
        match self.tokens.get(token) {
            Some(changed) => *changed,
            None => self.published(|directory| directory.by_token(token)),
        }
    }

    pub(super) fn by_name(&self, name: &ServiceName) -> Option<ServiceId> {
        match self.names.get(name) {
            Some(changed) => *changed,
            None => self.published(|directory| directory.by_name(name.as_str())),
        }
    }

    pub(super) fn get(&self, id: ServiceId) -> Option<Arc<Identity>> {
        match self.identities.get(&id) {
            Some(changed) => changed.clone(),
            None => self.published(|directory| directory.identity(id)).map(Arc::new),
        }
    }

    /// Shows each service to `visit`. O(n), and holds the board meanwhile: `visit` must not ask
    /// for more.
    pub(super) fn each(&self, mut visit: impl FnMut(ServiceId, &Known<'_>)) {
        self.published(|directory| {
            for id in directory.ids().filter(|id| !self.identities.contains_key(id)) {
                if let Some(overrides) = directory.overrides(id) {
                    let is_declared = directory.is_declared(id);
                    visit(id, &Known { overrides, is_declared });
                }
            }
        });
        for (id, identity) in &self.identities {
            if let Some(Identity { overrides, declared, .. }) = identity.as_deref() {
                visit(*id, &Known { overrides, is_declared: *declared });
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.published(Directory::len).saturating_add_signed(self.more)
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
        self.tokens.insert(identity.token.clone(), Some(id));
        self.names.insert(identity.name.clone(), Some(id));
        self.identities.insert(id, Some(Arc::new(identity)));
        self.more += 1;
    }

    pub(super) fn remove(&mut self, id: ServiceId) {
        if let Some(identity) = self.get(id) {
            self.tokens.insert(identity.token.clone(), None);
            self.names.insert(identity.name.clone(), None);
            self.identities.insert(id, None);
            self.more -= 1;
        }
    }

    /// It was kept: `view` has it from now on.
    pub(super) fn publish(&mut self, view: &mut View) {
        if self.is_published() {
            return;
        }
        let identities = std::mem::take(&mut self.identities);
        // Names and tokens may change hands: first all are let go, then taken.
        identities.keys().for_each(|id| view.let_go(*id));
        for (id, identity) in &identities {
            if let Some(identity) = identity {
                view.identify(*id, identity);
            }
        }
        self.forget_changes();
    }

    /// It was not kept: what the board has holds.
    pub(super) fn forget_changes(&mut self) {
        self.identities.clear();
        // Made anew, so that a turn that changed very many leaves nothing behind.
        (self.names, self.tokens) = Default::default();
        self.more = 0;
    }

    fn published<T>(&self, read: impl FnOnce(&Directory) -> T) -> T {
        self.board.read(|view| read(view.directory()))
    }
}
