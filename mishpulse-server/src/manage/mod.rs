//! The management API: services, their history, channels and deliveries, for holders of a key.

mod call;
mod channels;
mod conditions;
mod deliveries;
mod events;
mod fields;
mod page;
mod refusal;
mod services;
mod shown;

use crate::http::{Access, Method, Reply, Router, StatusCode};
use crate::notify::Trials;
use crate::web::Web;
use call::Routes;

/// What the management API works with.
pub struct Manage {
    /// What it shares with the pages.
    pub web: Web,
    /// Tests channels.
    pub trials: Trials,
}

/// The description of all routes by OpenAPI 3.1, as `GET /api/openapi.json` gives it.
pub const OPENAPI: &str = include_str!("../../assets/openapi.json");

/// Adds the routes of this part.
#[must_use]
pub fn routes(router: Router, manage: Manage) -> Router {
    use Access::{Admin, Read};
    Routes::new(router, manage)
        .at(Method::GET, SERVICES, Read, services::list)
        .at(Method::POST, SERVICES, Admin, services::create)
        .at(Method::GET, SERVICE, Read, services::show)
        .at(Method::PUT, SERVICE, Admin, services::put)
        .at(Method::PATCH, SERVICE, Admin, services::patch)
        .at(Method::DELETE, SERVICE, Admin, services::delete)
        .at(Method::POST, "/api/services/{name}/pause", Admin, services::pause)
        .at(Method::POST, "/api/services/{name}/resume", Admin, services::resume)
        .at(Method::POST, "/api/services/{name}/rotate-token", Admin, services::rotate_token)
        .at(Method::GET, "/api/services/{name}/events", Read, events::list)
        .at(Method::GET, "/api/channels", Read, channels::list)
        .at(Method::POST, "/api/channels/{name}/test", Admin, channels::test)
        .at(Method::GET, "/api/deliveries", Read, deliveries::list)
        .into_router()
        .at(Method::GET, "/api/openapi.json", |_| async { Reply::ready_json(StatusCode::OK, OPENAPI) })
}

const SERVICES: &str = "/api/services";
const SERVICE: &str = "/api/services/{name}";
