//! Reading the history for pages: on threads that may block, and only so many at a time.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::OpenHistory;
use crate::store::{History, StoreError};

/// The history, for pages.
#[derive(Clone)]
pub struct Archive {
    open: OpenHistory,
    places: Arc<Semaphore>,
}

impl Archive {
    /// An archive that is opened by `open`.
    #[must_use]
    pub fn new(open: OpenHistory) -> Self {
        Self { open, places: Arc::new(Semaphore::new(READERS_MAX)) }
    }

    /// Reads from it.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn History) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        // It is never closed; without a place it would merely be more of them at a time.
        let place = Arc::clone(&self.places).acquire_owned().await;
        let open = Arc::clone(&self.open);
        let read = spawn_blocking(move || {
            let _place = place;
            read(&*open()?)
        });
        read.await.unwrap_or_else(|error| Err(StoreError::Corrupt(error.to_string())))
    }
}

/// The most readings at a time.
const READERS_MAX: usize = 4;
