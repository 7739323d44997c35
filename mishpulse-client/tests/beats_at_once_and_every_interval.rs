//! The first beat leaves at once, the others once an interval, as small JSON under the crate's own name.

mod common;

use std::time::Duration;

use common::{Monitor, TOKEN};
use mishpulse_client::Builder;

#[test]
fn beats_at_once_and_every_interval() {
    let monitor = Monitor::start();
    let interval = Duration::from_millis(200);
    let pulse = Builder::new(monitor.url()).interval(interval).start().unwrap();
    let beats = monitor.wait_for_number(4);
    for beat in &beats {
        assert_eq!((beat.method.as_str(), beat.status.as_str()), ("POST", "ok"));
        assert_eq!(beat.path, format!("/api/heartbeat/{TOKEN}"));
        assert_eq!(beat.message, None);
        let head = beat.head.to_ascii_lowercase();
        assert!(head.contains(concat!("user-agent: mishpulse-client/", env!("CARGO_PKG_VERSION"), "\r\n")));
        assert!(head.contains("content-type: application/json\r\n"));
    }
    for pair in beats.windows(2) {
        assert!(pair[1].at - pair[0].at >= interval - Duration::from_millis(20), "{beats:#?}");
    }
    assert_eq!(pulse.last_error(), None);
    assert_eq!(monitor.connections(), 1, "beats that come this often share one connection");
}

#[test]
fn the_default_is_a_beat_at_once() {
    let monitor = Monitor::start();
    let _pulse = mishpulse_client::start(monitor.url());
    monitor.wait_for_status("ok");
}
