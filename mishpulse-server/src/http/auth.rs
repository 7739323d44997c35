//! Keys: who may see, and who may change.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use hmac::{Hmac, KeyInit, Mac};
use hyper::StatusCode;
use hyper::header;
use mishpulse_core::{Clock, Span};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::reply::Reply;
use super::request::Request;
use super::throttle::Throttle;
use crate::config::{KeyAccess, Secret};

/// The keys that open this server, kept as hashes.
#[derive(Debug, Default)]
pub struct Keys {
    keys: RwLock<Vec<Key>>,
    throttle: Option<Throttle>,
}

#[derive(Debug, Clone)]
struct Key {
    name: Arc<str>,
    hash: [u8; 32],
    access: Access,
}

/// A key that was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its name.
    pub name: Arc<str>,
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
    pub fn with(self, name: &str, key: &Secret, access: Access) -> Self {
        let key = Key { name: name.into(), hash: hash(key.reveal()), access };
        self.keys.write().unwrap_or_else(PoisonError::into_inner).push(key);
        self
    }

    /// From now on `other`'s keys open, and these no longer; what is known of wrong ones stays.
    pub fn replace(&self, other: Self) {
        let keys = other.keys.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// The same, and slower towards an address from which `free` wrong keys in a row have come, by the time of `clock`.
    #[must_use]
    pub fn throttled(self, clock: Arc<dyn Clock + Send + Sync>, free: usize) -> Self {
        Self { throttle: Some(Throttle::new(clock, free)), ..self }
    }

    /// The key that `request` carries, if that opens `access`.
    ///
    /// # Errors
    /// The answer to give: 401 where there is no key or a wrong one, 403 where it opens less, 429 after too many wrong ones.
    pub fn check(&self, request: &Request, access: Access) -> Result<Opened, Reply> {
        let Some(sent) = request.header(header::AUTHORIZATION).and_then(bearer) else {
            return Err(unauthorized("send the key as `Authorization: Bearer <key>`"));
        };
        let key = self.open(sent, request.peer.ip())?;
        if key.access < access {
            return Err(Reply::problem(
                StatusCode::FORBIDDEN,
                "this key is for reading only; use the admin key",
            ));
        }
        Ok(key)
    }

    /// The key that `sent` is, which came from `address`.
    ///
    /// # Errors
    /// The answer to give: 401 where it is wrong, 429 after too many wrong ones.
    pub fn open(&self, sent: &str, address: IpAddr) -> Result<Opened, Reply> {
        let found = match &self.throttle {
            Some(throttle) => throttle.attempt(address, || self.find(sent)).map_err(too_many)?,
            None => self.find(sent),
        };
        let opened = found.map(|key| Opened { name: key.name, access: key.access });
        opened.ok_or_else(|| {
            unauthorized("this key is not known; the admin key is in admin.key in the data folder")
        })
    }

    /// Signs `text` with the key `name` (HMAC-SHA-256 under the key's hash), so that only a server with the same key can have
    /// signed it; says what the key opens, too. `None` where there is no such key.
    #[must_use]
    pub fn sign(&self, name: &str, text: &str) -> Option<([u8; 32], Access)> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.iter().find(|key| *key.name == *name)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key.hash).ok()?;
        mac.update(text.as_bytes());
        Some((mac.finalize().into_bytes().into(), key.access))
    }

    /// Compares with every key, each in constant time.
    fn find(&self, sent: &str) -> Option<Key> {
        let sent = hash(sent);
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let found =
            keys.iter().fold(None, |found, key| if key.hash.ct_eq(&sent).into() { Some(key) } else { found });
        found.cloned()
    }
}

/// The name of the key that every server has.
pub const ADMIN_KEY: &str = "admin";

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

fn too_many(wait: Span) -> Reply {
    let secs = wait.as_ms().div_ceil(1000);
    let detail = format!("too many wrong keys came from this address; try again in {secs} s");
    Reply::problem(StatusCode::TOO_MANY_REQUESTS, &detail).with_value(header::RETRY_AFTER, &secs.to_string())
}
