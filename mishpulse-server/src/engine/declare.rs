//! Services that the configuration file declares are made or updated; all others are left alone.

use std::collections::HashSet;

use mishpulse_core::ServiceId;

use super::command::EditError;
use super::edit::Desk;
use crate::config::{DeclaredService, ServiceName, Token};
use crate::store::rows::Identity;

impl Desk<'_> {
    /// Brings the services to what the settings declare: all of them, or none where one cannot be.
    ///
    /// One that has left the file is kept, and said so once.
    pub(super) fn declare(&mut self) -> Result<(), EditError> {
        let settings = self.settings;
        self.check_declared(&settings.services)?;
        let declared: HashSet<&ServiceName> = settings.services.iter().map(|service| &service.name).collect();
        let gone: Vec<(ServiceId, Identity)> = (self.registry.all())
            .filter(|(_, identity)| identity.declared && !declared.contains(&identity.name))
            .map(|(id, identity)| (id, Identity { declared: false, ..Identity::clone(identity) }))
            .collect();
        for (id, identity) in gone {
            tracing::warn!(service = %identity.name, "is no longer declared in the configuration; it is kept");
            self.update(id, identity, BY)?;
        }
        for service in &settings.services {
            let known = self.registry.by_name(&service.name);
            let token = match (&service.token, known.and_then(|id| self.registry.get(id))) {
                (Some(token), _) => token.clone(),
                (None, Some(identity)) => identity.token.clone(),
                (None, None) => Token::random().map_err(|_| EditError::TokenTaken)?,
            };
            let identity = Identity {
                name: service.name.clone(),
                token,
                overrides: service.overrides.clone(),
                declared: true,
            };
            match known {
                Some(id) => self.update(id, identity, BY)?,
                None => drop(self.create(identity, BY)?),
            }
        }
        Ok(())
    }

    /// The settings hold for everyone again, as their defaults may have changed.
    pub(super) fn apply_defaults(&mut self) -> Result<(), EditError> {
        let mut policies = Vec::new();
        for (id, identity) in self.registry.all() {
            let policy = self.settings.defaults.with(&identity.overrides).policy()?;
            if self.dog.policy(id) != Some(&policy) {
                policies.push((id, policy));
            }
        }
        for (id, policy) in policies {
            let _ = self.dog.change(id, policy, self.now);
            self.batch.touched.push(id);
        }
        Ok(())
    }

    /// Whether nothing of what is declared, or follows from the defaults, can be refused later.
    fn check_declared(&self, services: &[DeclaredService]) -> Result<(), EditError> {
        for (_, identity) in self.registry.all() {
            self.settings.defaults.with(&identity.overrides).policy()?;
        }
        let mut more = 0;
        for service in services {
            self.settings.defaults.with(&service.overrides).policy()?;
            let id = self.registry.by_name(&service.name);
            more += usize::from(id.is_none());
            let Some(token) = &service.token else { continue };
            if self.registry.by_token(token).is_some_and(|other| Some(other) != id) {
                return Err(EditError::TokenTaken);
            }
        }
        if more > 0 && self.registry.len() + more > self.settings.limits.services {
            return Err(EditError::TooMany(self.settings.limits.services));
        }
        Ok(())
    }
}

const BY: &str = "config";
