//! How beats come in: one file a dialect.

mod native;

pub use native::{Door, routes};
