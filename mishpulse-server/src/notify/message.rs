//! From a letter to what people read: the text, and from the text the subject and the HTML of a mail.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mishpulse_core::{AlertKind, Timestamp};

use super::template::{Place, TemplateError, Templates};
use super::text::{one_line, shortened};
use super::{samples, text_en, text_ru};
use crate::config::{ChannelName, Locale, ServiceName};
use crate::store::rows::{Letter, LetterKind};

/// What every kind of alert says: the built-in texts of a language, or the operator's own words.
#[derive(Debug)]
pub struct Texts {
    locale: Locale,
    templates: Templates,
}

impl Texts {
    /// The texts in `locale`, with the operator's `[templates]`: the kind of alert and the template for it. Each template
    /// is tried on a sample.
    ///
    /// # Errors
    /// [`TemplateError`] names the first template that does not render, or whose kind there is not.
    pub fn new(locale: Locale, templates: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let texts = Self { locale, templates: Templates::new(templates)? };
        for letter in samples::all() {
            texts.templates.render(&texts.place(&letter, SAMPLE_CHANNEL, samples::at(SAMPLE_TIME)))?;
        }
        Ok(texts)
    }

    /// What `letter` tells on `channel`, at `now`. Where the operator's template fails on it, the built-in text takes its
    /// place and the log says so: an alarm is never lost to a template.
    #[must_use]
    pub fn text(&self, letter: &Letter, channel: &ChannelName, now: Timestamp) -> String {
        let (text, error) = self.render(letter, channel.as_str(), now);
        if let Some(error) = error {
            tracing::error!(%error, "a template failed; the built-in text goes out instead");
        }
        text
    }

    /// How many of `names`, from the first, one digest of `kind` may name so that its text takes at most `bytes_max`
    /// bytes: at most [`DIGEST_NAMES_MAX`], and at least one, so that a digest always gets on.
    #[must_use]
    pub fn names_that_fit(
        &self,
        kind: AlertKind,
        names: &[ServiceName],
        bytes_max: usize,
        now: Timestamp,
    ) -> usize {
        let most = names.len().min(DIGEST_NAMES_MAX);
        let mut letter = Letter {
            kind: LetterKind::Digest { digest: kind },
            at: now,
            began: now,
            since: now,
            names: names[..most].to_vec(),
            ..samples::digest(kind, 0)
        };
        while letter.names.len() > 1 && self.render(&letter, SAMPLE_CHANNEL, now).0.len() > bytes_max {
            letter.names.pop();
        }
        letter.names.len()
    }

    /// A text of each kind, of made-up alerts: the word for the kind and what people would read.
    #[must_use]
    pub fn samples(&self) -> Vec<(&'static str, String)> {
        let now = samples::at(SAMPLE_TIME);
        let one = |letter: &Letter| (letter.kind.as_str(), self.render(letter, SAMPLE_CHANNEL, now).0);
        samples::all().iter().map(one).collect()
    }

    /// The text, and the error where the built-in one had to take the place of the operator's.
    fn render(&self, letter: &Letter, channel: &str, now: Timestamp) -> (String, Option<TemplateError>) {
        let place = self.place(letter, channel, now);
        match self.templates.render(&place) {
            Ok(Some(text)) => (text, None),
            Ok(None) => (place.built_in, None),
            Err(error) => (place.built_in, Some(error)),
        }
    }

    fn place<'a>(&self, letter: &'a Letter, channel: &'a str, now: Timestamp) -> Place<'a> {
        let built_in = match self.locale {
            Locale::En => text_en::text(letter, channel, now),
            Locale::Ru => text_ru::text(letter, channel, now),
        };
        Place { locale: self.locale, letter, channel, now, built_in }
    }
}

/// The subject of a mail with `text`: its first line, at most [`SUBJECT_CHARS_MAX`] characters.
pub(super) fn subject(text: &str) -> String {
    let first = text.lines().map(one_line).find(|line| !line.is_empty()).unwrap_or_default();
    shortened(first, SUBJECT_CHARS_MAX)
}

/// `text` as a page that needs nothing from elsewhere, and leaves the colours of paper and ink to the reader's program, so
/// that it is as readable in a dark one.
pub(super) fn html(kind: LetterKind, text: &str) -> String {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let mut page = format!(
        "<!doctype html>\n<html><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <meta name=\"supported-color-schemes\" content=\"light dark\"></head>\n\
         <body style=\"margin:0;padding:16px;font:16px/1.5 system-ui,sans-serif\">\n\
         <div dir=\"auto\" style=\"border-left:4px solid {};padding:4px 0 4px 16px;overflow-wrap:anywhere\">\n\
         <p style=\"margin:0;font-weight:600\">{}</p>\n",
        colour(kind),
        escaped(first)
    );
    if !rest.is_empty() {
        let _ = writeln!(page, "<p style=\"margin:8px 0 0;white-space:pre-wrap\">{}</p>", escaped(rest));
    }
    page + "</div>\n</body></html>\n"
}

/// A colour that stands out on white and on black.
const fn colour(kind: LetterKind) -> &'static str {
    match kind {
        LetterKind::Alert(kind) | LetterKind::Digest { digest: kind } => match kind {
            AlertKind::Dead => "#e5484d",
            AlertKind::Warning => "#e2a336",
            AlertKind::Recovered => "#30a46c",
            _ => "#f76b15",
        },
        LetterKind::Silence { .. } => "#e5484d",
        LetterKind::Test => "#3e63dd",
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

/// The most services that one digest names.
pub const DIGEST_NAMES_MAX: usize = 50;

/// The most characters of a mail's subject.
const SUBJECT_CHARS_MAX: usize = 200;

const SAMPLE_CHANNEL: &str = "ops";
const SAMPLE_TIME: &str = "14:30";

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(locale: Locale, templates: &[(&str, &str)]) -> Result<Texts, TemplateError> {
        let owned = templates.iter().map(|(kind, text)| ((*kind).to_owned(), (*text).to_owned())).collect();
        Texts::new(locale, &owned)
    }

    fn named(mut letter: Letter, name: &str, message: &str) -> Letter {
        let about = letter.service.as_mut().unwrap();
        about.name = name.parse().unwrap();
        about.message = Some(message.to_owned());
        letter
    }

    fn told(texts: &Texts, letter: &Letter) -> String {
        texts.text(letter, &"ops".parse().unwrap(), samples::at("14:30"))
    }

    #[test]
    fn a_name_or_message_breaks_no_markup() {
        let english = texts(Locale::En, &[]).unwrap();
        let letter = named(samples::error(), "<b>&\"x\"", "</p><script>alert('1')</script>\n\n<!-- a");
        let text = told(&english, &letter);
        let page = html(letter.kind, &text);
        assert!(
            page.contains("Service &lt;b&gt;&amp;&quot;x&quot; reports an error: &lt;/p&gt;&lt;script&gt;")
        );
        assert!(page.contains("    &lt;!-- a\nSignal: 12:03 UTC</p>"), "{page}");
        for tag in ["<script", "<b>", "<!-- "] {
            assert!(!page.contains(tag), "{tag} in {page}");
        }
    }

    #[test]
    fn a_subject_is_one_short_line() {
        assert_eq!(subject("❌ Service a\nLast"), "❌ Service a");
        assert_eq!(subject("\r\n a\rBcc: x@y\u{85}z\nb"), "a Bcc: x@y z");
        assert_eq!(subject(&"ы".repeat(500)).chars().count(), SUBJECT_CHARS_MAX);
        assert_eq!(subject(""), "");
    }

    #[test]
    fn the_longest_alert_fits_a_telegram_message() {
        let letter = named(samples::error(), &"😀".repeat(128), &"😀\n".repeat(2_000));
        for locale in [Locale::En, Locale::Ru] {
            let text = told(&texts(locale, &[]).unwrap(), &letter);
            assert!(text.encode_utf16().count() <= 4_096);
            let flat = named(samples::error(), &"😀".repeat(128), &"😀".repeat(4_000));
            assert!(told(&texts(locale, &[]).unwrap(), &flat).encode_utf16().count() <= 4_096);
        }
    }

    #[test]
    fn a_digest_names_as_many_as_fit() {
        let texts = texts(Locale::Ru, &[]).unwrap();
        let short: Vec<ServiceName> = (0..200).map(|i| format!("s{i}").parse().unwrap()).collect();
        let long: Vec<ServiceName> =
            (0..50).map(|i| format!("{i:02}{}", "щ".repeat(126)).parse().unwrap()).collect();
        let fit = |names: &[ServiceName], bytes| {
            texts.names_that_fit(AlertKind::Dead, names, bytes, samples::at("14:30"))
        };
        assert_eq!(fit(&short, 4_096), DIGEST_NAMES_MAX);
        assert_eq!(fit(&short[..3], 4_096), 3);
        assert_eq!(fit(&long, 64 * 1024), DIGEST_NAMES_MAX);
        assert_eq!(fit(&long, 4_096), 15);
        assert_eq!(fit(&long, 10), 1);
        assert_eq!(fit(&[], 4_096), 0);
    }

    #[test]
    fn an_operators_words_take_the_place_of_ours() {
        let own =
            texts(Locale::En, &[("dead", "DOWN {{ name }} ({{ tags | join('+') }}) > {{ allowance }}")])
                .unwrap();
        assert_eq!(told(&own, &samples::dead()), "DOWN api-worker (prod) > 5 minutes");
        assert_eq!(told(&own, &samples::error()), told(&texts(Locale::En, &[]).unwrap(), &samples::error()));
        let samples = own.samples();
        assert_eq!(samples[0], ("dead", "DOWN api-worker (prod) > 5 minutes".to_owned()));
        let kinds: Vec<&str> = samples.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, ["dead", "error", "warning", "recovered", "reminder", "digest", "silence", "test"]);
    }

    #[test]
    fn a_template_that_fails_later_loses_no_alarm() {
        let own = texts(Locale::En, &[("dead", "{{ 'x' if last_seen else nothing }}")]).unwrap();
        let mut letter = samples::dead();
        assert_eq!(told(&own, &letter), "x");
        letter.service.as_mut().unwrap().last_seen = None;
        assert_eq!(
            told(&own, &letter),
            "❌ Service api-worker has not responded for more than 5 minutes.\nNo signal so far"
        );
    }
}
