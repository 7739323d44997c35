//! A damaged database: the server says so plainly and how to restore, ends, and leaves every byte as it was. A log that broke off
//! is no damage: what was answered before is there.

mod harness;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use harness::faults::{Row, does_not_start};
use harness::{Server, service};

type Files = BTreeMap<String, Vec<u8>>;

/// What is done to the files.
type Damage = fn(&mut Files);

#[test]
fn it_is_said_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("mishpulse-data");
    let (clean, killed) = used(folder.path());
    let damages: &[(&str, Damage)] = &[
        ("the first bytes", |files| flip(database(files), 0, 16)),
        ("the format in the header", |files| flip(database(files), 16, 84)),
        ("the first page", |files| flip(database(files), 100, 1000)),
        ("the pages in the middle", |files| {
            let middle = database(files).len() / 2 / 4096 * 4096;
            flip(database(files), middle, middle + 3 * 4096);
        }),
        ("cut off in the middle", |files| {
            let half = database(files).len() / 2;
            database(files).truncate(half);
        }),
        ("empty", |files| database(files).clear()),
        ("something else", |files| *database(files) = b"dear diary, ".repeat(2000)),
        ("noise", |files| {
            let length = database(files).len();
            *database(files) = (0..length).map(|at| ((at * 7919) >> 3) as u8).collect();
        }),
    ];
    let mut tried = 0;
    for (state, files) in [("stopped well", &clean), ("killed", &killed)] {
        for (what, damage) in damages {
            tried += 1;
            let mut files = files.clone();
            damage(&mut files);
            refuses(folder.path(), &files, &format!("{what}, {state}"));
        }
    }
    let mut noise = killed.clone();
    *log(&mut noise) = b"not a log at all".repeat(1000);
    refuses(folder.path(), &noise, "a log of noise");

    // The way that the message shows.
    let binary = env!("CARGO_BIN_EXE_mishpulse");
    put(&data, &clean);
    let run = |words: &[&str]| {
        let done =
            std::process::Command::new(binary).args(words).current_dir(folder.path()).output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    run(&["backup", "good.db"]);
    let mut files = clean;
    database(&mut files).truncate(5000);
    put(&data, &files);
    fs::rename(data.join("mishpulse.db"), folder.path().join("bad.db")).unwrap();
    run(&["restore", "good.db"]);
    let server = Server::start_with(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(server.service("s7")["message"], "beat 1");
    server.terminate();
    Row { fault: "damaged database (refused, no byte changed)", tried: tried + 1, ..Row::default() }.print();
}

#[test]
fn a_log_that_broke_off_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("mishpulse-data");
    let (_, killed) = used(folder.path());
    let mut row = Row::of("end of the log torn or noise", 0);
    for (cut, noise) in [(0, 0), (0, 5000), (100, 0), (3000, 0), (4000, 9000)] {
        let mut files = killed.clone();
        // What a write that was under way leaves behind: everything before it was answered, and is whole.
        let log = log(&mut files);
        let end = log.len();
        log.extend_from_within(end - 4120..);
        let torn = log.len() - cut;
        log.truncate(torn);
        let torn = log.len();
        flip(log, end, torn);
        log.extend((0..noise).map(|at: usize| (at * 31) as u8));
        put(&data, &files);
        let server = Server::start_with(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
        for n in 0..40 {
            row.acknowledged += 1;
            row.lost += u64::from(server.service(&format!("s{n}"))["message"] != "beat 1");
        }
        server.terminate();
        row.tried += 1;
    }
    row.print();
}

/// The data folder of a server that ran: stopped well, and killed after further beats.
fn used(folder: &Path) -> (Files, Files) {
    let data = folder.join("mishpulse-data");
    let services: String = (0..40).map(|n| service(&format!("s{n}"), "1h")).collect();
    let beat = |server: &Server, number: u32| {
        for n in 0..40 {
            let status = ["ok", "error"][n % 2];
            let body = format!("{{\"status\":\"{status}\",\"message\":\"beat {number}\"}}");
            assert_eq!(server.beat(&format!("token-s{n}"), &body).status, 200);
        }
    };
    let server = Server::start(folder, &services);
    beat(&server, 1);
    let address = server.address;
    server.terminate();
    let clean = taken(&data);
    let server = Server::restart(folder, address);
    beat(&server, 2);
    beat(&server, 1);
    server.kill();
    (clean, taken(&data))
}

fn refuses(folder: &Path, files: &Files, what: &str) {
    let data = folder.join("mishpulse-data");
    put(&data, files);
    let (code, said) = does_not_start(&[], folder);
    assert_eq!(code, 1, "{what}: {said}");
    let last = said.lines().last().unwrap_or_default();
    for word in ["mishpulse.db", "nothing was changed", "`mishpulse restore"] {
        assert!(last.contains(word), "{what}: {said}");
    }
    for (name, bytes) in files {
        assert!(fs::read(data.join(name)).unwrap_or_default() == *bytes, "{what}: {name} was changed");
    }
}

fn taken(data: &Path) -> Files {
    let mut files = Files::new();
    for entry in fs::read_dir(data).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        // An index of the log, made anew at each start.
        if !name.ends_with("-shm") {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}

fn put(data: &Path, files: &Files) {
    fs::remove_dir_all(data).unwrap();
    fs::create_dir(data).unwrap();
    for (name, bytes) in files {
        fs::write(data.join(name), bytes).unwrap();
    }
}

fn database(files: &mut Files) -> &mut Vec<u8> {
    files.get_mut("mishpulse.db").unwrap()
}

fn log(files: &mut Files) -> &mut Vec<u8> {
    files.get_mut("mishpulse.db-wal").unwrap()
}

fn flip(bytes: &mut [u8], from: usize, to: usize) {
    let to = to.min(bytes.len());
    bytes[from.min(to)..to].iter_mut().for_each(|byte| *byte ^= 0x5a);
}
