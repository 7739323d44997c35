//! Which handler answers which method and path.

use std::pin::Pin;

use hyper::{Method, StatusCode, header};

use super::reply::Reply;
use super::request::Request;

/// Routes by path and method. A path that is known with other methods only is answered 405, any other 404.
#[derive(Default)]
pub struct Router {
    /// By pattern, the place of each route in `routes`.
    places: matchit::Router<usize>,
    routes: Vec<Route>,
}

struct Route {
    path: String,
    open: Open,
    handlers: Vec<(Method, Handler)>,
}

type Handler = Box<dyn Fn(Request) -> Answer + Send + Sync>;
/// An answer that is being made.
pub(super) type Answer = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// Which parts of a path between slashes a route leaves open.
pub(super) type Open = [Option<u8>; OPEN_MAX];

/// The most open parts of a route.
const OPEN_MAX: usize = 2;

/// The open parts of `pattern`.
fn open_parts(pattern: &str) -> Open {
    let mut open = [None; OPEN_MAX];
    let parts = (0..).zip(pattern.split('/')).filter(|(_, part)| part.starts_with('{'));
    for (slot, (place, _)) in open.iter_mut().zip(parts) {
        *slot = Some(place);
    }
    open
}

impl Router {
    /// No routes yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Has `handler` answer `method` at `path`, where `{name}` stands for one open part. `GET` answers `HEAD` too.
    ///
    /// # Panics
    /// Where `path` is not a pattern or contradicts an earlier one: both are mistakes in the program.
    #[must_use]
    pub fn at<F, A>(mut self, method: Method, path: &str, handler: F) -> Self
    where
        F: Fn(Request) -> A + Send + Sync + 'static,
        A: Future<Output = Reply> + Send + 'static,
    {
        let handler: Handler = Box::new(move |request| Box::pin(handler(request)));
        match self.routes.iter_mut().find(|route| route.path == path) {
            Some(route) => route.handlers.push((method, handler)),
            None => {
                assert!(self.places.insert(path, self.routes.len()).is_ok(), "{path} is no route");
                let open = open_parts(path);
                self.routes.push(Route { path: path.to_owned(), open, handlers: vec![(method, handler)] });
            }
        }
        self
    }

    /// Every route: its method and its path, as they were given.
    pub fn routes(&self) -> impl Iterator<Item = (&Method, &str)> {
        self.routes.iter().flat_map(|route| route.handlers.iter().map(|(method, _)| (method, &*route.path)))
    }

    /// The answer to `request`; the handler has it when this returns.
    pub(super) fn answer(&self, mut request: Request) -> Answer {
        let Ok(found) = self.places.at(request.path()) else {
            let detail = "there is nothing at this path; the API is described at /api/openapi.json";
            return at_once(Reply::problem(StatusCode::NOT_FOUND, detail));
        };
        let route = &self.routes[*found.value];
        let wanted = request.method();
        let handler = (route.handlers.iter())
            .find(|(method, _)| method == wanted)
            .or_else(|| {
                let is_head = wanted == Method::HEAD;
                route.handlers.iter().find(|(method, _)| is_head && method == Method::GET)
            })
            .map(|(_, handler)| handler);
        let Some(handler) = handler else { return at_once(route.not_allowed()) };
        request.open = route.open;
        handler(request)
    }
}

/// An answer that is there already.
pub(super) fn at_once(reply: Reply) -> Answer {
    Box::pin(std::future::ready(reply))
}

impl Route {
    fn not_allowed(&self) -> Reply {
        let mut allowed: Vec<&str> = self.handlers.iter().map(|(method, _)| method.as_str()).collect();
        if allowed.contains(&"GET") && !allowed.contains(&"HEAD") {
            allowed.push("HEAD");
        }
        let allowed = allowed.join(", ");
        let detail = format!("this path takes {allowed}");
        Reply::problem(StatusCode::METHOD_NOT_ALLOWED, &detail).with_value(header::ALLOW, &allowed)
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router").finish_non_exhaustive()
    }
}
