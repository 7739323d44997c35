//! From an alert to the letters that it owes.

use mishpulse_core::Alert;
use uuid::Builder;

use crate::config::{Effective, Settings};
use crate::store::NewDelivery;
use crate::store::rows::{About, DeliveryId, Identity, Letter, LetterKind};

/// One letter for each channel that hears of `alert`.
pub(super) fn letters(
    alert: &Alert,
    identity: &Identity,
    effective: &Effective,
    settings: &Settings,
) -> Vec<NewDelivery> {
    let letter = Letter {
        kind: LetterKind::Alert(alert.kind),
        at: alert.at,
        began: alert.began,
        since: alert.since,
        allowance: effective.timeout + effective.grace,
        service: Some(About {
            name: identity.name.clone(),
            status: alert.to,
            previous_status: alert.from,
            last_seen: alert.last_seen,
            message: alert.message.as_ref().map(|message| message.as_str().to_owned()),
            tags: effective.tags.clone(),
        }),
        names: Vec::new(),
        is_gathered: false,
    };
    let is_meant =
        |channel: &_| effective.channels.as_ref().is_none_or(|channels| channels.contains(channel));
    let meant = settings.channels.keys().filter(|channel| is_meant(channel));
    meant
        .map(|channel| NewDelivery {
            id: new_id(alert.at.unix_ms()),
            service: Some(alert.service),
            channel: channel.clone(),
            letter: letter.clone(),
            at: alert.at,
            carries: Vec::new(),
        })
        .collect()
}

/// A new version 7 UUID: the time, then random bits.
pub(crate) fn new_id(unix_ms: i64) -> DeliveryId {
    let mut random = [0; 10];
    // Without random bits an id is still unique by its time and by the store's own check.
    let _ = getrandom::fill(&mut random);
    Builder::from_unix_timestamp_millis(unix_ms.unsigned_abs(), &random).into_uuid()
}
