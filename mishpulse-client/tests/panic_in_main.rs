//! A panic that ends the program is told, and with the place, before it ends.

mod common;

use std::panic;
use std::process;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use common::{Answer, Monitor, as_a_program};
use mishpulse_client::Pulse;

#[test]
fn panic_in_main() {
    if let Ok(url) = std::env::var("AS_PROGRAM") {
        let _pulse = mishpulse_client::start(url);
        panic!("out of luck");
    }
    let monitor = Monitor::start();
    let program = as_a_program("panic_in_main", &[("AS_PROGRAM", &monitor.url())]);
    assert_eq!(program.status.code(), Some(101));
    let message = monitor.wait_for_status("error").message.unwrap();
    assert!(message.contains("panicked at mishpulse-client/tests/panic_in_main.rs:"), "{message}");
    assert!(message.ends_with(": out of luck"), "{message}");
    assert!(String::from_utf8_lossy(&program.stderr).contains("out of luck"), "it is printed all the same");
}

#[test]
fn a_hook_that_ends_the_program_does_not_swallow_it() {
    static PULSE: OnceLock<Pulse> = OnceLock::new();
    if let Ok(url) = std::env::var("AS_PROGRAM") {
        panic::set_hook(Box::new(|_| process::exit(3)));
        let _ = PULSE.set(mishpulse_client::start(url));
        panic!("out of luck");
    }
    let monitor = Monitor::start();
    let name = "a_hook_that_ends_the_program_does_not_swallow_it";
    let program = as_a_program(name, &[("AS_PROGRAM", &monitor.url())]);
    assert_eq!(program.status.code(), Some(3));
    assert!(monitor.wait_for_status("error").message.unwrap().ends_with(": out of luck"));
}

#[test]
fn a_silent_monitor_does_not_keep_a_panicking_program() {
    if let Ok(url) = std::env::var("AS_PROGRAM") {
        let _pulse = mishpulse_client::start(url);
        panic!("out of luck");
    }
    let monitor = Monitor::start();
    monitor.answers(Answer::Hang);
    let started = Instant::now();
    let name = "a_silent_monitor_does_not_keep_a_panicking_program";
    let program = as_a_program(name, &[("AS_PROGRAM", &monitor.url())]);
    assert_eq!(program.status.code(), Some(101));
    // 2 s in the hook and 2 s in the drop.
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
}
