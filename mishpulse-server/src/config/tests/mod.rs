//! What the configuration promises, each part in a file of its own.

mod common;
mod example;
mod hostile;
mod mistakes;
mod reload;
mod right;
mod secrets;
mod sources;
