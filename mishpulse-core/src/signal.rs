//! What a service says.

use alloc::boxed::Box;
use core::fmt;
use core::str::FromStr;

use crate::error::UnknownWord;

/// How a service says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum SignalKind {
    /// All is well.
    #[default]
    Ok,
    /// It works, but someone should look.
    Warning,
    /// It does not do its work.
    Error,
}

impl SignalKind {
    /// The word on the wire: `ok`, `warning` or `error`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl FromStr for SignalKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "ok" => Ok(Self::Ok),
            "warning" => Ok(Self::Warning),
            "error" => Ok(Self::Error),
            _ => Err(UnknownWord { expected: "ok, warning, error" }),
        }
    }
}

/// One heartbeat: how the service is, and what it adds in words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signal {
    /// How it is.
    pub kind: SignalKind,
    /// What it adds; `None` where it sent nothing or an empty text.
    pub message: Option<Message>,
}

impl Signal {
    /// A signal with the text `message`, cut to what a [`Message`] holds.
    #[must_use]
    pub fn new(kind: SignalKind, message: &str) -> Self {
        Self { kind, message: Message::new(message) }
    }

    /// `ok` without a word.
    #[must_use]
    pub const fn ok() -> Self {
        Self { kind: SignalKind::Ok, message: None }
    }
}

/// The text of a signal: 1 to 4,096 bytes of UTF-8.
///
/// Takes one pointer where it is kept, since most services never send one.
#[derive(Clone, PartialEq, Eq)]
pub struct Message(Box<Box<str>>);

impl Message {
    /// The most bytes that a message keeps.
    pub const MAX_BYTES: usize = 4096;

    /// The message `text`; a longer one is cut at a character boundary. `None` where it is empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let kept = &text[..floor_char_boundary(text, Self::MAX_BYTES)];
        (!kept.is_empty()).then(|| Self(Box::new(kept.into())))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The last character boundary of `text` at or below `most`.
fn floor_char_boundary(text: &str, most: usize) -> usize {
    // `str::floor_char_boundary` is newer than the oldest Rust that this crate compiles on.
    if text.len() <= most {
        return text.len();
    }
    (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let text = String::from("é") + &"я".repeat(3000);
        let message = Message::new(&text).unwrap();
        assert_eq!(message.as_str().len(), 4096);
        let text = String::from("x") + &"я".repeat(3000);
        let message = Message::new(&text).unwrap();
        assert_eq!(message.as_str().len(), 4095);
        assert!(text.starts_with(message.as_str()));
    }

    #[test]
    fn an_empty_message_is_none() {
        assert_eq!(Message::new(""), None);
        assert_eq!(size_of::<Option<Message>>(), 8);
    }
}
