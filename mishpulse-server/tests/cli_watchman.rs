//! Who watches the watchman: the metrics, beats to another server, and systemd.

mod cli_parts;
mod harness;

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use cli_parts::{SOON, mishpulse};
use harness::{Hook, Server, config, request, service, until};

/// What `/metrics` says of `name`, with its labels.
fn metric(server: &Server, name: &str) -> Option<f64> {
    let page = server.get("/metrics").body;
    let line = page.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn the_metrics_say_what_happened() {
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start();
    let server = Server::start(folder.path(), &config(&hook, &(service("a", "1h") + &service("b", "1h"))));
    let page = server.get("/metrics");
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let asked = [("accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")];
    let open = request("GET", &server.url("/metrics"), None, &asked);
    assert_eq!(
        open.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert!(page.body.ends_with("# EOF\n"), "{}", page.body);
    assert_eq!(metric(&server, "mishpulse_deliveries_total{channel=\"hook\",result=\"sent\"}"), Some(0.0));
    assert_eq!(metric(&server, "mishpulse_services{status=\"new\"}"), Some(2.0));
    assert_eq!(metric(&server, "mishpulse_ready"), Some(1.0));
    assert!(page.body.contains("mishpulse_build_info{version=\""), "{}", page.body);

    hook.answer(500);
    server.beat("token-a", "{\"status\":\"error\",\"message\":\"no\"}");
    server.beat("token-b", "");
    server.beat("nobody", "");
    server.beat("token-a", "{\"status\":\"fine\"}");
    for (result, count) in [("stored", 2.0), ("unknown_token", 1.0), ("malformed", 1.0), ("unavailable", 0.0)]
    {
        let name = format!("mishpulse_beats_total{{result=\"{result}\"}}");
        assert_eq!(metric(&server, &name), Some(count), "{name}");
    }
    assert_eq!(metric(&server, "mishpulse_services{status=\"error\"}"), Some(1.0));
    assert_eq!(metric(&server, "mishpulse_services{status=\"alive\"}"), Some(1.0));
    hook.wait_for(1, SOON);
    until("the delivery waits", SOON, || {
        (metric(&server, "mishpulse_oldest_undelivered_seconds")? > 0.0).then_some(())?;
        (metric(&server, "mishpulse_deliveries_total{channel=\"hook\",result=\"retried\"}")? >= 1.0)
            .then_some(())
    });
    hook.answer(200);
    until("the delivery went", SOON, || {
        (metric(&server, "mishpulse_deliveries_total{channel=\"hook\",result=\"sent\"}")? == 1.0)
            .then_some(())?;
        (metric(&server, "mishpulse_oldest_undelivered_seconds")? == 0.0).then_some(())
    });
    let commits = metric(&server, "mishpulse_commit_duration_seconds_count").unwrap();
    let batches = metric(&server, "mishpulse_batch_commands_count").unwrap();
    assert!(commits >= batches && batches >= 3.0, "{commits} {batches}");
    assert_eq!(metric(&server, "mishpulse_batch_commands_bucket{le=\"+Inf\"}"), Some(batches));
    assert!(metric(&server, "mishpulse_commit_duration_seconds_sum").unwrap() > 0.0);
    assert_eq!(metric(&server, "mishpulse_inbox_depth"), Some(0.0));
    assert_eq!(metric(&server, "mishpulse_commit_failures_total"), Some(0.0));
}

#[test]
fn the_metrics_are_for_holders_of_a_key_where_the_status_is() {
    let folder = tempfile::tempdir().unwrap();
    let config = "status_access = \"key\"\n[keys.grafana]\nkey = \"k3y-of-grafana-0123456789abcdef\"\n";
    let server = Server::start(folder.path(), config);
    assert_eq!(server.get("/metrics").status, 401);
    let key = ("authorization", "Bearer k3y-of-grafana-0123456789abcdef");
    assert_eq!(request("GET", &server.url("/metrics"), None, &[key]).status, 200);
}

#[test]
fn one_server_watches_another() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let watcher = Server::start(there.path(), &service("other-mishpulse", "1s"));
    let url = watcher.url("/api/heartbeat/token-other-mishpulse");
    let beats = format!("[self_heartbeat]\nurl = \"{url}\"\nevery = \"1s\"\n");
    let watched = Server::start(here.path(), &beats);
    watcher.wait_for_status("other-mishpulse", "alive", SOON);

    // Without it the beats stop, and begin again with it.
    std::fs::write(here.path().join("mishpulse.toml"), "").unwrap();
    watched.signal("HUP");
    watcher.wait_for_status("other-mishpulse", "dead", SOON);
    std::fs::write(here.path().join("mishpulse.toml"), &beats).unwrap();
    watched.signal("HUP");
    watcher.wait_for_status("other-mishpulse", "alive", SOON);

    // A process that lives but does not work is as bad as a dead one.
    let database = rusqlite::Connection::open(here.path().join("mishpulse-data/mishpulse.db")).unwrap();
    database.execute_batch("BEGIN EXCLUSIVE").unwrap();
    until("the watched one is not ready", SOON, || (watched.get("/readyz").status == 503).then_some(()));
    watcher.wait_for_status("other-mishpulse", "dead", SOON);
    assert_eq!(watched.get("/healthz").status, 200);
    database.execute_batch("ROLLBACK").unwrap();
    watcher.wait_for_status("other-mishpulse", "alive", Duration::from_secs(60));
    assert!(!watched.log().contains("token-other"), "{}", watched.log());
}

#[test]
fn a_watcher_that_never_answers_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/heartbeat/other", silent.local_addr().unwrap());
    let server =
        Server::start(folder.path(), &format!("[self_heartbeat]\nurl = \"{url}\"\nevery = \"1s\"\n"));
    let _asked = silent.accept().unwrap();
    assert_eq!(server.get("/readyz").status, 200);
    let started = std::time::Instant::now();
    server.terminate();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

/// What systemd hears, in `folder`.
struct Systemd {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Systemd {
    fn listen(folder: &Path) -> Self {
        let socket = UnixDatagram::bind(folder.join("notify")).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        Self { socket, heard: Vec::new() }
    }

    fn wait_for(&mut self, what: &str) {
        let mut buffer = [0; 1024];
        loop {
            let Ok(count) = self.socket.recv(&mut buffer) else { panic!("no {what}, only {:?}", self.heard) };
            let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
            self.heard.push(text.clone());
            if text.lines().any(|line| line == what) {
                return;
            }
        }
    }
}

fn serve_under_systemd(folder: &Path) -> Child {
    mishpulse(folder, &["serve", "--listen", "127.0.0.1:0"])
        .env("NOTIFY_SOCKET", folder.join("notify"))
        .env("WATCHDOG_USEC", "600000")
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn systemd_hears_how_the_server_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut systemd = Systemd::listen(folder.path());
    let mut server = serve_under_systemd(folder.path());
    systemd.wait_for("READY=1");
    assert!(!systemd.heard.iter().any(|text| text.contains("WATCHDOG=1")), "{:?}", systemd.heard);
    systemd.wait_for("WATCHDOG=1");
    systemd.wait_for("WATCHDOG=1");
    let signal = |name: &str| {
        let id = server.id().to_string();
        assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
    };
    signal("-HUP");
    systemd.wait_for("RELOADING=1");
    systemd.wait_for("READY=1");

    // While the store takes no writes systemd hears nothing, and would start it anew.
    let database = rusqlite::Connection::open(folder.path().join("mishpulse-data/mishpulse.db")).unwrap();
    database.execute_batch("BEGIN EXCLUSIVE").unwrap();
    systemd.socket.set_read_timeout(Some(Duration::from_millis(1500))).unwrap();
    let mut buffer = [0; 1024];
    until("the watchdog's beats stop", SOON, || systemd.socket.recv(&mut buffer).is_err().then_some(()));
    database.execute_batch("ROLLBACK").unwrap();
    systemd.socket.set_read_timeout(Some(SOON)).unwrap();
    systemd.wait_for("WATCHDOG=1");

    signal("-TERM");
    systemd.wait_for("STOPPING=1");
    assert!(until("the server stops", SOON, || server.try_wait().unwrap()).success());
}

#[test]
fn dashboard_rules_and_docs_name_metrics_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), "");
    let page = server.get("/metrics").body;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for file in ["deploy/grafana-dashboard.json", "deploy/prometheus-rules.yml", "docs/command-line.md"] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        let names = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let names: Vec<&str> = names.filter(|name| name.starts_with("mishpulse_")).collect();
        assert!(names.len() >= 6, "{file} names {names:?}");
        for name in names {
            // A counter that has no label yet shows its family only.
            assert!(
                page.contains(name.trim_end_matches("_total")),
                "{file} names {name}, which there is not"
            );
        }
    }
    let dashboard = std::fs::read_to_string(root.join("deploy/grafana-dashboard.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    assert!(dashboard["panels"].as_array().is_some_and(|panels| panels.len() > 5));
}
