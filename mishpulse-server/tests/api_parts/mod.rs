//! What the tests of the API's description share.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    missing_docs
)]

pub mod document;
