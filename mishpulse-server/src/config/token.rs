//! The secret of a service, without an allocation where it is the usual one.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use uuid::{Uuid, Variant};

use super::names::{NameError, is_word};

/// The unique secret of a service, `[A-Za-z0-9_-]{1,128}`. Never shown by `Debug`.
///
/// The text of a version 4 UUID, as [`random`](Self::random) makes it, takes no memory of its own.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Token(Kind);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Kind {
    /// A version 4 UUID, whose text is in small letters with hyphens; every such text is one of these.
    Uuid([u8; 16]),
    /// Any other text.
    Text(Box<str>),
}

impl Token {
    /// A new random token: the text of a version 4 UUID.
    ///
    /// # Errors
    /// Where the operating system gives no random numbers.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(Kind::Uuid(uuid::Builder::from_random_bytes(bytes).into_uuid().into_bytes())))
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match &self.0 {
            Kind::Uuid(bytes) => Uuid::from_bytes(*bytes).hyphenated().to_string().into(),
            Kind::Text(text) => Cow::Borrowed(text),
        }
    }

    /// The version 4 UUID whose text it is, as a number.
    pub(crate) fn as_uuid(&self) -> Option<u128> {
        match &self.0 {
            Kind::Uuid(bytes) => Some(u128::from_be_bytes(*bytes)),
            Kind::Text(_) => None,
        }
    }

    /// The token that is no UUID's text.
    pub(crate) fn as_other(&self) -> Option<&str> {
        match &self.0 {
            Kind::Uuid(_) => None,
            Kind::Text(text) => Some(text),
        }
    }

    /// The token for which [`as_uuid`](Self::as_uuid) gives `number`.
    pub(crate) fn of_uuid(number: u128) -> Self {
        Self(Kind::Uuid(number.to_be_bytes()))
    }
}

impl FromStr for Token {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if let Some(number) = uuid_of(text) {
            return Ok(Self::of_uuid(number));
        }
        if is_word(text, 128) { Ok(Self(Kind::Text(text.into()))) } else { Err(NameError::Token) }
    }
}

/// The version 4 UUID that is written so, in small letters with hyphens.
fn uuid_of(text: &str) -> Option<u128> {
    // What else may be read as one is a token of its own.
    if text.len() != 36 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let number = Uuid::try_parse(text).ok()?.as_u128();
    is_version_4(number).then_some(number)
}

/// Whether `number` is a version 4 UUID.
pub(crate) fn is_version_4(number: u128) -> bool {
    let uuid = Uuid::from_u128(number);
    uuid.get_version_num() == 4 && uuid.get_variant() == Variant::RFC4122
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Uuid(bytes) => fmt::Display::fmt(Uuid::from_bytes(*bytes).as_hyphenated(), f),
            Kind::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl serde::Serialize for Token {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Token {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_as_it_was() {
        for (text, is_uuid) in [
            ("0b61b1a4-9f5e-4c37-8d0e-1f2a3b4c5d6e", true),
            ("0B61b1a4-9f5e-4c37-8d0e-1f2a3b4c5d6e", false),
            ("0b61b1a4-9f5e-1c37-8d0e-1f2a3b4c5d6e", false),
            ("0b61b1a4-9f5e-4c37-cd0e-1f2a3b4c5d6e", false),
            ("0b61b1a49f5e-4c37-8d0e-1f2a3b4c5d6e0", false),
            ("0b61b1a49f5e4c378d0e1f2a3b4c5d6e", false),
            ("nightly_backup", false),
        ] {
            let token: Token = text.parse().unwrap();
            assert_eq!((&*token.text(), token.to_string().as_str()), (text, text));
            assert_eq!(token.as_uuid().is_some(), is_uuid, "{text}");
            assert_eq!(token.as_other(), (!is_uuid).then_some(text));
            assert_eq!(format!("{token:?}"), "***");
        }
        assert!(Token::random().unwrap().as_uuid().is_some());
        assert_eq!(size_of::<Token>(), 24);
    }
}
