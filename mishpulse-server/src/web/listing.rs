//! A list of services by name, as JSON: a page at a time, so that neither memory nor the engine feels their number.

use std::mem;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::filter::Filter;
use crate::engine::{Board, RowRef, View};
use crate::http::{Body, Reply, Request, StatusCode, header};

/// Answers `request` with the services that its query asks for, each as `write` writes it. Where there are more behind a
/// page of at most 1,000, the answer links to the next; longer lists are written as fast as they are read, and go on after their last
/// name.
///
/// O(n) in the services that are looked at, of which the engine waits for a thousand at most.
pub async fn list<W>(board: &Arc<Board>, request: &Request, write: W) -> Reply
where
    W: FnMut(&View, RowRef<'_>, &mut Vec<u8>) + Send + Sync + Unpin + 'static,
{
    let filter = match Filter::read(request.query()) {
        Ok(filter) => filter,
        Err(error) => return Reply::problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let is_page = filter.limit.is_some_and(|limit| limit <= PAGE_MAX);
    let mut listing = Listing::new(filter, write);
    let mut json = Vec::with_capacity(CHUNK_CAPACITY);
    while !listing.is_complete && (is_page || json.len() < CHUNK_BYTES) {
        listing.take_rows(board, &mut json);
        // Where nothing fits, a million rows are looked at for one page: others get their turn in between.
        tokio::task::yield_now().await;
    }
    if listing.is_complete || is_page {
        return listing.into_page(json, request);
    }
    let mut rest = Rest { listing, board: Arc::clone(board), json, looks: 0, pause: None };
    Reply::stream(StatusCode::OK, "application/json", Body::pulled(move |context| rest.poll_chunk(context)))
}

/// The most services of an answer that is made as a whole.
const PAGE_MAX: usize = 1000;
const CHUNK_BYTES: usize = 64 * 1024;
/// With room for the row that makes it full.
const CHUNK_CAPACITY: usize = CHUNK_BYTES + CHUNK_BYTES / 4;
/// The most rows that are looked at while the engine may be waiting.
const ROWS_MAX: usize = 1024;

/// How often it looks before others have their turn.
const LOOKS_IN_A_ROW: u32 = 4;

/// A list that is written on whenever its reader has taken what there was.
struct Rest<W> {
    listing: Listing<W>,
    board: Arc<Board>,
    /// What was written and not taken yet.
    json: Vec<u8>,
    looks: u32,
    /// Gives others their turn after some looks, and what has come in on their connections is seen before the next.
    pause: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
}

impl<W: FnMut(&View, RowRef<'_>, &mut Vec<u8>)> Rest<W> {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Self { listing, board, json, looks, pause } = self;
        while json.len() < CHUNK_BYTES && !listing.is_complete {
            if let Some(pausing) = pause {
                ready!(pausing.as_mut().poll(context));
                *pause = None;
            }
            listing.take_rows(board, json);
            *looks += 1;
            if looks.is_multiple_of(LOOKS_IN_A_ROW) {
                *pause = Some(Box::pin(tokio::task::yield_now()));
            }
        }
        let room = if listing.is_complete { 0 } else { CHUNK_CAPACITY };
        let chunk = mem::replace(json, Vec::with_capacity(room));
        Poll::Ready((!chunk.is_empty()).then(|| chunk.into()))
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

    fn into_page(self, json: Vec<u8>, request: &Request) -> Reply {
        let reply = Reply::ready_json(StatusCode::OK, json);
        match self.last.filter(|_| self.has_more) {
            Some(after) => reply.with_value(header::LINK, &request.link_to_next("after", &after)),
            None => reply,
        }
    }

    /// Writes what it shows of the next rows, and remembers where it stopped.
    fn take_rows(&mut self, board: &Board, json: &mut Vec<u8>) {
        if !mem::replace(&mut self.has_begun, true) {
            json.push(b'[');
        }
        let Self { filter, write, after, written, is_complete, last, has_more, .. } = self;
        let (begin, most) = (after.take(), json.len() + CHUNK_BYTES);
        board.read(|view| {
            let mut before: Option<&str> = None;
            // One loop inside the other, which is faster than to come back for each row.
            let end = filter.rows(view, begin.as_deref()).enumerate().try_for_each(|(looked_at, row)| {
                if looked_at == ROWS_MAX || json.len() >= most {
                    *after = before.map(str::to_owned);
                    return ControlFlow::Break(End::OfLook);
                }
                before = Some(row.name());
                if !filter.shows(view, row) {
                    return ControlFlow::Continue(());
                }
                if filter.limit == Some(*written) {
                    *has_more = true;
                    return ControlFlow::Break(End::OfList);
                }
                if *written > 0 {
                    json.push(b',');
                }
                write(view, row, json);
                *written += 1;
                if filter.limit == Some(*written) {
                    *last = Some(row.name().to_owned());
                }
                ControlFlow::Continue(())
            });
            if !matches!(end, ControlFlow::Break(End::OfLook)) {
                *is_complete = true;
                json.push(b']');
            }
        });
    }
}

/// Why no more rows are looked at.
enum End {
    OfLook,
    OfList,
}
