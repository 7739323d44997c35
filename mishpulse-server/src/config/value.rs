//! One value, from the file or from a variable, and how it is read as what it should be.

use std::fmt;
use std::ops::RangeInclusive;

use mishpulse_core::Span;
use toml::Spanned;
use toml::de::DeValue;

use super::mistake::Place;
use super::section::Context;

/// A value and its place.
pub(super) struct Value<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) place: Place,
    pub(super) content: Content<'a>,
}

/// What a value holds.
pub(super) enum Content<'a> {
    /// What the file says.
    Toml(&'a DeValue<'a>),
    /// What a variable or a flag says, taken as it is.
    Text(&'a str),
}

/// What is wrong with a value, and what to write instead; never the value itself, which may be a secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong(String);

impl Wrong {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl<E: std::error::Error> From<E> for Wrong {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'a> Value<'a> {
    pub(super) fn of_file(context: &'a Context<'a>, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self { context, place: context.place(value.span()), content: Content::Toml(value.get_ref()) }
    }

    /// A text, with its variables put in.
    pub(super) fn text(&self) -> Result<String, Wrong> {
        let text = match self.content {
            Content::Text(text) => text.to_owned(),
            Content::Toml(DeValue::String(text)) => self.context.expand(text)?,
            Content::Toml(other) => return Err(expected("a text in quotes", other)),
        };
        if text.contains('\0') {
            return Err(Wrong::new("holds a NUL character; leave it out"));
        }
        Ok(text)
    }

    /// A text that is not empty.
    pub(super) fn filled(&self) -> Result<String, Wrong> {
        match self.text()? {
            text if text.is_empty() => Err(Wrong::new("is empty; fill it, or leave the key out")),
            text => Ok(text),
        }
    }

    /// A text that says something else when read.
    pub(super) fn parsed<T>(&self) -> Result<T, Wrong>
    where
        T: std::str::FromStr<Err: std::error::Error>,
    {
        Ok(self.text()?.parse()?)
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, all: &[T], as_str: fn(T) -> &'static str) -> Result<T, Wrong> {
        let text = self.text()?;
        all.iter().copied().find(|word| as_str(*word) == text).ok_or_else(|| {
            let words: Vec<_> = all.iter().map(|word| format!("\"{}\"", as_str(*word))).collect();
            Wrong::new(format!("is not known; write {}", words.join(" or ")))
        })
    }

    /// `true` or `false`.
    pub(super) fn switch(&self) -> Result<bool, Wrong> {
        match self.content {
            Content::Toml(DeValue::Boolean(switch)) => Ok(*switch),
            Content::Toml(other) => Err(expected("true or false without quotes", other)),
            Content::Text(text) => text.parse().map_err(|_| Wrong::new("must be true or false")),
        }
    }

    /// A whole number within `range`.
    pub(super) fn whole(&self, range: RangeInclusive<i64>) -> Result<i64, Wrong> {
        let number = match self.content {
            Content::Toml(DeValue::Integer(number)) => i64::from_str_radix(number.as_str(), number.radix()),
            Content::Toml(other) => return Err(expected("a whole number without quotes", other)),
            Content::Text(text) => text.parse(),
        };
        let (least, most) = (range.start(), range.end());
        number
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| Wrong::new(format!("must be a whole number from {least} to {most}")))
    }

    /// A whole number within `range`, as a count of things in memory.
    pub(super) fn count(&self, range: RangeInclusive<i64>) -> Result<usize, Wrong> {
        usize::try_from(self.whole(range)?).map_err(|_| Wrong::new("is too large for this machine"))
    }

    /// A length of time.
    pub(super) fn span(&self) -> Result<Span, Wrong> {
        match self.content {
            Content::Toml(DeValue::Integer(_) | DeValue::Float(_)) => {
                Err(Wrong::new("must be a duration in quotes with a unit, such as \"90s\", \"5m\" or \"2d\""))
            }
            _ => self.parsed(),
        }
    }

    /// A length of time within `range`.
    pub(super) fn span_within(&self, range: RangeInclusive<Span>) -> Result<Span, Wrong> {
        let span = self.span()?;
        if range.contains(&span) {
            Ok(span)
        } else {
            Err(Wrong::new(format!("must be a duration from \"{}\" to \"{}\"", range.start(), range.end())))
        }
    }

    /// A list, each element with its place. A variable holds one as a text with commas.
    pub(super) fn list(&self) -> Result<Vec<Self>, Wrong> {
        match self.content {
            Content::Toml(DeValue::Array(elements)) => {
                Ok(elements.iter().map(|element| Self::of_file(self.context, element)).collect())
            }
            Content::Toml(other) => Err(expected("a list in brackets, such as [\"a\", \"b\"]", other)),
            Content::Text(text) => Ok(text
                .split(',')
                .map(|element| Self {
                    context: self.context,
                    place: self.place.clone(),
                    content: Content::Text(element.trim()),
                })
                .collect()),
        }
    }
}

pub(super) fn expected(what: &str, found: &DeValue<'_>) -> Wrong {
    let found = match found {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    Wrong::new(format!("must be {what}, not {found}"))
}
