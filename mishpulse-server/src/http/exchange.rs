//! A request, from its head to its answer.

use std::convert::Infallible;
use std::mem;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Incoming};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode, header};
use tokio::time::{Sleep, sleep};

use super::head_timeout::{Answering, LastingBody};
use super::reply::Reply;
use super::request::Request;
use super::router::{Answer, Router, at_once};
use super::self_wake::poll_frame;
use crate::config::Limits;

/// What every request is answered by.
pub(super) struct Site {
    pub(super) router: Arc<Router>,
    pub(super) limits: Limits,
}

/// A future of the answer to a request, until whose end its connection is busy. It is written by hand to be small: each connection has
/// the memory of one, which is cold when its next request comes.
pub(super) struct Exchange {
    site: Arc<Site>,
    peer: SocketAddr,
    stage: Stage,
    answering: Option<Answering>,
}

#[expect(clippy::large_enum_variant, reason = "a box for the request would be one more allocation for each")]
enum Stage {
    /// The head has come in, and usually the body with it. Taken out when it is looked at.
    Asked(Option<hyper::Request<Incoming>>),
    /// The body is still to come.
    Listening(Box<Listening>),
    /// The request is with its handler.
    Answering(Answer),
}

struct Listening {
    /// Taken out when the body is there.
    head: Option<Parts>,
    reading: Reading,
    timeout: Pin<Box<Sleep>>,
}

impl Exchange {
    pub(super) fn new(
        request: hyper::Request<Incoming>,
        peer: SocketAddr,
        site: &Arc<Site>,
        answering: Answering,
    ) -> Self {
        let stage = Stage::Asked(Some(request));
        Self { site: Arc::clone(site), peer, stage, answering: Some(answering) }
    }

    fn begin(&self, request: hyper::Request<Incoming>, context: &mut Context<'_>) -> Stage {
        let limits = &self.site.limits;
        let (head, body) = request.into_parts();
        if head.headers.len() > limits.headers {
            return Stage::Answering(at_once(too_many_headers(limits)));
        }
        let is_asking = head.headers.contains_key(header::EXPECT);
        let mut reading = match Reading::new(body, limits.body_bytes, is_asking) {
            Ok(reading) => reading,
            Err(error) => return self.pass_on(head, Err(error)),
        };
        match reading.poll(context) {
            Poll::Ready(body) => self.pass_on(head, body),
            Poll::Pending => {
                let timeout = Box::pin(sleep(limits.body_timeout.into()));
                Stage::Listening(Box::new(Listening { head: Some(head), reading, timeout }))
            }
        }
    }

    fn pass_on(&self, head: Parts, body: Result<Bytes, BodyError>) -> Stage {
        Stage::Answering(match body {
            Ok(body) => self.site.router.answer(Request::new(head, body, self.peer)),
            Err(error) => at_once(error.reply(&self.site.limits)),
        })
    }
}

impl Future for Exchange {
    type Output = Result<Response<LastingBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match &mut self.stage {
                Stage::Answering(answer) => {
                    let reply = ready!(answer.as_mut().poll(context));
                    let Some(answering) = self.answering.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(reply.into_response(answering)));
                }
                Stage::Asked(request) => {
                    let Some(request) = request.take() else { return Poll::Pending };
                    self.begin(request, context)
                }
                Stage::Listening(listening) => {
                    let body = match listening.reading.poll(context) {
                        Poll::Ready(body) => body,
                        Poll::Pending => {
                            ready!(listening.timeout.as_mut().poll(context));
                            Err(BodyError::Late)
                        }
                    };
                    let Some(head) = listening.head.take() else { return Poll::Pending };
                    self.pass_on(head, body)
                }
            };
            self.stage = next;
        }
    }
}

/// A body that is being read, of `most` bytes at most.
struct Reading {
    body: Incoming,
    most: usize,
    length: usize,
    /// The usual body comes in one piece and is not copied.
    first: Bytes,
    all: BytesMut,
}

enum BodyError {
    TooLong,
    Broken,
    Late,
}

impl Reading {
    /// One that is announced as too long is not asked for, where its sender is asking first.
    fn new(body: Incoming, most: usize, is_asking: bool) -> Result<Self, BodyError> {
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > DRAIN_BYTES_MAX || (is_asking && announced > most) {
            return Err(BodyError::TooLong);
        }
        Ok(Self { body, most, length: 0, first: Bytes::new(), all: BytesMut::new() })
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, BodyError>> {
        while !self.body.is_end_stream() {
            let Some(frame) = ready!(poll_frame(&mut self.body, context)) else { break };
            let Ok(frame) = frame else { return Poll::Ready(Err(BodyError::Broken)) };
            let Ok(data) = frame.into_data() else { continue };
            self.length += data.len();
            if self.length > DRAIN_BYTES_MAX {
                return Poll::Ready(Err(BodyError::TooLong));
            }
            if self.length > self.most {
                self.all.clear();
            } else if self.first.is_empty() && self.all.is_empty() {
                self.first = data;
            } else {
                self.all.extend_from_slice(&mem::take(&mut self.first));
                self.all.extend_from_slice(&data);
            }
        }
        Poll::Ready(match self.length > self.most {
            true => Err(BodyError::TooLong),
            false if self.all.is_empty() => Ok(mem::take(&mut self.first)),
            false => Ok(mem::take(&mut self.all).freeze()),
        })
    }
}

fn too_many_headers(limits: &Limits) -> Reply {
    let detail = format!("a request may have {} headers at most; send fewer", limits.headers);
    Reply::problem(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &detail).with(header::CONNECTION, "close")
}

impl BodyError {
    fn reply(self, limits: &Limits) -> Reply {
        let (status, detail) = match self {
            Self::TooLong => {
                let detail =
                    format!("a body may have {} bytes at most; send a shorter one", limits.body_bytes);
                (StatusCode::PAYLOAD_TOO_LARGE, detail)
            }
            Self::Broken => (StatusCode::BAD_REQUEST, "the body broke off".to_owned()),
            Self::Late => {
                (StatusCode::REQUEST_TIMEOUT, "the body did not come in time; send it at once".to_owned())
            }
        };
        Reply::problem(status, &detail).with(header::CONNECTION, "close")
    }
}

/// How much of a body that is too long is read and thrown away, so that its sender gets to read the answer.
const DRAIN_BYTES_MAX: usize = 8 * 1024 * 1024;
