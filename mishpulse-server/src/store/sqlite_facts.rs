//! How the services are, read by a thread of its own while another reads who they are: on two processors a large database is read in less time.

use std::iter::Peekable;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;
use std::vec;

use mishpulse_core::{Service, ServiceId};
use rusqlite::Connection;

use super::StoreError;
use super::sqlite::OPEN_TO_READ;
use super::sqlite_rows as columns;

/// The rows of `state`, in order of their handles.
pub(super) struct Facts {
    batches: Receiver<Result<Batch, StoreError>>,
    batch: Peekable<vec::IntoIter<(ServiceId, Service)>>,
}

type Batch = Vec<(ServiceId, Service)>;

impl Facts {
    /// Begins to read them from `database`, which nobody writes meanwhile.
    pub(super) fn read<'scope>(scope: &'scope Scope<'scope, '_>, database: &'scope Path) -> Self {
        let (sender, batches) = sync_channel(BATCHES_AHEAD);
        scope.spawn(move || {
            if let Err(error) = read_all(database, &sender) {
                // Who does not listen any more has failed, too.
                let _ = sender.send(Err(error));
            }
        });
        Self { batches, batch: Vec::new().into_iter().peekable() }
    }

    /// The facts of `id`, which is greater than all that were asked for before; `None` where there is no such row.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be read.
    pub(super) fn of(&mut self, id: ServiceId) -> Result<Option<Service>, StoreError> {
        loop {
            while let Some((of, facts)) = self.batch.next_if(|(of, _)| *of <= id) {
                if of == id {
                    return Ok(Some(facts));
                }
            }
            if self.batch.peek().is_some() {
                return Ok(None);
            }
            let Ok(batch) = self.batches.recv() else { return Ok(None) };
            self.batch = batch?.into_iter().peekable();
        }
    }
}

const CACHE_PAGES: i64 = 32;
const BATCH_ROWS: usize = 256;
const BATCHES_AHEAD: usize = 4;

fn read_all(database: &Path, sender: &SyncSender<Result<Batch, StoreError>>) -> Result<(), StoreError> {
    let connection = Connection::open_with_flags(database, OPEN_TO_READ)?;
    // Each page is read once.
    connection.pragma_update(None, "cache_size", CACHE_PAGES)?;
    let mut select = connection.prepare(columns::SELECT_FACTS)?;
    let mut rows = select.query([])?;
    let mut batch = Vec::with_capacity(BATCH_ROWS);
    while let Some(row) = rows.next()? {
        batch.push((ServiceId::new(row.get(0)?), columns::facts(row)?));
        if batch.len() == BATCH_ROWS
            && sender.send(Ok(std::mem::replace(&mut batch, Vec::with_capacity(BATCH_ROWS)))).is_err()
        {
            return Ok(());
        }
    }
    if !batch.is_empty() {
        let _ = sender.send(Ok(batch));
    }
    Ok(())
}
