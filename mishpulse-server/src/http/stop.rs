//! Connections end when the server stops, each with the answer that it is giving.
//!
//! hyper-util has that, too. There each poll of a connection looks into a list of those who wait, behind a lock; here it reads one
//! flag, and looks again only where it is set or the task has another waker.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use hyper_util::server::graceful::GracefulConnection;
use tokio::sync::watch;

/// Tells connections to end, and waits for them.
pub(super) struct Stop {
    has_come: Arc<AtomicBool>,
    bell: watch::Sender<()>,
}

impl Stop {
    pub(super) fn new() -> Self {
        Self { has_come: Arc::default(), bell: watch::Sender::new(()) }
    }

    /// `connection`, which ends when the time has come.
    pub(super) fn watch<C>(&self, connection: C) -> Stoppable<C> {
        let mut bell = self.bell.subscribe();
        let rung = Box::pin(async move {
            // Whether it rings or is gone.
            let _ = bell.changed().await;
            bell
        });
        let has_come = Arc::clone(&self.has_come);
        Stoppable { connection, has_come, state: State::Open { rung, waker: Waker::noop().clone() } }
    }

    /// Tells all connections, and waits until they have ended.
    pub(super) async fn stop(self) {
        // Before the bell, so that whoever is woken by it sees it.
        self.has_come.store(true, Ordering::Release);
        let _ = self.bell.send(());
        self.bell.closed().await;
    }
}

/// A connection that is told when the server stops.
pub(super) struct Stoppable<C> {
    connection: C,
    has_come: Arc<AtomicBool>,
    state: State,
}

enum State {
    /// `waker` is who hears the bell.
    Open { rung: Pin<Box<dyn Future<Output = watch::Receiver<()>> + Send>>, waker: Waker },
    /// It was told. What is held is waited for.
    Ending { _held: watch::Receiver<()> },
}

impl<C: GracefulConnection + Unpin> Future for Stoppable<C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<C::Output> {
        let Self { connection, has_come, state } = &mut *self;
        let mut connection = Pin::new(connection);
        if let State::Open { rung, waker } = state
            && (has_come.load(Ordering::Acquire) || !waker.will_wake(context.waker()))
        {
            waker.clone_from(context.waker());
            if let Poll::Ready(held) = rung.as_mut().poll(context) {
                connection.as_mut().graceful_shutdown();
                *state = State::Ending { _held: held };
            }
        }
        connection.poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use bytes::Bytes;
    use http_body_util::Full;
    use hyper::Response;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::sync::Notify;
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    /// A connection that answers each request once `go` is told, and the client's end of it.
    fn connection(stop: &Stop, go: &Arc<Notify>) -> DuplexStream {
        let (near, far) = duplex(1 << 16);
        let go = Arc::clone(go);
        let service = service_fn(move |_| {
            let go = Arc::clone(&go);
            async move {
                go.notified().await;
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"well"))))
            }
        });
        tokio::spawn(stop.watch(http1::Builder::new().serve_connection(TokioIo::new(near), service)));
        far
    }

    #[tokio::test]
    async fn a_stop_ends_who_waits_and_waits_for_who_is_answered() {
        let (stop, go) = (Stop::new(), Arc::new(Notify::new()));
        let (mut idle, mut busy) = (connection(&stop, &go), connection(&stop, &go));
        busy.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut stopping = tokio::spawn(stop.stop());
        let mut answer = Vec::new();
        timeout(SOON, idle.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert_eq!(answer, b"");
        assert!(timeout(Duration::from_millis(50), &mut stopping).await.is_err(), "an answer is under way");
        go.notify_one();
        timeout(SOON, busy.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert!(answer.ends_with(b"well"), "{}", String::from_utf8_lossy(&answer));
        timeout(SOON, stopping).await.unwrap().unwrap();
    }
}
