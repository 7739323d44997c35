//! Requests made once, and answers read no further than need be.

use std::net::SocketAddr;

use super::fleet::TOKEN_BYTES;

/// What a beat says: all is well, and something that is ignored.
pub(crate) const BODY: &str = r#"{"status":"ok","from":"nightly job"}"#;

const _: () = assert!(BODY.len() == 36);

/// A beat, ready to be sent once its token is filled in.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    bytes: Vec<u8>,
}

impl Request {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let token = "0".repeat(TOKEN_BYTES);
        let length = BODY.len();
        let text = format!(
            "{START}{token} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{BODY}"
        );
        Self { bytes: text.into_bytes() }
    }

    /// The request with this token.
    pub(crate) fn with(&mut self, token: [u8; TOKEN_BYTES]) -> &[u8] {
        self.bytes[START.len()..START.len() + TOKEN_BYTES].copy_from_slice(&token);
        &self.bytes
    }
}

const START: &str = "POST /api/heartbeat/";

/// What has come of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// All of it; whether it was a 200.
    Whole { is_ok: bool },
    /// More is to come.
    Partial,
    /// It is no answer.
    Broken,
}

/// Reads answers. It remembers what the last one looked like, as most are alike.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    head: usize,
    whole: usize,
}

impl Reader {
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Answer {
        if bytes.len() == self.whole && bytes[..self.head].ends_with(END) && bytes.starts_with(OK) {
            return Answer::Whole { is_ok: true };
        }
        let Some(head) = bytes.windows(END.len()).position(|four| four == END) else {
            return Answer::Partial;
        };
        let head = head + END.len();
        let Some(length) = content_length(&bytes[..head]) else { return Answer::Broken };
        let whole = head + length;
        let is_ok = bytes.starts_with(OK);
        match bytes.len() {
            read if read < whole => Answer::Partial,
            read if read > whole => Answer::Broken,
            _ => {
                if is_ok {
                    (self.head, self.whole) = (head, whole);
                }
                Answer::Whole { is_ok }
            }
        }
    }
}

const OK: &[u8] = b"HTTP/1.1 200 ";
const END: &[u8] = b"\r\n\r\n";

fn content_length(head: &[u8]) -> Option<usize> {
    let head = std::str::from_utf8(head).ok()?;
    head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_framed_by_their_length() {
        let mut reader = Reader::default();
        let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc";
        for _ in 0..2 {
            assert_eq!(reader.read(ok), Answer::Whole { is_ok: true });
            assert_eq!(reader.read(&ok[..ok.len() - 1]), Answer::Partial);
            assert_eq!(reader.read(&ok[..20]), Answer::Partial);
        }
        let refused = b"HTTP/1.1 503 OK\r\ncontent-length: 3\r\n\r\nabc";
        assert_eq!(reader.read(refused), Answer::Whole { is_ok: false });
        assert_eq!(reader.read(b"HTTP/1.1 200 OK\r\n\r\nabc"), Answer::Broken);
        let long = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nabcd";
        assert_eq!(reader.read(long), Answer::Broken);
    }
}
