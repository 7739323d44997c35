//! Pages as answers: rendered, and guarded by headers.

use askama::Template;

use crate::http::header::{self, HeaderName};
use crate::http::{Reply, StatusCode};

/// `template` as an answer.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Reply {
    match template.render() {
        Ok(html) => guarded(Reply::text(status, "text/html; charset=utf-8", html)),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            Reply::problem(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the page could not be written; the log says why",
            )
        }
    }
}

/// Sends the browser to `path`, with GET.
pub(super) fn see_other(path: &str) -> Reply {
    guarded(Reply::empty(StatusCode::SEE_OTHER).with_value(header::LOCATION, path))
}

fn guarded(reply: Reply) -> Reply {
    reply
        .with(header::CONTENT_SECURITY_POLICY, POLICY)
        .with(header::REFERRER_POLICY, "same-origin")
        .with(header::X_FRAME_OPTIONS, "DENY")
        .with(HeaderName::from_static("cross-origin-opener-policy"), "same-origin")
        .with(header::VARY, "accept-language, cookie")
}

/// Only what this server itself serves, and no script or style inside a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
