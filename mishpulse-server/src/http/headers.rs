//! The headers of answers, in the memory of those of requests: to ask for new memory each time, and to give it back on another
//! thread, costs more than all that is put into it.

use std::cell::RefCell;

use hyper::HeaderMap;
use hyper::header::{CACHE_CONTROL, HeaderValue, X_CONTENT_TYPE_OPTIONS};

thread_local! {
    static SPARE: RefCell<Vec<HeaderMap>> = const { RefCell::new(Vec::new()) };
}

/// As many as answers may be waiting for one commit.
const SPARE_MAX: usize = 256;
/// A usual request has fewer.
const ROOM_MAX: usize = 32;

/// Takes back the headers of a request that nobody needs any more.
pub(super) fn give_back(mut headers: HeaderMap) {
    if (1..=ROOM_MAX).contains(&headers.capacity()) {
        headers.clear();
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < SPARE_MAX {
                spare.push(headers);
            }
        });
    }
}

/// What every answer says, unless it is told otherwise.
pub(super) fn of_answer() -> HeaderMap {
    let mut headers = spare();
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    headers
}

/// None, with the room that those of a request had.
pub(super) fn spare() -> HeaderMap {
    SPARE.with_borrow_mut(Vec::pop).unwrap_or_default()
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_request_is_in_an_answer() {
        let mut asked = HeaderMap::new();
        asked.insert("authorization", HeaderValue::from_static("Bearer secret"));
        asked.append("cookie", HeaderValue::from_static("a"));
        asked.append("cookie", HeaderValue::from_static("b"));
        let room = asked.capacity();
        give_back(asked);
        let answer = of_answer();
        assert_eq!((answer.len(), answer.capacity()), (2, room));
        assert_eq!(answer[CACHE_CONTROL], "no-store");
        assert!(answer.get("authorization").is_none() && answer.get("cookie").is_none());
        // And what is too large is not kept.
        give_back(HeaderMap::with_capacity(1000));
        assert!(of_answer().capacity() < 1000);
    }
}
