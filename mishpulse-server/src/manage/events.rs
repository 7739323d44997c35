//! `GET /api/services/<name>/events`: what happened to a service, newest first.

use std::sync::Arc;

use mishpulse_core::{AlertKind, Status, Timestamp};
use serde::Serialize;

use super::Manage;
use super::call::Call;
use super::page::Page;
use super::refusal::unavailable;
use crate::http::Reply;
use crate::stamp;
use crate::store::rows::{EventKind, EventRow};
use crate::store::{History, StoreError};

pub(super) async fn list(manage: Arc<Manage>, call: Call) -> Result<Reply, Reply> {
    let page = Page::read(call.request.query(), |_, _| Err("use limit and before".to_owned()))?;
    let row = manage.row(&call)?;
    let (before, most) = (page.before, page.to_read());
    let events = manage.look_back(move |history| history.events(row.id, before, most)).await?;
    // Its handle may have become that of another service while the history was read.
    if manage.row(&call)?.id != row.id {
        return Err(unavailable("the service was made anew while it was being read; ask again"));
    }
    Ok(page.reply(&call.request, events.into_iter().map(Shown::of).collect(), |event| event.seq))
}

impl Manage {
    /// Reads what was kept of the past.
    pub(super) async fn look_back<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn History) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Reply> {
        self.web.archive.read(read).await.map_err(|error| {
            tracing::warn!(%error, "the history cannot be read");
            unavailable("the history cannot be read now; the log says why")
        })
    }
}

#[derive(Serialize)]
struct Shown {
    seq: i64,
    #[serde(serialize_with = "stamp::serialize")]
    at: Timestamp,
    #[serde(flatten)]
    what: What,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum What {
    Transition {
        from: Status,
        to: Status,
        message: Option<String>,
    },
    Alert {
        alert: AlertKind,
        message: Option<String>,
    },
    Blind {
        #[serde(serialize_with = "stamp::serialize")]
        since: Timestamp,
    },
    Silence {
        #[serde(serialize_with = "stamp::serialize")]
        since: Timestamp,
        silent: usize,
        of: usize,
    },
    Edit {
        action: String,
        by: String,
    },
}

impl Shown {
    fn of((seq, row): (i64, EventRow)) -> Self {
        let what = match row.kind {
            EventKind::Transition { from, to, message } => What::Transition { from, to, message },
            EventKind::Alert { alert, message } => What::Alert { alert, message },
            EventKind::Blind { from } => What::Blind { since: from },
            EventKind::Silence { since, silent, of } => What::Silence { since, silent, of },
            EventKind::Edit { action, by } => What::Edit { action, by },
        };
        Self { seq, at: row.at, what }
    }
}
