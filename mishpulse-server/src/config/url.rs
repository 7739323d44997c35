//! Web addresses, as strict as those who will call them.

use super::host;

/// Why a text is no URL that could be called. Never shows it: it may carry a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum UrlError {
    /// It does not begin with `http://` or `https://`.
    #[error("must be a URL that begins with http:// or https://")]
    Scheme,
    /// There is no host, or none that could be.
    #[error(
        "must be a URL with a host name or IP address after ://; write an international name in its xn-- form"
    )]
    Host,
    /// The port is no port.
    #[error("must be a URL with a port from 1 to 65535, or without one")]
    Port,
    /// `user:password@`.
    #[error("must be a URL without user and password; send them in a header, such as Authorization")]
    Credentials,
    /// A letter that URLs do not have.
    #[error("must be a URL without spaces, quotes and letters outside ASCII; write those as %20 and so on")]
    Letter,
    /// `#...`.
    #[error("must be a URL without a part from # on: that is never sent")]
    Fragment,
    /// `?...` in a URL that others are made of.
    #[error("must be a URL without a part from ? on: paths are added to it")]
    Query,
    /// It is too long.
    #[error("must be a URL of at most 2048 bytes")]
    TooLong,
}

/// An `http` or `https` URL with a host and without credentials.
pub(super) fn url(text: &str) -> Result<&str, UrlError> {
    if text.len() > BYTES_MAX {
        return Err(UrlError::TooLong);
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)) {
        return Err(UrlError::Letter);
    }
    if text.contains('#') {
        return Err(UrlError::Fragment);
    }
    let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
    if !["http", "https"].contains(&scheme) {
        return Err(UrlError::Scheme);
    }
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    if authority.contains('@') {
        return Err(UrlError::Credentials);
    }
    let port = match authority.strip_prefix('[').map(|rest| rest.split_once(']').ok_or(UrlError::Host)) {
        Some(in_brackets) => {
            let (address, port) = in_brackets?;
            address.parse::<std::net::Ipv6Addr>().map_err(|_| UrlError::Host)?;
            port
        }
        None => {
            let (name, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            host::host(name).map_err(|_| UrlError::Host)?;
            port
        }
    };
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok(text),
        None => Err(UrlError::Host),
        Some(number) if !number.bytes().all(|byte| byte.is_ascii_digit()) => Err(UrlError::Port),
        Some(number) => match number.parse::<u16>() {
            Ok(1..) => Ok(text),
            _ => Err(UrlError::Port),
        },
    }
}

/// A URL that others are made of by adding a path: without a query, and without slashes at its end.
pub(super) fn base_url(text: &str) -> Result<String, UrlError> {
    let text = url(text)?;
    if text.contains('?') {
        return Err(UrlError::Query);
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The part of a URL that may be shown: scheme, host and port, without path, query or credentials.
pub(super) fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}")
}

const BYTES_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_called_is_a_url() {
        for right in [
            "http://a",
            "https://example.org/hook?key=%20x&b=[1]",
            "http://127.0.0.1:8080/",
            "http://[::1]:80/a:b@c",
            "http://a?x=1",
        ] {
            assert_eq!(url(right), Ok(right));
        }
        for (wrong, error) in [
            ("", UrlError::Scheme),
            ("example.org/hook", UrlError::Scheme),
            ("ftp://a", UrlError::Scheme),
            ("http:///x", UrlError::Host),
            ("http://", UrlError::Host),
            ("http://[::1/x", UrlError::Host),
            ("http://[::1]x/", UrlError::Host),
            ("http://[127.0.0.1]/", UrlError::Host),
            ("http://a..b/", UrlError::Host),
            ("http://:80/", UrlError::Host),
            ("http://a:0/", UrlError::Port),
            ("http://a:65536/", UrlError::Port),
            ("http://a:/", UrlError::Port),
            ("http://a:+1/", UrlError::Port),
            ("http://a::1/", UrlError::Port),
            ("http://user:pw@a/", UrlError::Credentials),
            ("http://a/#x", UrlError::Fragment),
            ("http://a/b c", UrlError::Letter),
            ("http://a/\r\nX: y", UrlError::Letter),
            ("http://ä/", UrlError::Letter),
            ("http://a\\b/", UrlError::Letter),
        ] {
            assert_eq!(url(wrong), Err(error), "{wrong}");
        }
        assert_eq!(url(&format!("http://a/{}", "x".repeat(2048))), Err(UrlError::TooLong));
        assert_eq!(base_url("http://a/b//").unwrap(), "http://a/b");
        assert_eq!(base_url("http://a/?x"), Err(UrlError::Query));
    }

    #[test]
    fn the_origin_has_no_secrets() {
        assert_eq!(origin("https://a.b:1/secret?secret"), "https://a.b:1");
        assert_eq!(origin("https://user:secret@a.b/secret"), "https://a.b");
        assert_eq!(origin("http://a?secret"), "http://a");
    }
}
