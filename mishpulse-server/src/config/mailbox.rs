//! Mail addresses that can smuggle nothing into a header or an SMTP command.

use std::fmt;
use std::str::FromStr;

use super::host;

/// A mail address with an optional display name, checked so that nothing can be smuggled into a header or a command.
///
/// Read from `ops@example.org`, `Ops <ops@example.org>` or `"Ops, Inc." <ops@example.org>`, and shown like that again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, without quotes: any letters but controls.
    pub name: Option<String>,
    /// The address itself, ASCII without spaces, controls or angle brackets.
    pub address: String,
}

/// Why a text is no mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MailboxError {
    /// The address is not `user@host`, or has letters that it must not have.
    #[error(
        "must be a mail address such as \"ops@example.org\" or \"Ops <ops@example.org>\": \
         ASCII, without spaces or quotes before the @"
    )]
    Address,
    /// The name has controls in it, unbalanced quotes, or is too long.
    #[error(
        "must have a name without line breaks before the <, of at most 128 characters, in quotes or without any"
    )]
    Name,
}

impl FromStr for Mailbox {
    type Err = MailboxError;

    fn from_str(text: &str) -> Result<Self, MailboxError> {
        let text = text.trim_matches(' ');
        let (name, address) = match text.strip_suffix('>') {
            Some(rest) => {
                let (name, address) = rest.rsplit_once('<').ok_or(MailboxError::Address)?;
                (parse_name(name.trim_matches(' '))?, address)
            }
            None => (None, text),
        };
        Ok(Self { name, address: parse_address(address)?.to_owned() })
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(name) = &self.name else {
            return f.write_str(&self.address);
        };
        if name.chars().all(|c| c.is_alphanumeric() || " -_".contains(c)) {
            write!(f, "{name} <{}>", self.address)
        } else {
            write!(f, "\"{}\" <{}>", name.replace('\\', "\\\\").replace('"', "\\\""), self.address)
        }
    }
}

fn parse_name(text: &str) -> Result<Option<String>, MailboxError> {
    let name = match text.strip_prefix('"') {
        Some(quoted) => unquoted(quoted)?,
        None if text.contains(['"', '<', '>', '\\']) => return Err(MailboxError::Name),
        None => text.to_owned(),
    };
    if name.chars().any(is_hidden) || name.chars().nth(NAME_CHARS_MAX).is_some() {
        return Err(MailboxError::Name);
    }
    Ok(Some(name).filter(|name| !name.is_empty()))
}

/// What stands before the closing quote, which must be the last letter.
fn unquoted(text: &str) -> Result<String, MailboxError> {
    let mut name = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if letters.as_str().is_empty() => return Ok(name),
            '"' => break,
            '\\' => name.push(letters.next().ok_or(MailboxError::Name)?),
            letter => name.push(letter),
        }
    }
    Err(MailboxError::Name)
}

fn parse_address(text: &str) -> Result<&str, MailboxError> {
    let (user, domain) = text.split_once('@').ok_or(MailboxError::Address)?;
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    };
    let is_user = user.len() <= 64 && user.split('.').all(is_part);
    let is_domain = !domain.ends_with('.') && !domain.contains(':') && host::host(domain).is_ok();
    if text.len() <= 254 && is_user && is_domain { Ok(text) } else { Err(MailboxError::Address) }
}

/// Controls, line separators, and what turns the direction of writing, by which one name can look like another.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const NAME_CHARS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_are_read_and_shown() {
        for (text, name, address, shown) in [
            ("ops@example.org", None, "ops@example.org", "ops@example.org"),
            ("<ops@example.org>", None, "ops@example.org", "ops@example.org"),
            ("MishPulse <p@a.b>", Some("MishPulse"), "p@a.b", "MishPulse <p@a.b>"),
            ("Дежурный <p@a.b>", Some("Дежурный"), "p@a.b", "Дежурный <p@a.b>"),
            (r#""Ops, \"Inc\"" <p@a.b>"#, Some("Ops, \"Inc\""), "p@a.b", r#""Ops, \"Inc\"" <p@a.b>"#),
            ("root@localhost", None, "root@localhost", "root@localhost"),
            ("a.b+c@d-e.org", None, "a.b+c@d-e.org", "a.b+c@d-e.org"),
        ] {
            let mailbox: Mailbox = text.parse().unwrap();
            assert_eq!((mailbox.name.as_deref(), mailbox.address.as_str()), (name, address));
            assert_eq!(mailbox.to_string(), shown);
            assert_eq!(shown.parse(), Ok(mailbox));
        }
    }

    #[test]
    fn nothing_can_be_smuggled_in() {
        for wrong in [
            "",
            "ops",
            "@a.b",
            "a@",
            "a@b@c",
            "a b@c.d",
            "a@b c",
            "x@a>\r\nRCPT TO:<victim@b",
            "x@a\n",
            "<x@a",
            "x@a>",
            "a@b.c, d@e.f",
            "a..b@c.d",
            ".a@c.d",
            "\"a b\"@c.d",
            "ö@c.d",
            "a@ö.d",
            "a@[127.0.0.1]",
            "a@::1",
            "a\0@b.c",
        ] {
            assert_eq!(wrong.parse::<Mailbox>(), Err(MailboxError::Address), "{wrong:?}");
        }
        for wrong in [
            "A\r\nBcc: v@b <a@b.c>",
            "x@a\r\nRCPT TO:<victim@b>",
            "A\0 <a@b.c>",
            "\"A <a@b.c>",
            "\"A\" B <a@b.c>",
            "A \"B <a@b.c>",
            "A <x> <a@b.c>",
            "A\u{202e}B <a@b.c>",
        ] {
            assert_eq!(wrong.parse::<Mailbox>(), Err(MailboxError::Name), "{wrong:?}");
        }
        assert_eq!(format!("{} <a@b.c>", "x".repeat(129)).parse::<Mailbox>(), Err(MailboxError::Name));
    }
}
