//! Keys: who may see, and who may change.

use hmac::{Hmac, KeyInit, Mac};
use hyper::StatusCode;
use hyper::header;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::reply::Reply;
use super::request::Request;
use crate::config::{KeyAccess, Secret};

/// The keys that open this server, kept as hashes.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<Key>);

#[derive(Debug, Clone)]
struct Key {
    name: String,
    hash: [u8; 32],
    access: Access,
}

/// A key that was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it opens.
    pub access: Access,
}

/// What a key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Looking.
    Read,
    /// Looking and changing.
    Admin,
}

impl From<KeyAccess> for Access {
    fn from(access: KeyAccess) -> Self {
        match access {
            KeyAccess::Read => Self::Read,
            KeyAccess::Admin => Self::Admin,
        }
    }
}

impl Keys {
    /// No keys yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These and one more.
    #[must_use]
    pub fn with(mut self, name: &str, key: &Secret, access: Access) -> Self {
        self.0.push(Key { name: name.to_owned(), hash: hash(key.reveal()), access });
        self
    }

    /// The name of the key that `request` carries, if that opens `access`.
    ///
    /// # Errors
    /// The answer to give: 401 where there is no key or a wrong one, 403 where it opens less.
    pub fn check(&self, request: &Request, access: Access) -> Result<&str, Reply> {
        let sent = request.header(header::AUTHORIZATION).and_then(bearer);
        let Some(sent) = sent else {
            return Err(unauthorized("send the key as `Authorization: Bearer <key>`"));
        };
        let Some(key) = self.find(sent) else {
            return Err(unauthorized(
                "this key is not known; the admin key is in admin.key in the data folder",
            ));
        };
        if key.access < access {
            return Err(Reply::problem(
                StatusCode::FORBIDDEN,
                "this key is for reading only; use the admin key",
            ));
        }
        Ok(&key.name)
    }

    /// The key that `sent` is.
    #[must_use]
    pub fn open(&self, sent: &str) -> Option<Opened<'_>> {
        self.find(sent).map(|key| Opened { name: &key.name, access: key.access })
    }

    /// Signs `text` with the key `name` (HMAC-SHA-256 under the key's hash), so that only a server with the same key can have
    /// signed it; says what the key opens, too. `None` where there is no such key.
    #[must_use]
    pub fn sign(&self, name: &str, text: &str) -> Option<([u8; 32], Access)> {
        let key = self.0.iter().find(|key| key.name == name)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key.hash).ok()?;
        mac.update(text.as_bytes());
        Some((mac.finalize().into_bytes().into(), key.access))
    }

    /// Compares with every key, each in constant time.
    fn find(&self, sent: &str) -> Option<&Key> {
        let sent = hash(sent);
        self.0.iter().fold(None, |found, key| if key.hash.ct_eq(&sent).into() { Some(key) } else { found })
    }
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn unauthorized(detail: &str) -> Reply {
    Reply::problem(StatusCode::UNAUTHORIZED, detail)
        .with(header::WWW_AUTHENTICATE, "Bearer realm=\"mishpulse\"")
}
