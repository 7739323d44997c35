//! A limit on everything that comes from outside.

use mishpulse_core::Span;

/// How much the server takes, and for how long it waits. Each is a key of `[limits]`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest body of a request, in bytes; a longer one is answered 413.
    pub body_bytes: usize,
    /// The longest head of a request, in bytes: request line and headers together.
    pub header_bytes: usize,
    /// The most headers of a request.
    pub headers: usize,
    /// How long a client may take to send the head of a request, and how long it may idle between two.
    pub header_timeout: Span,
    /// How long a client may take to send a body.
    pub body_timeout: Span,
    /// How long a client may take nothing of an answer before its connection is closed.
    pub write_timeout: Span,
    /// The most connections at a time; further ones wait.
    pub connections: usize,
    /// The most connections at a time from one address, or from one IPv6 network of a customer (/64). All that comes through a proxy comes from one.
    pub connections_per_address: usize,
    /// The most commands that wait for the engine; a beat that finds it full is answered 503.
    pub inbox: usize,
    /// The most commands that share one transaction.
    pub batch: usize,
    /// The most services, declared ones included.
    pub services: usize,
    /// How many wrong keys in a row an address may send before its next tries are slowed down.
    pub key_failures: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 64 * 1024,
            header_bytes: 16 * 1024,
            headers: 64,
            header_timeout: Span::from_secs(30),
            body_timeout: Span::from_secs(10),
            write_timeout: Span::from_secs(30),
            connections: 10_000,
            connections_per_address: 8_000,
            inbox: 16_384,
            batch: 1_024,
            services: 2_000_000,
            key_failures: 10,
        }
    }
}
