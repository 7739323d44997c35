//! `GET /api/status`: every service, by name.

use mishpulse_core::{Status, Timestamp};
use serde::Serialize;

use super::Web;
use super::listing::list;
use crate::engine::RowRef;
use crate::http::{Reply, Request};
use crate::stamp;

/// How a service is, as every list shows it.
#[derive(Debug, Serialize)]
pub struct ShownStatus<'a> {
    name: &'a str,
    status: Status,
    #[serde(serialize_with = "stamp::serialize_some")]
    last_seen: Option<Timestamp>,
    message: Option<&'a str>,
    #[serde(serialize_with = "stamp::serialize")]
    since: Timestamp,
    #[serde(serialize_with = "stamp::serialize_some")]
    deadline: Option<Timestamp>,
}

pub(super) async fn answer(web: Web, request: Request) -> Reply {
    match web.check_access(&request) {
        Ok(()) => list(&web.board, &request, |_, row, json| write(row, json)).await,
        Err(refusal) => refusal,
    }
}

impl<'a> ShownStatus<'a> {
    /// How `row` is.
    #[must_use]
    pub fn of(row: RowRef<'a>) -> Self {
        Self {
            name: row.name(),
            status: row.status,
            last_seen: row.last_seen,
            message: row.message.map(|message| message.as_str()),
            since: row.since,
            deadline: row.deadline,
        }
    }
}

fn write(row: RowRef<'_>, json: &mut Vec<u8>) {
    // Writing to memory cannot fail, and nothing in a row is refused by JSON.
    let _ = serde_json::to_writer(json, &ShownStatus::of(row));
}
