//! What the tests share: a real server as a process of its own, programs that beat for it, and waiting for a condition.
#![expect(dead_code, reason = "each test uses its own part of it")]
#![expect(unreachable_pub, reason = "it is a module of tests, which are crates without users")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long a test waits for what has to happen, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How much later than promised something may be seen by a test on a busy machine.
pub const BUSY: Duration = Duration::from_secs(1);

/// Waits until `look` gives something, and fails with `what` where it never does.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The example `embedded_server` as a process, in a folder of its own.
pub struct Server {
    folder: TempDir,
    process: Program,
    address: String,
}

impl Server {
    /// With these services and their timeouts; the token of `NAME` is `token-NAME`.
    pub fn start(services: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let declare = |(name, timeout): &(&str, &str)| {
            format!("[[services]]\nname = \"{name}\"\ntoken = \"token-{name}\"\ntimeout = \"{timeout}\"\n")
        };
        let declared: String = services.iter().map(declare).collect();
        fs::write(folder.path().join("mishpulse.toml"), declared).unwrap();
        let (process, address) = serve(folder.path(), "127.0.0.1:0");
        Self { folder, process, address }
    }

    /// Ends it with `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Ends it as a service manager does.
    pub fn terminate(&mut self) {
        self.process.signal("TERM");
        assert!(self.process.wait().success(), "{}", self.process.output());
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Starts it once more where it was.
    pub fn restart(&mut self) {
        (self.process, self.address) = serve(self.folder.path(), &self.address);
    }

    /// The heartbeat address of a service.
    pub fn beat_url(&self, service: &str) -> String {
        format!("http://{}/api/heartbeat/token-{service}", self.address)
    }

    /// What it says of a service; nothing where it does not answer.
    pub fn service(&self, name: &str) -> Option<Value> {
        let (_, body) = fetch(&format!("http://{}/api/status?name={name}", self.address))?;
        serde_json::from_str::<Value>(&body).ok()?.get(0).cloned()
    }

    /// Waits until a service has `status`.
    pub fn wait_for(&self, name: &str, status: &str) -> Value {
        until(&format!("{name} is {status}"), || self.service(name).filter(|found| found["status"] == status))
    }

    /// Waits until a service has been heard after `last_seen`.
    pub fn wait_for_beat(&self, name: &str, last_seen: &Value) -> Value {
        // After `kill -9` it may know an earlier beat than it knew before, so another one is not enough. Times in UTC
        // are in the order of their texts, up to the letter at their end.
        let time = |value: &Value| value.as_str().map(|text| text.trim_end_matches('Z').to_owned());
        until(&format!("{name} beats again"), || {
            self.service(name).filter(|found| time(&found["last_seen"]) > time(last_seen))
        })
    }
}

fn serve(folder: &Path, listen: &str) -> (Program, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_embedded_server"));
    command.current_dir(folder).env("MISHPULSE_LISTEN", listen);
    let process = Program::start(&mut command);
    let address = process.wait_for_line("listens on http://");
    (process, address)
}

/// A process whose output is read, and which is killed when dropped.
pub struct Program {
    process: Child,
    output: Arc<Mutex<String>>,
}

impl Program {
    /// Starts `command`.
    pub fn start(command: &mut Command) -> Self {
        let process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut process = process.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let output = Arc::default();
        read(process.stdout.take().unwrap(), &output);
        read(process.stderr.take().unwrap(), &output);
        Self { process, output }
    }

    /// Waits for a line that begins with `start`, and gives the rest of it.
    pub fn wait_for_line(&self, start: &str) -> String {
        until(&format!("a line `{start}`"), || {
            self.output().lines().find_map(|line| line.strip_prefix(start)).map(str::to_owned)
        })
    }

    /// What it has written so far.
    pub fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        until("the end of a program", || self.process.try_wait().unwrap())
    }

    /// Ends it with `kill -9`.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.process.id().to_string()]).status();
        assert!(sent.unwrap().success(), "kill -{name}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

fn read(stream: impl Read + Send + 'static, output: &Arc<Mutex<String>>) {
    let output = Arc::clone(output);
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            output.lock().unwrap().push_str(&(line + "\n"));
        }
    });
}

/// The status and the body of a page; nothing where nobody answers in time.
pub fn fetch(url: &str) -> Option<(u16, String)> {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
    let agent: ureq::Agent = config.timeout_global(Some(Duration::from_secs(2))).build().into();
    let mut answer = agent.get(url).call().ok()?;
    Some((answer.status().as_u16(), answer.body_mut().read_to_string().ok()?))
}

/// A file of the examples.
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// An address where nobody listens.
pub fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/api/heartbeat/token", listener.local_addr().unwrap())
}
