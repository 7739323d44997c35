//! Where the system gives no thread, the app runs without heartbeats.

mod common;

use common::{as_a_program, nobody};
use mishpulse_client::{Builder, Error};

#[test]
fn no_thread_no_panic() {
    if std::env::var("AS_PROGRAM").is_ok() {
        let pulse = mishpulse_client::start(nobody());
        assert!(matches!(pulse.last_error(), Some(Error::NoThread { .. })), "{pulse:?}");
        pulse.error("unheard");
        // The look-up of `localhost` wants a thread as well.
        let error = Builder::new(nobody()).retries(0).beat(mishpulse_client::Status::Ok).unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
        return;
    }
    // No stack of this size can be had, so no thread.
    let stack = (1_u64 << 60).to_string();
    let program = as_a_program("no_thread_no_panic", &[("AS_PROGRAM", "yes"), ("RUST_MIN_STACK", &stack)]);
    assert!(program.status.success(), "{program:?}");
    let text = String::from_utf8_lossy(&program.stderr);
    assert!(text.starts_with("mishpulse: no heartbeats: no thread to send from: "), "{text}");
    assert!(!text.contains("panicked"), "not even one that is caught: {text}");
}
