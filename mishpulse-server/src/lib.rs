//! MishPulse, a self-hosted heartbeat monitor.
#![forbid(unsafe_code)]

pub mod config;
pub mod notify;
pub mod store;
