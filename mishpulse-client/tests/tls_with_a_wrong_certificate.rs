//! A certificate of an unknown authority, or for another name, is not trusted: nothing is sent.

mod common;
mod tls;

use common::Monitor;
use mishpulse_client::{Builder, Error, Status};

fn refusal(builder: Builder) -> String {
    match builder.retries(0).beat(Status::Ok).unwrap_err() {
        Error::Unreachable { reason } => reason,
        other => panic!("{other}"),
    }
}

#[test]
fn tls_with_a_wrong_certificate() {
    let (authority, other) = (tls::Authority::new(), tls::Authority::new());
    let monitor = Monitor::with_tls(authority.server("localhost"));
    let reason = refusal(Builder::new(monitor.url()));
    assert!(reason.contains("UnknownIssuer"), "{reason}");
    let reason = refusal(Builder::new(monitor.url()).root_certificates(other.pem()));
    assert!(reason.contains("certificate"), "{reason}");
    assert_eq!(monitor.beats().len(), 0);

    let monitor = Monitor::with_tls(authority.server("elsewhere.example"));
    let reason = refusal(Builder::new(monitor.url()).root_certificates(authority.pem()));
    assert!(reason.contains("certificate not valid for name"), "{reason}");
    assert_eq!(monitor.beats().len(), 0);
}
