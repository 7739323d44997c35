//! The body of a request that makes or changes a service.

use std::fmt;

use mishpulse_core::{AlertKind, Span};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::config::{ChannelName, Overrides, ServiceName, Tag, Token, nearest};
use crate::http::{Reply, StatusCode};
use crate::store::rows::Identity;

/// What a body says of a service: of each setting nothing, a value, or (`Some(None)`) that the default is to hold.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Fields {
    pub(super) name: Option<ServiceName>,
    pub(super) token: Option<Token>,
    timeout: Option<Option<Span>>,
    grace: Option<Option<Span>>,
    tags: Option<Option<Vec<Tag>>>,
    channels: Option<Option<Vec<ChannelName>>>,
    notify_on: Option<Option<Vec<AlertKind>>>,
    remind_every: Option<Option<Span>>,
    error_cooldown: Option<Option<Span>>,
    resume_on_beat: Option<Option<bool>>,
    description: Option<Option<String>>,
}

/// Why a body cannot be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Mistake {
    /// It is no JSON, or no object.
    #[error(
        "the body is no JSON object ({0}); send one such as {{\"name\": \"api-worker\", \"timeout\": \"5m\"}}"
    )]
    NotJson(String),
    /// One field of it.
    #[error("{detail}")]
    Field {
        /// Which.
        field: String,
        /// What is wrong with it, and what would be right.
        detail: String,
    },
}

impl From<Mistake> for Reply {
    fn from(mistake: Mistake) -> Self {
        match &mistake {
            Mistake::NotJson(_) => Self::problem(StatusCode::BAD_REQUEST, &mistake.to_string()),
            Mistake::Field { field, detail } => {
                Self::problem_with(StatusCode::UNPROCESSABLE_ENTITY, field, detail)
            }
        }
    }
}

impl Fields {
    /// Reads the JSON of a body.
    ///
    /// # Errors
    /// [`Mistake`] for the first field that cannot be.
    pub(super) fn read(body: &[u8]) -> Result<Self, Mistake> {
        let Object(entries) =
            serde_json::from_slice(body).map_err(|error| Mistake::NotJson(error.to_string()))?;
        let mut fields = Self::default();
        for (index, (key, value)) in entries.iter().enumerate() {
            if entries[..index].iter().any(|(earlier, _)| earlier == key) {
                return Err(wrong(key, "stands twice; leave one out"));
            }
            fields.take(key, value)?;
        }
        Ok(fields)
    }

    /// The settings that these are by themselves.
    pub(super) fn overrides(&self) -> Overrides {
        self.over(&Overrides::default())
    }

    /// What becomes of a service that is changed by these.
    pub(super) fn applied_to(&self, before: &Identity) -> Identity {
        Identity {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            token: self.token.clone().unwrap_or_else(|| before.token.clone()),
            overrides: self.over(&before.overrides),
            declared: before.declared,
        }
    }

    fn over(&self, before: &Overrides) -> Overrides {
        fn either<T: Clone>(said: &Option<Option<T>>, before: &Option<T>) -> Option<T> {
            said.as_ref().unwrap_or(before).clone()
        }
        Overrides {
            timeout: either(&self.timeout, &before.timeout),
            grace: either(&self.grace, &before.grace),
            tags: either(&self.tags, &before.tags),
            channels: either(&self.channels, &before.channels),
            notify_on: either(&self.notify_on, &before.notify_on),
            remind_every: either(&self.remind_every, &before.remind_every),
            error_cooldown: either(&self.error_cooldown, &before.error_cooldown),
            resume_on_beat: either(&self.resume_on_beat, &before.resume_on_beat),
            description: either(&self.description, &before.description),
        }
    }

    fn take(&mut self, key: &str, value: &Value) -> Result<(), Mistake> {
        let field = Field { key, value };
        match key {
            "name" => self.name = Some(field.parsed()?),
            // One that is left out is made, so is one that is null; there is no default to go back to.
            "token" => self.token = field.or_null(Field::parsed)?,
            "timeout" => self.timeout = Some(field.or_null(Field::parsed)?),
            "grace" => self.grace = Some(field.or_null(Field::parsed)?),
            "tags" => self.tags = Some(field.or_null(|field| field.list(Field::parsed))?),
            "channels" => self.channels = Some(field.or_null(|field| field.list(Field::parsed))?),
            "notify_on" => self.notify_on = Some(field.or_null(|field| field.list(Field::alert))?),
            "remind_every" => self.remind_every = Some(field.or_null(Field::parsed)?),
            "error_cooldown" => self.error_cooldown = Some(field.or_null(Field::parsed)?),
            "resume_on_beat" => self.resume_on_beat = Some(field.or_null(Field::switch)?),
            "description" => self.description = Some(field.or_null(Field::plain_text)?),
            _ => return Err(unknown(key)),
        }
        Ok(())
    }
}

/// Every field that can be set.
const FIELDS: [&str; 11] = [
    "name",
    "token",
    "timeout",
    "grace",
    "tags",
    "channels",
    "notify_on",
    "remind_every",
    "error_cooldown",
    "resume_on_beat",
    "description",
];
/// What an answer holds beside them.
const READ_ONLY: [&str; 7] =
    ["status", "last_seen", "message", "since", "deadline", "heartbeat_url", "declared"];
const SHOWN_CHARS_MAX: usize = 64;

fn unknown(key: &str) -> Mistake {
    if READ_ONLY.contains(&key) {
        return wrong(key, "cannot be set; leave it out");
    }
    match nearest(key, FIELDS) {
        Some(near) => wrong(key, &format!("is no field of a service; did you mean `{near}`?")),
        None => wrong(key, &format!("is no field of a service; there are {}", FIELDS.join(", "))),
    }
}

fn wrong(key: &str, what: &str) -> Mistake {
    let field: String = key.chars().take(SHOWN_CHARS_MAX).collect();
    let detail = format!("`{field}` {what}");
    Mistake::Field { field, detail }
}

#[derive(Clone, Copy)]
struct Field<'a> {
    key: &'a str,
    value: &'a Value,
}

impl<'a> Field<'a> {
    fn or_null<T>(self, read: impl FnOnce(Self) -> Result<T, Mistake>) -> Result<Option<T>, Mistake> {
        if self.value.is_null() { Ok(None) } else { read(self).map(Some) }
    }

    fn text(self) -> Result<&'a str, Mistake> {
        self.value.as_str().ok_or_else(|| self.expected("a text in quotes"))
    }

    fn parsed<T: std::str::FromStr<Err: fmt::Display>>(self) -> Result<T, Mistake> {
        self.text()?.parse().map_err(|error| wrong(self.key, &format!("cannot be this: {error}")))
    }

    fn alert(self) -> Result<AlertKind, Mistake> {
        match self.parsed()? {
            AlertKind::Reminder => {
                Err(wrong(self.key, "cannot hold \"reminder\": `remind_every` sets reminders"))
            }
            kind => Ok(kind),
        }
    }

    fn switch(self) -> Result<bool, Mistake> {
        self.value.as_bool().ok_or_else(|| self.expected("true or false"))
    }

    /// A text that does nothing to a terminal that shows it.
    fn plain_text(self) -> Result<String, Mistake> {
        let text = self.text()?;
        if text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
            return Err(wrong(self.key, "holds a control character; use plain text, lines and tabs"));
        }
        Ok(text.to_owned())
    }

    fn list<T>(self, read: impl Fn(Self) -> Result<T, Mistake>) -> Result<Vec<T>, Mistake> {
        let elements = self.value.as_array().ok_or_else(|| self.expected("a list such as [\"a\", \"b\"]"))?;
        elements.iter().map(|value| read(Self { key: self.key, value })).collect()
    }

    fn expected(self, what: &str) -> Mistake {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        wrong(self.key, &format!("must be {what}, not {found}"))
    }
}

/// A JSON object as it was written, with what stands in it twice.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
