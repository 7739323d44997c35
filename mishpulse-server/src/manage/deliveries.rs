//! `GET /api/deliveries`: the outbox, newest first.

use std::sync::Arc;

use mishpulse_core::Timestamp;
use serde::Serialize;

use super::Manage;
use super::call::Call;
use super::page::Page;
use crate::config::{ChannelName, ServiceName};
use crate::http::Reply;
use crate::stamp;
use crate::store::rows::{DeliveryId, DeliveryRow, DeliveryState};

pub(super) async fn list(manage: Arc<Manage>, call: Call) -> Result<Reply, Reply> {
    let mut state = None;
    let page = Page::read(call.request.query(), |key, value| {
        state = Some(match (key, value) {
            ("state", "pending") => DeliveryState::Pending,
            ("state", "sent") => DeliveryState::Sent,
            ("state", "failed") => DeliveryState::Failed,
            ("state", _) => return Err("use pending, sent or failed".to_owned()),
            _ => return Err("use state, limit and before".to_owned()),
        });
        Ok(())
    })?;
    let (before, most) = (page.before, page.to_read());
    let rows = manage.look_back(move |history| history.deliveries(state, before, most)).await?;
    Ok(page.reply(&call.request, rows.into_iter().map(Shown::of).collect(), |delivery| delivery.seq))
}

#[derive(Serialize)]
struct Shown {
    seq: i64,
    #[serde(serialize_with = "as_text")]
    id: DeliveryId,
    channel: ChannelName,
    /// What it tells of.
    kind: &'static str,
    /// The service that it is about.
    service: Option<ServiceName>,
    /// Of a digest: all that it names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    names: Vec<ServiceName>,
    state: DeliveryState,
    attempts: u32,
    #[serde(serialize_with = "stamp::serialize")]
    created_at: Timestamp,
    #[serde(serialize_with = "stamp::serialize_some")]
    tried_at: Option<Timestamp>,
    #[serde(serialize_with = "stamp::serialize_some")]
    next_try: Option<Timestamp>,
    last_error: Option<String>,
    /// The digest that carries it.
    #[serde(serialize_with = "as_text_or_null")]
    digest: Option<DeliveryId>,
}

impl Shown {
    fn of(row: DeliveryRow) -> Self {
        let is_pending = row.state == DeliveryState::Pending;
        Self {
            seq: row.seq,
            id: row.id,
            channel: row.channel,
            kind: row.letter.kind.as_str(),
            service: row.letter.service.map(|about| about.name),
            names: row.letter.names,
            state: row.state,
            attempts: row.attempts,
            created_at: row.created_at,
            tried_at: row.tried_at,
            // What a digest carries leaves with it.
            next_try: (is_pending && row.digest.is_none()).then_some(row.next_try),
            last_error: row.last_error,
            digest: row.digest,
        }
    }
}

fn as_text<S: serde::Serializer>(id: &DeliveryId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

fn as_text_or_null<S: serde::Serializer>(id: &Option<DeliveryId>, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => as_text(id, serializer),
        None => serializer.serialize_none(),
    }
}
