//! The key of the management API: from the configuration, else from a file that is made on first start.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use crate::config::{Secret, Settings};

/// The admin key, and where it is kept.
#[derive(Debug, Clone)]
pub struct AdminKey {
    /// The key itself.
    pub key: Secret,
    /// Its file; `None` where the configuration gives it.
    pub file: Option<PathBuf>,
}

/// Why there is no admin key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminKeyError {
    /// Its file cannot be read or made.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Its file is empty.
    #[error("{path} is empty; write a key into it, or remove it to get a new one")]
    Empty {
        /// Which.
        path: String,
    },
    /// The system gives no random numbers.
    #[error("no random numbers for an admin key: {0}")]
    Random(getrandom::Error),
}

/// The admin key of `settings`, else that in `admin.key` in the data folder, which is made (mode 0600) where it is not there.
///
/// # Errors
/// [`AdminKeyError`].
pub fn find_or_make(settings: &Settings) -> Result<AdminKey, AdminKeyError> {
    if let Some(key) = &settings.admin_key {
        return Ok(AdminKey { key: key.clone(), file: None });
    }
    let file = settings.data_dir.join(FILE);
    let path = file.display().to_string();
    let key = match fs::read_to_string(&file) {
        Ok(text) if text.trim().is_empty() => return Err(AdminKeyError::Empty { path }),
        Ok(text) => Secret::new(text.trim()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = random_key().map_err(AdminKeyError::Random)?;
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
            made.and_then(|mut made| writeln!(made, "{key}").and_then(|()| made.sync_all()))
                .map_err(|source| AdminKeyError::Io { path, source })?;
            Secret::new(key)
        }
        Err(source) => return Err(AdminKeyError::Io { path, source }),
    };
    Ok(AdminKey { key, file: Some(file) })
}

/// The name of the file in the data folder.
pub const FILE: &str = "admin.key";

/// 256 random bits in hexadecimal.
fn random_key() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
