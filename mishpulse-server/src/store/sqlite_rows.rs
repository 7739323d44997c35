//! How rows are written and read: what each column means.

use mishpulse_core::{Gap, Message, Service, ServiceId, Span, Status, Timestamp, Trouble};
use rusqlite::types::Type;
use rusqlite::{Result, Row};
use serde::{Deserialize, Serialize};

use super::rows::{DeliveryRow, DeliveryState, EventRow, Identity, TransitionRow};
use crate::config::Overrides;

pub(super) const SELECT_IDENTITIES: &str =
    "SELECT id, name, token, overrides, declared FROM service ORDER BY id";

pub(super) fn identity(row: &Row<'_>) -> Result<Identity> {
    Ok(Identity {
        name: parsed(row, 1)?,
        token: parsed(row, 2)?,
        // Most set nothing themselves.
        overrides: if row.get_ref(3)?.as_str()? == "{}" { Overrides::default() } else { json(row, 3)? },
        declared: row.get(4)?,
    })
}

pub(super) const SELECT_FACTS: &str =
    "SELECT id, status, since, last_seen, silent_from, pardoned, message, trouble FROM state ORDER BY id";

pub(super) fn facts(row: &Row<'_>) -> Result<Service> {
    let mut facts = Service::new(time(row, 2)?);
    facts.status = status(row, 1)?;
    facts.last_seen = row.get::<_, Option<i64>>(3)?.map(Timestamp::from_unix_ms);
    facts.silent_from = time(row, 4)?;
    facts.pardoned = row.get(5)?;
    facts.set_message(row.get_ref(6)?.as_str_or_null()?.and_then(Message::new));
    if let Some(text) = row.get_ref(7)?.as_str_or_null()? {
        facts.set_trouble(Some(read_trouble(text).map_err(|e| wrong(7, e))?));
    }
    Ok(facts)
}

pub(super) const DELIVERY_COLUMNS: &str = "d.seq, d.id, d.service_id, d.channel, d.letter, d.created_at, d.state, \
     d.attempts, d.next_try, d.tried_at, d.last_error, d.digest, \
     CASE WHEN d.kind = 'recovered' THEN (\
        SELECT coalesce(a.digest, a.id) FROM delivery a \
        WHERE a.service_id = d.service_id AND a.channel = d.channel AND a.seq < d.seq AND a.kind IN ('dead', 'error') \
        ORDER BY a.seq DESC LIMIT 1) END";

pub(super) fn delivery(row: &Row<'_>) -> Result<DeliveryRow> {
    Ok(DeliveryRow {
        seq: row.get(0)?,
        id: parsed(row, 1)?,
        service: row.get::<_, Option<u32>>(2)?.map(service_id),
        channel: parsed(row, 3)?,
        letter: json(row, 4)?,
        created_at: time(row, 5)?,
        state: match row.get::<_, u8>(6)? {
            0 => DeliveryState::Pending,
            1 => DeliveryState::Sent,
            _ => DeliveryState::Failed,
        },
        attempts: row.get(7)?,
        next_try: time(row, 8)?,
        tried_at: row.get::<_, Option<i64>>(9)?.map(Timestamp::from_unix_ms),
        last_error: row.get(10)?,
        digest: parsed_or_null(row, 11)?,
        in_reply_to: parsed_or_null(row, 12)?,
    })
}

pub(super) const EVENT_COLUMNS: &str = "seq, service_id, at, data";

pub(super) fn event(row: &Row<'_>) -> Result<(i64, EventRow)> {
    let event = EventRow {
        service: row.get::<_, Option<u32>>(1)?.map(service_id),
        at: time(row, 2)?,
        kind: json(row, 3)?,
    };
    Ok((row.get(0)?, event))
}

pub(super) fn transition(row: &Row<'_>) -> Result<TransitionRow> {
    Ok(TransitionRow { at: time(row, 0)?, from: parsed(row, 1)?, to: parsed(row, 2)? })
}

pub(super) fn blindness(row: &Row<'_>) -> Result<(Timestamp, Timestamp)> {
    Ok((time(row, 0)?, time(row, 1)?))
}

pub(super) fn gap(row: &Row<'_>) -> Result<Gap> {
    Ok(Gap {
        from: time(row, 0)?,
        until: time(row, 1)?,
        away: Span::from_ms(row.get::<_, i64>(2)?.unsigned_abs()),
    })
}

pub(super) const fn status_code(status: Status) -> u8 {
    match status {
        Status::New => 0,
        Status::Alive => 1,
        Status::Warning => 2,
        Status::Error => 3,
        Status::Dead => 4,
        // The schema names every status that there is; a new one comes with a migration.
        _ => 5,
    }
}

pub(super) const fn state_code(state: DeliveryState) -> u8 {
    match state {
        DeliveryState::Pending => 0,
        DeliveryState::Sent => 1,
        DeliveryState::Failed => 2,
    }
}

pub(super) fn write_trouble(trouble: &Trouble) -> String {
    let stored = StoredTrouble {
        began: trouble.began,
        error_told_at: trouble.error_told_at,
        error_told: trouble.error_told.as_ref().map(|message| message.as_str().to_owned()),
        reminded_at: trouble.reminded_at,
        told: trouble.told,
    };
    serde_json::to_string(&stored).unwrap_or_default()
}

fn read_trouble(text: &str) -> serde_json::Result<Trouble> {
    let stored: StoredTrouble = serde_json::from_str(text)?;
    Ok(Trouble {
        began: stored.began,
        error_told_at: stored.error_told_at,
        error_told: stored.error_told.as_deref().and_then(Message::new),
        reminded_at: stored.reminded_at,
        told: stored.told,
    })
}

#[derive(Serialize, Deserialize)]
struct StoredTrouble {
    began: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_told_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_told: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reminded_at: Option<Timestamp>,
    told: bool,
}

fn status(row: &Row<'_>, column: usize) -> Result<Status> {
    let code: u8 = row.get(column)?;
    Status::ALL
        .into_iter()
        .find(|status| status_code(*status) == code)
        .ok_or_else(|| wrong(column, format!("{code} is no status")))
}

fn service_id(number: u32) -> ServiceId {
    ServiceId::new(number)
}

fn time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    row.get(column).map(Timestamp::from_unix_ms)
}

fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: usize) -> Result<T>
where
    T::Err: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    row.get_ref(column)?.as_str()?.parse().map_err(|error| wrong(column, error))
}

fn parsed_or_null<T: std::str::FromStr>(row: &Row<'_>, column: usize) -> Result<Option<T>>
where
    T::Err: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match row.get_ref(column)?.as_str_or_null()? {
        Some(text) => text.parse().map(Some).map_err(|error| wrong(column, error)),
        None => Ok(None),
    }
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| wrong(column, error))
}

fn wrong(column: usize, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}
