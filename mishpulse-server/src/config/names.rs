//! Names: parsed once, so that what exists is right.

use std::fmt;
use std::str::FromStr;

/// Why a name, tag or token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name of a service.
    #[error("a name is 1 to 128 characters, without control characters or `/`")]
    Service,
    /// A token.
    #[error("a token is 1 to 128 characters from A-Z, a-z, 0-9, `_` and `-`")]
    Token,
    /// A tag.
    #[error("a tag is 1 to 64 characters, without control characters or `,`")]
    Tag,
    /// The name of a channel.
    #[error("a channel's name is 1 to 64 characters from A-Z, a-z, 0-9, `_` and `-`")]
    Channel,
    /// The name of a key.
    #[error(
        "a key's name is 1 to 64 characters from A-Z, a-z, 0-9, `_` and `-`, and neither `admin` nor `config`"
    )]
    Key,
}

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $error:expr, $is_right:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let is_right: fn(&str) -> bool = $is_right;
                if is_right(text) { Ok(Self(text.into())) } else { Err($error) }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

macro_rules! shown {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

checked_text!(
    /// The unique name of a service: 1 to 128 characters, no control characters, no `/`.
    ServiceName,
    NameError::Service,
    |text| has_length(text, 128) && !text.contains(|c: char| c.is_control() || c == '/')
);
shown!(ServiceName);

checked_text!(
    /// A label to narrow lists by: 1 to 64 characters, no control characters, no comma.
    Tag,
    NameError::Tag,
    |text| has_length(text, 64) && !text.contains(|c: char| c.is_control() || c == ',')
);
shown!(Tag);

checked_text!(
    /// The name of a channel, `[A-Za-z0-9_-]{1,64}`.
    ChannelName,
    NameError::Channel,
    |text| is_word(text, 64)
);
shown!(ChannelName);

checked_text!(
    /// The name of a key, `[A-Za-z0-9_-]{1,64}`, under which the history says who changed what. `admin` and `config` are
    /// taken: the history calls the admin key and the configuration file by these.
    KeyName,
    NameError::Key,
    |text| is_word(text, 64) && !["admin", "config"].contains(&text)
);
shown!(KeyName);

impl ServiceName {
    /// The name that was one before.
    pub(crate) fn known(text: &str) -> Self {
        Self(text.into())
    }
}

fn has_length(text: &str, most: usize) -> bool {
    !text.is_empty() && text.chars().nth(most).is_none()
}

pub(super) fn is_word(text: &str, most: usize) -> bool {
    !text.is_empty()
        && text.len() <= most
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Token;

    #[test]
    fn names_and_tokens_are_what_the_rules_allow() {
        for right in ["a", "api worker #1", "служба", &"я".repeat(128)] {
            assert!(right.parse::<ServiceName>().is_ok(), "{right}");
        }
        for wrong in ["", "a/b", "a\nb", &"я".repeat(129)] {
            assert!(wrong.parse::<ServiceName>().is_err(), "{wrong:?}");
        }
        for wrong in ["", "a b", "ü", &"a".repeat(129)] {
            assert!(wrong.parse::<Token>().is_err(), "{wrong:?}");
        }
        assert_eq!(format!("{:?}", "abc".parse::<Token>().unwrap()), "***");
    }
}
