//! Where the data folder is, and the admin key in it.

use std::fs;
use std::path::PathBuf;

use super::args::DataOptions;
use crate::admin_key;
use crate::config::{Environment, Loaded, Secret, Settings, Source};

/// An admin key, and where it was found.
#[derive(Debug)]
pub(super) struct FoundKey {
    pub(super) key: Secret,
    pub(super) from: String,
}

impl DataOptions {
    /// The data folder: as told, else as the configuration has it.
    ///
    /// # Errors
    /// Says why the configuration cannot be read.
    pub(super) fn data_dir(&self) -> Result<PathBuf, String> {
        match &self.data_dir {
            Some(folder) => Ok(folder.clone()),
            None => Ok(self.load()?.settings.data_dir),
        }
    }

    /// The admin key: that of the variable, else that of the configuration, else that in the data folder.
    ///
    /// Where variable and folder are told, the configuration is not read: a shell seldom has all that it takes from the
    /// environment.
    ///
    /// # Errors
    /// Says where it was looked for.
    pub(super) fn admin_key(&self) -> Result<FoundKey, String> {
        if let Some(key) = std::env::var(VARIABLE).ok().filter(|key| !key.trim().is_empty()) {
            return Ok(FoundKey { key: Secret::new(key.trim()), from: format!("${VARIABLE}") });
        }
        let folder = match &self.data_dir {
            Some(folder) => folder.clone(),
            None => {
                let loaded = self.load()?;
                if let Some(key) = loaded.settings.admin_key {
                    let file = loaded.file.map_or_else(String::new, |file| file.display().to_string());
                    return Ok(FoundKey { key, from: format!("`admin_key` in {file}") });
                }
                loaded.settings.data_dir
            }
        };
        let file = folder.join(admin_key::FILE);
        let shown = std::path::absolute(&file).unwrap_or_else(|_| file.clone());
        match fs::read_to_string(&file) {
            Ok(key) => Ok(FoundKey { key: Secret::new(key.trim()), from: shown.display().to_string() }),
            Err(error) => Err(format!("{}: {error}", shown.display())),
        }
    }

    fn load(&self) -> Result<Loaded, String> {
        let source = Source { file: self.config.clone(), ..Source::default() };
        Settings::load(&source, &Environment::of_process()).map_err(|error| error.to_string())
    }
}

const VARIABLE: &str = "MISHPULSE_ADMIN_KEY";
