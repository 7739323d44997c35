//! A connection on which no request comes is given up.
//!
//! hyper can do that, too. There it costs each request a timer of its own and one more look at everything; here it costs two
//! stores into memory, and a connection has one timer, which is put off only once it has gone off.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::reply::Body;

/// What a connection is doing.
#[derive(Debug, Clone)]
pub(super) struct Pulse(Arc<State>);

#[derive(Debug)]
struct State {
    opened: Instant,
    /// When it began to wait for the head of a request, in milliseconds since it was opened and one more; 0 while one is answered.
    waits: AtomicU64,
}

/// A request that is being answered, as long as it lives.
#[derive(Debug)]
pub(super) struct Answering(Pulse);

impl Pulse {
    /// A connection that is new, and waits.
    pub(super) fn new() -> Self {
        Self(Arc::new(State { opened: Instant::now(), waits: AtomicU64::new(1) }))
    }

    /// Is busy from now on, until the answer that comes of this has been written or thrown away.
    pub(super) fn answers(self) -> Answering {
        self.0.waits.store(0, Ordering::Relaxed);
        Answering(self)
    }

    /// When it is given up, if no head has come until then; `None` while it answers.
    fn deadline(&self, most: Duration) -> Option<Instant> {
        let ms = self.0.waits.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.0.opened + Duration::from_millis(ms) + most)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let State { opened, waits } = &*self.0.0;
        waits.store(opened.elapsed().as_millis() as u64 + 1, Ordering::Relaxed);
    }
}

impl Answering {
    /// The answer's body, until whose end the connection is busy.
    pub(super) fn with(self, body: Body) -> LastingBody {
        LastingBody { body, _answering: self }
    }
}

/// A body until whose end its connection is busy.
#[derive(Debug)]
pub(super) struct LastingBody {
    body: Body,
    _answering: Answering,
}

impl HttpBody for LastingBody {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection that ends when it has waited for a request for too long.
pub(super) struct HeadTimeout<F> {
    connection: F,
    pulse: Pulse,
    most: Duration,
    alarm: Option<(Pin<Box<Sleep>>, Waker)>,
}

impl<F> HeadTimeout<F> {
    pub(super) const fn new(connection: F, pulse: Pulse, most: Duration) -> Self {
        Self { connection, pulse, most, alarm: None }
    }
}

impl<F: Future + Unpin> Future for HeadTimeout<F> {
    /// `None` where the time was over.
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { connection, pulse, most, alarm } = &mut *self;
        if let Poll::Ready(ended) = Pin::new(connection).poll(context) {
            return Poll::Ready(Some(ended));
        }
        loop {
            if let Some((sleep, waker)) = alarm
                && !sleep.is_elapsed()
                && waker.will_wake(context.waker())
            {
                return Poll::Pending;
            }
            // While it answers, or has been heard meanwhile, it is looked at again later.
            let now = Instant::now();
            let next = pulse.deadline(*most).unwrap_or(now + *most);
            if next <= now {
                return Poll::Ready(None);
            }
            let (sleep, waker) =
                alarm.get_or_insert_with(|| (Box::pin(sleep_until(next)), context.waker().clone()));
            sleep.as_mut().reset(next);
            waker.clone_from(context.waker());
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Pending, pending};

    use bytes::Bytes;
    use http_body_util::Full;
    use tokio::time::timeout;

    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn connection(pulse: &Pulse) -> HeadTimeout<Pending<()>> {
        HeadTimeout::new(pending(), pulse.clone(), MS(200))
    }

    #[tokio::test]
    async fn who_sends_no_request_is_given_up_when_its_time_is_over() {
        let (pulse, begun) = (Pulse::new(), Instant::now());
        assert_eq!(connection(&pulse).await, None);
        assert!(begun.elapsed() >= MS(200));
        // Time counts from the last answer.
        let pulse = Pulse::new();
        let mut connection = connection(&pulse);
        let (answering, begun) = (pulse.answers(), Instant::now());
        assert!(timeout(MS(150), &mut connection).await.is_err());
        drop(answering.with(Body::Whole(Full::new(Bytes::new()))));
        assert_eq!(connection.await, None);
        assert!(begun.elapsed() >= MS(350));
    }

    #[tokio::test]
    async fn an_answer_may_take_any_time() {
        let pulse = Pulse::new();
        let mut connection = connection(&pulse);
        let body = pulse.answers().with(Body::Whole(Full::new(Bytes::new())));
        assert!(timeout(MS(700), &mut connection).await.is_err());
        drop(body);
        assert_eq!(timeout(MS(10_000), connection).await, Ok(None));
    }

    #[tokio::test]
    async fn what_ends_by_itself_ends_at_once() {
        let ended = HeadTimeout::new(std::future::ready(7), Pulse::new(), Duration::from_secs(3600)).await;
        assert_eq!(ended, Some(7));
    }
}
