//! MishPulse, a self-hosted heartbeat monitor: the server as a library.
//!
//! [`App::start`] runs it inside any program that runs tokio; the binary `mishpulse` is [`cli::main`] and nothing else.
#![forbid(unsafe_code)]

pub mod admin_key;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod ear;
pub mod engine;
pub mod http;
pub mod ingest;
pub mod manage;
pub mod metrics;
pub mod notify;
pub mod self_heartbeat;
pub mod stamp;
pub mod store;
pub mod web;

pub use app::{App, AppError, Prepared, Running};
pub use config::Settings;
