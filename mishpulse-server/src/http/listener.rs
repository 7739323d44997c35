//! Sockets: how many, how long, how much.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::exchange::{Exchange, Site};
use super::head_timeout::{HeadTimeout, Pulse};
use super::limit::Crowd;
use super::patience::Patient;
use super::router::Router;
use super::self_wake::Connection;
use super::stop::Stop;
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
    let stop = Stop::new();
    let mut http = http1::Builder::new();
    // Who has said all may close its side and still gets its answer. It is also cheaper: hyper would try to read on, into new memory,
    // while a request is answered.
    http.half_close(true).header_read_timeout(None).max_buf_size(limits.header_bytes.max(MIN_BUFFER_BYTES));
    // A number of one's own costs hyper more than its default, and fewer are counted where they are answered.
    if limits.headers > HEADERS_OF_HYPER {
        http.max_headers(limits.headers);
    }
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
        let service =
            service_fn(move |request| Exchange::new(request, peer, &site, beating.clone().answers()));
        let connection = stop.watch(http.serve_connection(stream, service));
        tokio::spawn(async move {
            // What goes wrong on a connection concerns its client alone, who has seen it.
            let _ = Connection::new(HeadTimeout::new(connection, pulse, head_timeout)).await;
            drop((place, admitted));
        });
    }
    drop(listener);
    if timeout(SHUTDOWN_TIMEOUT, stop.stop()).await.is_err() {
        tracing::debug!("connections that were still busy are cut");
    }
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

/// The most that hyper takes if it is not told otherwise.
const HEADERS_OF_HYPER: usize = 100;
/// hyper refuses less.
const MIN_BUFFER_BYTES: usize = 8192;
/// After a failed accept, such as for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long requests under way may take when the server stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

fn prepare(stream: &TcpStream) {
    // Without it an answer may wait for the client's acknowledgement; a connection works all the same.
    let _ = stream.set_nodelay(true);
}
