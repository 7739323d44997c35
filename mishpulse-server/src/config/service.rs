//! The settings of one service: what it sets itself, what holds where it says nothing, and what follows from both.

use mishpulse_core::{AlertKind, AlertKinds, Policy, PolicyError, Span};

use super::names::{ChannelName, Tag};

/// What a service sets itself; `None` where the defaults hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Overrides {
    /// How long it may be silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// How much longer before it counts as dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace: Option<Span>,
    /// Labels to narrow lists by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
    /// Who is told; all channels where neither it nor the defaults say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<ChannelName>>,
    /// Which alerts it raises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify_on: Option<Vec<AlertKind>>,
    /// A reminder each so long; zero for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remind_every: Option<Span>,
    /// The least time between alerts of different errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_cooldown: Option<Span>,
    /// Whether a beat resumes it while paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume_on_beat: Option<bool>,
    /// What it is, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What holds for a service that says nothing else: `[defaults]`, over the built-in ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Defaults(pub Overrides);

/// The settings that hold for a service: its own, or else the defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// How long it may be silent.
    pub timeout: Span,
    /// How much longer before it counts as dead.
    pub grace: Span,
    /// Labels to narrow lists by.
    pub tags: Vec<Tag>,
    /// Who is told; `None` for all channels.
    pub channels: Option<Vec<ChannelName>>,
    /// Which alerts it raises.
    pub notify_on: Vec<AlertKind>,
    /// A reminder each so long, if at all.
    pub remind_every: Option<Span>,
    /// The least time between alerts of different errors.
    pub error_cooldown: Span,
    /// Whether a beat resumes it while paused.
    pub resume_on_beat: bool,
    /// What it is, for people.
    pub description: Option<String>,
}

/// A setting that cannot be, by the name of its field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct FieldError {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it and what would be right.
    pub detail: String,
}

impl Defaults {
    /// The settings that hold for a service with `own`.
    #[must_use]
    pub fn with(&self, own: &Overrides) -> Effective {
        let Self(all) = self;
        Effective {
            timeout: own.timeout.or(all.timeout).unwrap_or(Span::from_secs(300)),
            grace: own.grace.or(all.grace).unwrap_or(Span::ZERO),
            tags: own.tags.clone().or_else(|| all.tags.clone()).unwrap_or_default(),
            channels: own.channels.clone().or_else(|| all.channels.clone()),
            notify_on: own
                .notify_on
                .clone()
                .or_else(|| all.notify_on.clone())
                .unwrap_or_else(|| vec![AlertKind::Dead, AlertKind::Error, AlertKind::Recovered]),
            remind_every: own.remind_every.or(all.remind_every).filter(|span| *span != Span::ZERO),
            error_cooldown: own.error_cooldown.or(all.error_cooldown).unwrap_or(Span::from_secs(300)),
            resume_on_beat: own.resume_on_beat.or(all.resume_on_beat).unwrap_or(true),
            description: own.description.clone().or_else(|| all.description.clone()),
        }
    }
}

/// The shortest timeout that a server takes: below it, the time that a beat needs would decide.
const TIMEOUT_MIN: Span = Span::from_ms(100);
/// Reminders are for people.
const REMIND_MIN: Span = Span::from_secs(1);
const DESCRIPTION_BYTES_MAX: usize = 4096;
const TAGS_MAX: usize = 32;
const CHANNELS_MAX: usize = 64;

impl Effective {
    /// The policy that the core follows.
    ///
    /// # Errors
    /// [`FieldError`] for the first field that cannot be.
    pub fn policy(&self) -> Result<Policy, FieldError> {
        let wrong = |field| move |error: PolicyError| FieldError { field, detail: error.to_string() };
        if self.timeout < TIMEOUT_MIN {
            return refuse("timeout", "a timeout is at least 100ms");
        }
        if self.remind_every.is_some_and(|every| every < REMIND_MIN) {
            return refuse("remind_every", "reminders are at least 1s apart; \"0s\" switches them off");
        }
        if let Some(kind) = self.notify_on.iter().find(|kind| **kind == AlertKind::Reminder) {
            return refuse(
                "notify_on",
                &format!("`{kind}` is set by remind_every; use dead, error, warning, recovered"),
            );
        }
        if self.description.as_ref().is_some_and(|text| text.len() > DESCRIPTION_BYTES_MAX) {
            return refuse("description", "a description is at most 4096 bytes");
        }
        if self.tags.len() > TAGS_MAX {
            return refuse("tags", "a service has at most 32 tags");
        }
        if self.channels.as_ref().is_some_and(|channels| channels.len() > CHANNELS_MAX) {
            return refuse("channels", "a service has at most 64 channels");
        }
        let policy = Policy::new(self.timeout)
            .map_err(wrong("timeout"))?
            .grace(self.grace)
            .map_err(wrong("grace"))?
            .remind_every(self.remind_every)
            .map_err(wrong("remind_every"))?
            .error_cooldown(self.error_cooldown)
            .map_err(wrong("error_cooldown"))?
            .notify_on(self.notify_on.iter().copied().collect::<AlertKinds>())
            .resume_on_beat(self.resume_on_beat);
        Ok(policy)
    }
}

fn refuse<T>(field: &'static str, detail: &str) -> Result<T, FieldError> {
    Err(FieldError { field, detail: detail.to_owned() })
}
