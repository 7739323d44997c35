//! A panic in any thread is an error with its message and place, and the hook that was there runs as well.

mod common;

use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use common::Monitor;

#[test]
fn panic_in_a_thread() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        CALLS.fetch_add(1, Ordering::SeqCst);
        before(info);
    }));
    let monitor = Monitor::start();
    let pulse = mishpulse_client::start(monitor.url());
    let second = mishpulse_client::start(monitor.url());

    let line = line!() + 1;
    let work = || panic!("no more {}", "coffee");
    let outcome = thread::Builder::new().name("worker".to_owned()).spawn(work).unwrap().join();
    assert!(outcome.is_err());
    assert_eq!(CALLS.load(Ordering::SeqCst), 1, "the program's own hook is called, once");
    let text = format!(
        "thread worker panicked at mishpulse-client/tests/panic_in_a_thread.rs:{line}: no more coffee"
    );
    // The thread has waited for the delivery: it need not be waited for here.
    let told = monitor.beats().iter().filter(|beat| beat.message.as_deref() == Some(&*text)).count();
    assert_eq!(told, 2, "by each pulse: {:#?}", monitor.beats());
    monitor.forget();
    pulse.ok();
    second.ok();
    monitor.wait_for_status("ok");

    drop((pulse, second));
    monitor.forget();
    assert!(thread::spawn(|| panic::panic_any(7)).join().is_err());
    assert_eq!(monitor.beats().len(), 0, "the pulses are over");
}
