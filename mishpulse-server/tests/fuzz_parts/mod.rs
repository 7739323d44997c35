//! The targets of fuzzing: what takes bytes from outside, and what must hold of it whatever they are. Used by `fuzz.rs`, which
//! throws a few at each with the other tests, and by `fuzz/`, which looks for new ways with libFuzzer.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    missing_docs
)]

pub mod answers;
pub mod configuration;
pub mod http;
pub mod peer;
pub mod rows;
pub mod smtp;
pub mod traces;
