//! How a batch is written: one transaction, in the order in which names, tokens and handles may change hands.

use mishpulse_core::{Service, ServiceId, Timestamp};
use rusqlite::{CachedStatement, Transaction, params};

use super::rows::DeliveryState;
use super::sqlite_rows::{self as columns, state_code, status_code};
use super::{NewDelivery, Outcome, Settlement, StoreError, Writes};

/// Whether all that is new are times of hearing, which the journal takes without a transaction around it.
pub(super) fn is_heard_only(writes: &Writes<'_>) -> bool {
    let Writes { now: _, heard, identities, facts, removed, events, deliveries, settlements, gaps } = writes;
    let is_rest_empty = identities.is_empty()
        && facts.is_empty()
        && removed.is_empty()
        && events.is_empty()
        && deliveries.is_empty()
        && settlements.is_empty()
        && gaps.is_none();
    is_rest_empty && !heard.is_empty()
}

pub(super) fn write_all(to: &Transaction<'_>, writes: &Writes<'_>) -> Result<(), StoreError> {
    let mut remove = to.prepare_cached("DELETE FROM service WHERE id = ?1")?;
    for id in writes.removed {
        remove.execute([id.number()])?;
    }
    // Names and tokens may change hands within a batch: first all are let go, then taken.
    let mut let_go = to
        .prepare_cached("UPDATE service SET name = 'let go ' || id, token = 'let go ' || id WHERE id = ?1")?;
    if writes.identities.len() > 1 {
        for (id, _) in &writes.identities {
            let_go.execute([id.number()])?;
        }
    }
    let mut identify = to.prepare_cached(
        "INSERT INTO service (id, name, token, overrides, declared) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (id) DO UPDATE SET name = ?2, token = ?3, overrides = ?4, declared = ?5",
    )?;
    for (id, identity) in &writes.identities {
        let overrides = text(&identity.overrides)?;
        identify.execute(params![
            id.number(),
            identity.name.as_str(),
            identity.token.text(),
            overrides,
            identity.declared
        ])?;
    }
    let mut keep = to.prepare_cached(KEEP_FACTS)?;
    for (id, facts) in &writes.facts {
        keep_facts(&mut keep, *id, facts)?;
    }
    let mut insert = to.prepare_cached("INSERT INTO event (service_id, at, data) VALUES (?1, ?2, ?3)")?;
    for event in writes.events {
        insert.execute(params![
            event.service.map(ServiceId::number),
            event.at.unix_ms(),
            text(&event.kind)?
        ])?;
    }
    for delivery in writes.deliveries {
        send_off(to, delivery)?;
    }
    for settlement in writes.settlements {
        settle(to, settlement)?;
    }
    if let Some(gaps) = writes.gaps {
        to.prepare_cached("DELETE FROM gap")?.execute([])?;
        let mut insert =
            to.prepare_cached("INSERT INTO gap (began_at, ended_at, away_ms) VALUES (?1, ?2, ?3)")?;
        for gap in gaps {
            insert.execute(params![
                gap.from.unix_ms(),
                gap.until.unix_ms(),
                i64::try_from(gap.away.as_ms()).unwrap_or(i64::MAX)
            ])?;
        }
    }
    // A row of the journal says as much.
    if let Some(now) = writes.now.filter(|_| writes.heard.is_empty()) {
        to.prepare_cached("INSERT INTO seen (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = ?1")?
            .execute([now.unix_ms()])?;
    }
    Ok(())
}

pub(super) fn keep_facts(
    keep: &mut CachedStatement<'_>,
    id: ServiceId,
    facts: &Service,
) -> Result<(), StoreError> {
    keep.execute(params![
        id.number(),
        status_code(facts.status),
        facts.since.unix_ms(),
        facts.last_seen.map(Timestamp::unix_ms),
        facts.silent_from.unix_ms(),
        facts.pardoned,
        facts.message().map(|message| message.as_str()),
        facts.trouble().map(columns::write_trouble),
    ])?;
    Ok(())
}

pub(super) const KEEP_FACTS: &str = "INSERT INTO state (id, status, since, last_seen, silent_from, pardoned, message, trouble) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET status = ?2, since = ?3, \
     last_seen = ?4, silent_from = ?5, pardoned = ?6, message = ?7, trouble = ?8";

fn send_off(to: &Transaction<'_>, delivery: &NewDelivery) -> Result<(), StoreError> {
    let id = delivery.id.to_string();
    to.prepare_cached(
        "INSERT INTO delivery (id, service_id, channel, kind, letter, created_at, state, next_try) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?6)",
    )?
    .execute(params![
        id,
        delivery.service.map(ServiceId::number),
        delivery.channel.as_str(),
        delivery.letter.kind.as_str(),
        text(&delivery.letter)?,
        delivery.at.unix_ms()
    ])?;
    let mut carry = to.prepare_cached("UPDATE delivery SET digest = ?1 WHERE id = ?2 AND state = 0")?;
    for carried in &delivery.carries {
        carry.execute(params![id, carried.to_string()])?;
    }
    Ok(())
}

fn settle(to: &Transaction<'_>, settlement: &Settlement) -> Result<(), StoreError> {
    let (state, next_try, error) = match &settlement.outcome {
        Outcome::Sent => (DeliveryState::Sent, settlement.at, None),
        Outcome::Retry { next_try, error } => (DeliveryState::Pending, *next_try, Some(error)),
        Outcome::Failed { error } => (DeliveryState::Failed, settlement.at, Some(error)),
    };
    to.prepare_cached(
        "UPDATE delivery SET state = ?2, attempts = min(attempts + 1, 4294967295), next_try = ?3, tried_at = ?4, last_error = ?5 \
         WHERE (id = ?1 OR digest = ?1) AND state = 0",
    )?
    .execute(params![
        settlement.id.to_string(),
        state_code(state),
        next_try.unix_ms(),
        settlement.at.unix_ms(),
        error
    ])?;
    Ok(())
}

fn text(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}
