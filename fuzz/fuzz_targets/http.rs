#![no_main]

use std::cell::OnceCell;
use std::mem::ManuallyDrop;

use libfuzzer_sys::fuzz_target;

#[path = "../../mishpulse-server/tests/fuzz_parts/mod.rs"]
mod fuzz_parts;

// Not dropped at the thread's end: a runtime cannot be waited for there.
thread_local!(static TARGET: OnceCell<ManuallyDrop<fuzz_parts::http::Http>> = const { OnceCell::new() });

fuzz_target!(|data: &[u8]| {
    TARGET.with(|target| target.get_or_init(|| ManuallyDrop::new(fuzz_parts::http::Http::start())).run(data));
});
