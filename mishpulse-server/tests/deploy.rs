//! What `deploy/` holds is in order: each file is read by the program that it is for, and none knows settings that there are not.

#[path = "notify_parts/certificates.rs"]
mod certificates;
mod harness;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use certificates::Certificates;
use harness::{Server, until};

const LIMIT: Duration = Duration::from_secs(20);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn file(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A program that scripts/install-test-tools.sh brought.
fn tool(path: &str) -> PathBuf {
    let tool = root().join("target/test-tools").join(path);
    assert!(tool.exists(), "{} is missing: run scripts/install-test-tools.sh", tool.display());
    tool
}

/// What it said, stdout and stderr together, if it succeeded.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}; run scripts/install-test-tools.sh");
    });
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

fn mishpulse() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mishpulse"));
    command.env_clear();
    command
}

fn python(script: &str, arguments: &[&Path]) -> String {
    let python = std::env::var_os("MISHPULSE_TEST_PYTHON").expect(
        "set MISHPULSE_TEST_PYTHON to a Python with kubernetes-validate; scripts/install-test-tools.sh makes one",
    );
    said(Command::new(python).args(["-c", script]).args(arguments))
}

#[test]
fn systemd_takes_the_unit_and_finds_little_exposed() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("mishpulse.service");
    // It wants the program to be there.
    let text =
        file("deploy/mishpulse.service").replace("/usr/bin/mishpulse", env!("CARGO_BIN_EXE_mishpulse"));
    fs::write(&unit, text).unwrap();
    let output = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&unit).output();
    let output = output.expect("systemd-analyze is missing: run scripts/install-test-tools.sh");
    let said_of = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said_of.contains("mishpulse"), "{said_of}");
    // Out of 100, where less is better.
    let security = ["security", "--offline=true", "--no-pager", "--threshold=19"].map(ToString::to_string);
    said(Command::new("systemd-analyze").args(security).arg(&unit));
}

#[test]
fn prometheus_takes_the_rules_and_they_fire_when_they_should() {
    let promtool = tool("usr/bin/promtool");
    let folder = root().join("deploy");
    said(Command::new(&promtool).args(["check", "rules", "prometheus-rules.yml"]).current_dir(&folder));
    said(Command::new(&promtool).args(["test", "rules", "prometheus-rules.test.yml"]).current_dir(&folder));
    let (rules, tests) = (file("deploy/prometheus-rules.yml"), file("deploy/prometheus-rules.test.yml"));
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tests.contains(&format!("alertname: {alert}\n")), "no test has {alert} fire");
    }
}

#[test]
fn compose_takes_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let compose = folder.path().join("compose.yaml");
    fs::write(&compose, file("deploy/compose.yaml")).unwrap();
    let ask = || {
        let mut command = Command::new("docker-compose");
        command.arg("--file").arg(&compose).arg("config").env_remove("MISHPULSE_HOST");
        command
    };
    let shown = said(ask().env("MISHPULSE_HOST", "pulse.example.org"));
    assert!(shown.contains("https://pulse.example.org"), "{shown}");
    let output = ask().output().unwrap();
    assert!(!output.status.success(), "without a host it says so");
}

#[test]
fn caddy_takes_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(tool("usr/bin/caddy"));
    command
        .args(["validate", "--adapter", "caddyfile", "--config"])
        .arg(root().join("deploy/proxy/Caddyfile"));
    command.env("MISHPULSE_HOST", "pulse.example.org").env("HOME", folder.path());
    let said = said(command.env("XDG_DATA_HOME", folder.path()).env("XDG_CONFIG_HOME", folder.path()));
    assert!(said.contains("Valid configuration"), "{said}");
}

#[test]
fn kubernetes_takes_the_manifest_and_the_server_its_configuration() {
    let script = "
import sys, yaml, kubernetes_validate
for document in yaml.safe_load_all(open(sys.argv[1])):
    kubernetes_validate.validate(document, '1.30', strict=True)
    if document['kind'] == 'ConfigMap':
        print(document['data']['mishpulse.toml'])
";
    let manifest = root().join("deploy/kubernetes.yaml");
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("mishpulse.toml");
    let text = python(script, &[&manifest]);
    assert!(text.contains("[channels.ops]"), "{text}");
    // Taken as it is, and with what it shows commented out.
    let shown = text.lines().map(|line| line.trim_start_matches("# ")).collect::<Vec<_>>().join("\n");
    for text in [text, shown] {
        fs::write(&config, text).unwrap();
        let check = said(
            mishpulse().arg("check-config").arg("--config").arg(&config).env("TELEGRAM_BOT_TOKEN", "1:a"),
        );
        assert!(!check.contains("warning"), "{check}");
    }
    // Its probes ask what there is to ask.
    let server = Server::start(folder.path(), "");
    let manifest = file("deploy/kubernetes.yaml");
    let paths: Vec<&str> = manifest.lines().filter_map(|line| line.trim().strip_prefix("path: ")).collect();
    assert_eq!(paths, ["/healthz", "/readyz", "/readyz"]);
    for path in paths {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
}

/// Every variable that is set anywhere is a setting: else the server would warn of it and go its own way.
#[test]
fn variables_name_settings_that_there_are() {
    for name in
        ["deploy/Dockerfile", "deploy/compose.yaml", "deploy/mishpulse.service", "deploy/kubernetes.yaml"]
    {
        let text = file(name);
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let line = line.trim_start().trim_start_matches("ENV ").trim_start_matches("Environment=");
            let set = line.split_once(['=', ':']).filter(|(name, _)| name.starts_with("MISHPULSE_"));
            let Some((variable, value)) = set.filter(|(name, _)| *name != "MISHPULSE_HOST") else { continue };
            let value = value.trim_end_matches('\\').trim().trim_matches('"');
            let value = if value.starts_with("https://") { "https://pulse.example.org" } else { value };
            let check = said(mishpulse().arg("check-config").env(variable, value).current_dir("/"));
            assert!(!check.contains("warning"), "{name}: {check}");
        }
    }
}

#[test]
fn the_package_is_of_this_version_and_its_manual_knows_every_command() {
    let changelog = file("deploy/debian/changelog");
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        changelog.starts_with(&format!("mishpulse ({version}-")),
        "deploy/debian/changelog is not of {version}"
    );
    let manual = file("deploy/debian/mishpulse.1").replace('\\', "");
    let help = said(mishpulse().arg("--help"));
    let listed = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    for line in listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let name = line.split_whitespace().next().unwrap();
        assert!(name == "help" || manual.contains(&format!("\n.B {name}\n")), "the manual has no {name}");
    }
    let unit = file("deploy/mishpulse.service");
    assert!(unit.contains("\nExecStart=/usr/bin/mishpulse serve --config /etc/mishpulse/mishpulse.toml\n"));
}

/// The example as it stands, but for ports and paths of this machine.
struct Proxy {
    process: Child,
    folder: tempfile::TempDir,
    tls: u16,
    plain: u16,
}

impl Proxy {
    fn start(server: &Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::new("pulse.example.org");
        let [tls, plain] =
            [0; 2].map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
        let here = folder.path().display();
        let mut example = file("deploy/proxy/nginx.conf");
        for (from, to) in [
            ("listen [::]:443 ssl;", String::new()),
            ("listen [::]:80;", String::new()),
            ("listen 443 ssl;", format!("listen 127.0.0.1:{tls} ssl;")),
            ("listen 80;", format!("listen 127.0.0.1:{plain};")),
            ("127.0.0.1:8080", server.address.to_string()),
            ("/etc/ssl/pulse.example.org/fullchain.pem", certificates.path("cert.pem").display().to_string()),
            ("/etc/ssl/pulse.example.org/privkey.pem", certificates.path("key.pem").display().to_string()),
            ("/var/log/nginx/", format!("{here}/")),
        ] {
            assert!(example.contains(from), "the example has no `{from}`");
            example = example.replace(from, &to);
        }
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {here}/{name};\n"))
            .concat();
        let whole = format!(
            "daemon off;\nmaster_process off;\npid {here}/pid;\nerror_log {here}/error.log;\nevents {{}}\nhttp {{\n{temporary}{example}}}\n"
        );
        fs::write(folder.path().join("nginx.conf"), whole).unwrap();
        let process = Command::new(tool("usr/sbin/nginx"))
            .arg("-p")
            .arg(folder.path())
            .args(["-e", "error.log", "-c", "nginx.conf"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let proxy = Self { process, folder, tls, plain };
        until("nginx listens", LIMIT, || {
            let is_there = proxy.ask("GET", &proxy.url("/healthz"), None).is_ok();
            is_there.then_some(())
        });
        // They are read by now.
        drop(certificates);
        proxy
    }

    fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.tls)
    }

    fn ask(
        &self,
        method: &str,
        url: &str,
        body: Option<&str>,
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let tls = ureq::tls::TlsConfig::builder().disable_verification(true).build();
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(LIMIT))
            .build()
            .into();
        let request = ureq::http::Request::builder().method(method).uri(url);
        let request = request.header("host", "pulse.example.org");
        match body {
            Some(body) => agent.run(request.body(body.to_owned()).unwrap()),
            None => agent.run(request.body(()).unwrap()),
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("mishpulse.log")).unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn page_events_and_beats_come_through_nginx() {
    let folder = tempfile::tempdir().unwrap();
    let config = "public_url = \"https://pulse.example.org\"\n".to_owned() + &harness::service("job", "1h");
    let server = Server::start(folder.path(), &config);
    let proxy = Proxy::start(&server);
    let mut page = proxy.ask("GET", &proxy.url("/"), None).unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.body_mut().read_to_string().unwrap().contains("job"));

    // The event of a change is there while the connection lasts: nothing holds it back.
    let mut events = proxy.ask("GET", &proxy.url("/events"), None).unwrap();
    assert_eq!(events.status(), 200);
    let beat =
        proxy.ask("POST", &proxy.url("/api/heartbeat/token-job?x=1"), Some("{\"status\":\"ok\"}")).unwrap();
    assert_eq!(beat.status(), 200);
    assert_eq!(server.service("job")["status"], "alive");
    let lines = BufReader::new(events.body_mut().as_reader()).lines();
    let event = lines.map_while(Result::ok).find(|line| line.starts_with("data:") && line.contains("job"));
    assert!(event.is_some(), "no event came through");

    // What is too long is refused by the server, in its words.
    let long = format!("{{\"message\":\"{}\"}}", "x".repeat(70_000));
    let mut refused = proxy.ask("POST", &proxy.url("/api/heartbeat/token-job"), Some(&long)).unwrap();
    assert_eq!(refused.status(), 413);
    assert!(refused.body_mut().read_to_string().unwrap().contains("\"status\":413"));

    // A secret is not asked for again over TLS.
    let plain =
        |path: &str| proxy.ask("GET", &format!("http://127.0.0.1:{}{path}", proxy.plain), None).unwrap();
    assert_eq!(plain("/api/heartbeat/token-job").status(), 403);
    let moved = plain("/services/job");
    assert_eq!(moved.status(), 301);
    assert_eq!(moved.headers()["location"], "https://pulse.example.org/services/job");

    // Nor is it in the log, however it came.
    let log = until("nginx has logged", LIMIT, || Some(proxy.log()).filter(|log| log.contains(" 301 ")));
    assert!(log.contains("127.0.0.1 [") && log.contains("\"POST /api/heartbeat/-\" 200"), "{log}");
    assert!(log.contains("\" 413 ") && log.contains("\"GET /api/heartbeat/-\" 403"), "{log}");
    assert!(!log.contains("token-job"), "{log}");
    drop(events);
}
