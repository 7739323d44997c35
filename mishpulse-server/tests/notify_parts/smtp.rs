//! Real SMTP servers on loopback: aiosmtpd, told what to do, and Postfix, delivering into mailboxes.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// aiosmtpd, until this is dropped.
pub(crate) struct Aiosmtpd {
    /// Its port on loopback.
    pub(crate) port: u16,
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Aiosmtpd {
    /// One that does as `order` says; `smtp/server.py` says how.
    ///
    /// # Panics
    /// Without `MISHPULSE_TEST_PYTHON`, the path of a Python that has aiosmtpd.
    pub(crate) fn start(order: &Value) -> Self {
        let python = std::env::var_os("MISHPULSE_TEST_PYTHON").expect(
            "MISHPULSE_TEST_PYTHON must be the path of a Python with aiosmtpd 1.4.6: scripts/test.sh sets it, or \
             `python3 -m venv .venv && .venv/bin/pip install aiosmtpd==1.4.6` makes one",
        );
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp/server.py");
        let mut child = Command::new(&python)
            .arg(script)
            .arg(order.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", python.display()));
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("aiosmtpd says its port; is it installed?");
        Self { port, child, output }
    }

    /// Ends it, and gives all that it took, each with its mail as text in `mail`.
    pub(crate) fn stop(mut self) -> Vec<Value> {
        drop(self.child.stdin.take());
        let lines = self.output.by_ref().lines().map(Result::unwrap);
        lines
            .map(|line| {
                let mut taken: Value = serde_json::from_str(&line).unwrap();
                let mail = STANDARD.decode(taken["mail"].as_str().unwrap()).unwrap();
                taken["mail"] = String::from_utf8(mail).unwrap().into();
                taken
            })
            .collect()
    }
}

impl Drop for Aiosmtpd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Postfix, until this is dropped.
pub(crate) struct Postfix {
    /// Its port on loopback.
    pub(crate) port: u16,
    child: Child,
    folder: PathBuf,
}

impl Postfix {
    /// One that delivers to ops@example.org and oncall@example.org, and to nobody else.
    ///
    /// # Panics
    /// Where Postfix is not installed, or this is not run by root.
    pub(crate) fn start() -> Self {
        assert!(
            Path::new("/usr/sbin/postfix").exists(),
            "Postfix is needed: scripts/test.sh installs it, or `apt-get install --no-install-recommends postfix`"
        );
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("mishpulse-postfix-{}", std::process::id()));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp/postfix.sh");
        let mut child = Command::new(script)
            .arg(&folder)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(
            line, "ready\n",
            "Postfix does not start: it must be started by root, see its output above"
        );
        Self { port, child, folder }
    }

    /// Waits until there are `count` mails in the mailbox of `user`, and gives them.
    ///
    /// # Panics
    /// After ten seconds without them.
    pub(crate) fn mails(&self, user: &str, count: usize) -> Vec<String> {
        let mailbox = self.folder.join("mail").join(user).join("new");
        let started = Instant::now();
        loop {
            let files: Vec<_> =
                std::fs::read_dir(&mailbox).into_iter().flatten().map(Result::unwrap).collect();
            if files.len() >= count {
                return files.iter().map(|file| std::fs::read_to_string(file.path()).unwrap()).collect();
            }
            let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "{} mails for {user}: {}",
                files.len(),
                log()
            );
            std::thread::yield_now();
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
