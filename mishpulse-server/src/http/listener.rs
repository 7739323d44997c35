//! Sockets: how many, how long, how much.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::head_timeout::{HeadTimeout, Pulse};
use super::limit::Crowd;
use super::patience::Patient;
use super::reply::{Body, Reply};
use super::request::Request;
use super::router::Router;
use super::self_wake::{Connection, poll_frame};
use crate::config::Limits;
use crate::ear::Ear;

/// Tells the listener to stop.
pub type Shutdown = watch::Receiver<bool>;

/// Answers what comes in on `listener` until `shutdown` says stop, and then for a moment more what is under way.
/// Says by `ear` when nobody new can be heard: no connection can be accepted, or all places are taken.
pub async fn serve(
    listener: TcpListener,
    router: Arc<Router>,
    limits: Limits,
    ear: Ear,
    mut shutdown: Shutdown,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let crowd = Crowd::default();
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.header_read_timeout(None)
        .max_buf_size(limits.header_bytes.max(MIN_BUFFER_BYTES))
        .max_headers(limits.headers);
    let site = Arc::new(Site { router, limits });
    loop {
        // A place is taken before a connection is accepted: those beyond the limit wait in the system's queue.
        let free = Arc::clone(&places).try_acquire_owned();
        if free.is_err() && ear.cannot_hear() {
            tracing::warn!(
                connections = site.limits.connections,
                "all connections are taken; further clients wait"
            );
        }
        let place = tokio::select! {
            place = async { if let Ok(place) = free { Ok(place) } else { Arc::clone(&places).acquire_owned().await } } => place,
            _ = shutdown.wait_for(|stop| *stop) => break,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            accepted = accept(&listener, &ear) => accepted,
            _ = shutdown.wait_for(|stop| *stop) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if ear.cannot_hear() {
                    tracing::warn!(%error, "no connection can be accepted");
                }
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Closed at once: whoever holds so many should use those.
        let Some(admitted) = crowd.admit(peer.ip(), site.limits.connections_per_address) else { continue };
        prepare(&stream);
        let stream = TokioIo::new(Patient::new(stream, site.limits.write_timeout.into()));
        let site = Arc::clone(&site);
        let (pulse, head_timeout) = (Pulse::new(), site.limits.header_timeout.into());
        let beating = pulse.clone();
        let service = service_fn(move |request| {
            let (site, answering) = (Arc::clone(&site), beating.clone().answers());
            async move {
                let answer = answer(request, peer, &site).await;
                Ok::<_, Infallible>(answer.map(|body| answering.with(body)))
            }
        });
        let connection = graceful.watch(http.serve_connection(stream, service));
        tokio::spawn(async move {
            let connection = pin!(connection);
            // What goes wrong on a connection concerns its client alone, who has seen it.
            let _ = Connection::new(HeadTimeout::new(connection, pulse, head_timeout)).await;
            drop((place, admitted));
        });
    }
    drop(listener);
    if timeout(SHUTDOWN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::debug!("connections that were still busy are cut");
    }
}

/// What every request is answered by.
struct Site {
    router: Arc<Router>,
    limits: Limits,
}

/// The next connection. While there is none that waits, everybody is heard.
async fn accept(listener: &TcpListener, ear: &Ear) -> std::io::Result<(TcpStream, SocketAddr)> {
    poll_fn(|context| {
        let accepted = listener.poll_accept(context);
        if !matches!(accepted, Poll::Ready(Err(_))) {
            ear.hears();
        }
        accepted
    })
    .await
}

/// hyper refuses less.
const MIN_BUFFER_BYTES: usize = 8192;
/// After a failed accept, such as for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long requests under way may take when the server stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of a body that is too long is read and thrown away, so that its sender gets to read the answer.
const DRAIN_BYTES_MAX: usize = 8 * 1024 * 1024;

fn prepare(stream: &TcpStream) {
    // Without it an answer may wait for the client's acknowledgement; a connection works all the same.
    let _ = stream.set_nodelay(true);
}

async fn answer(request: hyper::Request<Incoming>, peer: SocketAddr, site: &Site) -> Response<Body> {
    let Site { router, limits } = site;
    let (head, body) = request.into_parts();
    let is_asking = head.headers.contains_key(header::EXPECT);
    let mut reading = pin!(read(body, limits.body_bytes, is_asking));
    // The usual body has come in with its head, and needs no timer.
    let body = match poll_once(reading.as_mut()).await {
        Poll::Ready(body) => Ok(body),
        Poll::Pending => timeout(limits.body_timeout.into(), reading).await,
    };
    let reply = match body {
        Ok(Ok(body)) => router.answer(Request::new(head, body, peer)).await,
        Ok(Err(BodyError::TooLong)) => {
            let detail = format!("a body may have {} bytes at most; send a shorter one", limits.body_bytes);
            Reply::problem(StatusCode::PAYLOAD_TOO_LARGE, &detail).with(header::CONNECTION, "close")
        }
        Ok(Err(BodyError::Broken)) => {
            Reply::problem(StatusCode::BAD_REQUEST, "the body broke off").with(header::CONNECTION, "close")
        }
        Err(_) => {
            Reply::problem(StatusCode::REQUEST_TIMEOUT, "the body did not come in time; send it at once")
                .with(header::CONNECTION, "close")
        }
    };
    reply.into_response()
}

/// What `future` says when it is asked once.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

enum BodyError {
    TooLong,
    Broken,
}

/// Reads a body of `most` bytes at most. One that is announced as too long is not asked for, where its sender is asking first.
async fn read(mut body: Incoming, most: usize, is_asking: bool) -> Result<Bytes, BodyError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > DRAIN_BYTES_MAX || (is_asking && announced > most) {
        return Err(BodyError::TooLong);
    }
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    let mut length = 0;
    while !body.is_end_stream() {
        let Some(frame) = poll_fn(|context| poll_frame(&mut body, context)).await else { break };
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        length += data.len();
        if length > DRAIN_BYTES_MAX {
            return Err(BodyError::TooLong);
        }
        if length > most {
            all.clear();
        } else if first.is_empty() && all.is_empty() {
            // The usual body comes in one piece and is not copied.
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    match length > most {
        true => Err(BodyError::TooLong),
        false if all.is_empty() => Ok(first),
        false => Ok(all.freeze()),
    }
}
