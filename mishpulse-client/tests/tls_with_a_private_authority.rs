//! A monitor behind a private certificate authority is trusted where its root is given.

mod common;
mod tls;

use common::Monitor;
use mishpulse_client::{Builder, Status};

#[test]
fn tls_with_a_private_authority() {
    let authority = tls::Authority::new();
    let monitor = Monitor::with_tls(authority.server("localhost"));
    let pulse = Builder::new(monitor.url()).root_certificates(authority.pem()).start().unwrap();
    assert!(pulse.flush(common::PATIENCE), "{:?}", pulse.last_error());
    pulse.error("over TLS");
    assert_eq!(monitor.wait_for_status("error").message.as_deref(), Some("over TLS"));

    // One among several will do.
    let pem = format!("{}{}", tls::Authority::new().pem(), authority.pem());
    Builder::new(monitor.url()).root_certificates(pem).beat(Status::Ok).unwrap();
}
