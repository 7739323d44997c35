//! What the tests of the documents share.
#![allow(unreachable_pub, clippy::allow_attributes, clippy::allow_attributes_without_reason, missing_docs)]

pub mod markdown;
pub mod outputs;
pub mod run;
