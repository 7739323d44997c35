//! An address that cannot be used is told once on stderr and in `last_error`; the app goes on as if nothing was.

mod common;

use std::time::{Duration, Instant};

use common::as_a_program;
use mishpulse_client::{Builder, Error, Status};

#[test]
fn a_bad_url_does_no_harm() {
    let started = Instant::now();
    for url in ["", "nonsense", "http://", "http://localhost:8080", "mailto:a@b", "http://h/a b", "\0"] {
        let pulse = mishpulse_client::start(url);
        assert!(matches!(pulse.last_error(), Some(Error::BadUrl { .. })), "{url}");
        pulse.ok();
        pulse.error("unheard");
        pulse.watch(Duration::from_millis(10)).tick();
        assert!(!pulse.flush(Duration::from_secs(60)));
        assert!(matches!(Builder::new(url).start(), Err(Error::BadUrl { .. })));
        assert!(matches!(mishpulse_client::beat(url, Status::Ok), Err(Error::BadUrl { .. })));
        assert_eq!(mishpulse_client::job(url, || Ok::<_, Error>(7)), Ok(7));
    }
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn it_is_told_once() {
    if std::env::var("AS_PROGRAM").is_ok() {
        let pulse = mishpulse_client::start("http://localhost:8080");
        pulse.error("unheard");
        let _quiet = Builder::new("nonsense").quiet().start_anyway();
        return;
    }
    let program = as_a_program("it_is_told_once", &[("AS_PROGRAM", "yes")]);
    assert!(program.status.success());
    let text = String::from_utf8_lossy(&program.stderr);
    let line = "mishpulse: no heartbeats: bad heartbeat address: it has no token: expected \
        http://HOST:PORT/api/heartbeat/TOKEN\n";
    assert_eq!(text, line);
}

#[test]
fn a_bad_setting_is_told_by_name() {
    let url = "http://localhost:1/api/heartbeat/token";
    let of = |error: Error| match error {
        Error::BadSetting { setting, .. } => setting,
        other => panic!("{other}"),
    };
    assert_eq!(of(Builder::new(url).proxy("not a proxy").start().unwrap_err()), "proxy");
    #[cfg(feature = "tls")]
    for pem in ["", "nonsense", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"] {
        assert_eq!(of(Builder::new(url).root_certificates(pem).start().unwrap_err()), "root_certificates");
    }
}
