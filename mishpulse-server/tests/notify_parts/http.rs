//! An HTTP server on loopback that answers as a test tells it to, or breaks off, or never answers.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::certificates::Certificates;

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The method and path, as `POST /hook`.
    pub(crate) line: String,
    /// Field names in lower case, with their values.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of a field.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What is done about it.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Answers with a status, further header lines, and a body.
    Answer(u16, &'static str, String),
    /// Hangs up in the middle of the header.
    CutHead,
    /// Hangs up after the header, in the middle of the body.
    CutBody(u16),
    /// Says something that is not HTTP.
    Babble,
    /// Says nothing, for as long as the other side waits.
    Hang,
}

impl Reply {
    /// An answer with a body and nothing else.
    pub(crate) fn new(status: u16, body: &str) -> Self {
        Self::Answer(status, "", body.to_owned())
    }
}

/// A server that is there until the test ends.
pub(crate) struct Server {
    /// Its port on loopback.
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// One that answers by `reply`.
    pub(crate) fn start(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::serve(reply, Ok)
    }

    /// One that speaks TLS with `certificates`.
    pub(crate) fn start_tls(
        certificates: &Certificates,
        reply: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = vec![CertificateDer::from_pem_file(certificates.path("cert.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_file(certificates.path("key.pem")).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let config = Arc::new(config);
        Self::serve(reply, move |stream| {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
            Ok(rustls::StreamOwned::new(connection, stream))
        })
    }

    /// All that was asked so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    fn serve<S: Read + Write>(
        reply: impl Fn(&Request) -> Reply + Send + Sync + 'static,
        wrap: impl Fn(TcpStream) -> io::Result<S> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let shared = Arc::new((reply, wrap));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, shared) = (Arc::clone(&seen), Arc::clone(&shared));
                // What fails here fails for the client, which is what the test looks at.
                thread::spawn(move || (shared.1)(stream).and_then(|stream| answer(stream, &seen, &shared.0)));
            }
        });
        Self { port, requests }
    }
}

fn answer<S: Read + Write>(
    mut stream: S,
    seen: &Mutex<Vec<Request>>,
    reply: &impl Fn(&Request) -> Reply,
) -> io::Result<()> {
    let Some(request) = read(&mut stream)? else {
        return Ok(());
    };
    let reply = reply(&request);
    seen.lock().unwrap().push(request);
    match reply {
        Reply::Answer(status, headers, body) => write!(
            stream,
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
            body.len()
        )?,
        Reply::CutHead => write!(stream, "HTTP/1.1 200 OK\r\nContent-Le")?,
        Reply::CutBody(status) => {
            write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 100\r\n\r\n{{\"ok\":")?;
        }
        Reply::Babble => write!(stream, "220 mail.example.org ESMTP\r\n")?,
        Reply::Hang => {
            // Ends when the other side gives up.
            let _ = stream.read(&mut [0; 1]);
        }
    }
    stream.flush()
}

fn read(stream: &mut impl Read) -> io::Result<Option<Request>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let mut fill = |bytes: &mut Vec<u8>| {
        let count = stream.read(&mut buffer)?;
        bytes.extend_from_slice(&buffer[..count]);
        io::Result::Ok(count > 0)
    };
    let head_len = loop {
        if let Some(place) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break place;
        }
        if !fill(&mut bytes)? {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_len]).into_owned();
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut request = Request { line, headers, body: Vec::new() };
    let body_len = request.header("content-length").and_then(|len| len.parse().ok()).unwrap_or(0);
    while bytes.len() < head_len + 4 + body_len {
        if !fill(&mut bytes)? {
            return Ok(None);
        }
    }
    request.body = bytes[head_len + 4..].to_vec();
    Ok(Some(request))
}
