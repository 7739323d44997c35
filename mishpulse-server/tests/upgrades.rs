//! A database that an earlier version wrote is brought forward with all that is in it.
//!
//! `tests/databases` has one for each version of the schema, with what the server of that version said of it.

mod harness;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use harness::{Hook, Server, request, until, wall_ms};
use rusqlite::Connection;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(30);
const KEY: &str = "k3y-of-the-fixture-0123456789abcdef";

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The migrations, in order.
fn steps() -> Vec<String> {
    let entries = fs::read_dir(here("migrations/sqlite")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

fn fixture(version: usize) -> Option<(String, Value)> {
    let sql = fs::read_to_string(here(&format!("tests/databases/schema_{version}.sql"))).ok()?;
    let said = fs::read_to_string(here(&format!("tests/databases/schema_{version}.json"))).unwrap();
    Some((sql, serde_json::from_str(&said).unwrap()))
}

/// `sql` with its times moved so that its server stopped two hours ago, and by how many milliseconds that is.
fn of_late(sql: &str) -> (String, i64) {
    let is_time = |run: &&str| {
        run.len() == 13 && run.starts_with("17") && run.bytes().all(|byte| byte.is_ascii_digit())
    };
    let runs = || sql.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let number = |run: &str| run.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
    let last = runs().map(number).filter(|run| is_time(&run.as_str())).max().unwrap();
    let later = wall_ms(SystemTime::now()) - 2 * 3_600_000 - last.parse::<i64>().unwrap();
    let moved = runs().map(|run| match number(run) {
        time if is_time(&time.as_str()) => {
            run.replace(&time, &(time.parse::<i64>().unwrap() + later).to_string())
        }
        _ => run.to_owned(),
    });
    (moved.collect(), later)
}

/// What a server said, with its times as Unix milliseconds, `later` than they were.
fn in_ms(said: &Value, later: i64) -> Value {
    match said {
        Value::String(text) => {
            let time = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339);
            time.map_or_else(
                |_| said.clone(),
                |time| ((time.unix_timestamp_nanos() / 1_000_000) as i64 + later).into(),
            )
        }
        Value::Array(items) => items.iter().map(|item| in_ms(item, later)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), in_ms(value, later))).collect()
        }
        other => other.clone(),
    }
}

/// A data folder in `folder` with the database that `sql` says.
fn lay(folder: &Path, sql: &str) -> PathBuf {
    fs::create_dir(folder.join("mishpulse-data")).unwrap();
    let path = folder.join("mishpulse-data/mishpulse.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    path
}

fn schema(database: &Connection) -> Vec<(String, String)> {
    let words = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'";
    let mut statement = database.prepare(words).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut rows: Vec<(String, String)> = rows.map(Result::unwrap).collect();
    rows.sort();
    rows
}

#[test]
fn every_earlier_schema_has_a_database_of_its_own() {
    let steps = steps();
    for version in 1..=steps.len() {
        let Some((sql, _)) = fixture(version) else {
            assert_eq!(
                version,
                steps.len(),
                "the schema has changed: make tests/databases/schema_{version}.sql with the last server that wrote it, by make.py"
            );
            continue;
        };
        // It is what those who have that version have: a step that was released is never changed.
        let (made, stepped) = (Connection::open_in_memory().unwrap(), Connection::open_in_memory().unwrap());
        made.execute_batch(&sql).unwrap();
        for step in &steps[..version] {
            stepped.execute_batch(step).unwrap();
        }
        assert_eq!(schema(&made), schema(&stepped), "schema {version}");
        let found: i64 = made.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(found, version as i64);
    }
}

#[test]
fn an_earlier_database_keeps_everything() {
    for version in 1..=steps().len() {
        if let Some((sql, said)) = fixture(version) {
            comes_forward(version, &sql, &said);
        }
    }
}

fn comes_forward(version: usize, sql: &str, said: &Value) {
    let folder = tempfile::tempdir().unwrap();
    let (sql, later) = of_late(sql);
    let said = in_ms(said, later);
    let path = lay(folder.path(), &sql);
    let [good, down, gone] = ["good", "down", "gone"].map(|name| (name, Hook::start()));
    let mut config = format!("admin_key = \"{KEY}\"\n");
    for (name, hook) in [&good, &down, &gone] {
        config += &format!("[channels.{name}]\nkind = \"webhook\"\nurl = \"{}\"\n", hook.url());
    }
    config += "[[services]]\nname = \"declared\"\ntoken = \"token-declared\"\ntimeout = \"2h\"\ntags = [\"file\"]\n";
    let server = Server::start(folder.path(), &config);
    let ask = |path: &str| {
        let key = [("authorization", &*format!("Bearer {KEY}"))];
        in_ms(&request("GET", &server.url(path), None, &key).json(), 0)
    };

    // One had its pardon before the upgrade and was not heard since, so it gets no second one.
    let pardoned = find(&said["services"], "pardoned");
    let dead = server.wait_for_status("pardoned", "dead", LIMIT);
    assert_eq!(in_ms(&dead, 0)["since"], pardoned["deadline"], "schema {version}");

    let services = ask("/api/services?limit=1000");
    assert_eq!(services.as_array().unwrap().len(), said["services"].as_array().unwrap().len());
    for before in said["services"].as_array().unwrap() {
        let name = before["name"].as_str().unwrap();
        let mut now = find(&services, name).clone();
        let mut before = before.clone();
        assert_eq!(before["deadline"].is_null(), name != "pardoned" && now["deadline"].is_null(), "{name}");
        if name != "pardoned" && !before["deadline"].is_null() {
            // The time since it was last run is held against nobody.
            let allowance = before["deadline"].as_i64().unwrap() - before["last_seen"].as_i64().unwrap();
            let left = now["deadline"].as_i64().unwrap() - wall_ms(SystemTime::now());
            assert!((allowance - 60_000..=allowance).contains(&left), "schema {version}: {before} {now}");
        }
        for volatile in ["deadline", "heartbeat_url"] {
            before.as_object_mut().unwrap().remove(volatile);
            now.as_object_mut().unwrap().remove(volatile);
        }
        if name == "pardoned" {
            for changed in ["status", "since"] {
                before[changed] = now[changed].clone();
            }
        }
        for (key, value) in before.as_object().unwrap() {
            assert_eq!(now[key], *value, "schema {version}: {key} of {name}");
        }
        let events = ask(&format!("/api/services/{name}/events?limit=1000"));
        let old = said["events"][name].as_array().unwrap();
        assert!(events.as_array().unwrap().ends_with(old), "schema {version}, {name}: {events}");
        let page = server.get(&format!("/services/{name}"));
        assert_eq!(page.status, 200);
        let words = before["description"].as_str().or(before["message"].as_str()).unwrap_or(name);
        let words = words.lines().next().unwrap().split('\'').next().unwrap();
        assert!(page.body.contains(words), "schema {version}: {words} on {}", page.body);
        assert!(server.get("/").body.contains(&format!(">{name}<")), "schema {version}: {name}");
    }

    // What was settled is as it was, and what was owed goes out.
    let deliveries = said["deliveries"].as_array().unwrap();
    let (owed, settled): (Vec<&Value>, Vec<&Value>) =
        deliveries.iter().partition(|delivery| delivery["state"] == "pending");
    assert!(!owed.is_empty() && settled.iter().any(|delivery| delivery["state"] == "failed"));
    let got = until("what was owed goes out", LIMIT, || {
        let got = down.1.got();
        let came = |delivery: &&Value| got.iter().any(|got| got.json["id"] == delivery["id"]);
        owed.iter().all(came).then_some(got)
    });
    let now = ask("/api/deliveries?limit=1000");
    for before in settled {
        let after = now.as_array().unwrap().iter().find(|delivery| delivery["id"] == before["id"]).unwrap();
        assert_eq!(after, before, "schema {version}");
        let came = [&good, &gone]
            .iter()
            .any(|(_, hook)| hook.got().iter().any(|got| got.json["id"] == before["id"]));
        assert!(!came, "schema {version}: {before} was sent again");
    }
    let order: Vec<&str> =
        got.iter().filter(|got| got.json["service"]["name"] == "recovered").map(|got| got.event()).collect();
    assert_eq!(order, ["service.error", "service.recovered"], "schema {version}");

    // And it goes on: the beats, the view that people look into, and a restart.
    for name in ["alive", "dead", "paused", "pardoned", "declared", "whole"] {
        assert_eq!(server.beat(&format!("token-{name}"), "{\"message\":\"after\"}").status, 200);
        assert_eq!(server.service(name)["message"], "after");
    }
    assert_eq!(server.beat("token-new", "").status, 200);
    for name in ["new", "dead", "paused", "pardoned"] {
        server.wait_for_status(name, "alive", LIMIT);
    }
    good.1.wait_for(1, LIMIT);
    server.terminate();
    let database = Connection::open(&path).unwrap();
    let (status, message): (String, String) = database
        .query_row("SELECT status, message FROM heartbeats WHERE service_name = 'dead'", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!((status.as_str(), message.as_str()), ("alive", "after"));
    let found: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(found, steps().len() as i64);
    drop(database);
    let again = Server::start(folder.path(), &config);
    assert_eq!(again.service("whole")["message"], "after");
    again.terminate();
}

fn find<'a>(services: &'a Value, name: &str) -> &'a Value {
    let found = services.as_array().unwrap().iter().find(|service| service["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is gone"))
}

#[test]
fn a_later_database_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let (sql, _) = fixture(1).unwrap();
    let later = steps().len() + 1;
    let path = lay(folder.path(), &format!("{sql}\nPRAGMA user_version = {later};"));
    let before = fs::read(&path).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_mishpulse"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("newer") && said.contains("mishpulse.db"), "{said}");
    assert_eq!(fs::read(&path).unwrap(), before);
}
