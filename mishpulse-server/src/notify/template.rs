//! The operator's own words: a template for each kind of alert, in the language of Jinja.
//!
//! `[templates]` takes the keys `dead`, `error`, `warning`, `recovered`, `reminder`, `digest`, `silence` and `test`; what
//! is left out keeps the built-in text. The first line becomes the subject of a mail. A template knows these names:
//!
//! | name | holds |
//! | --- | --- |
//! | `text` | the whole built-in text |
//! | `sign` | the sign that it starts with, as `❌` |
//! | `kind` | the kind of alert, by its key; of a digest the kind of all in it |
//! | `channel` | the name of the channel |
//! | `name` | the service's name |
//! | `status`, `previous_status` | its status after and before |
//! | `message` | what it said last, at most 1,800 characters |
//! | `tags` | its labels, a list |
//! | `last_seen` | when it was last heard, as `12:03 UTC` |
//! | `at` | when it happened |
//! | `began` | when the trouble began; of a silence of everyone the last signal from anyone |
//! | `allowance` | how long it may be silent, as `5 minutes`; in Russian in the genitive, as after "более" |
//! | `outage` | from `began` to `at`, as `7 minutes`; in Russian in the nominative, as after "перерыв" |
//! | `lasting` | how long it has had its status, as `2 hours`; in Russian in the accusative, as after "уже" |
//! | `names`, `count` | the services of a digest, a list, and how many they are |
//! | `silent`, `of` | of a silence of everyone: how many have fallen silent, and of how many; else 0 |
//!
//! What does not apply is an empty text or list, so that `{% if message %}` works; any other name is a mistake. Loops are
//! bounded: a template that takes more than 100,000 steps fails.

use std::collections::BTreeMap;

use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior, context};
use mishpulse_core::{AlertKind, Timestamp};

use super::text::{SILENCE, allowance, elapsed, message, name_of, one_line, shortened, sign};
use super::text_ru::Case;
use super::{samples, text_en, text_ru};
use crate::config::Locale;
use crate::store::rows::{Letter, LetterKind};

/// A template that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("templates.{kind}: {detail}")]
pub struct TemplateError {
    /// Its key.
    pub kind: String,
    /// What is wrong with it.
    pub detail: String,
}

/// The operator's templates, by their keys.
#[derive(Debug)]
pub(super) struct Templates {
    environment: Environment<'static>,
    sources: BTreeMap<String, String>,
}

/// What a template is rendered with.
pub(super) struct Place<'a> {
    /// The language of times and lengths of time.
    pub(super) locale: Locale,
    /// What there is to tell.
    pub(super) letter: &'a Letter,
    /// Where it goes.
    pub(super) channel: &'a str,
    /// When it goes.
    pub(super) now: Timestamp,
    /// The built-in text.
    pub(super) built_in: String,
}

impl Templates {
    /// Those in `sources`, parsed.
    ///
    /// # Errors
    /// [`TemplateError`] where one does not parse, or its key is no kind of alert.
    pub(super) fn new(sources: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(STEPS_MAX));
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let kinds = samples::all().map(|letter| letter.kind.as_str());
        for (kind, source) in sources {
            let error = |detail: String| TemplateError { kind: kind.clone(), detail };
            if !kinds.contains(&kind.as_str()) {
                return Err(error(format!(
                    "there is no such kind of alert; the kinds are {}",
                    kinds.join(", ")
                )));
            }
            environment.template_from_named_str(kind, source).map_err(|cause| error(cause.to_string()))?;
        }
        Ok(Self { environment, sources: sources.clone() })
    }

    /// The text for `place`; `None` where there is no template for it.
    ///
    /// # Errors
    /// [`TemplateError`] where it does not render, or renders nothing.
    pub(super) fn render(&self, place: &Place<'_>) -> Result<Option<String>, TemplateError> {
        let kind = place.letter.kind.as_str();
        let Some(source) = self.sources.get(kind) else {
            return Ok(None);
        };
        let error = |detail: String| TemplateError { kind: kind.to_owned(), detail };
        let text = self
            .environment
            .render_named_str(kind, source, values(place))
            .map_err(|cause| error(cause.to_string()))?;
        match text.trim() {
            "" => Err(error("it renders to nothing".to_owned())),
            text => Ok(Some(shortened(text.to_owned(), TEXT_CHARS_MAX))),
        }
    }
}

fn values(place: &Place<'_>) -> Value {
    let Place { locale, letter, channel, now, built_in } = place;
    let about = letter.service.as_ref();
    let moment = |at| match locale {
        Locale::En => text_en::moment(at, *now),
        Locale::Ru => text_ru::moment(at, *now),
    };
    let span = |amounts: &[_], case| match locale {
        Locale::En => text_en::span(amounts),
        Locale::Ru => text_ru::span(amounts, case),
    };
    let alert = match letter.kind {
        LetterKind::Alert(kind) | LetterKind::Digest { digest: kind } => Some(kind),
        LetterKind::Silence { .. } | LetterKind::Test => None,
    };
    let (kind, sign_of_none, silent, of) = match letter.kind {
        LetterKind::Silence { silent, of } => ("silence", SILENCE, silent, of),
        _ => ("test", "✅", 0, 0),
    };
    context! {
        text => built_in.as_str(),
        sign => alert.map_or(sign_of_none, sign),
        kind => alert.map_or(kind, AlertKind::as_str),
        channel => *channel,
        name => about.map(|about| name_of(&about.name)).unwrap_or_default(),
        status => about.map(|about| about.status.as_str()).unwrap_or_default(),
        previous_status => about.map(|about| about.previous_status.as_str()).unwrap_or_default(),
        message => about.and_then(|about| message(about.message.as_deref())).unwrap_or_default(),
        tags => about.iter().flat_map(|about| &about.tags).map(|tag| one_line(tag.as_str())).collect::<Vec<String>>(),
        last_seen => about.and_then(|about| about.last_seen).map(moment).unwrap_or_default(),
        at => moment(letter.at),
        began => moment(letter.began),
        allowance => span(&allowance(letter.allowance), Case::Genitive),
        outage => span(&elapsed(letter.at.since(letter.began)), Case::Nominative),
        lasting => span(&elapsed(letter.at.since(letter.since)), Case::Accusative),
        names => letter.names.iter().map(name_of).collect::<Vec<String>>(),
        count => letter.names.len(),
        silent,
        of,
    }
}

/// The most steps that one rendering may take: a few milliseconds.
const STEPS_MAX: u64 = 100_000;

/// The most characters of a text that a template makes.
const TEXT_CHARS_MAX: usize = 16_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn render(kind: &str, source: &str, letter: &Letter) -> Result<Option<String>, TemplateError> {
        let templates = Templates::new(&BTreeMap::from([(kind.to_owned(), source.to_owned())]))?;
        let (channel, now, built_in) = ("ops", samples::at("14:30"), "built in".to_owned());
        templates.render(&Place { locale: Locale::Ru, letter, channel, now, built_in })
    }

    #[test]
    fn every_documented_name_is_there() {
        let source = "{{ text }}|{{ sign }}|{{ kind }}|{{ channel }}|{{ name }}|{{ status }}|{{ previous_status }}|\
                      {{ message }}|{{ tags | join }}|{{ last_seen }}|{{ at }}|{{ began }}|{{ allowance }}|\
                      {{ outage }}|{{ lasting }}|{{ names | join(', ') }}|{{ count }}";
        assert_eq!(
            render("reminder", source, &samples::reminder()).unwrap().unwrap(),
            "built in|⏰|reminder|ops|api-worker|dead|dead||prod|12:03 UTC|14:08 UTC|12:03 UTC|5 минут|\
             2 часа|2 часа||0"
        );
        for letter in samples::all() {
            let text = render(letter.kind.as_str(), source, &letter).unwrap().unwrap();
            assert!(text.starts_with("built in|"), "{text}");
        }
    }

    #[test]
    fn a_mistake_is_found_where_it_is_made() {
        let why = |kind, source| render(kind, source, &samples::dead()).unwrap_err().to_string();
        assert!(
            why("deaf", "x")
                .starts_with("templates.deaf: there is no such kind of alert; the kinds are dead, error,")
        );
        let unclosed = why("dead", "a\n{{ name ");
        assert!(unclosed.starts_with("templates.dead: ") && unclosed.contains("dead:2"), "{unclosed}");
        assert!(why("dead", "{{ nam }}").contains("undefined"));
        assert_eq!(why("dead", " {# nothing #} "), "templates.dead: it renders to nothing");
    }

    #[test]
    fn a_template_cannot_run_for_ever_or_grow_without_end() {
        let loops = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        assert!(render("dead", loops, &samples::dead()).unwrap_err().detail.contains("fuel"));
        let long = render("dead", "{{ 'x' * 1000000 }}", &samples::dead());
        assert!(long.is_err() || long.unwrap().unwrap().chars().count() == TEXT_CHARS_MAX);
    }

    #[test]
    fn words_of_others_are_made_harmless_here_too() {
        let mut letter = samples::error();
        letter.service.as_mut().unwrap().message = Some("a\u{202e}b\u{1b}[0m\n✅ c {{ name }}".to_owned());
        let text = render("error", "{{ message }}", &letter).unwrap().unwrap();
        assert_eq!(text, "ab[0m\n    ✅ c {{ name }}");
    }
}
