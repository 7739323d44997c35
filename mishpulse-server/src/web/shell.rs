//! What all pages have in common.

use askama::Template;
use mishpulse_core::Timestamp;

use super::session::{Session, is_from_here};
use super::words::Words;
use super::{Web, assets, html, sign_in};
use crate::http::{Access, Query, Reply, Request, StatusCode};

/// The frame around a page.
pub(super) struct Shell<'a> {
    pub(super) w: &'static Words,
    pub(super) style: &'static str,
    pub(super) script: &'static str,
    pub(super) version: &'static str,
    pub(super) session: Option<&'a Session>,
    /// The status in the tab's sign.
    pub(super) worst: &'static str,
    /// Where a live page follows the feed from.
    pub(super) feed: Option<String>,
    pub(super) now_ms: i64,
    /// What was just done.
    pub(super) notice: Option<&'static str>,
}

/// What a request says about how and whether it is to be answered.
pub(super) struct Pages<'a> {
    pub(super) web: &'a Web,
    pub(super) words: &'static Words,
    pub(super) session: Option<Session>,
    notice: Option<&'static str>,
    may_look: bool,
}

impl<'a> Pages<'a> {
    /// For an answer to `request`.
    pub(super) fn for_request(web: &'a Web, request: &Request) -> Self {
        let accepted = request.header(crate::http::header::ACCEPT_LANGUAGE);
        let words = Words::preferred(accepted, web.settings.borrow().locale);
        let session = web.sessions.find(request);
        let may_look = !web.is_closed() || session.is_some() || web.keys.check(request, Access::Read).is_ok();
        let notice = request.query().find("done").and_then(|done| words.done(&done));
        Self { web, words, session, notice, may_look }
    }

    /// The frame, at `now`.
    pub(super) fn shell(&self, now: Timestamp) -> Shell<'_> {
        Shell {
            w: self.words,
            style: assets::style(),
            script: assets::script(),
            version: env!("CARGO_PKG_VERSION"),
            session: self.session.as_ref(),
            worst: "new",
            feed: None,
            now_ms: now.unix_ms(),
            notice: self.notice,
        }
    }

    /// Whether whoever asks may look.
    ///
    /// # Errors
    /// The answer to give where they may not: the way to sign in, and then to `path`.
    pub(super) fn check_access(&self, path: &str) -> Result<(), Reply> {
        if self.may_look { Ok(()) } else { Err(sign_in::ask(path)) }
    }

    /// Who is signed in and may change things.
    ///
    /// # Errors
    /// The answer to give where nobody is.
    pub(super) fn check_admin(&self, path: &str) -> Result<&Session, Reply> {
        match &self.session {
            Some(session) if session.is_admin => Ok(session),
            Some(_) => Err(self.refuse(StatusCode::FORBIDDEN, self.words.not_allowed)),
            None => Err(sign_in::ask(path)),
        }
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    shell: Shell<'a>,
    heading: String,
    text: &'a str,
    back: &'a str,
    back_label: &'static str,
}

impl Pages<'_> {
    /// Who sent the form in `request`, signed in and from a page of this server.
    ///
    /// # Errors
    /// The answer to give where that is not so; nothing is to be done then.
    pub(super) fn check_form(&self, request: &Request) -> Result<&Session, Reply> {
        let Some(session) = &self.session else {
            return Err(self.refuse(StatusCode::FORBIDDEN, self.words.bad_form));
        };
        let text = String::from_utf8_lossy(&request.body);
        let sent = Query::new(&text).find("csrf").unwrap_or_default();
        if !session.made(&sent) || !is_from_here(request, &self.web.settings.borrow().public_url) {
            return Err(self.refuse(StatusCode::FORBIDDEN, self.words.bad_form));
        }
        Ok(session)
    }

    /// As [`check_form`](Self::check_form), of someone who may change things.
    pub(super) fn check_admin_form(&self, request: &Request) -> Result<&Session, Reply> {
        let session = self.check_form(request)?;
        if session.is_admin {
            Ok(session)
        } else {
            Err(self.refuse(StatusCode::FORBIDDEN, self.words.not_allowed))
        }
    }

    /// A page that says why not.
    pub(super) fn refuse(&self, status: StatusCode, text: &str) -> Reply {
        let w = self.words;
        let heading = match status {
            StatusCode::NOT_FOUND => w.not_found.to_owned(),
            _ => format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default()),
        };
        let shell = self.shell(self.web.clock.now());
        html::page(status, &MessagePage { shell, heading, text, back: "/", back_label: w.all_services })
    }
}
