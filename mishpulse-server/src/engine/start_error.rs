//! Why an engine cannot start.

use mishpulse_core::RestoreError;

use super::command::EditError;
use crate::config::{FieldError, ServiceName};
use crate::store::StoreError;

/// Why an engine cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored contradicts itself.
    #[error("database: {0}")]
    Restore(#[from] RestoreError),
    /// A service's settings, with the defaults of today, cannot be.
    #[error("service `{name}`: {error}")]
    Service {
        /// Which.
        name: ServiceName,
        /// Why.
        error: FieldError,
    },
    /// What the configuration declares cannot be.
    #[error("configuration: {0}")]
    Declared(#[from] EditError),
}
