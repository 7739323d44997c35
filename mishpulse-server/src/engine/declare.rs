//! Services that the configuration file declares are made or updated; all others are left alone.

use std::collections::{HashMap, HashSet};

use mishpulse_core::{Policy, ServiceId};

use super::command::EditError;
use super::edit::Desk;
use crate::config::{Overrides, ServiceName, Token};
use crate::store::rows::Identity;

impl Desk<'_> {
    /// Brings the services to what the settings declare: all of them, or none where one cannot be.
    ///
    /// One that has left the file is kept, and said so once. One whose token stands under another name now was renamed.
    pub(super) fn declare(&mut self) -> Result<(), EditError> {
        let plan = self.plan()?;
        let planned: HashSet<ServiceId> = plan.iter().filter_map(|(id, _)| *id).collect();
        let mut gone = Vec::new();
        self.registry.each(|id, known| {
            if known.is_declared && !planned.contains(&id) {
                gone.push(id);
            }
        });
        for id in gone {
            let Some(before) = self.registry.get(id) else { continue };
            let identity = Identity { declared: false, ..Identity::clone(&before) };
            tracing::warn!(service = %identity.name, "is no longer declared in the configuration; it is kept");
            self.update(id, identity, BY)?;
        }
        // Names and tokens may change hands: first they are let go, then taken.
        for (id, identity) in &plan {
            let Some((id, before)) = id.and_then(|id| Some((id, self.registry.get(id)?))) else { continue };
            if before.name != identity.name || before.token != identity.token {
                self.registry.remove(id);
            }
        }
        for (id, identity) in plan {
            match id {
                Some(id) => self.update(id, identity, BY)?,
                None => drop(self.create(identity, BY)?),
            }
        }
        Ok(())
    }

    /// The settings hold for everyone again, as their defaults may have changed.
    pub(super) fn apply_defaults(&mut self) -> Result<(), EditError> {
        for (id, policy) in self.other_policies()? {
            let _ = self.dog.change(id, policy, self.now);
            self.batch.touched.push(id);
        }
        Ok(())
    }

    /// Whose policies the settings make others, and which. O(n).
    fn other_policies(&self) -> Result<Vec<(ServiceId, Policy)>, EditError> {
        let (mut others, mut error) = (Vec::new(), None);
        // Most set the same as the one before.
        let mut last: Option<(Overrides, Policy)> = None;
        self.registry.each(|id, known| {
            let policy = match &last {
                Some((overrides, policy)) if overrides == known.overrides => *policy,
                _ => match self.settings.defaults.with(known.overrides).policy() {
                    Ok(policy) => last.insert((known.overrides.clone(), policy)).1,
                    Err(wrong) => {
                        error.get_or_insert(wrong);
                        return;
                    }
                },
            };
            if self.dog.policy(id) != Some(&policy) {
                others.push((id, policy));
            }
        });
        match error {
            Some(wrong) => Err(wrong.into()),
            None => Ok(others),
        }
    }

    /// Who becomes what. Nothing of it can be refused later.
    fn plan(&self) -> Result<Vec<(Option<ServiceId>, Identity)>, EditError> {
        self.other_policies()?;
        let services = &self.settings.services;
        let names: HashSet<&ServiceName> = services.iter().map(|service| &service.name).collect();
        let was_renamed = |id: &ServiceId| {
            let identity = self.registry.get(*id);
            identity.is_some_and(|identity| identity.declared && !names.contains(&identity.name))
        };
        let mut plan = Vec::with_capacity(services.len());
        for service in services {
            self.settings.defaults.with(&service.overrides).policy()?;
            let holder = service.token.as_ref().and_then(|token| self.registry.by_token(token));
            let id = self.registry.by_name(&service.name).or(holder.filter(was_renamed));
            let token = match (&service.token, id.and_then(|id| self.registry.get(id))) {
                (Some(token), _) => token.clone(),
                (None, Some(identity)) => identity.token.clone(),
                (None, None) => Token::random().map_err(|_| EditError::TokenTaken)?,
            };
            let (name, overrides) = (service.name.clone(), service.overrides.clone());
            plan.push((id, Identity { name, token, overrides, declared: true }));
        }
        self.check_tokens(&plan)?;
        let more = plan.iter().filter(|(id, _)| id.is_none()).count();
        if more > 0 && self.registry.len() + more > self.settings.limits.services {
            return Err(EditError::TooMany(self.settings.limits.services));
        }
        Ok(plan)
    }

    /// Whether nobody has the same token as another when all of `plan` is done.
    fn check_tokens(&self, plan: &[(Option<ServiceId>, Identity)]) -> Result<(), EditError> {
        let planned: HashSet<ServiceId> = plan.iter().filter_map(|(id, _)| *id).collect();
        let mut taken: HashMap<&Token, ServiceName> = HashMap::new();
        for (id, identity) in plan {
            let others = self.registry.by_token(&identity.token).filter(|other| Some(*other) != *id);
            let keeps =
                others.filter(|other| !planned.contains(other)).and_then(|other| self.registry.get(other));
            let other = taken.insert(&identity.token, identity.name.clone());
            if let Some(other) = other.or(keeps.map(|other| other.name.clone())) {
                return Err(EditError::TokenOf { name: identity.name.clone(), other });
            }
        }
        Ok(())
    }
}

const BY: &str = "config";
