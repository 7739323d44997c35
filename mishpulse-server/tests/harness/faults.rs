//! What the tests of real faults share: senders that count, the line of the table, and commands of the system.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Answer, Got, Server, request, until};

/// How often a fault is tried: `MISHPULSE_FAULTS`, else `usual`.
pub fn times(usual: u32) -> u32 {
    std::env::var("MISHPULSE_FAULTS").ok().and_then(|times| times.parse().ok()).unwrap_or(usual)
}

/// A line of the table in `docs/reliability-faults.md`. Printed when all went well.
#[derive(Debug, Default)]
pub struct Row {
    pub fault: &'static str,
    pub tried: u32,
    pub acknowledged: u64,
    pub lost: u64,
    pub due: usize,
    pub delivered: usize,
    pub duplicates: usize,
}

impl Row {
    pub fn of(fault: &'static str, tried: u32) -> Self {
        Self { fault, tried, ..Self::default() }
    }

    /// Counts the messages that a channel got: each id once, and how often one came again.
    pub fn count(&mut self, due: usize, got: &[Got]) {
        let mut ids: HashMap<&str, usize> = HashMap::new();
        for got in got {
            *ids.entry(got.id()).or_default() += 1;
        }
        (self.due, self.delivered) = (self.due + due, self.delivered + ids.len());
        self.duplicates += got.len() - ids.len();
    }

    pub fn print(&self) {
        let Self { fault, tried, acknowledged, lost, due, delivered, duplicates } = self;
        println!("| {fault} | {tried} | {acknowledged} | {lost} | {due} | {delivered} | {duplicates} |");
        assert_eq!((*lost, *due), (0, *delivered), "{self:?}");
    }
}

/// A sender for each of some services: it counts up in the messages of its beats, and knows the last that was answered 200.
pub struct Senders {
    counts: Vec<Arc<Counts>>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Counts {
    name: String,
    stop: AtomicBool,
    sent: AtomicU64,
    answered: AtomicU64,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    strange: Mutex<Vec<Answer>>,
}

impl Senders {
    /// Beats for each of `names` every `every`.
    pub fn start(server: &Server, names: &[&str], every: Duration) -> Self {
        let (mut counts, mut threads) = (Vec::new(), Vec::new());
        for name in names {
            let url = server.url(&format!("/api/heartbeat/token-{name}"));
            let count = Arc::new(Counts {
                name: (*name).to_owned(),
                stop: AtomicBool::new(false),
                sent: AtomicU64::new(0),
                answered: AtomicU64::new(0),
                acknowledged: AtomicU64::new(0),
                refused: AtomicU64::new(0),
                strange: Mutex::default(),
            });
            counts.push(Arc::clone(&count));
            threads.push(std::thread::spawn(move || send(&url, &count, every)));
        }
        Self { counts, threads }
    }

    /// So many beats were answered 200.
    pub fn acknowledged(&self) -> u64 {
        self.counts.iter().map(|count| count.acknowledged.load(Ordering::SeqCst)).sum()
    }

    /// So many were answered 503.
    pub fn refused(&self) -> u64 {
        self.counts.iter().map(|count| count.refused.load(Ordering::SeqCst)).sum()
    }

    /// Waits until each has had an answer 200 to a beat that it sends from now on.
    pub fn wait_until_heard(&self, limit: Duration) {
        for count in &self.counts {
            let next = count.sent.load(Ordering::SeqCst) + 1;
            until(&format!("a beat of {} is taken", count.name), limit, || {
                (count.answered.load(Ordering::SeqCst) >= next).then_some(())
            });
        }
    }

    /// Stops them, and says how many services do not show the last beat that was answered 200.
    pub fn stop(self, server: &Server, row: &mut Row) {
        self.counts.iter().for_each(|count| count.stop.store(true, Ordering::SeqCst));
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        for count in &self.counts {
            let strange = count.strange.lock().unwrap();
            assert!(strange.is_empty(), "{}: {strange:?}", count.name);
            row.acknowledged += count.acknowledged.load(Ordering::SeqCst);
            row.lost += count.lost(server);
        }
    }
}

impl Counts {
    fn lost(&self, server: &Server) -> u64 {
        let shown = server.service(&self.name);
        let shown = shown["message"].as_str().and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
        let (answered, sent) = (self.answered.load(Ordering::SeqCst), self.sent.load(Ordering::SeqCst));
        assert!(shown <= sent, "{}: {shown} is shown, {sent} were sent", self.name);
        answered.saturating_sub(shown)
    }
}

fn send(url: &str, count: &Counts, every: Duration) {
    while !count.stop.load(Ordering::SeqCst) {
        let number = count.sent.fetch_add(1, Ordering::SeqCst) + 1;
        let begun = Instant::now();
        let answer = request("POST", url, Some(&format!("{{\"message\":\"{number}\"}}")), &[]);
        match answer.status {
            200 => {
                count.acknowledged.fetch_add(1, Ordering::SeqCst);
                count.answered.store(number, Ordering::SeqCst);
            }
            503 if answer.header("retry-after").is_some() => {
                count.refused.fetch_add(1, Ordering::SeqCst);
            }
            _ => count.strange.lock().unwrap().push(answer),
        }
        std::thread::sleep(every.saturating_sub(begun.elapsed()));
    }
}

/// Runs a command of the system, which must end well.
pub fn run(words: &[&str]) -> String {
    let done = Command::new(words[0]).args(&words[1..]).stdin(Stdio::null()).output();
    let done = done.unwrap_or_else(|error| panic!("{words:?}: {error}; scripts/install-test-tools.sh"));
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{words:?} ended with {}: {error}", done.status);
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// What a shell does first, inside namespaces of its own, before it becomes the server. What was mounted goes with the server.
pub fn mounting(shell: &str) -> Vec<String> {
    let namespaces = if is_root() { "-m" } else { "-Urm" };
    let script = format!("set -e; export PATH=/usr/sbin:/usr/bin:/sbin:/bin; {shell}; exec \"$@\"");
    ["unshare", namespaces, "sh", "-c", &script, "sh"].map(str::to_owned).to_vec()
}

pub fn words(command: &[String]) -> Vec<&str> {
    command.iter().map(String::as_str).collect()
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A folder as the server sees it, where that has mounted something.
pub fn seen_by(server: &Server, folder: &Path) -> PathBuf {
    let relative = folder.strip_prefix("/").unwrap();
    Path::new(&format!("/proc/{}/root", server.id())).join(relative)
}

/// A server that ends by itself: its exit code, and what it said.
pub fn does_not_start(command: &[&str], folder: &Path) -> (i32, String) {
    let mut process = super::under(command, &["serve", "--listen", "127.0.0.1:0"])
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while process.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            process.kill().unwrap();
            let said = process.wait_with_output().unwrap().stderr;
            panic!("it started: {}", String::from_utf8_lossy(&said));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let ended = process.wait_with_output().unwrap();
    let code = ended.status.code().unwrap_or_else(|| panic!("{}", ended.status));
    (code, String::from_utf8_lossy(&ended.stderr).into_owned())
}

/// A network namespace with a link of its own to this one for each place: `10.N.place.1` is here, `10.N.place.2` there.
pub struct Network {
    name: String,
    number: u32,
    places: u32,
}

impl Network {
    pub fn with_links(places: u32) -> Self {
        assert!(is_root(), "network namespaces need root");
        let id = std::process::id();
        let network = Self { name: format!("mishpulse-{id}"), number: 64 + id % 128, places };
        run(&["ip", "netns", "add", &network.name]);
        network.inside(&["ip", "link", "set", "lo", "up"]);
        for place in 0..places {
            let (here, there) = (network.device(place), format!("mpin{place}"));
            run(&[
                "ip",
                "link",
                "add",
                &here,
                "type",
                "veth",
                "peer",
                "name",
                &there,
                "netns",
                &network.name,
            ]);
            run(&["ip", "address", "add", &format!("{}/24", network.here(place)), "dev", &here]);
            run(&["ip", "link", "set", &here, "up"]);
            network.inside(&["ip", "address", "add", &format!("{}/24", network.there(place)), "dev", &there]);
            network.inside(&["ip", "link", "set", &there, "up"]);
        }
        network
    }

    pub fn here(&self, place: u32) -> String {
        format!("10.{}.{place}.1", self.number)
    }

    pub fn there(&self, place: u32) -> String {
        format!("10.{}.{place}.2", self.number)
    }

    /// What a command begins with that is to run there.
    pub fn command(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.name]
    }

    pub fn inside(&self, words: &[&str]) -> String {
        let mut all = self.command().to_vec();
        all.extend(words);
        run(&all)
    }

    pub fn cut(&self, place: u32) {
        run(&["ip", "link", "set", &self.device(place), "down"]);
    }

    pub fn mend(&self, place: u32) {
        run(&["ip", "link", "set", &self.device(place), "up"]);
    }

    fn device(&self, place: u32) -> String {
        format!("mp{}x{place}", std::process::id())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for place in 0..self.places {
            let _ = Command::new("ip").args(["link", "delete", &self.device(place)]).status();
        }
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).status();
    }
}
