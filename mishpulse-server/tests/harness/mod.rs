//! What the tests share: the real binary, a webhook that listens, a small HTTP client, and waiting for a condition.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    missing_docs
)]

pub mod faults;
pub mod inside;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Waits until `condition` gives something, and fails with `what` where that takes longer than `limit`.
pub fn until<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {limit:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The real binary as a process of its own. Killed when dropped.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Starts it in `folder`, with `config` as its configuration file, on a port of its own.
    pub fn start(folder: &Path, config: &str) -> Self {
        std::fs::write(folder.join("mishpulse.toml"), config).unwrap();
        Self::start_with(folder, &["serve", "--listen", "127.0.0.1:0"])
    }

    /// Starts it again where `address` was, with the configuration that is there.
    pub fn restart(folder: &Path, address: SocketAddr) -> Self {
        Self::start_with(folder, &["serve", "--listen", &address.to_string()])
    }

    pub fn start_with(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_under(&[], &[], folder, arguments)
    }

    /// Starts it by a command that becomes it, such as `prlimit --nofile=64`, with `variables`.
    pub fn start_under(
        command: &[&str],
        variables: &[(&str, &str)],
        folder: &Path,
        arguments: &[&str],
    ) -> Self {
        let server = Self::launch(command, variables, folder, arguments);
        server.wait_until_ready();
        server
    }

    /// Starts it without a look whether it is ready.
    pub fn launch(command: &[&str], variables: &[(&str, &str)], folder: &Path, arguments: &[&str]) -> Self {
        let mut command = under(command, arguments);
        command.current_dir(folder).env_clear().envs(variables.iter().copied());
        Self::launch_by(command)
    }

    /// Starts it by a command that becomes it, or stays in its place.
    pub fn start_by(command: Command) -> Self {
        let server = Self::launch_by(command);
        server.wait_until_ready();
        server
    }

    fn launch_by(mut command: Command) -> Self {
        let mut process =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let lines = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let mut log = lines.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let address = until("the server says its address", Duration::from_secs(20), || {
            let text = log.lock().unwrap().clone();
            if let Some(status) = process.try_wait().unwrap() {
                panic!("the server ended with {status}:\n{text}");
            }
            let line = text.lines().find(|line| line.contains("listens on http://"))?;
            line.rsplit("http://").next()?.trim_end_matches(['"', '}']).parse().ok()
        });
        Self { process, address, log }
    }

    pub fn wait_until_ready(&self) {
        until("the server is ready", Duration::from_secs(20), || {
            (self.get("/readyz").status == 200).then_some(())
        });
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> Answer {
        request("GET", &self.url(path), None, &[])
    }

    pub fn post(&self, path: &str, body: &str) -> Answer {
        request("POST", &self.url(path), Some(body), &[])
    }

    pub fn beat(&self, token: &str, body: &str) -> Answer {
        self.post(&format!("/api/heartbeat/{token}"), body)
    }

    /// What `/api/status` says of one service.
    pub fn service(&self, name: &str) -> Value {
        let services = self.get("/api/status").json();
        let services = services.as_array().unwrap();
        services.iter().find(|service| service["name"] == name).cloned().unwrap_or(Value::Null)
    }

    pub fn wait_for_status(&self, name: &str, status: &str, limit: Duration) -> Value {
        until(&format!("{name} is {status}"), limit, || {
            let service = self.service(name);
            (service["status"] == status).then_some(service)
        })
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([&format!("-{signal}"), &self.id().to_string()]).status();
        assert!(done.unwrap().success(), "kill -{signal}");
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// `SIGTERM`, and waits until it has ended well.
    pub fn terminate(mut self) -> String {
        self.signal("TERM");
        let status = until("the server stops", Duration::from_secs(15), || self.process.try_wait().unwrap());
        assert!(status.success(), "{status}\n{}", self.log());
        self.log()
    }
}

/// The binary, started by a command that becomes it, or by itself.
pub fn under(command: &[&str], arguments: &[&str]) -> Command {
    let binary = env!("CARGO_BIN_EXE_mishpulse");
    let mut words = command.iter().copied().chain([binary]).chain(arguments.iter().copied());
    let program = words.next().unwrap();
    // The environment is emptied before the program is looked for.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    let mut command = Command::new(found.unwrap_or_else(|| program.into()));
    command.args(words);
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// 0 where there was none.
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.as_str())
    }
}

pub fn request(method: &str, url: &str, body: Option<&str>, headers: &[(&str, &str)]) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = match body {
        Some(body) => agent.run(request.body(body.to_owned()).unwrap()),
        None => agent.run(request.body(()).unwrap()),
    };
    match answer {
        Ok(mut answer) => Answer {
            status: answer.status().as_u16(),
            headers: (answer.headers().iter())
                .map(|(name, value)| {
                    (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                })
                .collect(),
            body: answer.body_mut().with_config().limit(1 << 30).read_to_string().unwrap_or_default(),
        },
        Err(error) => Answer { status: 0, headers: Vec::new(), body: error.to_string() },
    }
}

/// A webhook that listens, keeps what it got, and answers with whatever status it was told.
pub struct Hook {
    pub address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    status: Arc<AtomicU16>,
}

/// What a webhook got.
#[derive(Debug, Clone)]
pub struct Got {
    pub at: std::time::SystemTime,
    pub head: String,
    pub json: Value,
    /// What it was answered.
    pub answered: u16,
}

impl Got {
    pub fn id(&self) -> &str {
        self.json["id"].as_str().unwrap()
    }

    pub fn event(&self) -> &str {
        self.json["event"].as_str().unwrap()
    }
}

impl Hook {
    pub fn start() -> Self {
        Self::start_on("127.0.0.1")
    }

    pub fn start_on(address: &str) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let hook = Self { address, got: Arc::default(), status: Arc::new(AtomicU16::new(200)) };
        let (got, status) = (Arc::clone(&hook.got), Arc::clone(&hook.status));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (got, status) = (Arc::clone(&got), Arc::clone(&status));
                std::thread::spawn(move || listen(stream, &got, &status));
            }
        });
        hook
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What it answers from now on.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// The events that it accepted, in order.
    pub fn events(&self) -> Vec<String> {
        let accepted = self.got().into_iter().filter(|got| got.answered == 200);
        accepted.map(|got| got.event().to_owned()).collect()
    }

    pub fn wait_for(&self, count: usize, limit: Duration) -> Vec<Got> {
        until(&format!("{count} messages at the webhook"), limit, || {
            let got = self.got();
            (got.len() >= count).then_some(got)
        })
    }
}

fn listen(mut stream: TcpStream, got: &Mutex<Vec<Got>>, status: &AtomicU16) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let mut body = vec![0; length.unwrap_or(0)];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let answered = status.load(Ordering::SeqCst);
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        got.lock().unwrap().push(Got { at: std::time::SystemTime::now(), head, json, answered });
        let answer = format!("HTTP/1.1 {answered} Whatever\r\ncontent-length: 0\r\n\r\n");
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// A configuration with `hook` as its only channel, and what `more` adds.
pub fn config(hook: &Hook, more: &str) -> String {
    format!("[channels.hook]\nkind = \"webhook\"\nurl = \"{}\"\n\n{more}", hook.url())
}

/// A declared service.
pub fn service(name: &str, timeout: &str) -> String {
    format!("[[services]]\nname = \"{name}\"\ntoken = \"token-{name}\"\ntimeout = \"{timeout}\"\n\n")
}

/// The time in an RFC 3339 text, as Unix milliseconds.
pub fn unix_ms(text: &Value) -> i64 {
    let text = text.as_str().unwrap_or_else(|| panic!("{text} is no time"));
    let at = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap();
    (at.unix_timestamp_nanos() / 1_000_000) as i64
}

/// The wall clock, as Unix milliseconds.
pub fn wall_ms(at: std::time::SystemTime) -> i64 {
    at.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64
}
