//! The parts of the simulation.
#![expect(unreachable_pub, reason = "shared by the parts of one test")]

pub mod agents;
pub mod chaos;
pub mod checks;
pub mod clerks;
pub mod clock;
pub mod desk;
pub mod hush;
pub mod kept;
pub mod ledger;
pub mod lines;
pub mod mirror;
pub mod network;
pub mod plan;
pub mod run;
pub mod store;
pub mod tally;
pub mod turns;
pub mod world;
