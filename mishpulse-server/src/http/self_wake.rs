//! Spares a connection the poll that it would ask for itself, when a body has come in whole with its head.
//!
//! hyper hands a body over by a channel whose two ends are polled by one task, the connection's. To take a piece out of it wakes the
//! other end, that is the task that is being polled, for it to read on; where nothing is left to be read, that is a poll for
//! nothing, a third of all of them.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use hyper::body::{Body as _, Frame, Incoming};

thread_local! {
    /// What becomes of a connection's wake-ups by this thread.
    static WAKE_UPS: Cell<WakeUps> = const { Cell::new(WakeUps::Passed) };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WakeUps {
    /// They go to the task at once.
    Passed,
    /// They are held back. None has come yet.
    Held,
    /// They are held back, and one has come.
    HeldOne,
}

/// A connection whose wake-ups can be held back. All that is polled within it sees its waker.
pub(super) struct Connection<F> {
    future: F,
    waker: Option<(Arc<Outer>, Waker)>,
}

struct Outer(Waker);

impl Wake for Outer {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        match WAKE_UPS.get() {
            WakeUps::Passed => self.0.wake_by_ref(),
            WakeUps::Held | WakeUps::HeldOne => WAKE_UPS.set(WakeUps::HeldOne),
        }
    }
}

impl<F> Connection<F> {
    pub(super) const fn new(future: F) -> Self {
        Self { future, waker: None }
    }
}

impl<F: Future + Unpin> Future for Connection<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, waker } = &mut *self;
        let (_, waker) = match waker {
            Some(waker) if waker.0.0.will_wake(context.waker()) => waker,
            waker => {
                let outer = Arc::new(Outer(context.waker().clone()));
                waker.insert((Arc::clone(&outer), outer.into()))
            }
        };
        Pin::new(future).poll(&mut Context::from_waker(waker))
    }
}

/// Takes the next piece of `body`, which belongs to the connection that is being polled.
pub(super) fn poll_frame(
    body: &mut Incoming,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Frame<bytes::Bytes>, hyper::Error>>> {
    WAKE_UPS.set(WakeUps::Held);
    let frame = Pin::new(&mut *body).poll_frame(context);
    let wake_ups = WAKE_UPS.replace(WakeUps::Passed);
    let is_whole = matches!(frame, Poll::Ready(Some(Ok(_)))) && body.is_end_stream();
    if wake_ups == WakeUps::HeldOne && !is_whole {
        context.waker().wake_by_ref();
    }
    frame
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::time::Duration;

    use bytes::Bytes;
    use http_body_util::Full;
    use hyper::Response;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::timeout;

    use super::*;

    /// What is answered to a request that comes in these pieces: the length of its body; and how often its connection was polled.
    async fn answer_to(pieces: &[&str]) -> (String, usize) {
        let (near, mut far) = duplex(1 << 16);
        let service = service_fn(|request: hyper::Request<Incoming>| async move {
            let (mut body, mut length) = (request.into_body(), 0);
            while let Some(frame) = poll_fn(|context| poll_frame(&mut body, context)).await {
                length += frame?.into_data().map_or(0, |data| data.len());
            }
            Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from(format!("length {length}")))))
        });
        let mut connection = pin!(http1::Builder::new().serve_connection(TokioIo::new(near), service));
        let mut polls = 0;
        let counted = pin!(poll_fn(move |context| {
            polls += 1;
            connection.as_mut().poll(context).map(|ended| (ended.is_ok(), polls))
        }));
        let mut connection = Connection::new(counted);
        for piece in pieces {
            far.write_all(piece.as_bytes()).await.unwrap();
            // It stops for the rest to come, or with all read.
            let stopped = timeout(Duration::from_millis(20), &mut connection).await;
            assert!(stopped.is_err(), "the connection ended");
        }
        let mut answer = vec![0; 1000];
        let length = timeout(Duration::from_secs(10), far.read(&mut answer)).await.unwrap().unwrap();
        answer.truncate(length);
        drop(far);
        let (is_ok, polls) = connection.await;
        assert!(is_ok);
        (String::from_utf8(answer).unwrap(), polls)
    }

    const HEAD: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n";

    #[tokio::test]
    async fn a_whole_body_costs_no_poll_of_its_own() {
        let (answer, polls) = answer_to(&[&format!("{HEAD}abcdef")]).await;
        assert!(answer.ends_with("length 6"), "{answer}");
        // To read and answer it, when the time to stop has come, and to see that nothing more comes.
        assert_eq!(polls, 3);
    }

    #[tokio::test]
    async fn a_body_in_pieces_is_read_to_its_end() {
        let (answer, _) = answer_to(&[HEAD, "abc", "def"]).await;
        assert!(answer.ends_with("length 6"), "{answer}");
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let (answer, _) = answer_to(&[&format!("{head}3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")]).await;
        assert!(answer.ends_with("length 7"), "{answer}");
    }
}
