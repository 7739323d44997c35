//! A body that goes on: what is there already, and then all that is broadcast.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::reply::Body;

/// A body of `first` and then all that comes through `feed`, byte for byte the same for all that follow it.
///
/// It ends with the feed, and where its reader is so slow that the feed has run away from it: then the reader is cut off,
/// and nothing is kept for it.
pub fn follow(first: impl Into<VecDeque<Bytes>>, feed: Receiver<Bytes>) -> Body {
    Body::stream(Follow { first: first.into(), next: wait(feed) })
}

struct Follow {
    first: VecDeque<Bytes>,
    next: Next,
}

type Next = Pin<Box<dyn Future<Output = (Result<Bytes, RecvError>, Receiver<Bytes>)> + Send + Sync>>;

fn wait(mut feed: Receiver<Bytes>) -> Next {
    Box::pin(async move {
        let next = feed.recv().await;
        (next, feed)
    })
}

impl HttpBody for Follow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(bytes) = self.first.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        let (next, feed) = ready!(self.next.as_mut().poll(context));
        Poll::Ready(match next {
            Ok(bytes) => {
                self.next = wait(feed);
                Some(Ok(Frame::data(bytes)))
            }
            Err(RecvError::Closed | RecvError::Lagged(_)) => {
                // It is not polled again after its end.
                None
            }
        })
    }
}
