//! The form of a service: what it shows, and how it is read.

use mishpulse_core::{AlertKind, Span};

use super::words::Words;
use crate::config::{ChannelName, Effective, NameError, Overrides, ServiceName, Tag, Token};
use crate::http::Query;

/// A line to write in.
pub(super) struct Input {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) hint: String,
    /// Of several lines.
    pub(super) is_long: bool,
    pub(super) is_needed: bool,
    pub(super) is_wrong: bool,
}

/// A choice between the default and something of its own.
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) modes: Vec<Choice>,
    pub(super) choices: Vec<Choice>,
}

/// One of a few.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) is_on: bool,
}

/// What stands in the form, as text, so that a mistake in it loses nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Draft {
    texts: [String; TEXTS.len()],
    own_channels: Option<Vec<String>>,
    own_kinds: Option<Vec<String>>,
    resumes: Option<bool>,
}

/// What a form asks for.
pub(super) struct Wanted {
    pub(super) name: ServiceName,
    /// Only where the form has a field for it.
    pub(super) token: Option<Token>,
    pub(super) overrides: Overrides,
}

/// The field that is wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) field: &'static str,
    pub(super) detail: String,
}

const TEXTS: [&str; 8] =
    ["name", "description", "tags", "timeout", "grace", "remind_every", "error_cooldown", "token"];
const KINDS: [AlertKind; 4] = [AlertKind::Dead, AlertKind::Error, AlertKind::Warning, AlertKind::Recovered];

impl Draft {
    /// That of a service that is there.
    pub(super) fn of(name: &str, own: &Overrides) -> Self {
        let span = |span: &Option<Span>| span.map(|span| span.to_string()).unwrap_or_default();
        let tags: Vec<&str> = own.tags.iter().flatten().map(Tag::as_str).collect();
        let words = |kinds: &Vec<AlertKind>| kinds.iter().map(ToString::to_string).collect();
        Self {
            texts: [
                name.to_owned(),
                own.description.clone().unwrap_or_default(),
                tags.join(", "),
                span(&own.timeout),
                span(&own.grace),
                span(&own.remind_every),
                span(&own.error_cooldown),
                String::new(),
            ],
            own_channels: own.channels.as_ref().map(|names| names.iter().map(ToString::to_string).collect()),
            own_kinds: own.notify_on.as_ref().map(words),
            resumes: own.resume_on_beat,
        }
    }

    /// What was sent.
    pub(super) fn read(form: Query<'_>) -> Self {
        let text = |name: &str| form.find(name).map(|value| value.trim().to_owned()).unwrap_or_default();
        let own = |name: &str| {
            let all = form.iter().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
            (text(&format!("{name}_are")) == "own").then(|| all.collect())
        };
        Self {
            texts: TEXTS.map(text),
            own_channels: own("channels"),
            own_kinds: own("notify_on"),
            resumes: match text("resume_on_beat_are").as_str() {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            },
        }
    }

    /// What it asks for.
    pub(super) fn wanted(&self, words: &Words) -> Result<Wanted, Mistake> {
        let span = |field| match self.text(field) {
            "" => Ok(None),
            text => text
                .parse::<Span>()
                .map(Some)
                .map_err(|_| Mistake { field, detail: words.wrong_span.to_owned() }),
        };
        let name = |error: NameError| (words.wrong_name(error)).to_owned();
        let tags = self.text("tags").split(',').map(str::trim).filter(|tag| !tag.is_empty());
        let tags: Vec<Tag> = tags
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|error| Mistake { field: "tags", detail: name(error) })?;
        let channels = self
            .own_channels
            .as_ref()
            .map(|all| all.iter().map(|name| name.parse::<ChannelName>()).collect());
        let kinds =
            self.own_kinds.as_ref().map(|all| all.iter().filter_map(|kind| kind.parse().ok()).collect());
        let token = Some(self.text("token")).filter(|token| !token.is_empty());
        Ok(Wanted {
            name: (self.text("name").parse())
                .map_err(|error| Mistake { field: "name", detail: name(error) })?,
            token: token
                .map(str::parse)
                .transpose()
                .map_err(|error| Mistake { field: "token", detail: name(error) })?,
            overrides: Overrides {
                timeout: span("timeout")?,
                grace: span("grace")?,
                tags: (!tags.is_empty()).then_some(tags),
                channels: channels
                    .transpose()
                    .map_err(|error| Mistake { field: "channels", detail: name(error) })?,
                notify_on: kinds,
                remind_every: span("remind_every")?,
                error_cooldown: span("error_cooldown")?,
                resume_on_beat: self.resumes,
                description: Some(self.text("description").replace("\r\n", "\n"))
                    .filter(|text| !text.is_empty()),
            },
        })
    }

    /// The lines to write in; `defaults` holds where one is left empty.
    pub(super) fn inputs(
        &self,
        words: &Words,
        defaults: &Effective,
        is_new: bool,
        wrong: Option<&str>,
    ) -> Vec<Input> {
        let default = |value: &dyn std::fmt::Display| format!("{} {value}", words.default_is);
        let off = words.off.to_owned();
        let remind = defaults.remind_every.map_or(off, |every| every.to_string());
        let fields = [
            ("name", words.name, words.name_hint.to_owned()),
            ("description", words.description, String::new()),
            ("tags", words.tags, words.comma.to_owned()),
            ("timeout", words.timeout, format!("{}. {}", default(&defaults.timeout), words.span_hint)),
            ("grace", words.grace, default(&defaults.grace)),
            ("remind_every", words.remind_every, default(&remind)),
            ("error_cooldown", words.error_cooldown, default(&defaults.error_cooldown)),
            ("token", words.token, words.token_hint.to_owned()),
        ];
        let fields = fields.into_iter().filter(|(name, ..)| is_new || *name != "token");
        let inputs = fields.map(|(name, label, hint)| Input {
            name,
            label,
            value: self.text(name).to_owned(),
            hint,
            is_long: name == "description",
            is_needed: name == "name",
            is_wrong: wrong == Some(name),
        });
        inputs.collect()
    }

    /// The choices, among `channels`.
    pub(super) fn groups(&self, words: &Words, defaults: &Effective, channels: &[String]) -> Vec<Group> {
        let mode = |value: &str, label: String, is_on| Choice { value: value.to_owned(), label, is_on };
        let own =
            |name, label, own: &Option<Vec<String>>, all: Vec<(String, String)>, default: String| Group {
                name,
                label,
                modes: vec![
                    mode("default", format!("{} {default}", words.by_default), own.is_none()),
                    mode("own", words.only_these.to_owned(), own.is_some()),
                ],
                choices: all
                    .into_iter()
                    .map(|(value, label)| {
                        let is_on = own.as_ref().is_some_and(|own| own.contains(&value));
                        Choice { value, label, is_on }
                    })
                    .collect(),
            };
        let default_channels = match &defaults.channels {
            None => words.all_channels.to_owned(),
            Some(names) if names.is_empty() => words.no_channels.to_owned(),
            Some(names) => names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        };
        let kinds: Vec<&str> = defaults.notify_on.iter().map(|kind| words.alert(*kind)).collect();
        let resumes = if defaults.resume_on_beat { words.yes } else { words.no };
        vec![
            own(
                "channels",
                words.who_is_told,
                &self.own_channels,
                channels.iter().map(|name| (name.clone(), name.clone())).collect(),
                default_channels,
            ),
            own(
                "notify_on",
                words.notify_on,
                &self.own_kinds,
                KINDS.iter().map(|kind| (kind.to_string(), words.alert(*kind).to_owned())).collect(),
                kinds.join(", "),
            ),
            Group {
                name: "resume_on_beat",
                label: words.resume_on_beat,
                modes: vec![
                    mode("default", format!("{} {resumes}", words.by_default), self.resumes.is_none()),
                    mode("yes", words.yes.to_owned(), self.resumes == Some(true)),
                    mode("no", words.no.to_owned(), self.resumes == Some(false)),
                ],
                choices: Vec::new(),
            },
        ]
    }

    fn text(&self, name: &str) -> &str {
        TEXTS.iter().position(|text| *text == name).map_or("", |place| &self.texts[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Locale;

    #[test]
    fn a_form_comes_back_as_it_was_sent() {
        let words = Words::of(Locale::En);
        let text = "name=api+worker&tags=prod%2C+eu&timeout=90s&grace=&channels_are=own&channels=ops&notify_on_are=default\
                    &notify_on=dead&resume_on_beat_are=no&description=the+%3Cb%3E";
        let draft = Draft::read(Query::new(text));
        let wanted = draft.wanted(words).ok().unwrap();
        assert_eq!(wanted.name.as_str(), "api worker");
        assert_eq!(wanted.overrides.timeout, Some(Span::from_secs(90)));
        assert_eq!(wanted.overrides.grace, None);
        assert_eq!(wanted.overrides.channels.as_ref().unwrap()[0].as_str(), "ops");
        assert_eq!(
            (wanted.overrides.notify_on.clone(), wanted.overrides.resume_on_beat),
            (None, Some(false))
        );
        let again = Draft::of("api worker", &wanted.overrides);
        assert_eq!(again.wanted(words).ok().unwrap().overrides, wanted.overrides);
    }

    #[test]
    fn a_mistake_names_its_field() {
        let words = Words::of(Locale::Ru);
        for (text, field) in [
            ("name=", "name"),
            ("name=a/b", "name"),
            ("name=a&timeout=5", "timeout"),
            ("name=a&token=%20x%20y", "token"),
        ] {
            assert_eq!(Draft::read(Query::new(text)).wanted(words).err().unwrap().field, field, "{text}");
        }
    }
}
