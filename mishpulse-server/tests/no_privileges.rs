//! The server needs no privileges: it runs as nobody, with a file system that cannot be written but for its data folder, without
//! any capability and without a way to get one. And what it has in memory stays there when it crashes.

mod harness;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::{Hook, Server, config, service, until};

/// Everything is read-only, the test's folder too; only `data` in it can be written, by nobody, who then becomes the server.
const SANDBOX: &str = r#"
mount --make-rprivate /
mount -t tmpfs -o mode=0700,uid=65534,gid=65534 tmpfs "$1/data"
mount -o remount,bind,ro /
findmnt -rno TARGET,OPTIONS | grep -v "^$1/data " | grep -v '[ ,]ro[,$]' | while read -r target options; do
    mount -o remount,bind,ro "$target" 2>/dev/null || true
done
if touch "$1/x" /tmp/x /var/tmp/x 2>/dev/null; then echo "it can be written" >&2; exit 1; fi
cd "$1"
exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \
    "$1/mishpulse" serve --config "$1/mishpulse.toml" --listen 127.0.0.1:0 --data-dir "$1/data"
"#;

#[test]
fn it_runs_as_nobody_on_a_read_only_root() {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let path = folder.path();
    let hook = Hook::start();
    std::fs::write(path.join("mishpulse.toml"), config(&hook, &service("a", "1s"))).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_mishpulse"), path.join("mishpulse")).unwrap();
    std::fs::create_dir(path.join("data")).unwrap();
    let opened = Command::new("chmod").args(["-R", "a+rX"]).arg(path).status();
    assert!(opened.unwrap().success());
    let mut command = as_root("unshare");
    command.args(["--mount", "sh", "-eu", "-c", SANDBOX, "sandbox"]).arg(path);
    let server = Server::start_by(command);
    assert_eq!(server.beat("token-a", r#"{"status":"error","message":"disk full"}"#).status, 200);
    let got = hook.wait_for(2, Duration::from_secs(20));
    assert_eq!((got[0].event(), got[1].event()), ("service.error", "service.dead"));
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().next().unwrap_or_default().to_owned()
    };
    println!("uid {}, CapEff {}, NoNewPrivs {}", line("Uid:"), line("CapEff:"), line("NoNewPrivs:"));
    assert_eq!((line("Uid:"), line("Gid:")), ("65534".to_owned(), "65534".to_owned()));
    for capabilities in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:"] {
        assert_eq!(line(capabilities), "0000000000000000", "{capabilities}");
    }
    assert_eq!(line("NoNewPrivs:"), "1");
    let log = server.terminate();
    assert!(!log.contains("ERROR"), "{log}");
}

/// The command as root, which makes mounts.
fn as_root(program: &str) -> Command {
    let is_root =
        std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    let mut command = Command::new(if is_root { program } else { "sudo" });
    if !is_root {
        command.args(["-n", program]);
    }
    command
}

#[test]
fn a_crash_leaves_no_core_dump() {
    let aborted = |command: &mut Command, folder: &Path| {
        let mut process = command.current_dir(folder).stderr(Stdio::null()).spawn().unwrap();
        let id = process.id().to_string();
        until("it runs", Duration::from_secs(20), || folder.join("ready").exists().then_some(()));
        assert!(Command::new("kill").args(["-ABRT", &id]).status().unwrap().success());
        process.wait().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let script = "ulimit -c unlimited; touch ready; exec sleep 60";
    let other = aborted(Command::new("sh").args(["-c", script]), folder.path());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mishpulse.toml"), "[self_heartbeat]\nurl = \"http://127.0.0.1:1/\"\n")
        .unwrap();
    // It is ready when it has made its key.
    let script = "ulimit -c unlimited; (until [ -e mishpulse-data/admin.key ]; do sleep 0.1; done; touch ready) & \
                  exec \"$0\" serve --listen 127.0.0.1:0";
    let server =
        aborted(Command::new("sh").args(["-c", script]).arg(env!("CARGO_BIN_EXE_mishpulse")), folder.path());
    println!("another process: {other:?}; the server: {server:?}");
    assert_eq!((server.signal(), server.core_dumped()), (Some(6), false));
}

#[test]
fn who_never_reads_an_answer_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start();
    let server = Server::start(folder.path(), &config(&hook, "[limits]\nwrite_timeout = \"500ms\"\n"));
    let length = server.get("/api/openapi.json").body.len();
    let mut greedy = TcpStream::connect(server.address).unwrap();
    let count = 400;
    let ask = "GET /api/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(count);
    greedy.write_all(ask.as_bytes()).unwrap();
    // More than the system's buffers hold is waiting, and nothing is taken for six times as long as is waited.
    std::thread::sleep(Duration::from_secs(3));
    greedy.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut got = Vec::new();
    let end = greedy.read_to_end(&mut got);
    println!("{} of {} bytes, then {end:?}", got.len(), count * length);
    assert!(got.len() < count * length / 2, "it was not given up");
    let is_timeout = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
    assert!(!end.is_err_and(|error| is_timeout(&error)), "its connection is still open");
    assert_eq!(server.get("/healthz").status, 200);
}
