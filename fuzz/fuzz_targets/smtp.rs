#![no_main]

use std::cell::OnceCell;

use libfuzzer_sys::fuzz_target;

#[path = "../../mishpulse-server/tests/fuzz_parts/mod.rs"]
mod fuzz_parts;

thread_local!(static TARGET: OnceCell<fuzz_parts::smtp::Smtp> = const { OnceCell::new() });

fuzz_target!(|data: &[u8]| TARGET.with(|target| target.get_or_init(fuzz_parts::smtp::Smtp::start).run(data)));
