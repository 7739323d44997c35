//! `GET /api/status`: every service, by name.

use mishpulse_core::{Status, Timestamp};
use serde::Serialize;

use super::Web;
use super::line::{Line, Piece, Stamps};
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
        Ok(()) => {
            let mut pen = Pen::new();
            list(&web.board, &request, move |_, row, json| pen.write(row, json)).await
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

/// Writes rows as [`ShownStatus`] is written, those of the usual kind by hand: there may be a million.
struct Pen {
    // Within each of these most times are of the same day.
    last_seen: Stamps,
    since: Stamps,
    deadline: Stamps,
}

impl Pen {
    fn new() -> Self {
        Self {
            last_seen: Stamps::new(",\"last_seen\":"),
            since: Stamps::new(",\"since\":"),
            deadline: Stamps::new(",\"deadline\":"),
        }
    }

    fn write(&mut self, row: RowRef<'_>, json: &mut Vec<u8>) {
        if Line::write(json, |line| self.fill(row, line)).is_none() {
            // Writing to memory cannot fail, and every text can be written.
            let _ = serde_json::to_writer(json, &ShownStatus::of(row));
        }
    }

    /// Fills `line`, if it has room for the texts of `row` and JSON has them as they are.
    #[inline]
    fn fill(&mut self, row: RowRef<'_>, line: &mut Line<'_>) -> Option<()> {
        line.put(&const { Piece::<9>::new("{\"name\":\"") });
        line.put_plain(row.name())?;
        line.put(&STATUSES[row.status as usize]);
        match row.last_seen {
            Some(at) => self.last_seen.write(at, line),
            None => line.put(&const { Piece::<17>::new(",\"last_seen\":null") }),
        }
        match row.message {
            Some(message) => {
                line.put(&const { Piece::<12>::new(",\"message\":\"") });
                line.put_plain(message.as_str())?;
                line.put(&const { Piece::<1>::new("\"") });
            }
            None => line.put(&const { Piece::<15>::new(",\"message\":null") }),
        }
        self.since.write(row.since, line);
        match row.deadline {
            Some(at) => self.deadline.write(at, line),
            None => line.put(&const { Piece::<16>::new(",\"deadline\":null") }),
        }
        line.put(&const { Piece::<1>::new("}") });
        Some(())
    }
}

/// What stands between the name and when it was last seen, by the number of a status.
static STATUSES: [Piece<24>; Status::ALL.len()] = {
    let mut all = [Piece::new(""); Status::ALL.len()];
    let mut number = 0;
    while number < all.len() {
        let status = Status::ALL[number];
        all[status as usize] = Piece::new("\",\"status\":\"").and(status.as_str()).and("\"");
        number += 1;
    }
    all
};

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mishpulse_core::{Message, ServiceId};

    use super::*;
    use crate::config::Token;
    use crate::engine::Row;
    use crate::store::rows::Identity;

    #[test]
    fn what_is_written_by_hand_is_what_serde_writes() {
        let at = |ms| Timestamp::from_unix_ms(1_760_616_000_000 + ms);
        let longest = "n".repeat(96);
        let names = ["api-1", "\"q\\", "служба <1>", &longest];
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
                    message: Message::new(["", "line\n\u{1}\"", "плохо", &longest][number]),
                    deadline: Some(at(7)).filter(|_| number > 1),
                };
                let mut json = Vec::new();
                Pen::new().write(row.shown(), &mut json);
                let by_serde = serde_json::to_string(&ShownStatus::of(row.shown())).unwrap();
                assert_eq!(String::from_utf8(json).unwrap(), by_serde);
            }
        }
    }
}
