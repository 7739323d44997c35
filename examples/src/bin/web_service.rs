//! A web service on hyper that beats while it can answer: it shows the file that `PAGE` names.
//!
//! A request that fails makes the service an error, the next one that succeeds makes it ok again; a runtime that hangs
//! is noticed too. `LISTEN` is its address, `INTERVAL` and `STALLED_AFTER` are lengths of time such as `500ms`.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use mishpulse_client::{Builder, Pulse, Watch};
use mishpulse_core::Span;
use mishpulse_examples::duration;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let stalled_after = duration("STALLED_AFTER", Span::from_secs(30))?;
    let pulse = Arc::new(Builder::from_env().interval(duration("INTERVAL", Span::from_secs(60))?).start()?);
    tokio::spawn(turn(pulse.watch_named("the runtime", stalled_after), stalled_after / 3));

    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listens on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let pulse = Arc::clone(&pulse);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&pulse)));
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
                eprintln!("connection: {error}");
            }
        });
    }
}

/// Ticks for as long as the runtime comes round to it.
async fn turn(watch: Watch, every: Duration) {
    let mut interval = tokio::time::interval(every);
    loop {
        interval.tick().await;
        watch.tick();
    }
}

/// Both `ok` and `error` only hand over a status: no request waits for the monitor.
async fn answer(request: Request<Incoming>, pulse: Arc<Pulse>) -> Result<Response<Full<Bytes>>, Infallible> {
    let page = env::var("PAGE").unwrap_or_else(|_| "page.html".to_owned());
    let (status, body) = match fs::read(&page) {
        Ok(body) => {
            pulse.ok();
            (StatusCode::OK, body)
        }
        Err(error) => {
            pulse.error(format_args!("{} {}: {error}", request.method(), request.uri().path()));
            (StatusCode::INTERNAL_SERVER_ERROR, b"the page is away; come back later\n".to_vec())
        }
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    Ok(response)
}
