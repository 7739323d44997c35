//! Jobs report ok, their error or their panic, keep their exit code, and do not mind a monitor that is away.

mod common;

use std::fs;
use std::process::{Command, Output};

use common::{Server, example, nobody};
use tempfile::TempDir;

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{output:?}"))
}

#[test]
fn a_job_in_rust() {
    let server = Server::start(&[("job", "1h")]);
    let folder = TempDir::new().unwrap();
    let job = |url: &str, folder: &str| {
        Command::new(env!("CARGO_BIN_EXE_job")).arg(folder).env("MISHPULSE_URL", url).output().unwrap()
    };
    let (url, path) = (server.beat_url("job"), folder.path().to_str().unwrap());

    fs::write(folder.path().join("a"), "four").unwrap();
    let ok = job(&url, path);
    assert_eq!((code(&ok), &ok.stdout[..]), (0, &b"4 bytes on average\n"[..]));
    assert_eq!(server.service("job").unwrap()["status"], "alive", "told before the job has ended");

    assert_eq!(code(&job(&url, "/there/is/no/such/folder")), 1);
    let error = server.service("job").unwrap();
    assert_eq!(error["status"], "error");
    assert_eq!(error["message"], "No such file or directory (os error 2)");

    assert_eq!(code(&job(&url, path)), 0);
    assert_eq!(server.service("job").unwrap()["status"], "alive");

    fs::remove_file(folder.path().join("a")).unwrap();
    assert_eq!(code(&job(&url, path)), 101);
    let panicked = server.service("job").unwrap();
    assert_eq!(panicked["status"], "error");
    let message = panicked["message"].as_str().unwrap();
    assert!(message.starts_with("panicked at examples/src/bin/job.rs:"), "{message}");
    assert!(message.ends_with("attempt to divide by zero"), "{message}");
}

#[test]
fn a_job_in_a_shell() {
    let server = Server::start(&[("shell", "1h")]);
    let job = |url: &str, script: &str| {
        let mut command = Command::new(example("beat.sh"));
        command.args(["sh", "-c", script]).env("MISHPULSE_URL", url).output().unwrap()
    };
    let url = server.beat_url("shell");

    let ok = job(&url, "echo done");
    assert_eq!((code(&ok), &ok.stdout[..]), (0, &b"done\n"[..]));
    assert_eq!(server.service("shell").unwrap()["status"], "alive");

    assert_eq!(code(&job(&url, "exit 7")), 7);
    let error = server.service("shell").unwrap();
    assert_eq!((&error["status"], &error["message"]), (&"error".into(), &"exit code 7".into()));

    let away = nobody();
    assert_eq!((code(&job(&away, "true")), code(&job(&away, "exit 7"))), (0, 7));
}

/// The script of the CronJob, with a command of the test's as the job.
#[test]
fn a_kubernetes_cron_job() {
    let server = Server::start(&[("report", "1h")]);
    let yaml = fs::read_to_string(example("kubernetes-cronjob.yaml")).unwrap();
    let (_, after) = yaml.split_once("args:\n                - |\n").unwrap();
    let indent = " ".repeat(18);
    let lines: Vec<&str> = after.lines().map_while(|line| line.strip_prefix(&indent)).collect();
    let script = lines.join("\n");
    assert!(script.starts_with("code=0") && script.ends_with("exit \"$code\""), "{script}");

    let job = |report: &str| {
        let with_job = format!("nightly-report() {{ {report}; }}\n{script}");
        let with_job = with_job.replace("nightly-report", "nightly_report");
        let mut command = Command::new("sh");
        command.args(["-c", &with_job]).env("MISHPULSE_URL", server.beat_url("report")).output().unwrap()
    };
    assert_eq!(code(&job("true")), 0);
    assert_eq!(server.service("report").unwrap()["status"], "alive");
    assert_eq!(code(&job("return 3")), 3);
    let error = server.service("report").unwrap();
    assert_eq!((&error["status"], &error["message"]), (&"error".into(), &"exit code 3".into()));
}
