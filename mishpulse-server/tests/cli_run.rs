//! `mishpulse run`: a command goes through it unchanged, and the monitor hears how it ended.

mod cli_parts;
mod harness;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cli_parts::{SOON, mishpulse, said};
use harness::{Server, until};
use serde_json::Value;

/// A server that watches `job`, and its heartbeat URL.
fn monitor(folder: &Path) -> (Server, String) {
    let server = Server::start(folder, "[[services]]\nname = \"job\"\ntoken = \"t0ken-of-the-job\"\n");
    let url = server.url("/api/heartbeat/t0ken-of-the-job");
    (server, url)
}

fn run(folder: &Path, url: &str, script: &str) -> Command {
    mishpulse(folder, &["run", url, "--", "sh", "-c", script])
}

#[test]
fn the_exit_code_is_kept_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (server, url) = monitor(folder.path());
    let ended = said(&mut run(folder.path(), &url, "echo fine"));
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "fine\n", ""));
    assert_eq!(server.service("job")["status"], "alive");
    assert_eq!(server.service("job")["message"], Value::Null);

    let ended = said(&mut run(folder.path(), &url, "echo first; echo 'disk full'; exit 42"));
    assert_eq!((ended.code, ended.stdout.as_str()), (42, "first\ndisk full\n"));
    assert_eq!(server.service("job")["status"], "error");
    assert_eq!(server.service("job")["message"], "exit code 42\nfirst\ndisk full");

    let ended = said(&mut run(folder.path(), &url, "echo sinking; kill -9 $$"));
    assert_eq!(ended.code, 128 + 9);
    assert_eq!(server.service("job")["message"], "killed by SIGKILL, perhaps for want of memory\nsinking");

    let ended = said(&mut mishpulse(folder.path(), &["run", &url, "--", "no-such-command"]));
    assert_eq!(ended.code, 127);
    assert!(ended.stderr.contains("no-such-command"), "{}", ended.stderr);
    let message = server.service("job")["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("exit code 127: no-such-command: "), "{message}");

    let ended = said(&mut mishpulse(folder.path(), &["run", &url, "--", "/"]));
    assert_eq!(ended.code, 126);
}

#[test]
fn input_and_output_pass_byte_by_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, url) = monitor(folder.path());
    // No text, no lines, and more than any pipe or buffer holds.
    let mut state = 0x2545_f491_u32;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    })
    .take(3_000_001)
    .collect();
    let mut child = run(folder.path(), &url, "tee /dev/stderr")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, sent) = (child.stdin.take().unwrap(), bytes.clone());
    let writer = std::thread::spawn(move || stdin.write_all(&sent).unwrap());
    let mut stderr = child.stderr.take().unwrap();
    let errors = std::thread::spawn(move || {
        let mut read = Vec::new();
        stderr.read_to_end(&mut read).unwrap();
        read
    });
    let mut read = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut read).unwrap();
    writer.join().unwrap();
    assert!(read == bytes, "{} of {} bytes came out of stdout, or others", read.len(), bytes.len());
    assert!(errors.join().unwrap() == bytes, "stderr");
    assert!(child.wait().unwrap().success());
}

#[test]
fn who_reads_slowly_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, url) = monitor(folder.path());
    // More than one pipe holds, less than two: the command ends at once, and the last of it waits to be read.
    let script = "head -c 100000 /dev/zero | tr '\\0' x; echo; touch ended";
    let mut child = run(folder.path(), &url, script).stdout(Stdio::piped()).spawn().unwrap();
    until("the command has ended", SOON, || folder.path().join("ended").exists().then_some(()));
    // Longer than output may stay open when nothing is under way. There is nothing to wait for: that it goes on is the test.
    std::thread::sleep(Duration::from_secs(2));
    let mut read = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut read).unwrap();
    assert_eq!(read.len(), 100_001);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_goes_away_ends_the_command_as_without_us() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, url) = monitor(folder.path());
    let mut child = run(folder.path(), &url, "exec yes").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "y\n");
    let status = until("yes ends", SOON, || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(128 + 13));
}

#[test]
fn secrets_of_the_environment_are_masked_in_the_message_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (server, url) = monitor(folder.path());
    let script = "echo \"login $SHOP_PASSWORD $AWS_SECRET_KEY $GITHUB_TOKEN at $HOST_NAME\"; \
                  printf '\\033[31m%s\\033[0m\\n' \"$url\" >&2; exit 1";
    let ended = said(
        run(folder.path(), &url, script)
            .env("SHOP_PASSWORD", "hunter2-hunter2")
            .env("AWS_SECRET_KEY", "hunter2-hunter2-and-more")
            .env("GITHUB_TOKEN", "short")
            .env("HOST_NAME", "db.example.org")
            .env("url", &url),
    );
    assert_eq!(ended.stdout, "login hunter2-hunter2 hunter2-hunter2-and-more short at db.example.org\n");
    let message = server.service("job")["message"].as_str().unwrap().to_owned();
    assert!(message.contains("login *** *** short at db.example.org"), "{message}");
    for secret in ["hunter2", "t0ken", "\u{1b}"] {
        assert!(!message.contains(secret), "{message}");
    }
}

#[test]
fn a_long_output_is_reported_by_its_end_within_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let (server, url) = monitor(folder.path());
    let ended = said(&mut run(folder.path(), &url, "seq 1 200000; exit 1"));
    assert_eq!(ended.stdout.lines().count(), 200_000);
    let message = server.service("job")["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("exit code 1\n") && message.ends_with("199999\n200000"), "{message}");
    assert!(message.len() <= 4096 && message.lines().count() > 10, "{message}");
}

#[test]
fn that_the_monitor_is_away_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let gone = "http://127.0.0.1:1/api/heartbeat/t0ken";
    let started = Instant::now();
    let ended = said(&mut run(folder.path(), gone, "echo done; exit 3"));
    assert_eq!((ended.code, ended.stdout.as_str()), (3, "done\n"));
    assert!(ended.stderr.starts_with("mishpulse: the monitor was not told"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("t0ken"), "{}", ended.stderr);
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());

    let quiet = said(&mut mishpulse(folder.path(), &["run", "--quiet", gone, "--", "true"]));
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
    let nonsense = said(&mut mishpulse(folder.path(), &["run", "no-url", "--", "sh", "-c", "exit 5"]));
    assert_eq!(nonsense.code, 5);
}

#[test]
fn a_monitor_that_never_answers_costs_a_bounded_time() {
    let folder = tempfile::tempdir().unwrap();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/heartbeat/t0ken", silent.local_addr().unwrap());
    let started = Instant::now();
    let ended = said(&mut run(folder.path(), &url, "exit 6"));
    assert_eq!(ended.code, 6);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());

    // A signal ends the wait at once.
    let mut child = run(folder.path(), &url, "echo ended; exit 7").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    silent.accept().unwrap();
    silent.accept().unwrap();
    send("TERM", child.id());
    let started = Instant::now();
    assert_eq!(until("run ends", SOON, || child.try_wait().unwrap()).code(), Some(7));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn a_command_that_takes_too_long_is_ended_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let (server, url) = monitor(folder.path());
    let script = "sleep 1000 & echo $!; wait";
    let ended =
        said(&mut mishpulse(folder.path(), &["run", "--timeout", "500ms", &url, "--", "sh", "-c", script]));
    assert_eq!(ended.code, 124);
    let message = server.service("job")["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("timed out after 500ms"), "{message}");
    let sleeper = ended.stdout.trim();
    until("what it started is gone", SOON, || is_gone(sleeper).then_some(()));
}

#[test]
fn signals_are_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let (server, url) = monitor(folder.path());
    for (signal, code) in [("TERM", 41), ("INT", 42), ("HUP", 43), ("QUIT", 44), ("USR1", 45), ("USR2", 46)] {
        // An empty trap would do for the shell; one that ends it shows which signal came.
        let script =
            format!("trap 'echo caught; exit {code}' {signal}; echo ready; while :; do sleep 0.05; done");
        let mut child = run(folder.path(), &url, &script).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(output.next().unwrap().unwrap(), "ready");
        send(signal, child.id());
        assert_eq!(output.next().unwrap().unwrap(), "caught", "{signal}");
        assert_eq!(until("run ends", SOON, || child.try_wait().unwrap()).code(), Some(code), "{signal}");
        let message = server.service("job")["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with(&format!("exit code {code}\n")), "{message}");
    }
    let mut child =
        run(folder.path(), &url, "echo ready; exec sleep 1000").stdout(Stdio::piped()).spawn().unwrap();
    BufReader::new(child.stdout.take().unwrap()).lines().next();
    send("TERM", child.id());
    assert_eq!(until("run ends", SOON, || child.try_wait().unwrap()).code(), Some(128 + 15));
    assert!(server.service("job")["message"].as_str().unwrap().starts_with("killed by SIGTERM"));
}

#[test]
fn what_a_command_leaves_behind_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let (server, url) = monitor(folder.path());
    let started = Instant::now();
    // The output stays open as long as the sleep lives.
    let ended = mishpulse(folder.path(), &["run", &url, "--", "sh", "-c", "sleep 30 & echo started"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(ended.success());
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert_eq!(server.service("job")["status"], "alive");
}

fn send(signal: &str, to: u32) {
    assert!(Command::new("kill").args([format!("-{signal}"), to.to_string()]).status().unwrap().success());
}

fn is_gone(id: &str) -> bool {
    match std::fs::read_to_string(format!("/proc/{id}/stat")) {
        // One that nobody has reaped yet is gone all the same.
        Ok(stat) => stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')),
        Err(_) => true,
    }
}
