//! Host names and addresses to listen on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Why a text names no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum HostError {
    /// A letter that host names do not have, or a wrong length.
    #[error(
        "must be a host name such as \"smtp.example.org\" or an IP address; \
         write an international name in its xn-- form"
    )]
    Name,
    /// Not `host:port`.
    #[error(
        "must be host:port, such as \"127.0.0.1:8080\", \"[::1]:8080\" or, for every address, \"0.0.0.0:8080\""
    )]
    Listen,
}

/// A host name or IP address, in ASCII.
pub(super) fn host(text: &str) -> Result<&str, HostError> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    if text.parse::<Ipv6Addr>().is_ok() || name.len() <= 253 && name.split('.').all(is_label) {
        Ok(text)
    } else {
        Err(HostError::Name)
    }
}

/// A `host:port` to listen on.
pub(super) fn listen(text: &str) -> Result<&str, HostError> {
    let (name, port) = text.rsplit_once(':').ok_or(HostError::Listen)?;
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let is_host = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !name.contains(':') && host(name).is_ok(),
    };
    if is_port && is_host { Ok(text) } else { Err(HostError::Listen) }
}

/// Whether `host` can only be this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The URL under which a server that listens on `listen` is reached from the same machine.
pub(super) fn local_url(listen: &str) -> String {
    match listen.parse::<SocketAddr>() {
        Ok(address) => {
            let ip = match address.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
                ip => ip,
            };
            format!("http://{}", SocketAddr::new(ip, address.port()))
        }
        Err(_) => format!("http://{listen}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for right in ["localhost", "smtp.example.org", "a.b.", "10.0.0.1", "::1", "my_host", "xn--e1aybc"] {
            assert_eq!(host(right), Ok(right));
        }
        for wrong in
            ["", ".", "a..b", "-a", "a b", "a\r\nRCPT", "ä.de", "a/b", "a:25", "[::1]", &"a".repeat(64)]
        {
            assert_eq!(host(wrong), Err(HostError::Name), "{wrong:?}");
        }
    }

    #[test]
    fn addresses_to_listen_on_have_host_and_port() {
        for right in ["127.0.0.1:8080", "0.0.0.0:0", "[::1]:80", "[::]:65535", "localhost:1"] {
            assert_eq!(listen(right), Ok(right));
        }
        for wrong in ["", "8080", ":8080", "127.0.0.1", "::1:80", "a:65536", "a:+1", "a:", "[::1]", "[a]:1"] {
            assert_eq!(listen(wrong), Err(HostError::Listen), "{wrong}");
        }
        assert_eq!(local_url("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(local_url("[::]:8080"), "http://[::1]:8080");
        assert_eq!(local_url("pulse.local:8080"), "http://pulse.local:8080");
    }
}
