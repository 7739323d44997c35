//! The other end of a webhook: takes whatever comes, and notes when each service was named.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mishpulse_core::Timestamp;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::Result;
use super::seed::now;

/// A webhook's server in this process.
#[derive(Debug)]
pub(crate) struct Sink {
    address: SocketAddr,
    arrived: Arc<Mutex<Arrived>>,
    _runtime: Runtime,
}

/// What has come in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arrived {
    /// When each service was named first.
    pub(crate) named: HashMap<u32, Timestamp>,
    pub(crate) messages: u64,
    pub(crate) digests: u64,
}

impl Sink {
    pub(crate) fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let arrived = Arc::new(Mutex::new(Arrived::default()));
        runtime.spawn(listen(listener, Arc::clone(&arrived)));
        Ok(Self { address, arrived, _runtime: runtime })
    }

    /// The configuration of `channels` webhooks that end here, `hook0` and so on.
    pub(crate) fn channels(&self, channels: u32) -> String {
        let one = |number| {
            format!("[channels.hook{number}]\nkind = \"webhook\"\nurl = \"http://{}/\"\n", self.address)
        };
        (0..channels).map(one).collect()
    }

    /// Waits until `services` are named, for 30 s at most; whoever counts them sees whether they are.
    pub(crate) fn wait_for(&self, services: usize) {
        let until = Instant::now() + Duration::from_secs(30);
        while self.arrived().named.len() < services && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What has come in so far.
    pub(crate) fn arrived(&self) -> MutexGuard<'_, Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn listen(listener: TcpListener, arrived: Arc<Mutex<Arrived>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let arrived = Arc::clone(&arrived);
        let note = service_fn(move |request: Request<Incoming>| {
            let (at, arrived) = (now(), Arc::clone(&arrived));
            async move {
                let body =
                    request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                arrived
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .note(&String::from_utf8_lossy(&body), at);
                Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
            }
        });
        tokio::spawn(async move {
            // What breaks off is sent again.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), note).await;
        });
    }
}

impl Arrived {
    fn note(&mut self, body: &str, at: Timestamp) {
        self.messages += 1;
        self.digests += u64::from(body.contains(r#""event":"service.digest""#));
        for after in body.split("service-").skip(1) {
            if let Some(number) = after.get(..12).and_then(|digits| digits.parse().ok()) {
                self.named.entry(number).or_insert(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_that_is_named_is_noted_once() {
        let mut arrived = Arrived::default();
        let (first, later) = (Timestamp::from_unix_ms(1), Timestamp::from_unix_ms(2));
        arrived.note(r#"{"event":"service.dead","service":{"name":"service-000000000007"}}"#, first);
        arrived.note(
            r#"{"event":"service.digest","services":["service-000000000007","service-000000000012"]}"#,
            later,
        );
        assert_eq!(arrived.named, HashMap::from([(7, first), (12, later)]));
        assert_eq!((arrived.messages, arrived.digests), (2, 1));
    }
}
