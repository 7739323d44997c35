//! `GET /api/status`: every service, by name.

use mishpulse_core::{Status, Timestamp};
use serde::Serialize;

use super::Web;
use super::listing::list;
use crate::engine::RowRef;
use crate::http::{Reply, Request};
use crate::stamp::{self, Stamps};

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
        Ok(()) => {
            let mut stamps = Columns::default();
            list(&web.board, &request, move |_, row, json| write(row, &mut stamps, json)).await
        }
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

/// The times of a list: within each of these most are of the same day.
#[derive(Default)]
struct Columns {
    last_seen: Stamps,
    since: Stamps,
    deadline: Stamps,
}

/// Writes `row` as [`ShownStatus`] is written, by hand: there may be a million.
fn write(row: RowRef<'_>, stamps: &mut Columns, json: &mut Vec<u8>) {
    json.extend_from_slice(b"{\"name\":");
    write_text(row.name(), json);
    json.extend_from_slice(b",\"status\":\"");
    json.extend_from_slice(row.status.as_str().as_bytes());
    json.extend_from_slice(b"\",\"last_seen\":");
    write_stamp(row.last_seen, &mut stamps.last_seen, json);
    match row.message {
        Some(message) => {
            json.extend_from_slice(b",\"message\":");
            write_text(message.as_str(), json);
            json.extend_from_slice(b",\"since\":");
        }
        None => json.extend_from_slice(b",\"message\":null,\"since\":"),
    }
    stamps.since.write(row.since, json);
    json.extend_from_slice(b",\"deadline\":");
    write_stamp(row.deadline, &mut stamps.deadline, json);
    json.push(b'}');
}

fn write_text(text: &str, json: &mut Vec<u8>) {
    if is_plain(text) {
        json.push(b'"');
        json.extend_from_slice(text.as_bytes());
        json.push(b'"');
    } else {
        // Writing to memory cannot fail, and every text can be written.
        let _ = serde_json::to_writer(json, text);
    }
}

/// Whether JSON has `text` as it is.
fn is_plain(text: &str) -> bool {
    let is_special = |byte: u8| u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\');
    let found = |bytes: &[u8]| bytes.iter().fold(0, |found, byte| found | is_special(*byte));
    // Sixteen at a time and to the end, some of them twice, which is faster than to stop.
    let (bytes, (sixteens, _)) = (text.as_bytes(), text.as_bytes().as_chunks::<16>());
    let found = match bytes.last_chunk::<16>() {
        Some(last) => sixteens.iter().fold(found(last), |before, sixteen| before | found(sixteen)),
        None => found(bytes),
    };
    found == 0
}

fn write_stamp(at: Option<Timestamp>, stamps: &mut Stamps, json: &mut Vec<u8>) {
    match at {
        Some(at) => stamps.write(at, json),
        None => json.extend_from_slice(b"null"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mishpulse_core::{Message, ServiceId};

    use super::*;
    use crate::config::Token;
    use crate::engine::Row;
    use crate::store::rows::Identity;

    #[test]
    fn a_special_character_is_found_wherever_it_stands() {
        for length in 0..70 {
            let plain = "é".repeat(length / 2) + &"~".repeat(length % 2);
            for special in ["", "\"", "\\", "\u{1f}", "\n", "\0"] {
                for place in (0..=length).filter(|place| plain.is_char_boundary(*place)) {
                    let text = format!("{}{special}{}", &plain[..place], &plain[place..]);
                    let mut json = Vec::new();
                    write_text(&text, &mut json);
                    assert_eq!(json, serde_json::to_vec(&text).unwrap(), "{text}");
                    assert_eq!(is_plain(&text), special.is_empty(), "{text}");
                }
            }
        }
    }

    #[test]
    fn what_is_written_by_hand_is_what_serde_writes() {
        let at = |ms| Timestamp::from_unix_ms(1_760_616_000_000 + ms);
        let names = ["api-1", "\"q\\", "служба <1>"];
        for (number, name) in names.into_iter().enumerate() {
            for status in Status::ALL {
                let identity = Identity {
                    name: name.parse().unwrap(),
                    token: Token::random().unwrap(),
                    overrides: Default::default(),
                    declared: false,
                };
                let row = Row {
                    id: ServiceId::new(1),
                    identity: Arc::new(identity),
                    status,
                    since: at(number as i64 * 50_000_010),
                    last_seen: Some(at(-250)).filter(|_| number > 0),
                    message: Message::new(&"line\n\u{1}\"".repeat(number)),
                    deadline: Some(at(7)).filter(|_| number > 1),
                };
                let mut json = Vec::new();
                write(row.shown(), &mut Columns::default(), &mut json);
                let by_serde = serde_json::to_string(&ShownStatus::of(row.shown())).unwrap();
                assert_eq!(String::from_utf8(json).unwrap(), by_serde);
            }
        }
    }
}
