//! Reading beside the engine, on a connection of its own that cannot write.

use std::path::Path;

use mishpulse_core::{ServiceId, Timestamp};
use rusqlite::{Connection, params};

use super::rows::{DeliveryRow, DeliveryState, EventRow, TransitionRow};
use super::sqlite::OPEN_TO_READ;
use super::sqlite_rows::{self as columns, state_code};
use super::{History, StoreError};
use crate::config::ChannelName;

/// The read side of a database that a [`SqliteStore`](super::SqliteStore) writes.
#[derive(Debug)]
pub struct SqliteHistory {
    connection: Connection,
}

impl SqliteHistory {
    /// Opens the database at `path` for reading.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open_with_flags(path, OPEN_TO_READ)?;
        Ok(Self { connection })
    }

    fn delivery_rows(
        &self,
        rest: &str,
        params: impl rusqlite::Params,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let select = format!("SELECT {} FROM delivery d {rest}", columns::DELIVERY_COLUMNS);
        let mut select = self.connection.prepare_cached(&select)?;
        let rows = select.query_map(params, columns::delivery)?.collect::<Result<_, _>>()?;
        Ok(rows)
    }
}

/// Not held back by an earlier letter of the same service that is still pending.
const FIRST_OF_ITS_SERVICE: &str = "NOT EXISTS (SELECT 1 FROM delivery p WHERE p.service_id = d.service_id \
     AND p.channel = d.channel AND p.seq < d.seq AND p.state = 0)";

impl History for SqliteHistory {
    fn due(&self, channel: &ChannelName, now: Timestamp, limit: u32) -> Result<Vec<DeliveryRow>, StoreError> {
        self.delivery_rows(
            &format!(
                "WHERE d.state = 0 AND d.digest IS NULL AND d.channel = ?1 AND d.next_try <= ?2 \
                 AND {FIRST_OF_ITS_SERVICE} ORDER BY d.service_id IS NOT NULL, d.seq LIMIT ?3"
            ),
            params![channel.as_str(), now.unix_ms(), limit],
        )
    }

    fn next_due(&self, channel: &ChannelName) -> Result<Option<Timestamp>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT d.next_try FROM delivery d WHERE d.state = 0 AND d.digest IS NULL AND d.channel = ?1 \
             AND {FIRST_OF_ITS_SERVICE} ORDER BY d.next_try LIMIT 1"
        ))?;
        let mut rows = select.query([channel.as_str()])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?.map(Timestamp::from_unix_ms))
    }

    fn oldest_pending(&self) -> Result<Option<Timestamp>, StoreError> {
        // Those that leave with a digest are found by it: both halves go by an index that has pending rows only.
        let mut select = self.connection.prepare_cached(
            "SELECT min(at) FROM (SELECT min(d.created_at) AS at FROM delivery d \
             WHERE d.state = 0 AND d.digest IS NULL UNION ALL SELECT min(c.created_at) FROM delivery d \
             JOIN delivery c ON c.digest = d.id WHERE d.state = 0 AND d.digest IS NULL AND d.kind = 'digest')",
        )?;
        let at: Option<i64> = select.query_row([], |row| row.get(0))?;
        Ok(at.map(Timestamp::from_unix_ms))
    }

    fn deliveries(
        &self,
        state: Option<DeliveryState>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        self.delivery_rows(
            "WHERE (?1 IS NULL OR d.state = ?1) AND d.seq < ?2 ORDER BY d.seq DESC LIMIT ?3",
            params![state.map(state_code), before.unwrap_or(i64::MAX), limit],
        )
    }

    fn events(
        &self,
        service: ServiceId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, EventRow)>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT {} FROM event WHERE service_id = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
            columns::EVENT_COLUMNS
        ))?;
        let rows = select
            .query_map(params![service.number(), before.unwrap_or(i64::MAX), limit], columns::event)?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    }

    fn transitions(
        &self,
        service: ServiceId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<TransitionRow>, StoreError> {
        // By `seq`, so that what became true in one moment stays in its order.
        let mut select = self.connection.prepare_cached(
            "SELECT at, data ->> 'from', data ->> 'to' FROM event \
             WHERE service_id = ?1 AND at >= ?2 AND data ->> 'event' = 'transition' ORDER BY seq DESC LIMIT ?3",
        )?;
        let rows = select
            .query_map(params![service.number(), since.unix_ms(), limit], columns::transition)?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    }

    fn blindness(&self, since: Timestamp, limit: u32) -> Result<Vec<(Timestamp, Timestamp)>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT data ->> 'from', at FROM event \
             WHERE service_id IS NULL AND at >= ?1 AND data ->> 'event' = 'blind' ORDER BY seq DESC LIMIT ?2",
        )?;
        let rows = select
            .query_map(params![since.unix_ms(), limit], columns::blindness)?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    }

    fn deliveries_of(&self, service: ServiceId, limit: u32) -> Result<Vec<DeliveryRow>, StoreError> {
        self.delivery_rows(
            "WHERE d.service_id = ?1 ORDER BY d.seq DESC LIMIT ?2",
            params![service.number(), limit],
        )
    }
}
