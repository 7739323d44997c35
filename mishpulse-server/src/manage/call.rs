//! A request whose key was checked, on its way to its handler.

use std::sync::Arc;

use super::Manage;
use crate::config::ServiceName;
use crate::engine::Row;
use crate::http::{Access, Method, Reply, Request, Router, StatusCode};

/// A request, by whom, and what that key opens.
pub(super) struct Call {
    pub(super) request: Request,
    /// The name of the key.
    pub(super) by: String,
    pub(super) access: Access,
}

impl Call {
    /// The name in the path, where it can be one.
    pub(super) fn name(&self) -> Option<ServiceName> {
        self.request.param(0)?.parse().ok()
    }
}

/// Adds routes to a router, each behind a key.
pub(super) struct Routes {
    router: Router,
    manage: Arc<Manage>,
}

impl Routes {
    pub(super) fn new(router: Router, manage: Manage) -> Self {
        Self { router, manage: Arc::new(manage) }
    }

    /// Has `handler` answer those whose key opens `access`.
    pub(super) fn at<F, A>(self, method: Method, path: &str, access: Access, handler: F) -> Self
    where
        F: Fn(Arc<Manage>, Call) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<Reply, Reply>> + Send,
    {
        let Self { router, manage } = self;
        let held = Arc::clone(&manage);
        let router = router.at(method, path, move |request| {
            let (manage, handler) = (Arc::clone(&held), handler.clone());
            async move {
                let call = match manage.admit(request, access) {
                    Ok(call) => call,
                    Err(refusal) => return refusal,
                };
                handler(manage, call).await.unwrap_or_else(|refusal| refusal)
            }
        });
        Self { router, manage }
    }

    pub(super) fn into_router(self) -> Router {
        self.router
    }
}

impl Manage {
    fn admit(&self, request: Request, access: Access) -> Result<Call, Reply> {
        let key = self.web.keys.check(&request, access)?;
        let (by, access) = (key.name.to_string(), key.access);
        Ok(Call { request, by, access })
    }

    /// The service that the path names.
    pub(super) fn row(&self, call: &Call) -> Result<Row, Reply> {
        let name = call.request.param(0);
        let row = name.as_deref().and_then(|name| self.web.board.read(|view| Some(view.row(name)?.to_row())));
        row.ok_or_else(|| not_found(name.as_deref().unwrap_or_default()))
    }
}

/// There is no such service.
pub(super) fn not_found(name: &str) -> Reply {
    let detail = format!("there is no service `{name}`; GET /api/services lists those that there are");
    Reply::problem(StatusCode::NOT_FOUND, &detail)
}
