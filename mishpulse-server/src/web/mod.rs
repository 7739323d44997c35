//! What people and programs read: the status of all services, and how the server itself is.

mod filter;
mod health;
mod listing;
mod metrics;
mod status;

pub use filter::{Filter, FilterError};
pub use health::is_ready;
pub use listing::list;
pub use metrics::{OpenHistory, metrics_route};

use std::sync::Arc;

use mishpulse_core::{Clock, Span};

use crate::engine::Board;
use crate::http::{Access, Keys, Method, Params, Reply, Request, Router};

/// What the pages are made from.
#[derive(Clone)]
pub struct Web {
    /// The state of all services.
    pub board: Arc<Board>,
    /// Who tells the time.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// The longest time between two looks of the watchdog.
    pub check_every: Span,
    /// The keys, where the status is for holders of one only.
    pub status_keys: Option<Arc<Keys>>,
}

/// Adds the routes of this part.
#[must_use]
pub fn routes(router: Router, web: &Web) -> Router {
    let (status, ready) = (web.clone(), web.clone());
    router
        .at(Method::GET, "/api/status", move |request, _| status::answer(status.clone(), request))
        .at(Method::GET, "/healthz", |_, _| async { health::alive() })
        .at(Method::GET, "/readyz", move |_: Request, _: Params| {
            let reply = health::ready(&ready);
            async { reply }
        })
}

impl Web {
    /// Whether `request` may see the status.
    ///
    /// # Errors
    /// The answer to give where it may not.
    pub fn check_access(&self, request: &Request) -> Result<(), Reply> {
        match &self.status_keys {
            Some(keys) => keys.check(request, Access::Read).map(drop),
            None => Ok(()),
        }
    }
}
