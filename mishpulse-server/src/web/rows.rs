//! One service as a line of the list.

use mishpulse_core::{Message, Status, Timestamp};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::words::{Words, sign};
use crate::engine::{RowRef, View};
use crate::notify::text::one_line;
use crate::stamp::rfc3339;

/// A line of the list.
pub(super) struct Line {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) href: String,
    pub(super) status: Status,
    pub(super) sign: &'static str,
    pub(super) word: &'static str,
    pub(super) since_ms: i64,
    pub(super) due_ms: Option<i64>,
    /// When it was last heard, by RFC 3339.
    pub(super) seen: Option<String>,
    pub(super) ago: String,
    pub(super) left: String,
    pub(super) message: String,
    pub(super) tags: Vec<TagLink>,
}

/// A label that narrows the list.
pub(super) struct TagLink {
    pub(super) name: String,
    pub(super) href: String,
}

impl Line {
    /// `row` as it is at `now`, in `words`.
    pub(super) fn new(view: &View, row: RowRef<'_>, words: &Words, now: Timestamp) -> Self {
        let tags = view.tags(row).iter().map(|tag| TagLink {
            name: one_line(tag.as_str()),
            href: format!("/?tag={}", query_part(tag.as_str())),
        });
        Self {
            id: row.id.number(),
            name: one_line(row.name()),
            href: service_href(row.name()),
            status: row.status,
            sign: sign(row.status),
            word: words.status(row.status),
            since_ms: row.since.unix_ms(),
            due_ms: row.deadline.map(Timestamp::unix_ms),
            seen: row.last_seen.map(rfc3339),
            ago: row.last_seen.map_or_else(|| words.never.to_owned(), |seen| words.ago(now.since(seen))),
            left: left(row, words, now),
            message: row.message.map(|text| shortened(text, MESSAGE_CHARS_MAX)).unwrap_or_default(),
            tags: tags.collect(),
        }
    }
}

/// What is left of a service's time, or how long it has been dead.
pub(super) fn left(row: RowRef<'_>, words: &Words, now: Timestamp) -> String {
    match (row.status, row.deadline) {
        (Status::Dead, _) => words.lasting(now.since(row.since)),
        (_, Some(deadline)) => words.left(deadline.since(now)),
        _ => String::new(),
    }
}

/// The page of the service `name`.
pub(super) fn service_href(name: &str) -> String {
    match name {
        // These two mean something else in a path, however they are written.
        "." | ".." => format!("/services?name={}", query_part(name)),
        _ => format!("/services/{}", utf8_percent_encode(name, PATH)),
    }
}

/// `text` as the value of a query.
pub(super) fn query_part(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A message in one line of at most so many characters.
pub(super) fn shortened(text: &Message, chars_max: usize) -> String {
    // Only as much is looked at as can be shown.
    let start: String = text.as_str().chars().take(4 * chars_max).collect();
    let line = one_line(&start);
    match line.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

const MESSAGE_CHARS_MAX: usize = 200;

/// What a browser would not take as it is in a part of a path.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_finds_its_page() {
        assert_eq!(service_href("api-worker"), "/services/api-worker");
        assert_eq!(service_href("a b?#%\\é"), "/services/a%20b%3F%23%25%5C%C3%A9");
        assert_eq!(service_href(".."), "/services?name=..");
    }

    #[test]
    fn a_message_is_one_short_line() {
        let message = Message::new("disk\nfull").unwrap();
        assert_eq!(shortened(&message, 200), "disk full");
        assert_eq!(shortened(&message, 6), "disk f…");
    }
}
