//! What is wrong with a configuration, with the place where it stands.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why there are no settings. Its text never shows a value, only where it stands and what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{file}: cannot be read ({source}); check the path and its permissions, or name another file by --config", file = .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is larger than any configuration.
    #[error("{file}: is larger than 64 MiB; check the path: that is no configuration file", file = .file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// It was read, and what it says cannot be followed: all mistakes that were found, in order, one a line.
    #[error("{}", Listed(.0))]
    Mistakes(Vec<Mistake>),
}

/// One mistake: its place, its key, and what to write instead.
///
/// Shown as `mishpulse.toml:12: channels.ops.chat_id: what is wrong`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub(super) place: Place,
    pub(super) key: String,
    pub(super) what: String,
}

impl Mistake {
    /// The key, in full: `channels.ops.chat_id`; empty where it concerns the file as a whole.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The line of the file, counted from 1, where it stands in the file.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self.place {
            Place::Line { line, .. } => Some(line),
            _ => None,
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, key, what } = self;
        match place {
            Place::Line { file, line } => write!(f, "{file}:{line}: ")?,
            Place::Variable(name) => write!(f, "${name}: ")?,
            Place::Flag(name) => write!(f, "{name}: ")?,
            Place::Nowhere => {}
        }
        if !key.is_empty() {
            write!(f, "{key}: ")?;
        }
        f.write_str(what)
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A line of the file, counted from 1.
    Line {
        /// The file, as it was named.
        file: Arc<str>,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
    /// No place that could be named.
    Nowhere,
}

struct Listed<'a>(&'a [Mistake]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().take(SHOWN_MAX).enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        match self.0.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, "\n... and {more} more"),
        }
    }
}

/// A page of mistakes is as much as a person reads at once.
const SHOWN_MAX: usize = 20;
