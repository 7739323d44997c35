//! A server inside the test's own process, whose clock stands still until it is moved.

use std::net::SocketAddr;
use std::sync::Arc;

use mishpulse_core::{ManualClock, Timestamp};
use mishpulse_server::config::{Environment, Settings};
use mishpulse_server::{App, Running};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::{Answer, request};

pub const ADMIN: &str = "admin-key-of-the-tests-0123456789abcdef";
pub const READER: &str = "read-key-of-the-tests-0123456789abcdef";

/// A server with an admin key and the read-only key `reader`. Stopped when dropped.
pub struct Inside {
    pub clock: Arc<ManualClock>,
    pub address: SocketAddr,
    runtime: Runtime,
    running: Option<Running>,
    _folder: tempfile::TempDir,
}

impl Inside {
    /// Starts it in a folder of its own; `config` goes on after its keys.
    pub fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "admin_key = \"{ADMIN}\"\npublic_url = \"https://pulse.example.org\"\n{config}\n\
             [keys.reader]\nkey = \"{READER}\"\naccess = \"read\"\n"
        );
        let environment = Environment::from_iter(Vec::<(String, String)>::new());
        let mut settings = Settings::parse("test.toml", &text, &environment).unwrap().settings;
        settings.data_dir = folder.path().to_owned();
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_ms(1_760_616_000_000)));
        let runtime = Runtime::new().unwrap();
        let shared = Arc::clone(&clock);
        let running = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            App::prepare(settings, listener).unwrap().start(Some(shared)).unwrap()
        });
        Self { clock, address: running.address(), runtime, running: Some(running), _folder: folder }
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// Asks with the admin key.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask_as(ADMIN, method, path, body, &[])
    }

    /// Asks with the admin key and further headers.
    pub fn ask_with(&self, headers: &[(&str, &str)], method: &str, path: &str, body: &str) -> Answer {
        self.ask_as(ADMIN, method, path, body, headers)
    }

    /// Asks with `key`, or with none where that is empty.
    pub fn ask_as(
        &self,
        key: &str,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let bearer = format!("Bearer {key}");
        let mut headers = headers.to_vec();
        if !key.is_empty() {
            headers.push(("authorization", &bearer));
        }
        request(
            method,
            &format!("http://{}{path}", self.address),
            (!body.is_empty()).then_some(body),
            &headers,
        )
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "")
    }

    /// Makes a service, and gives back what was answered.
    pub fn make(&self, body: &str) -> serde_json::Value {
        let answer = self.ask("POST", "/api/services", body);
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()
    }

    pub fn beat(&self, token: &str, body: &str) {
        let answer = self.ask_as("", "POST", &format!("/api/heartbeat/{token}"), body, &[]);
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}
