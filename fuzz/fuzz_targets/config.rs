#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../mishpulse-server/tests/fuzz_parts/mod.rs"]
mod fuzz_parts;

fuzz_target!(|data: &[u8]| fuzz_parts::configuration::run(data));
