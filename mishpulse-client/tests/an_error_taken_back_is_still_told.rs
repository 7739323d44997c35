//! An error that is followed by ok before anyone could send it is sent first, then the ok.

mod common;

use std::time::Duration;

use common::{Answer, Monitor};

#[test]
fn an_error_taken_back_is_still_told() {
    let monitor = Monitor::start();
    // While the first beat is under way the sender cannot look.
    monitor.answers(Answer::After(Duration::from_millis(300)));
    let pulse = mishpulse_client::start(monitor.url());
    monitor.wait_for_number(1);
    pulse.error("for a moment");
    pulse.ok();
    monitor.answers(Answer::Ok);
    let beats = monitor.wait_for_number(3);
    let told: Vec<_> = beats.iter().map(|beat| (beat.status.as_str(), beat.message.as_deref())).collect();
    assert_eq!(told, [("ok", None), ("error", Some("for a moment")), ("ok", None)]);
}
