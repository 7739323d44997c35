//! How the server itself is.

use serde_json::json;

use super::Web;
use crate::http::{Reply, StatusCode, header};

/// Whether the store takes writes, the watchdog has looked within twice its interval, and connections can be accepted.
///
/// # Errors
/// Says what is not so.
pub fn is_ready(web: &Web) -> Result<(), &'static str> {
    let Some(looked_at) = web.board.looked_at() else { return Err("the watchdog has not looked yet") };
    if web.clock.now().since(looked_at) > web.check_every + web.check_every {
        return Err("the watchdog does not look on time");
    }
    if !web.board.takes_writes() {
        return Err("the store does not take writes");
    }
    let blind_after = web.settings.borrow().blind_after;
    if web.ear.deaf_since().is_some_and(|since| web.clock.now().since(since) > blind_after) {
        return Err("no connection can be accepted");
    }
    Ok(())
}

/// The process answers.
pub(super) fn alive() -> Reply {
    Reply::json(StatusCode::OK, &json!({"status": "ok"}))
}

pub(super) fn ready(web: &Web) -> Reply {
    match is_ready(web) {
        Ok(()) => Reply::json(StatusCode::OK, &json!({"status": "ready"})),
        Err(why) => {
            let detail = format!("{why}; the log says more");
            Reply::problem(StatusCode::SERVICE_UNAVAILABLE, &detail).with(header::RETRY_AFTER, "1")
        }
    }
}
