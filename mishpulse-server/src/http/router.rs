//! Which handler answers which method and path.

use std::borrow::Cow;
use std::ops::Range;
use std::pin::Pin;

use hyper::{Method, StatusCode, Uri, header};
use percent_encoding::percent_decode_str;

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
    handlers: Vec<(Method, Handler)>,
}

type Handler = Box<dyn Fn(Request, Params) -> Answer + Send + Sync>;
/// An answer that is being made.
pub(super) type Answer = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// The parts of a path that a route left open, not decoded.
#[derive(Debug, Default)]
pub struct Params {
    path: Uri,
    /// Where in the path each of them stands.
    places: [Range<usize>; PARAMS_MAX],
}

/// The most open parts of a route.
const PARAMS_MAX: usize = 2;

impl Params {
    fn of(uri: &Uri, found: &matchit::Params<'_, '_>) -> Self {
        let start = uri.path().as_ptr().addr();
        let mut places = [const { 0..0 }; PARAMS_MAX];
        for (place, (_, value)) in places.iter_mut().zip(found.iter()) {
            let at = value.as_ptr().addr() - start;
            *place = at..at + value.len();
        }
        Self { path: uri.clone(), places }
    }

    /// The open part at `place`, decoded.
    ///
    /// `None` where there is none or it is not UTF-8.
    #[must_use]
    pub fn decoded(&self, place: usize) -> Option<Cow<'_, str>> {
        let part = self.path.path().get(self.places.get(place)?.clone())?;
        match part {
            "" => None,
            // The usual part has nothing to decode.
            part if !part.contains('%') => Some(Cow::Borrowed(part)),
            part => percent_decode_str(part).decode_utf8().ok(),
        }
    }
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
        F: Fn(Request, Params) -> A + Send + Sync + 'static,
        A: Future<Output = Reply> + Send + 'static,
    {
        let handler: Handler = Box::new(move |request, params| Box::pin(handler(request, params)));
        match self.routes.iter_mut().find(|route| route.path == path) {
            Some(route) => route.handlers.push((method, handler)),
            None => {
                assert!(self.places.insert(path, self.routes.len()).is_ok(), "{path} is no route");
                self.routes.push(Route { path: path.to_owned(), handlers: vec![(method, handler)] });
            }
        }
        self
    }

    /// Every route: its method and its path, as they were given.
    pub fn routes(&self) -> impl Iterator<Item = (&Method, &str)> {
        self.routes.iter().flat_map(|route| route.handlers.iter().map(|(method, _)| (method, &*route.path)))
    }

    /// The answer to `request`; the handler has it when this returns.
    pub(super) fn answer(&self, request: Request) -> Answer {
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
        let params = Params::of(request.uri(), &found.params);
        handler(request, params)
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
