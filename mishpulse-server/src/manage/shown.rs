//! A service as JSON: how it is, and the settings that hold for it.

use mishpulse_core::{AlertKind, Span};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::Manage;
use crate::config::{ChannelName, Tag};
use crate::engine::{Row, RowRef, View};
use crate::http::{Access, Reply, StatusCode, header};
use crate::web::ShownStatus;

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    status: ShownStatus<'a>,
    #[serde(flatten)]
    secrets: Option<Secrets<'a>>,
    declared: bool,
    timeout: Span,
    grace: Span,
    tags: Vec<Tag>,
    channels: Option<Vec<ChannelName>>,
    notify_on: Vec<AlertKind>,
    remind_every: Span,
    error_cooldown: Span,
    resume_on_beat: bool,
    description: Option<String>,
}

/// What lets its holder beat for a service; for admins only.
#[derive(Serialize)]
struct Secrets<'a> {
    token: &'a str,
    heartbeat_url: String,
}

/// Writes services for whoever holds a key.
pub(super) struct Writer {
    public_url: String,
    access: Access,
}

impl Writer {
    /// Writes `row` behind what is in `json` already.
    pub(super) fn write(&self, view: &View, row: RowRef<'_>, json: &mut Vec<u8>) {
        let token = row.token();
        let token = &*token.text();
        let secrets = (self.access == Access::Admin)
            .then(|| Secrets { token, heartbeat_url: format!("{}/api/heartbeat/{token}", self.public_url) });
        let effective = view.effective(row);
        let shown = Shown {
            status: ShownStatus::of(row),
            secrets,
            declared: row.declared(),
            timeout: effective.timeout,
            grace: effective.grace,
            tags: effective.tags,
            channels: effective.channels,
            notify_on: effective.notify_on,
            remind_every: effective.remind_every.unwrap_or(Span::ZERO),
            error_cooldown: effective.error_cooldown,
            resume_on_beat: effective.resume_on_beat,
            description: effective.description,
        };
        // Writing to memory cannot fail, and nothing in a row is refused by JSON.
        let _ = serde_json::to_writer(json, &shown);
    }
}

impl Manage {
    /// Who writes services for holders of a key that opens `access`.
    pub(super) fn writer(&self, access: Access) -> Writer {
        Writer { public_url: self.web.settings.borrow().public_url.clone(), access }
    }

    /// One service as an answer, with its ETag.
    pub(super) fn reply(&self, status: StatusCode, row: &Row, access: Access) -> Reply {
        let mut json = Vec::new();
        let writer = self.writer(access);
        self.web.board.read(|view| writer.write(view, row.shown(), &mut json));
        Reply::ready_json(status, json).with_value(header::ETAG, &self.etag(&row.identity))
    }
}

/// The path of a service.
pub(super) fn path_of(name: &str) -> String {
    match name {
        // As they are, clients would take these for the folder itself and the one above it.
        "." | ".." => format!("/api/services/{}", name.replace('.', "%2E")),
        _ => format!("/api/services/{}", utf8_percent_encode(name, RESERVED)),
    }
}

/// All that may mean something else in a path (RFC 3986).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
