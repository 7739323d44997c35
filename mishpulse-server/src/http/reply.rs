//! An answer: JSON, a problem, or a stream.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};
use serde::Serialize;

use super::head_timeout::{Answering, LastingBody};
use super::headers;

/// The body of an answer: whole, as nearly all are, or a stream.
#[derive(Debug)]
pub enum Body {
    /// All of it.
    Whole(Full<Bytes>),
    /// What comes bit by bit.
    Stream(BoxBody<Bytes, Infallible>),
}

impl Body {
    /// A body that comes bit by bit.
    pub fn stream(body: impl HttpBody<Data = Bytes, Error = Infallible> + Send + Sync + 'static) -> Self {
        Self::Stream(body.boxed())
    }

    /// A body whose next piece is made when the reader has taken the one before. `poll` gives `None` where nothing is left.
    pub fn pulled(
        poll: impl FnMut(&mut Context<'_>) -> Poll<Option<Bytes>> + Send + Sync + Unpin + 'static,
    ) -> Self {
        Self::stream(Pulled(poll))
    }
}

struct Pulled<F>(F);

impl<F: FnMut(&mut Context<'_>) -> Poll<Option<Bytes>> + Unpin> HttpBody for Pulled<F> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        (self.0)(context).map(|piece| Some(Ok(Frame::data(piece?))))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(context),
            Self::Stream(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Stream(body) => body.size_hint(),
        }
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An answer on its way.
#[derive(Debug)]
#[must_use]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

impl Reply {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self::full(status, Bytes::new())
    }

    /// `body` as JSON.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(json) => Self::ready_json(status, json),
            Err(_) => {
                Self::problem(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written as JSON")
            }
        }
    }

    /// `json`, which is JSON already.
    pub fn ready_json(status: StatusCode, json: impl Into<Bytes>) -> Self {
        let mut reply = Self::full(status, json.into());
        reply.headers.insert(header::CONTENT_TYPE, JSON);
        reply
    }

    /// `json`, which is JSON already, with no header more than that says: for the answer to a `POST` that is the same each time.
    pub fn brief_json(status: StatusCode, json: &'static str) -> Self {
        let mut headers = headers::spare();
        headers.insert(header::CONTENT_TYPE, JSON);
        Self { status, headers, body: Body::Whole(Full::new(Bytes::from_static(json.as_bytes()))) }
    }

    /// `text` with its media type.
    pub fn text(status: StatusCode, media_type: &'static str, text: impl Into<Bytes>) -> Self {
        Self::full(status, text.into()).with(header::CONTENT_TYPE, media_type)
    }

    /// A problem by RFC 9457; `detail` says what is wrong and what to do instead.
    pub fn problem(status: StatusCode, detail: &str) -> Self {
        Self::problem_json(status, detail, None)
    }

    /// A problem with one field of the request.
    pub fn problem_with(status: StatusCode, field: &str, detail: &str) -> Self {
        Self::problem_json(status, detail, Some(field))
    }

    /// A body that comes bit by bit.
    pub fn stream(status: StatusCode, media_type: &'static str, body: Body) -> Self {
        let reply = Self { status, headers: headers::of_answer(), body };
        reply.with(header::CONTENT_TYPE, media_type)
    }

    /// The same with one more header; one that was there already is replaced.
    pub fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// The same with one more header, whose value was made at run time; left out where it cannot be one.
    pub fn with_value(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn into_response(self, answering: Answering) -> Response<LastingBody> {
        let mut response = Response::new(answering.with(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }

    fn full(status: StatusCode, body: Bytes) -> Self {
        Self { status, headers: headers::of_answer(), body: Body::Whole(Full::new(body)) }
    }

    fn problem_json(status: StatusCode, detail: &str, field: Option<&str>) -> Self {
        let mut json = serde_json::json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "detail": detail,
        });
        if let Some(field) = field {
            json["field"] = field.into();
        }
        Self::full(status, json.to_string().into()).with(header::CONTENT_TYPE, "application/problem+json")
    }
}
