//! Brings a database forward to the schema of this version, one step at a time.

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// Every step, in order; the schema's version is how many have been taken.
const STEPS: [&str; 2] = [
    include_str!("../../migrations/sqlite/0001_start.sql"),
    include_str!("../../migrations/sqlite/0002_journal.sql"),
];

/// `MPls`: tells our databases from others.
const APPLICATION_ID: i64 = 0x4d50_6c73;

/// Takes the steps that are still to be taken, each in a transaction.
pub(super) fn migrate(connection: &mut Connection, path: &str) -> Result<(), StoreError> {
    let version = check(connection, path)?;
    for (number, step) in STEPS.iter().enumerate().skip(version) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", (number + 1) as i64)?;
        transaction.commit()?;
        if version > 0 {
            tracing::info!(schema = number + 1, "the database was brought forward");
        }
    }
    Ok(())
}

/// How many steps were taken; refuses what a later version or another program wrote, and changes nothing.
pub(super) fn check(connection: &Connection, path: &str) -> Result<usize, StoreError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(StoreError::Corrupt(format!("{path} is not a MishPulse database; nothing was changed")));
    }
    usize::try_from(version).ok().filter(|taken| *taken <= STEPS.len()).ok_or_else(|| StoreError::Newer {
        path: path.to_owned(),
        found: version,
        known: STEPS.len() as i64,
    })
}
