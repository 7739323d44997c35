//! The address of a heartbeat. It ends in a secret, so it never prints itself in full.

use std::fmt;

use ureq::http::Uri;

use crate::Error;

/// A heartbeat address that is known to be usable; parsing is the only way to one.
#[derive(Clone)]
pub(crate) struct Url {
    uri: Uri,
    shown: String,
}

impl Url {
    /// Takes an `http` or `https` address with a host and a path that ends in a token.
    ///
    /// # Errors
    /// [`Error::BadUrl`], whose reason never repeats the address.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let bad = |reason: &str| Error::BadUrl { reason: reason.to_owned() };
        let uri: Uri = text.trim().parse().map_err(|_| bad(EXPECTED))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(bad(EXPECTED));
        };
        match scheme {
            "http" => {}
            "https" if cfg!(feature = "tls") => {}
            "https" => return Err(bad("https needs the feature `tls` of mishpulse-client")),
            _ => return Err(bad("only http and https are spoken")),
        }
        let after_host = authority.as_str().rsplit('@').next().unwrap_or_default();
        let port_given = after_host.rsplit(']').next().unwrap_or_default().contains(':');
        if authority.host().is_empty() || (port_given && authority.port_u16().is_none_or(|port| port == 0)) {
            return Err(bad(EXPECTED));
        }
        if uri.path().trim_matches('/').is_empty() {
            return Err(bad("it has no token: expected http://HOST:PORT/api/heartbeat/TOKEN"));
        }
        let prefix = uri.path().find(HEARTBEAT).map_or("/", |at| &uri.path()[..at + HEARTBEAT.len()]);
        let shown = format!("{scheme}://{after_host}{prefix}***");
        Ok(Self { uri, shown })
    }

    /// The whole address, for the wire only.
    pub(crate) fn secret_uri(&self) -> &Uri {
        &self.uri
    }

    /// `text` of someone else (the server, the HTTP library) without the secret parts of this address.
    pub(crate) fn hide_in(&self, text: &str) -> String {
        self.hide(text, 4)
    }

    /// `text` of the app's own without them. A short token may be an ordinary word in it, and stays unless it
    /// stands in its path.
    pub(crate) fn hide_in_message(&self, text: &str) -> String {
        self.hide(text, 16)
    }

    fn hide(&self, text: &str, token_bytes_min: usize) -> String {
        let path = self.uri.path();
        let token = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let user = self.uri.authority().and_then(|authority| authority.as_str().rsplit_once('@'));
        let password = user.and_then(|(user, _)| user.split_once(':')).map_or("", |(_, password)| password);
        let mut hidden = text.to_owned();
        for (secret, bytes_min) in
            [(self.uri.query().unwrap_or_default(), 4), (path, 2), (token, token_bytes_min), (password, 4)]
        {
            if secret.len() >= bytes_min && hidden.contains(secret) {
                hidden = hidden.replace(secret, "***");
            }
        }
        hidden
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({})", self.shown)
    }
}

const EXPECTED: &str = "expected http://HOST:PORT/api/heartbeat/TOKEN";
const HEARTBEAT: &str = "/api/heartbeat/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_where_but_not_the_secret() {
        for (text, shown) in [
            ("http://h:8080/api/heartbeat/s3cret", "http://h:8080/api/heartbeat/***"),
            ("http://u:s3cret@h/pulse/api/heartbeat/s3cret?x=s3cret", "http://h/pulse/api/heartbeat/***"),
            ("http://[::1]:8080/ping/s3cret/fail", "http://[::1]:8080/***"),
        ] {
            let url = Url::parse(text).expect(text);
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("Url({shown})"));
        }
    }

    #[test]
    fn refuses_what_it_cannot_send_to() {
        for text in [
            "",
            "token",
            "/api/heartbeat/token",
            "host/api/heartbeat/token",
            "ftp://h/api/heartbeat/token",
            "http://",
            "http:///api/heartbeat/token",
            "http://h:8080",
            "http://h:8080/",
            "http://h:99999/api/heartbeat/token",
            "http://h:/api/heartbeat/token",
            "http://h:0/api/heartbeat/token",
            "http://h/api/heartbeat/to ken",
            "http://h\r\nX: y/api/heartbeat/token",
        ] {
            let refused = Url::parse(text).expect_err(text);
            assert!(matches!(refused, Error::BadUrl { .. }));
            assert!(!refused.to_string().contains("token\""));
        }
    }

    #[test]
    fn hides_its_secrets_in_the_words_of_others() {
        let url = Url::parse("http://me:passw0rd@h/api/heartbeat/abc123?key=k3y").expect("a good address");
        let text = "bad uri: http://me:passw0rd@h/api/heartbeat/abc123?key=k3y, token abc123";
        assert_eq!(url.hide_in(text), "bad uri: http://me:***@h***?***, token ***");
        assert_eq!(url.hide_in_message("job abc123 at /api/heartbeat/abc123"), "job abc123 at ***");
    }
}
