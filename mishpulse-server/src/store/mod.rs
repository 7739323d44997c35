//! What is kept.

pub mod rows;
