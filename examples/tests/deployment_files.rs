//! The files for systemd and Kubernetes are in order, and their heartbeats arrive.

mod common;

use std::fs;
use std::process::Command;

use common::{Server, example};
use tempfile::TempDir;

const UNITS: [&str; 4] =
    ["mishpulse-beat.service", "mishpulse-beat.timer", "nightly-backup.service", "nightly-backup.timer"];

fn unit(name: &str) -> String {
    fs::read_to_string(example("systemd").join(name)).unwrap()
}

fn value<'a>(unit: &'a str, key: &str) -> &'a str {
    let value = unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {key} in {unit}"))
}

#[test]
fn systemd_takes_the_units() {
    let folder = TempDir::new().unwrap();
    for name in UNITS {
        // It wants the programs to be there, which they are not on the machine that tests.
        let text = unit(name);
        let text =
            text.replace("/usr/local/bin/mishpulse", "/bin/true").replace("/usr/bin/curl", "/bin/true");
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no"]).args(UNITS.map(|name| folder.path().join(name)));
    let output = verify.output().expect("systemd-analyze is missing: run scripts/install-test-tools.sh");
    let said = String::from_utf8_lossy(&output.stderr);
    let about_ours: Vec<&str> =
        said.lines().filter(|line| UNITS.iter().any(|name| line.contains(name))).collect();
    assert!(about_ours.is_empty(), "{about_ours:#?}");
}

#[test]
fn the_timers_start_services_that_are_there() {
    for name in ["mishpulse-beat", "nightly-backup"] {
        let (service, timer) = (unit(&format!("{name}.service")), unit(&format!("{name}.timer")));
        assert_eq!(value(&service, "Type"), "oneshot");
        assert!(value(&service, "EnvironmentFile").starts_with("/etc/"), "the token is not in the unit");
        assert_eq!(value(&timer, "WantedBy"), "timers.target");
    }
    let run = unit("nightly-backup.service");
    assert!(value(&run, "ExecStart").starts_with("/usr/local/bin/mishpulse run "));
    assert!(value(&run, "ExecStart").contains(" -- "));
}

/// systemd replaces `${NAME}` as a shell does.
#[test]
fn the_beat_of_the_machine_arrives() {
    let server = Server::start(&[("machine", "1h")]);
    let service = unit("mishpulse-beat.service");
    let line = value(&service, "ExecStart").replace("/usr/bin/curl", "curl");
    let mut command = Command::new("sh");
    let output =
        command.args(["-c", &line]).env("MISHPULSE_URL", server.beat_url("machine")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(server.service("machine").unwrap()["status"], "alive");
}

#[test]
fn the_cron_job_has_what_it_needs() {
    let yaml = fs::read_to_string(example("kubernetes-cronjob.yaml")).unwrap();
    for line in [
        "apiVersion: batch/v1",
        "kind: CronJob",
        "  schedule: \"0 2 * * *\"",
        "  concurrencyPolicy: Forbid",
        "      activeDeadlineSeconds: 3600",
        "          restartPolicy: Never",
        "            - name: nightly-report",
        "                - name: MISHPULSE_URL",
        "                    secretKeyRef:",
        "              command: [\"/bin/sh\", \"-c\"]",
        "                - |",
    ] {
        assert!(yaml.lines().any(|found| found == line), "no line `{line}`");
    }
    assert!(!yaml.contains('\t'), "YAML takes no tabs");
}
