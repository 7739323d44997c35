//! Who is signed in: a cookie that says which key it was made with, until when it holds, and that this server signed it.
//!
//! Nothing is kept for a session, so it outlives a restart, and ends when its key is taken away. Signing out takes the
//! cookie from the browser, and this server no longer takes it until it has run out.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use mishpulse_core::{Clock, Span, Timestamp};
use subtle::ConstantTimeEq;

use crate::http::{Access, Keys, Reply, Request, StatusCode, header};

/// Signs and checks sessions.
pub struct Sessions {
    keys: Arc<Keys>,
    clock: Arc<dyn Clock + Send + Sync>,
    /// The marks of sessions that were signed out, the last [`ENDED_MAX`] of them.
    ended: Mutex<VecDeque<String>>,
}

/// Someone who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// The name of the key, by which the history calls whoever holds it.
    pub(super) name: String,
    /// Whether it may change anything.
    pub(super) is_admin: bool,
    /// What every form carries, so that no other page can send it.
    pub(super) csrf: String,
    mark: String,
}

impl Sessions {
    /// Sessions that are signed with `keys`.
    #[must_use]
    pub fn new(keys: Arc<Keys>, clock: Arc<dyn Clock + Send + Sync>) -> Self {
        Self { keys, clock, ended: Mutex::default() }
    }

    /// Begins a session for whoever has `key`, at `address`: the cookie to set.
    ///
    /// # Errors
    /// The answer to give to a program: 401 where the key is wrong, 429 after too many wrong ones.
    pub(super) fn begin(&self, key: &str, address: IpAddr, is_https: bool) -> Result<String, Reply> {
        let opened = self.keys.open(key, address)?;
        let mut mark = [0; 16];
        let unavailable = || Reply::problem(StatusCode::SERVICE_UNAVAILABLE, "no random numbers; try again");
        getrandom::fill(&mut mark).map_err(|_| unavailable())?;
        let until = self.clock.now() + LIFETIME;
        let content = format!("{}.{}.{}", opened.name, until.unix_ms(), hex(&mark));
        let signed = self.keys.sign(&opened.name, &format!("session {content}"));
        let (signature, _) = signed.ok_or_else(unavailable)?;
        let max_age = LIFETIME.as_ms() / 1000;
        Ok(cookie(&format!("{content}.{}", hex(&signature)), max_age, is_https))
    }

    /// Ends a session: the cookie that takes the place of its own.
    pub(super) fn end(&self, session: &Session, is_https: bool) -> String {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() == ENDED_MAX {
            ended.pop_front();
        }
        ended.push_back(session.mark.clone());
        cookie("", 0, is_https)
    }

    /// The session that `request` belongs to.
    pub(super) fn find(&self, request: &Request) -> Option<Session> {
        let cookies =
            request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs =
            cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(name, _)| *name == COOKIE).find_map(|(_, value)| self.check(value))
    }

    fn check(&self, value: &str) -> Option<Session> {
        let (content, sent) = value.rsplit_once('.')?;
        let mut parts = content.split('.');
        let (name, until, mark) = (parts.next()?, parts.next()?, parts.next()?);
        let (signature, access) = self.keys.sign(name, &format!("session {content}"))?;
        if !bool::from(hex(&signature).as_bytes().ct_eq(sent.as_bytes())) {
            return None;
        }
        if Timestamp::from_unix_ms(until.parse().ok()?) <= self.clock.now() {
            return None;
        }
        if self.ended.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|ended| ended == mark) {
            return None;
        }
        let (csrf, _) = self.keys.sign(name, &format!("form {content}"))?;
        Some(Session {
            name: name.to_owned(),
            is_admin: access >= Access::Admin,
            csrf: hex(&csrf),
            mark: mark.to_owned(),
        })
    }
}

impl Session {
    /// Whether a form that carries `sent` came from a page of this session.
    pub(super) fn made(&self, sent: &str) -> bool {
        self.csrf.as_bytes().ct_eq(sent.as_bytes()).into()
    }
}

/// Whether a form came from a page of this server, as far as the browser says where it came from.
pub(super) fn is_from_here(request: &Request, public_url: &str) -> bool {
    let site = request.headers().get("sec-fetch-site").map(|site| site.as_bytes());
    if let Some(site) = site {
        return site == b"same-origin" || site == b"none";
    }
    let Some(origin) = request.header(header::ORIGIN) else {
        // Neither is sent by old browsers and by programs; the latter hold no cookie of anyone's.
        return true;
    };
    let host = request.header(header::HOST).unwrap_or_default();
    let (_, from) = origin.split_once("://").unwrap_or_default();
    let (_, public) = public_url.split_once("://").unwrap_or_default();
    from.eq_ignore_ascii_case(host) || from.eq_ignore_ascii_case(public.split('/').next().unwrap_or_default())
}

const COOKIE: &str = "mishpulse_session";
const LIFETIME: Span = Span::from_secs(7 * 24 * 60 * 60);
const ENDED_MAX: usize = 4096;

fn cookie(value: &str, max_age_secs: u64, is_https: bool) -> String {
    // Lax, so that a link in an alert opens the page signed in; forms carry a token of their own.
    let secure = if is_https { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Path=/; Max-Age={max_age_secs}; HttpOnly; SameSite=Lax{secure}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use mishpulse_core::ManualClock;

    use super::*;
    use crate::config::Secret;

    fn value(cookie: &str) -> &str {
        cookie.split_once('=').unwrap().1.split_once(';').unwrap().0
    }

    #[test]
    fn a_session_holds_until_it_ends() {
        let keys = Keys::new().with("admin", &Secret::new("open"), Access::Admin);
        let keys = Arc::new(keys.with("wall", &Secret::new("look"), Access::Read));
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_ms(1_000)));
        let sessions = Sessions::new(Arc::clone(&keys), clock.clone());
        let here = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(sessions.begin("wrong", here, false).unwrap_err().status(), StatusCode::UNAUTHORIZED);

        let cookie = sessions.begin("open", here, true).unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite") && cookie.contains("Secure"));
        let session = sessions.check(value(&cookie)).unwrap();
        assert!(session.is_admin && session.made(&session.csrf) && !session.made(""));
        let look = sessions.begin("look", here, false).unwrap();
        assert!(!sessions.check(value(&look)).unwrap().is_admin);

        // Another server with the same key takes it, one with another key does not.
        assert!(Sessions::new(keys, clock.clone()).check(value(&cookie)).is_some());
        let other = Keys::new().with("admin", &Secret::new("other"), Access::Admin);
        assert_eq!(Sessions::new(Arc::new(other), clock.clone()).check(value(&cookie)), None);

        for forged in
            [value(&look).replacen("wall", "admin", 1), value(&cookie).replace('.', ".9"), "..".into()]
        {
            assert_eq!(sessions.check(&forged), None, "{forged}");
        }
        sessions.end(&session, true);
        assert_eq!(sessions.check(value(&cookie)), None);
        clock.advance(LIFETIME);
        assert_eq!(sessions.check(value(&look)), None);
    }
}
