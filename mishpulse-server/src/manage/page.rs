//! Lists that go back in time, a page at a time.

use serde::Serialize;

use crate::http::{Query, Reply, Request, StatusCode, header};

/// Which part of a list is asked for.
pub(super) struct Page {
    /// At most so many.
    limit: u32,
    /// Only those from before this place.
    pub(super) before: Option<i64>,
}

impl Page {
    /// Reads `?limit=&before=`; `other` takes each further parameter, or says what it should be.
    pub(super) fn read(
        query: Query<'_>,
        mut other: impl FnMut(&str, &str) -> Result<(), String>,
    ) -> Result<Self, Reply> {
        let mut page = Self { limit: LIMIT, before: None };
        for (key, value) in query.iter() {
            let wrong =
                |what: String| Reply::problem(StatusCode::BAD_REQUEST, &format!("`{key}={value}`: {what}"));
            match &*key {
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
                    page.limit = limit.ok_or_else(|| wrong(format!("use a number from 1 to {LIMIT_MAX}")))?;
                }
                "before" => {
                    let before = value.parse().ok().filter(|before| *before >= 1);
                    let right = "use the `seq` of the last one that you have";
                    page.before = Some(before.ok_or_else(|| wrong(right.to_owned()))?);
                }
                _ => other(&key, &value).map_err(wrong)?,
            }
        }
        Ok(page)
    }

    /// How many to read, so that it shows whether there are more.
    pub(super) const fn to_read(&self) -> u32 {
        self.limit + 1
    }

    /// The answer with `rows`, of which `seq` says their places.
    pub(super) fn reply<T: Serialize>(
        &self,
        request: &Request,
        mut rows: Vec<T>,
        seq: fn(&T) -> i64,
    ) -> Reply {
        let has_more = rows.len() > self.limit as usize;
        rows.truncate(self.limit as usize);
        let reply = Reply::json(StatusCode::OK, &rows);
        match rows.last().filter(|_| has_more) {
            Some(last) => {
                reply.with_value(header::LINK, &request.link_to_next("before", &seq(last).to_string()))
            }
            None => reply,
        }
    }
}

const LIMIT: u32 = 100;
const LIMIT_MAX: u32 = 1000;
