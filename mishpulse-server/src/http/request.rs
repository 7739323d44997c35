//! A request, with its body read and bounded.

use std::borrow::Cow;
use std::mem;
use std::net::SocketAddr;

use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, header};
use percent_encoding::percent_decode_str;

use super::headers;
use super::router::Open;

/// A request whose body has come in whole.
#[derive(Debug)]
pub struct Request {
    head: Parts,
    /// The body.
    pub body: Bytes,
    /// Who sent it; behind a proxy, the proxy.
    pub peer: SocketAddr,
    /// Which parts of its path its route left open.
    pub(super) open: Open,
}

impl Drop for Request {
    fn drop(&mut self) {
        headers::give_back(mem::take(&mut self.head.headers));
    }
}

impl Request {
    pub(super) const fn new(head: Parts, body: Bytes, peer: SocketAddr) -> Self {
        Self { head, body, peer, open: [None, None] }
    }

    /// Its method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.head.method
    }

    /// Its path, not decoded.
    #[must_use]
    pub fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// The part of its path that its route left open, decoded; `place` counts the open ones from 0.
    ///
    /// `None` where there is none or it is not UTF-8.
    #[must_use]
    pub fn param(&self, place: usize) -> Option<Cow<'_, str>> {
        let mut rest = self.path();
        for _ in 0..(*self.open.get(place)?)? {
            rest = &rest[rest.bytes().position(|byte| byte == b'/')? + 1..];
        }
        // The usual part is the last one and has nothing to decode.
        let part = match rest.bytes().position(|byte| matches!(byte, b'/' | b'%')) {
            None => return Some(Cow::Borrowed(rest)).filter(|part| !part.is_empty()),
            Some(_) => rest.split('/').next()?,
        };
        Some(percent_decode_str(part).decode_utf8().ok()?).filter(|part| !part.is_empty())
    }

    /// Its headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// A header's text; `None` where it is absent or not ASCII.
    #[must_use]
    pub fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// The value of a `Link` header (RFC 8288) to the same list from `value` on, which `parameter` says.
    #[must_use]
    pub fn link_to_next(&self, parameter: &str, value: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.query().iter().filter(|(name, _)| name != parameter));
        query.append_pair(parameter, value);
        format!("<{}?{}>; rel=\"next\"", self.path(), query.finish())
    }

    /// What stands behind the `?`.
    #[must_use]
    pub fn query(&self) -> Query<'_> {
        Query(self.head.uri.query().unwrap_or_default())
    }
}

/// The parameters behind the `?` of a URL.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    /// Reads `text` such as `a=1&b=2`.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Every parameter, decoded, in order.
    pub fn iter(self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        form_urlencoded::parse(self.0.as_bytes())
    }

    /// The first parameter with this name.
    #[must_use]
    pub fn find(self, name: &str) -> Option<Cow<'a, str>> {
        self.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_open_parts_of_a_path_are_decoded_once() {
        let asked = |path: &str| {
            let (head, ()) = hyper::Request::get(path).body(()).unwrap().into_parts();
            let mut request = Request::new(head, Bytes::new(), SocketAddr::from(([127, 0, 0, 1], 1)));
            request.open = [Some(2), Some(4)];
            [request.param(0).map(Cow::into_owned), request.param(1).map(Cow::into_owned)]
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(asked("/a/b/c/d"), [some("b"), some("d")]);
        assert_eq!(asked("/a/%62%252f/c/d%20e?f=/g"), [some("b%2f"), some("d e")]);
        assert_eq!(asked("/a//c/"), [None, None]);
        assert_eq!(asked("/a/b"), [some("b"), None]);
        assert_eq!(asked("/a/%ff/c/%c3%a9"), [None, some("é")]);
    }
}
