//! A body that goes on: what is there already, and then all that is broadcast.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Poll, ready};

use bytes::Bytes;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::reply::Body;

/// A body of `first` and then all that comes through `feed`, byte for byte the same for all that follow it.
///
/// It ends with the feed, and where its reader is so slow that the feed has run away from it: then the reader is cut off,
/// and nothing is kept for it.
pub fn follow(first: impl Into<VecDeque<Bytes>>, feed: Receiver<Bytes>) -> Body {
    let (mut first, mut next) = (first.into(), wait(feed));
    Body::pulled(move |context| {
        if let Some(bytes) = first.pop_front() {
            return Poll::Ready(Some(bytes));
        }
        let (received, feed) = ready!(next.as_mut().poll(context));
        // It is not polled again after its end.
        Poll::Ready(received.ok().inspect(|_| next = wait(feed)))
    })
}

type Next = Pin<Box<dyn Future<Output = (Result<Bytes, RecvError>, Receiver<Bytes>)> + Send + Sync>>;

fn wait(mut feed: Receiver<Bytes>) -> Next {
    Box::pin(async move {
        let next = feed.recv().await;
        (next, feed)
    })
}
