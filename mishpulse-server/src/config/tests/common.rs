//! Reading a text as a file, and a folder that goes away.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::config::{ConfigError, Environment, Loaded, Settings};

/// Reads `text` as `mishpulse.toml`, with `variables`.
pub(super) fn read(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    Settings::parse("mishpulse.toml", text, &variables.iter().copied().collect::<Environment>())
}

/// The settings in `text`, which must be right.
pub(super) fn settings(text: &str) -> Settings {
    match read(text, &[]) {
        Ok(loaded) => loaded.settings,
        Err(error) => panic!("{error}"),
    }
}

/// What is said of `text`, which must be wrong.
pub(super) fn refusal(text: &str) -> String {
    read(text, &[]).expect_err(text).to_string()
}

/// A folder that is removed in the end.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("mishpulse-config-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
