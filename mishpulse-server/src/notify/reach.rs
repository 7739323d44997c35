//! Whether a server can be reached: its name, a connection, TLS. Nothing is said to it.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use ureq::http::Uri;

use super::address::is_public;
use super::{Refusal, tls};

/// Connects to the server of `url`, with TLS where it says `https`, and hangs up; says what was seen.
///
/// # Errors
/// [`Refusal`] after at most `timeout`.
pub(super) fn reach(url: &str, allow_private: bool, timeout: Duration) -> Result<String, Refusal> {
    let target = Target::of(url)?;
    let host = target.host.clone();
    let (sender, receiver) = channel();
    // A look-up cannot be ended, so it is left behind where it takes too long.
    let looked = thread::Builder::new().name("probe".to_owned()).spawn(move || {
        let _ = sender.send(target.reach(allow_private, timeout));
    });
    looked.map_err(|error| Refusal::later(format!("no thread to look at {host} with: {error}")))?;
    receiver.recv_timeout(timeout).unwrap_or_else(|_| {
        Err(Refusal::later(format!("{host} did not answer within {} s", timeout.as_secs_f32())))
    })
}

struct Target {
    host: String,
    port: u16,
    is_tls: bool,
}

impl Target {
    fn of(url: &str) -> Result<Self, Refusal> {
        let uri: Uri = url.parse().map_err(|_| Refusal::last("its URL is none"))?;
        let is_tls = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        Ok(Self { host, port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }), is_tls })
    }

    fn reach(&self, allow_private: bool, timeout: Duration) -> Result<String, Refusal> {
        let Self { host, port, is_tls } = self;
        let found = (host.as_str(), *port).to_socket_addrs();
        let found = found.map_err(|_| Refusal::later(format!("the name {host} does not resolve")))?;
        let allowed: Vec<SocketAddr> = found.filter(|addr| allow_private || is_public(addr.ip())).collect();
        if allowed.is_empty() {
            let why = format!("{host} is a private address, which allow_private = false forbids");
            return Err(Refusal::last(why));
        }
        let mut stream = self.connect(&allowed, timeout)?;
        if !is_tls {
            return Ok(format!("{host} port {port} takes connections"));
        }
        self.shake_hands(&mut stream, timeout)?;
        Ok(format!("{host} port {port} takes connections, with a certificate that is trusted"))
    }

    /// To the first address that answers, each with its share of the time.
    fn connect(&self, addrs: &[SocketAddr], timeout: Duration) -> Result<TcpStream, Refusal> {
        let share = timeout / u32::try_from(addrs.len()).unwrap_or(u32::MAX);
        let mut why = String::new();
        for addr in addrs {
            match TcpStream::connect_timeout(addr, share) {
                Ok(stream) => return Ok(stream),
                Err(error) => why = error.to_string(),
            }
        }
        Err(Refusal::later(format!("no connection to {} port {}: {why}", self.host, self.port)))
    }

    fn shake_hands(&self, stream: &mut TcpStream, timeout: Duration) -> Result<(), Refusal> {
        let host = &self.host;
        let setup = |error: String| Refusal::last(format!("TLS to {host} cannot be used: {error}"));
        let config = tls::client(None).map_err(|error| Refusal::last(error.to_string()))?;
        let name = ServerName::try_from(host.clone()).map_err(|error| setup(error.to_string()))?;
        let mut connection = ClientConnection::new(config, name).map_err(|error| setup(error.to_string()))?;
        let _ = stream.set_read_timeout(Some(timeout));
        let _ = stream.set_write_timeout(Some(timeout));
        while connection.is_handshaking() {
            connection.complete_io(stream).map_err(|error| self.tls_refusal(&error))?;
        }
        connection.send_close_notify();
        let _ = connection.write_tls(stream);
        Ok(())
    }

    fn tls_refusal(&self, error: &io::Error) -> Refusal {
        let host = &self.host;
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
        let why = cause.map_or_else(
            || format!("TLS failed: {error}"),
            |cause| tls::explain(cause, "install its CA on this machine"),
        );
        Refusal::later(format!("{host} cannot be trusted: {why}"))
    }
}
