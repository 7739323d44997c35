//! HTTP/1.1 on hyper: sockets, limits, routes, keys. It knows no services.

mod auth;
mod limit;
mod listener;
mod reply;
mod request;
mod router;

pub use auth::{Access, Keys};
pub use listener::{Shutdown, serve};
pub use reply::{Body, Reply};
pub use request::{Query, Request};
pub use router::{Params, Router};

pub use hyper::{HeaderMap, Method, StatusCode, header};
