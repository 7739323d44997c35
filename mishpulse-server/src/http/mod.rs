//! HTTP/1.1 on hyper: sockets, limits, routes, keys. It knows no services.

mod auth;
mod exchange;
mod follow;
mod head_timeout;
mod headers;
mod limit;
mod listener;
mod patience;
mod reply;
mod request;
mod router;
mod self_wake;
mod stop;
mod throttle;

pub use auth::{ADMIN_KEY, Access, Keys, Opened};
pub use follow::follow;
pub use listener::{Shutdown, serve};
pub use reply::{Body, Reply};
pub use request::{Query, Request};
pub use router::Router;

pub use hyper::{HeaderMap, Method, StatusCode, header};
