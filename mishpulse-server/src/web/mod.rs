//! What people and programs read: the page, the status of all services, and how the server itself is.

mod assets;
mod badge;
mod change;
mod channels;
mod filter;
mod forms;
mod health;
mod history;
mod html;
mod line;
mod listing;
mod live;
mod metrics;
mod page;
mod plot;
mod rows;
mod seek;
mod service_page;
mod session;
mod shell;
mod sign_in;
mod snippets;
mod status;
mod story;
mod uptime;
mod words;
mod words_en;
mod words_ru;

pub use badge::BadgeIds;
pub use filter::{Filter, FilterError};
pub use health::is_ready;
pub use history::Archive;
pub use listing::list;
pub use live::Feed;
pub use metrics::{OpenHistory, metrics_route};
pub use session::Sessions;
pub use status::ShownStatus;

use std::sync::Arc;

use mishpulse_core::{Clock, Span};
use tokio::sync::watch;

use crate::config::{Settings, StatusAccess};
use crate::ear::Ear;
use crate::engine::{Board, Inbox};
use crate::http::{Access, Keys, Method, Reply, Request, Router};
use crate::notify::Trials;

/// What the pages are made from.
#[derive(Clone)]
pub struct Web {
    /// The state of all services.
    pub board: Arc<Board>,
    /// Whether anyone can be heard.
    pub ear: Ear,
    /// Who tells the time.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// The longest time between two looks of the watchdog.
    pub check_every: Span,
    /// The keys.
    pub keys: Arc<Keys>,
    /// The settings that hold now.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// What changes, for all who watch.
    pub feed: Arc<Feed>,
    /// Who is signed in.
    pub sessions: Arc<Sessions>,
    /// What was kept.
    pub archive: Archive,
    /// The ids of badges.
    pub badges: BadgeIds,
    /// The way to the engine, for whoever is signed in and changes something.
    pub inbox: Inbox,
}

/// Adds the routes of this part.
#[must_use]
pub fn routes(router: Router, web: &Web) -> Router {
    let (status, ready) = (web.clone(), web.clone());
    router
        .at(Method::GET, "/api/status", move |request| status::answer(status.clone(), request))
        .at(Method::GET, "/healthz", |_| async { health::alive() })
        .at(Method::GET, "/readyz", move |_| {
            let reply = health::ready(&ready);
            async { reply }
        })
}

/// Adds the routes of the page.
#[must_use]
pub fn page_routes(router: Router, web: &Web, trials: &Trials) -> Router {
    let at = |web: &Web| web.clone();
    let (list, events, named) = (at(web), at(web), at(web));
    let (sign_in, signing, sign_out) = (at(web), at(web), at(web));
    let (add_form, add, edit, rotate, delete, act) = (at(web), at(web), at(web), at(web), at(web), at(web));
    let router = change::ACTIONS.iter().fold(router, |router, action| {
        let act = act.clone();
        router.at(Method::POST, &format!("/services/{{name}}/{action}"), move |request| {
            let name = name_in(&request);
            change::act(act.clone(), request, name, action)
        })
    });
    let (service, badge, channels, test) = (at(web), at(web), at(web), (at(web), trials.clone()));
    router
        .at(Method::GET, "/", move |request| page::answer(list.clone(), request))
        .at(Method::GET, "/events", move |request| ready(live::answer(&events, &request)))
        .at(Method::GET, "/assets/{file}", |request| ready(assets::answer(&request)))
        .at(Method::GET, "/favicon.svg", |request| ready(assets::favicon(&request)))
        .at(Method::GET, "/badge/{file}", move |request| ready(badge::answer(&badge, &request)))
        .at(Method::GET, "/sign-in", move |request| ready(sign_in::form(&sign_in, &request)))
        .at(Method::POST, "/sign-in", move |request| ready(sign_in::submit(&signing, &request)))
        .at(Method::POST, "/sign-out", move |request| ready(sign_in::out(&sign_out, &request)))
        .at(Method::GET, "/add", move |request| ready(change::add_form(&add_form, &request)))
        .at(Method::POST, "/add", move |request| change::add(add.clone(), request))
        .at(Method::GET, "/channels", move |request| ready(channels::answer(&channels, &request)))
        .at(Method::POST, "/channels/{name}/test", move |request| {
            let name = name_in(&request);
            channels::test(test.0.clone(), test.1.clone(), request, name)
        })
        .at(Method::GET, "/services", move |request| service_page::answer_by_query(named.clone(), request))
        .at(Method::GET, "/services/{name}", move |request| {
            let name = name_in(&request);
            service_page::answer(service.clone(), request, name)
        })
        .at(Method::GET, "/services/{name}/edit", move |request| {
            ready(change::edit_form(&edit, &request, &name_in(&request)))
        })
        .at(Method::GET, "/services/{name}/rotate", move |request| {
            ready(change::confirm(&rotate, &request, &name_in(&request), "rotate"))
        })
        .at(Method::GET, "/services/{name}/delete", move |request| {
            ready(change::confirm(&delete, &request, &name_in(&request), "delete"))
        })
}

async fn ready(reply: Reply) -> Reply {
    reply
}

/// What a path names.
fn name_in(request: &Request) -> String {
    request.param(0).unwrap_or_default().into_owned()
}

impl Web {
    /// Whether `request` may see the status.
    ///
    /// # Errors
    /// The answer to give where it may not.
    pub fn check_access(&self, request: &Request) -> Result<(), Reply> {
        if !self.is_closed() || self.sessions.find(request).is_some() {
            return Ok(());
        }
        self.keys.check(request, Access::Read).map(drop)
    }

    /// Whether the status is for holders of a key only.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.settings.borrow().status_access == StatusAccess::Key
    }

    /// Whether people reach the server by HTTPS, so that cookies need not travel otherwise.
    fn is_https(&self) -> bool {
        self.settings.borrow().public_url.starts_with("https://")
    }
}
