//! `mishpulse healthcheck` says by its exit code whether a server is ready.

mod cli_parts;
mod harness;

use cli_parts::{SOON, mishpulse, said};
use harness::{Server, until};

#[test]
fn a_server_that_works_is_ready_and_one_that_cannot_write_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), "status_access = \"key\"\n");
    let elsewhere = tempfile::tempdir().unwrap();
    let check = |arguments: &[&str]| said(&mut mishpulse(elsewhere.path(), arguments));
    let url = server.url("");
    let ready = check(&["healthcheck", "--url", &url]);
    assert_eq!((ready.code, ready.stdout.as_str(), ready.stderr.as_str()), (0, "", ""));
    // The variable that apps have, a heartbeat URL, will do.
    let beat_url = server.url("/api/heartbeat/t0ken");
    assert_eq!(said(mishpulse(elsewhere.path(), &["healthcheck"]).env("MISHPULSE_URL", beat_url)).code, 0);
    // As in a container: the same variables as the server has, and no URL. Every address means this machine.
    let listen = format!("0.0.0.0:{}", server.address.port());
    assert_eq!(said(mishpulse(elsewhere.path(), &["healthcheck"]).env("MISHPULSE_LISTEN", listen)).code, 0);
    std::fs::write(elsewhere.path().join("own.toml"), format!("listen = \"{}\"\n", server.address)).unwrap();
    assert_eq!(check(&["healthcheck", "--config", "own.toml"]).code, 0);

    let database = rusqlite::Connection::open(folder.path().join("mishpulse-data/mishpulse.db")).unwrap();
    database.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let refused = until("the server is not ready", SOON, || {
        let said = check(&["healthcheck", "--url", &url]);
        (said.code != 0).then_some(said)
    });
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("not ready (503): the "), "{}", refused.stderr);
    database.execute_batch("ROLLBACK").unwrap();
    until("it is ready again", SOON, || (check(&["healthcheck", "--url", &url]).code == 0).then_some(()));

    server.terminate();
    let gone = check(&["healthcheck", "--url", &url]);
    assert_eq!(gone.code, 1);
    assert!(gone.stderr.contains("does not answer"), "{}", gone.stderr);
    assert_eq!(check(&["healthcheck", "--url", "nonsense"]).code, 1);
    assert_eq!(check(&["healthcheck", "--config", "missing.toml"]).code, 1);
}
