//! `GET /api/status`: every service, by name, a page at a time so that neither memory nor the engine feels their number.

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use mishpulse_core::{Status, Timestamp};
use serde::Serialize;

use super::Web;
use super::filter::Filter;
use crate::engine::{Board, Row};
use crate::http::{Reply, Request, StatusCode};
use crate::stamp;

/// One service, as the list shows it.
#[derive(Serialize)]
struct Shown<'a> {
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
    if let Err(refusal) = web.check_access(&request) {
        return refusal;
    }
    let filter = match Filter::read(request.query()) {
        Ok(filter) => filter,
        Err(error) => return Reply::problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let mut listing = Listing::new(filter);
    let first = listing.next_chunk(&web.board);
    if listing.is_complete {
        return Reply::ready_json(StatusCode::OK, first);
    }
    let (sender, body) = Channel::new(CHUNKS_AHEAD);
    tokio::spawn(stream(web, listing, first, sender));
    Reply::stream(StatusCode::OK, "application/json", body.boxed())
}

/// Chunks that wait for a slow reader.
const CHUNKS_AHEAD: usize = 2;
const CHUNK_BYTES: usize = 64 * 1024;
/// The most rows that are looked at while the engine may be waiting.
const ROWS_MAX: usize = 1024;

async fn stream(web: Web, mut listing: Listing, first: Bytes, mut sender: Sender<Bytes>) {
    let mut chunk = first;
    // A reader who has gone away ends it.
    while sender.send_data(chunk).await.is_ok() && !listing.is_complete {
        chunk = listing.next_chunk(&web.board);
    }
}

/// Where a list has come to.
struct Listing {
    filter: Filter,
    written: usize,
    has_begun: bool,
    is_complete: bool,
}

impl Listing {
    fn new(filter: Filter) -> Self {
        Self { filter, written: 0, has_begun: false, is_complete: false }
    }

    /// The next part of the JSON, about [`CHUNK_BYTES`] long.
    fn next_chunk(&mut self, board: &Board) -> Bytes {
        let mut json = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
        if !std::mem::replace(&mut self.has_begun, true) {
            json.push(b'[');
        }
        while !self.is_complete && json.len() < CHUNK_BYTES {
            self.take_rows(board, &mut json);
        }
        if self.is_complete {
            json.push(b']');
        }
        json.into()
    }

    /// Writes what it shows of the next rows, and remembers where it stopped.
    fn take_rows(&mut self, board: &Board, json: &mut Vec<u8>) {
        let after = self.filter.after.take();
        board.read(|view| {
            let mut last: Option<&str> = None;
            for (looked_at, row) in view.rows_after(after.as_deref()).enumerate() {
                if looked_at == ROWS_MAX || json.len() >= CHUNK_BYTES {
                    self.filter.after = last.map(str::to_owned);
                    return;
                }
                last = Some(row.identity.name.as_str());
                if self.filter.shows(view, row) {
                    self.write(row, json);
                    if self.filter.limit == Some(self.written) {
                        break;
                    }
                }
            }
            self.is_complete = true;
        });
    }

    fn write(&mut self, row: &Row, json: &mut Vec<u8>) {
        let shown = Shown {
            name: row.identity.name.as_str(),
            status: row.status,
            last_seen: row.last_seen,
            message: row.message.as_ref().map(|message| message.as_str()),
            since: row.since,
            deadline: row.deadline,
        };
        if self.written > 0 {
            json.push(b',');
        }
        // Writing to memory cannot fail, and nothing in a row is refused by JSON.
        let _ = serde_json::to_writer(&mut *json, &shown);
        self.written += 1;
    }
}
