//! `GET /events`: what changes, as server-sent events; gathered, formatted once, and the same bytes for all who watch.
//!
//! One task asks the board what has changed, at most ten times a second, and broadcasts it as one event. So the cost of a
//! change does not grow with its viewers but by one write each, and the cost of a storm not with its size: what does not
//! fit into one event waits for the next. A viewer that cannot keep up is cut off; it comes back with the id of the last
//! event that it has, and gets what it missed from a ring of the last events, or is told to read the page again (`reload`).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use mishpulse_core::{Clock, ServiceId, Span, Status, Timestamp};
use serde::Serialize;
use tokio::sync::{broadcast, watch};
use tokio::time::{sleep, timeout};

use super::Web;
use crate::config::Tag;
use crate::engine::{Board, Changed, RowRef, View};
use crate::http::{Reply, Request, StatusCode, follow, header::HeaderName};
use crate::stamp;

/// What all viewers follow.
pub struct Feed {
    board: Arc<Board>,
    clock: Arc<dyn Clock + Send + Sync>,
    /// Makes ids of this run different from those of another.
    run: String,
    state: Mutex<State>,
}

struct State {
    /// The number of the last event.
    last: u64,
    /// The last events, as they were sent.
    ring: VecDeque<(u64, Bytes)>,
    ring_bytes: usize,
    /// Events before this one cannot be told again.
    first: u64,
    /// Nothing is noted while nobody watches.
    is_on: bool,
    /// When someone last watched or read a page that will.
    wanted_at: Timestamp,
    /// `None` once the server stops.
    viewers: Option<broadcast::Sender<Bytes>>,
}

impl Feed {
    /// A feed of what changes on `board`; [`run`](Self::run) keeps it going.
    #[must_use]
    pub fn new(board: Arc<Board>, clock: Arc<dyn Clock + Send + Sync>) -> Self {
        let mut run = [0; 4];
        // Without random bits a viewer of an earlier run may be taken for one of this, by a chance that the time makes small.
        let _ = getrandom::fill(&mut run);
        let now = clock.now();
        let run = format!("{:08x}{:x}", u32::from_ne_bytes(run), now.unix_ms() & 0xffff);
        let state = State {
            last: 0,
            ring: VecDeque::new(),
            ring_bytes: 0,
            first: 1,
            is_on: false,
            wanted_at: now,
            viewers: Some(broadcast::Sender::new(EVENTS_AHEAD)),
        };
        Self { board, clock, run, state: Mutex::new(state) }
    }

    /// Where the feed is now: what is read from the board after this call and then followed from here misses nothing.
    pub(super) fn position(&self) -> String {
        let mut state = self.state();
        self.wake(&mut state);
        self.id(state.last)
    }

    /// Gathers and tells until the server stops.
    pub async fn run(self: Arc<Self>, mut stopping: watch::Receiver<bool>) {
        loop {
            let stirred = tokio::select! {
                stirred = timeout(KEEP_ALIVE, self.board.stirred()) => stirred.is_ok(),
                _ = stopping.wait_for(|stop| *stop) => break,
            };
            if self.rest() {
                continue;
            }
            if stirred {
                self.tell();
            } else {
                self.keep_alive();
            }
            tokio::select! {
                () = sleep(FLUSH_EVERY) => {}
                _ = stopping.wait_for(|stop| *stop) => break,
            }
        }
        self.state().viewers = None;
    }

    /// What a viewer gets that has seen all up to `after`; `None` where it has seen nothing.
    fn join(&self, after: Option<&str>) -> Option<(VecDeque<Bytes>, broadcast::Receiver<Bytes>)> {
        let mut state = self.state();
        self.wake(&mut state);
        let receiver = state.viewers.as_ref()?.subscribe();
        let mut events = VecDeque::new();
        let missed =
            after.map(|id| self.number(id).filter(|seen| (state.first - 1..=state.last).contains(seen)));
        let name = if missed == Some(None) { "reload" } else { "hello" };
        let hello = Hello { now: self.clock.now() };
        let seen = missed.flatten().unwrap_or(state.last);
        let data = serde_json::to_string(&hello).unwrap_or_default();
        events.push_back(Bytes::from(format!(
            "retry: {RETRY_MS}\nid: {}\nevent: {name}\ndata: {data}\n\n",
            self.id(seen)
        )));
        events.extend(state.ring.iter().filter(|(number, _)| *number > seen).map(|(_, event)| event.clone()));
        Some((events, receiver))
    }

    /// Tells what has changed since the last time.
    fn tell(&self) {
        let changed = self.board.take_changes(CHANGED_MAX, HEARD_MAX);
        if changed == Changed::default() {
            return;
        }
        let json = self.board.read(|view| event_json(view, &changed, self.clock.now()));
        let mut state = self.state();
        state.last += 1;
        let number = state.last;
        let name = if changed.is_all { "reload" } else { "change" };
        let event = Bytes::from(format!("id: {}\nevent: {name}\ndata: {json}\n\n", self.id(number)));
        state.keep(number, &event);
        // Nobody may be watching.
        let _ = state.viewers.as_ref().map(|viewers| viewers.send(event));
    }

    /// Lets all viewers know that the connection is there.
    fn keep_alive(&self) {
        // An event and no comment: the page, too, wants to know.
        let data = serde_json::to_string(&Hello { now: self.clock.now() }).unwrap_or_default();
        let event = Bytes::from(format!("event: still\ndata: {data}\n\n"));
        let _ = self.state().viewers.as_ref().map(|viewers| viewers.send(event));
    }

    /// Stops to follow the board where nobody has watched for a while, and says whether that is so.
    fn rest(&self) -> bool {
        let now = self.clock.now();
        let mut state = self.state();
        if state.viewers.as_ref().is_some_and(|viewers| viewers.receiver_count() > 0) {
            state.wanted_at = now;
        } else if state.is_on && now.since(state.wanted_at) > REST_AFTER {
            state.is_on = false;
            state.forget();
            self.board.follow(false);
        }
        !state.is_on
    }

    fn wake(&self, state: &mut State) {
        state.wanted_at = self.clock.now();
        if !state.is_on {
            // What happened while nobody watched is in no event.
            state.last += 1;
            state.forget();
            state.is_on = true;
            self.board.follow(true);
        }
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.run)
    }

    fn number(&self, id: &str) -> Option<u64> {
        id.strip_prefix(&self.run)?.strip_prefix('-')?.parse().ok()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, number: u64, event: &Bytes) {
        self.ring.push_back((number, event.clone()));
        self.ring_bytes += event.len();
        while self.ring.len() > RING_EVENTS_MAX || self.ring_bytes > RING_BYTES_MAX {
            let Some((_, old)) = self.ring.pop_front() else { break };
            self.ring_bytes -= old.len();
        }
        self.first = self.ring.front().map_or(number + 1, |(first, _)| *first);
    }

    fn forget(&mut self) {
        self.ring.clear();
        self.ring_bytes = 0;
        self.first = self.last + 1;
    }
}

/// Answers `GET /events`, from behind `Last-Event-ID` or `?after=`.
pub(super) fn answer(web: &Web, request: &Request) -> Reply {
    if let Err(refusal) = web.check_access(request) {
        return refusal;
    }
    let asked = request.query().find("after");
    let after = request.header(LAST_EVENT_ID).or(asked.as_deref());
    let Some((first, feed)) = web.feed.join(after) else {
        return Reply::problem(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping; come back soon");
    };
    Reply::stream(StatusCode::OK, "text/event-stream", follow(first, feed)).with(NO_PROXY_BUFFER, "no")
}

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// What nginx needs in order not to gather the events once more.
const NO_PROXY_BUFFER: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The least time between two events.
const FLUSH_EVERY: Duration = Duration::from_millis(100);
/// After so long without a change, viewers are told that the connection is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How soon a viewer tries again that has lost its connection.
const RETRY_MS: u32 = 1000;
/// How long changes are noted after the last viewer has gone, for one that comes back.
const REST_AFTER: Span = Span::from_secs(60);
/// How many events a viewer may lag behind before it is cut off.
const EVENTS_AHEAD: usize = 64;
const RING_EVENTS_MAX: usize = 600;
const RING_BYTES_MAX: usize = 1 << 20;
/// The most changed services of one event; a storm takes several.
const CHANGED_MAX: usize = 500;
/// The most services of one event that were only heard.
const HEARD_MAX: usize = 500;
/// What an event tells of a message; all of it is on the service's page.
const MESSAGE_CHARS_MAX: usize = 200;

#[derive(Serialize)]
struct Hello {
    #[serde(serialize_with = "stamp::serialize")]
    now: Timestamp,
}

/// One event.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(serialize_with = "stamp::serialize")]
    now: Timestamp,
    summary: std::collections::BTreeMap<&'static str, usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gone: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<Shown<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    heard: Vec<Heard>,
}

#[derive(Serialize)]
struct Shown<'a> {
    id: u32,
    name: &'a str,
    status: Status,
    #[serde(serialize_with = "stamp::serialize")]
    since: Timestamp,
    #[serde(serialize_with = "stamp::serialize_some")]
    last_seen: Option<Timestamp>,
    #[serde(serialize_with = "stamp::serialize_some")]
    deadline: Option<Timestamp>,
    message: Option<String>,
    tags: &'a [Tag],
}

#[derive(Serialize)]
struct Heard {
    id: u32,
    #[serde(serialize_with = "stamp::serialize_some")]
    last_seen: Option<Timestamp>,
    #[serde(serialize_with = "stamp::serialize_some")]
    deadline: Option<Timestamp>,
}

fn event_json(view: &View, changed: &Changed, now: Timestamp) -> String {
    fn rows<'a>(view: &'a View, ids: &'a [ServiceId]) -> impl Iterator<Item = RowRef<'a>> {
        ids.iter().filter_map(|id| view.row_of(*id))
    }
    let summary = view.summary();
    let told = Told {
        now,
        summary: Status::ALL.iter().map(|status| (status.as_str(), summary.of(*status))).collect(),
        gone: changed.gone.iter().map(|id| id.number()).collect(),
        changed: rows(view, &changed.changed)
            .map(|row| Shown {
                id: row.id.number(),
                name: row.name(),
                status: row.status,
                since: row.since,
                last_seen: row.last_seen,
                deadline: row.deadline,
                message: row.message.map(|text| super::rows::shortened(text, MESSAGE_CHARS_MAX)),
                tags: view.tags(row),
            })
            .collect(),
        heard: rows(view, &changed.heard)
            .map(|row| Heard { id: row.id.number(), last_seen: row.last_seen, deadline: row.deadline })
            .collect(),
    };
    serde_json::to_string(&told).unwrap_or_default()
}
