//! `mishpulse doctor` finds what is wrong with a real server and its data folder, and says what to do.

#[path = "notify_parts/certificates.rs"]
#[expect(dead_code, reason = "this test needs a part of it")]
mod certificates;
mod cli_parts;
mod harness;
#[path = "notify_parts/http.rs"]
#[expect(dead_code, reason = "this test needs a part of it")]
mod http;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use cli_parts::{SOON, Said, mishpulse, said};
use harness::{Server, until};
use serde_json::Value;

fn doctor(folder: &Path, more: &[&str]) -> Said {
    said(&mut mishpulse(folder, &[&["doctor"], more].concat()))
}

/// The findings of a level, as `area: what -> advice`.
fn findings(folder: &Path, level: &str) -> Vec<String> {
    let json: Value = serde_json::from_str(&doctor(folder, &["--json"]).stdout).unwrap();
    let all = json["findings"].as_array().unwrap().iter();
    let told = all.filter(|finding| finding["level"] == level).map(|finding| {
        let word = |name: &str| finding[name].as_str().unwrap_or_default();
        format!("{}: {} -> {}", word("area"), word("what"), word("advice"))
    });
    told.collect()
}

/// Fails unless there is just one problem, which says all of `words`.
fn one_problem(folder: &Path, words: &[&str]) {
    let problems = findings(folder, "problem");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    for word in words {
        assert!(problems[0].contains(word), "`{word}` in {problems:#?}");
    }
    assert_eq!(doctor(folder, &[]).code, 1);
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A folder with a configuration that listens on a free port, and a server that does.
fn healthy(more: &str) -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), free_port(), more);
    let server = Server::start_with(folder.path(), &["serve"]);
    (folder, server)
}

fn configure(folder: &Path, port: u16, more: &str) {
    let config = format!("listen = \"127.0.0.1:{port}\"\n{more}");
    fs::write(folder.join("mishpulse.toml"), config).unwrap();
}

#[test]
fn a_healthy_server_is_well() {
    let (folder, server) = healthy("");
    let told = doctor(folder.path(), &[]);
    assert_eq!(told.code, 0, "{}", told.stdout);
    for line in [
        "mishpulse.toml can be followed".to_owned(),
        "warning  there are no channels, so nobody is told of anything".to_owned(),
        "mishpulse-data can be written (owner ".to_owned(),
        ", mode 0700)".to_owned(),
        "a server runs on ".to_owned(),
        "mishpulse.db is whole: 1 service".to_owned(),
        format!("ok       it answers at http://{}", server.address),
        "its store takes writes and its watchdog looks on time".to_owned(),
        "no problems, ".to_owned(),
    ] {
        assert!(told.stdout.contains(&line), "`{line}` in {}", told.stdout);
    }
    let named = doctor(folder.path(), &["--url", &server.url("/")]);
    assert_eq!(named.code, 0, "{}", named.stdout);
}

#[test]
fn no_server_and_what_it_leaves_behind() {
    let (folder, server) = healthy("");
    server.terminate();
    let data = folder.path().join("mishpulse-data");
    let contents = || -> BTreeMap<_, _> {
        let files = fs::read_dir(&data).unwrap().map(|file| file.unwrap().path());
        files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    };
    let before = contents();
    one_problem(folder.path(), &["server: no server answers at http://127.0.0.1:", "mishpulse serve"]);
    assert_eq!(contents(), before, "a look changes nothing");

    fs::remove_dir_all(&data).unwrap();
    one_problem(folder.path(), &["server: no server answers"]);
    assert!(findings(folder.path(), "warning").iter().any(|found| found.contains("is not there yet")));
    assert!(!data.exists(), "it makes nothing");
}

#[test]
fn the_wrong_port_and_the_wrong_folder() {
    let (folder, server) = healthy("");
    configure(folder.path(), free_port(), "");
    one_problem(folder.path(), &["a server runs on the data folder, but not at http://127.0.0.1:", "--url"]);

    configure(folder.path(), server.address.port(), "data_dir = \"other\"");
    one_problem(folder.path(), &["a server answers at", "but none runs on this data folder", "--data-dir"]);

    let other = http::Server::start(|_| http::Reply::new(200, "hello"));
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), other.port, "");
    one_problem(folder.path(), &["answers 200 and is no MishPulse server"]);
}

#[test]
fn files_that_are_open_to_others() {
    let (folder, _server) = healthy("");
    let data = folder.path().join("mishpulse-data");
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(&data, 0o755);
    assert_eq!(doctor(folder.path(), &[]).code, 0);
    let warnings = findings(folder.path(), "warning");
    assert!(warnings.iter().any(|found| found.contains("(mode 0755) -> chmod 700 ")), "{warnings:#?}");
    set(&data, 0o777);
    one_problem(folder.path(), &["can be changed by other users (mode 0777)", "chmod 700 "]);
    set(&data, 0o700);
    set(&data.join("admin.key"), 0o644);
    one_problem(folder.path(), &["admin.key is open to other users (mode 0644)", "chmod 600 "]);
}

#[test]
fn files_that_the_server_cannot_open() {
    let (folder, server) = healthy("");
    server.terminate();
    // As after a restore that root has made.
    let database = folder.path().join("mishpulse-data/mishpulse.db");
    std::os::unix::fs::chown(&database, Some(1234), None).expect("this test is run by root");
    let problems = findings(folder.path(), "problem");
    assert!(problems.iter().any(|found| found.contains("belongs to user 1234")), "{problems:#?}");
}

#[test]
fn a_full_disk_and_one_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), free_port(), "");
    fs::create_dir(folder.path().join("mishpulse-data")).unwrap();
    let within = |script: &str| {
        let script = format!("mount -t tmpfs -o size=1m,mode=700 none mishpulse-data && {script}");
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &format!("{script}; \"$0\" doctor")]);
        said(command.arg(env!("CARGO_BIN_EXE_mishpulse")).current_dir(folder.path()))
    };
    let full = within("head -c 900k /dev/zero > mishpulse-data/filler").stdout;
    assert!(full.contains("problem  0 MiB are free on its disk\n           -> make room"), "{full}");
    assert!(full.contains("is in memory"), "{full}");
    let read_only = within("mount -o remount,ro mishpulse-data").stdout;
    assert!(read_only.contains("cannot be written by user 0: Read-only file system"), "{read_only}");
}

#[test]
fn a_damaged_database_and_one_from_a_newer_version() {
    let (folder, server) = healthy("");
    server.terminate();
    let database = folder.path().join("mishpulse-data/mishpulse.db");
    let whole = fs::read(&database).unwrap();
    let has_problem = |words: &[&str]| {
        let problems = findings(folder.path(), "problem");
        let found = problems.iter().any(|found| words.iter().all(|word| found.contains(word)));
        assert!(found, "{words:?} in {problems:#?}");
    };

    let mut torn = whole.clone();
    torn[4096..].fill(0x55);
    fs::write(&database, torn).unwrap();
    has_problem(&["mishpulse.db is damaged (", "mishpulse restore FILE"]);
    fs::write(&database, vec![0x55; 8192]).unwrap();
    has_problem(&["mishpulse.db is damaged (", "not a database"]);

    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&database, &newer).unwrap();
    has_problem(&["was written by a newer version of MishPulse (schema 99"]);
    assert_eq!(fs::read(&database).unwrap(), newer);

    let mut another = whole;
    another[68..72].fill(0);
    fs::write(&database, another).unwrap();
    has_problem(&["is not a MishPulse database"]);
}

#[test]
fn a_database_that_another_program_holds() {
    let (folder, server) = healthy(&harness::service("a", "1h"));
    let mut shell = Command::new("sqlite3")
        .arg(folder.path().join("mishpulse-data/mishpulse.db"))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = shell.stdin.take().unwrap();
    writeln!(stdin, "BEGIN IMMEDIATE;").unwrap();
    until("the server cannot write", SOON, || (server.beat("token-a", "").status == 503).then_some(()));
    one_problem(folder.path(), &["it is not well: the store does not take writes", "mishpulse.db"]);
    drop(stdin);
    shell.wait().unwrap();
    until("it can again", SOON, || (server.get("/readyz").status == 200).then_some(()));
    assert_eq!(doctor(folder.path(), &[]).code, 0);
}

#[test]
fn where_people_are_told_to_go() {
    let (_other_folder, other) = healthy("");
    let (folder, server) = healthy("");
    let lead_to = |url: &str| {
        configure(folder.path(), server.address.port(), &format!("public_url = \"{url}\""));
    };
    lead_to(&format!("http://localhost:{}", server.address.port()));
    let oks = findings(folder.path(), "ok");
    assert!(oks.iter().any(|found| found.contains("leads to it, live events and all")), "{oks:#?}");
    lead_to(&format!("http://localhost:{}", other.address.port()));
    one_problem(folder.path(), &["another MishPulse server is there"]);
    lead_to("http://pulse.invalid");
    one_problem(folder.path(), &["does not lead to it", "pulse.invalid"]);
    lead_to(&format!("https://localhost:{}", server.address.port()));
    one_problem(folder.path(), &["does not speak TLS"]);

    // A proxy that holds back what does not end.
    let silent = http::Server::start(|request| match request.line.as_str() {
        "GET /events" => http::Reply::Hang,
        _ => http::Reply::new(200, "{\"status\":\"ok\"}"),
    });
    lead_to(&format!("http://localhost:{}", silent.port));
    let warnings = findings(folder.path(), "warning");
    assert!(warnings.iter().any(|found| found.contains("live events do not come through")), "{warnings:#?}");
}

#[test]
fn a_mistake_in_the_configuration_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), free_port(), "chanels = 1\n");
    let told = doctor(folder.path(), &[]);
    assert_eq!(told.code, 2, "{}", told.stdout);
    assert!(told.stdout.contains("mishpulse.toml:2: chanels: is not known"), "{}", told.stdout);
    configure(folder.path(), free_port(), "[templates]\ndead = \"{{ nme }}\"\n");
    assert_eq!(doctor(folder.path(), &["--json"]).code, 2);
    let json: Value = serde_json::from_str(&doctor(folder.path(), &["--json"]).stdout).unwrap();
    assert_eq!(json["result"], "problem");
}
