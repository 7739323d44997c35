//! The token does not go where a redirect points.

mod common;

use common::{Answer, Monitor};
use mishpulse_client::{Builder, Status};

#[test]
fn redirects_are_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let (monitor, elsewhere) = (Monitor::start(), Monitor::start());
        let location = format!("location: {}\r\n", elsewhere.url());
        monitor.answers(Answer::Refuse(status, location, String::new()));
        let error = Builder::new(monitor.url()).beat(Status::Ok).unwrap_err();
        let shown = elsewhere.url().replace(common::TOKEN, "***").replace("/api/heartbeat/", "");
        let detail = format!("redirects are not followed; the address it points to is {shown}");
        assert_eq!(error.to_string(), format!("refused with status {status}: {detail}"));
        assert_eq!(elsewhere.connections(), 0);
    }
}
