//! A list of services by name, as JSON: a page at a time, so that neither memory nor the engine feels their number.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};

use super::filter::Filter;
use crate::engine::{Board, RowRef, View};
use crate::http::{Body, Reply, Request, StatusCode, header};

/// Answers `request` with the services that its query asks for, each as `write` writes it. Where there are more behind a
/// page of at most 1,000, the answer links to the next; longer lists are streamed, and go on after their last name.
///
/// O(n) in the services that are looked at, of which the engine waits for a thousand at most.
pub async fn list<W>(board: &Arc<Board>, request: &Request, write: W) -> Reply
where
    W: FnMut(&View, RowRef<'_>, &mut Vec<u8>) + Send + 'static,
{
    let filter = match Filter::read(request.query()) {
        Ok(filter) => filter,
        Err(error) => return Reply::problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let is_page = filter.limit.is_some_and(|limit| limit <= PAGE_MAX);
    let mut listing = Listing::new(filter, write);
    let first = listing.next_chunk(board).await;
    if listing.is_complete || is_page {
        return listing.into_page(first, board, request).await;
    }
    let (sender, body) = Channel::new(CHUNKS_AHEAD);
    tokio::spawn(stream(Arc::clone(board), listing, first, sender));
    Reply::stream(StatusCode::OK, "application/json", Body::stream(body))
}

/// The most services of an answer that is made as a whole.
const PAGE_MAX: usize = 1000;
/// Chunks that wait for a slow reader.
const CHUNKS_AHEAD: usize = 2;
const CHUNK_BYTES: usize = 64 * 1024;
/// The most rows that are looked at while the engine may be waiting.
const ROWS_MAX: usize = 1024;

async fn stream<W>(board: Arc<Board>, mut listing: Listing<W>, first: Vec<u8>, mut sender: Sender<Bytes>)
where
    W: FnMut(&View, RowRef<'_>, &mut Vec<u8>),
{
    let mut chunk = first;
    // A reader who has gone away ends it.
    while sender.send_data(chunk.into()).await.is_ok() && !listing.is_complete {
        chunk = listing.next_chunk(&board).await;
    }
}

/// Where a list has come to.
struct Listing<W> {
    filter: Filter,
    write: W,
    /// The last name that was looked at.
    after: Option<String>,
    written: usize,
    has_begun: bool,
    is_complete: bool,
    /// The last name that fits into the limit.
    last: Option<String>,
    /// There are more behind that.
    has_more: bool,
}

impl<W: FnMut(&View, RowRef<'_>, &mut Vec<u8>)> Listing<W> {
    fn new(mut filter: Filter, write: W) -> Self {
        let (after, last) = (filter.after.take(), None);
        Self { filter, write, after, written: 0, has_begun: false, is_complete: false, last, has_more: false }
    }

    async fn into_page(mut self, first: Vec<u8>, board: &Board, request: &Request) -> Reply {
        let mut json = first;
        while !self.is_complete {
            json.extend(self.next_chunk(board).await);
        }
        let reply = Reply::ready_json(StatusCode::OK, json);
        match self.last.filter(|_| self.has_more) {
            Some(after) => reply.with_value(header::LINK, &request.link_to_next("after", &after)),
            None => reply,
        }
    }

    /// The next part of the JSON, about [`CHUNK_BYTES`] long.
    async fn next_chunk(&mut self, board: &Board) -> Vec<u8> {
        let mut json = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
        if !std::mem::replace(&mut self.has_begun, true) {
            json.push(b'[');
        }
        while !self.is_complete && json.len() < CHUNK_BYTES {
            self.take_rows(board, &mut json);
            // Where nothing fits, a million rows are looked at for one chunk: others get their turn in between.
            tokio::task::yield_now().await;
        }
        if self.is_complete {
            json.push(b']');
        }
        json
    }

    /// Writes what it shows of the next rows, and remembers where it stopped.
    fn take_rows(&mut self, board: &Board, json: &mut Vec<u8>) {
        let after = self.after.take();
        board.read(|view| {
            let mut last: Option<&str> = None;
            for (looked_at, row) in self.filter.rows(view, after.as_deref()).enumerate() {
                if looked_at == ROWS_MAX || json.len() >= CHUNK_BYTES {
                    self.after = last.map(str::to_owned);
                    return;
                }
                let name = row.name();
                last = Some(name);
                if !self.filter.shows(view, row) {
                    continue;
                }
                if self.filter.limit == Some(self.written) {
                    self.has_more = true;
                    break;
                }
                if self.written > 0 {
                    json.push(b',');
                }
                (self.write)(view, row, json);
                self.written += 1;
                if self.filter.limit == Some(self.written) {
                    self.last = Some(name.to_owned());
                }
            }
            self.is_complete = true;
        });
    }
}
