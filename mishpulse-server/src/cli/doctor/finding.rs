//! What a check has found.

use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) area: Area,
    pub(super) level: Level,
    /// What was found.
    pub(super) what: String,
    /// What to do about it.
    pub(super) advice: Option<String>,
}

/// What a check is about, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Area {
    Configuration,
    DataFolder,
    Clock,
    Server,
    Channels,
}

impl Area {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::DataFolder => "data folder",
            Self::Clock => "clock",
            Self::Server => "server",
            Self::Channels => "channels",
        }
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// It works, and may hurt one day.
    Warning,
    /// It does not work.
    Problem,
}

impl Level {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl Area {
    pub(super) fn ok(self, what: impl Into<String>) -> Finding {
        Finding { area: self, level: Level::Ok, what: what.into(), advice: None }
    }

    pub(super) fn warning(self, what: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { area: self, level: Level::Warning, what: what.into(), advice: Some(advice.into()) }
    }

    pub(super) fn problem(self, what: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { area: self, level: Level::Problem, what: what.into(), advice: Some(advice.into()) }
    }
}
