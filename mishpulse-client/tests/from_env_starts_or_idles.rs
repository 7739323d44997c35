//! `from_env` takes the address from MISHPULSE_URL; where it is missing the app runs all the same.

mod common;

use common::{Monitor, as_a_program};
use mishpulse_client::Error;

#[test]
fn from_env_starts_or_idles() {
    if std::env::var("AS_PROGRAM").is_ok() {
        let pulse = mishpulse_client::from_env();
        let flushed = pulse.flush(common::PATIENCE);
        assert_eq!(flushed, !matches!(pulse.last_error(), Some(Error::BadUrl { .. })));
        return;
    }
    let monitor = Monitor::start();
    let name = "from_env_starts_or_idles";
    let program = as_a_program(name, &[("AS_PROGRAM", "yes"), ("MISHPULSE_URL", &monitor.url())]);
    assert!(program.status.success() && program.stderr.is_empty(), "{program:?}");
    assert_eq!(monitor.beats().len(), 1);

    let program = as_a_program(name, &[("AS_PROGRAM", "yes"), ("MISHPULSE_URL", "")]);
    assert!(program.status.success());
    let text = String::from_utf8_lossy(&program.stderr).into_owned();
    assert_eq!(text, "mishpulse: no heartbeats: bad heartbeat address: MISHPULSE_URL is not set\n");
}
