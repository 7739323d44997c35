//! `GET /api/channels` and `POST /api/channels/<name>/test`: the ways to tell people, and whether they work.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Manage;
use super::call::Call;
use super::refusal::unavailable;
use crate::config::ChannelName;
use crate::http::{Reply, StatusCode};
use crate::notify::TrialError;

pub(super) async fn list(manage: Arc<Manage>, _: Call) -> Result<Reply, Reply> {
    let settings = Arc::clone(&manage.web.settings.borrow());
    let channels = settings.channels.iter();
    let shown: Vec<Value> = channels
        .map(|(name, channel)| json!({"name": name, "kind": channel.kind(), "target": channel.target()}))
        .collect();
    Ok(Reply::json(StatusCode::OK, &shown))
}

pub(super) async fn test(manage: Arc<Manage>, call: Call) -> Result<Reply, Reply> {
    let channel = manage.channel(&call)?;
    tracing::info!(%channel, by = call.by, "test");
    match manage.trials.run(&channel).await {
        Ok(id) => {
            let result = json!({"result": "ok", "channel": channel, "delivery": id.to_string()});
            Ok(Reply::json(StatusCode::OK, &result))
        }
        Err(error @ TrialError::TimedOut { .. }) => {
            Err(Reply::problem(StatusCode::GATEWAY_TIMEOUT, &error.to_string()))
        }
        Err(TrialError::Unavailable(error)) => Err(unavailable(&error.to_string())),
        Err(error) => Err(Reply::problem(StatusCode::BAD_GATEWAY, &error.to_string())),
    }
}

impl Manage {
    /// The channel that the path names.
    fn channel(&self, call: &Call) -> Result<ChannelName, Reply> {
        let settings = self.web.settings.borrow();
        let name = call.request.param(0).unwrap_or_default();
        let known = settings.channels.get_key_value(&*name).map(|(name, _)| name.clone());
        known.ok_or_else(|| {
            let names: Vec<&str> = settings.channels.keys().map(ChannelName::as_str).collect();
            let detail = match names.is_empty() {
                true => {
                    "there is no channel at all; write [channels.NAME] into the configuration file".to_owned()
                }
                false => format!("there is no channel `{name}`; the channels are {}", names.join(", ")),
            };
            Reply::problem(StatusCode::NOT_FOUND, &detail)
        })
    }
}
