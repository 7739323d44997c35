//! From what was stored to what is in memory, one service at a time.

use mishpulse_core::{Config, Gap, Policy, Service, ServiceId, Timestamp, Watchdog};

use super::directory::Directory;
use super::start_error::StartError;
use crate::config::Settings;
use crate::store::Store;
use crate::store::rows::{Loaded, ServiceRow};

/// Services on their way into memory.
struct Loading<'a> {
    settings: &'a Settings,
    directory: Directory,
    /// By the number that the directory gives what services set themselves.
    policies: Vec<Policy>,
    services: Vec<(ServiceId, u32, Service)>,
}

impl<'a> Loading<'a> {
    /// None yet.
    fn new(settings: &'a Settings) -> Self {
        let (directory, policies, services) = (Directory::default(), Vec::new(), Vec::new());
        Self { settings, directory, policies, services }
    }

    /// Takes in one, in any order of their handles.
    fn take(&mut self, row: ServiceRow) -> Result<(), StartError> {
        let number = self.directory.load(row.id, &row.identity);
        if self.policies.len() <= number as usize {
            let policy = self.settings.defaults.with(&row.identity.overrides).policy();
            let policy = policy.map_err(|error| StartError::Service { name: row.identity.name, error })?;
            self.policies.push(policy);
        }
        self.services.push((row.id, number, row.facts));
        Ok(())
    }

    /// All are there: the watchdog over them, and who they are.
    fn finish(
        mut self,
        gaps: Vec<Gap>,
        seen: Timestamp,
        woke_at: Timestamp,
    ) -> Result<(Watchdog, Directory), StartError> {
        let config = Config::blind_after(self.settings.blind_after);
        let policies = self.policies;
        let services = self.services.into_iter();
        let services = services.map(|(id, number, facts)| (id, policies[number as usize], facts));
        let dog = std::thread::scope(|scope| {
            scope.spawn(|| self.directory.hash());
            Watchdog::restore(config, services, gaps, seen, woke_at)
        })?;
        // When the rows have gone, for it takes room of its own.
        self.directory.sort();
        Ok((dog, self.directory))
    }
}

/// All that is in memory.
pub(super) struct Restored {
    pub(super) dog: Watchdog,
    pub(super) directory: Directory,
    /// Since when nothing was heard from anyone, where people were told of that last.
    pub(super) silence: Option<Timestamp>,
}

/// All that is in memory, from what `store` has; `woke_at` says when it is, for what was stored.
pub(super) fn restore(
    settings: &Settings,
    store: &mut impl Store,
    woke_at: impl FnOnce(&Loaded) -> Timestamp,
) -> Result<Restored, StartError> {
    let mut loading = Loading::new(settings);
    let mut taken = Ok(());
    let loaded = store.load(&mut |row| {
        if taken.is_ok() {
            taken = loading.take(row);
        }
    })?;
    taken?;
    let woke_at = woke_at(&loaded);
    let (dog, directory) = loading.finish(loaded.gaps, loaded.seen.unwrap_or(woke_at), woke_at)?;
    Ok(Restored { dog, directory, silence: loaded.silence })
}
