//! A stored database in which anything may stand: it is refused, or taken and served, but nothing falls over.

use std::collections::BTreeMap;
use std::fs;

use rusqlite::Connection;
use rusqlite::types::Value;

use super::http::Inside;

pub struct Rows {
    files: BTreeMap<String, Vec<u8>>,
}

const CONFIG: &str =
    "log_level = \"error\"\n[channels.hook]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\n";

impl Rows {
    /// Makes a database with some of everything in it.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let server = Inside::start(&data, CONFIG).unwrap();
        for (name, more) in [("a", ""), ("b", ",\"tags\":[\"prod\"],\"remind_every\":\"1h\""), ("c", "")] {
            let body = format!("{{\"name\":\"{name}\",\"token\":\"token-{name}\"{more}}}");
            assert_eq!(server.post("/api/services", &body), 201);
            let body = "{\"status\":\"error\",\"message\":\"disk full\"}";
            assert_eq!(server.post(&format!("/api/heartbeat/token-{name}"), body), 200);
        }
        assert_eq!(server.post("/api/heartbeat/token-a", ""), 200);
        assert_eq!(server.post("/api/services/c/pause", ""), 200);
        drop(server);
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(&data).unwrap() {
            let entry = entry.unwrap();
            files.insert(entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
        }
        Self { files }
    }

    /// The first byte says whether values are changed or bytes of the file.
    pub fn run(&self, data: &[u8]) {
        let folder = tempfile::tempdir_in(memory()).unwrap();
        let (first, rest) = data.split_first().unwrap_or((&0, &[]));
        let changes = rest.chunks_exact(4).take(16);
        for (name, bytes) in &self.files {
            let mut bytes = bytes.clone();
            if first % 4 == 0 && name == "mishpulse.db" {
                for change in changes.clone() {
                    let place = usize::from(change[0]) << 12
                        | usize::from(change[1]) << 4
                        | usize::from(change[2]) >> 4;
                    let place = place % bytes.len();
                    bytes[place] = change[3];
                }
            }
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        if first % 4 != 0 {
            let database = Connection::open(folder.path().join("mishpulse.db")).unwrap();
            change(&database, changes).unwrap();
        }
        match Inside::start(folder.path(), CONFIG) {
            Err(why) => assert!(!why.is_empty()),
            Ok(server) => look_at(&server),
        }
    }
}

fn look_at(server: &Inside) {
    let paths =
        ["/api/status", "/api/services", "/api/deliveries", "/api/channels", "/", "/metrics", "/readyz"];
    for path in paths {
        server.get(path);
    }
    for name in ["a", "b", "c"] {
        server.get(&format!("/api/services/{name}/events"));
        server.get(&format!("/services/{name}"));
        server.post(&format!("/api/heartbeat/token-{name}"), "{\"status\":\"warning\",\"message\":\"x\"}");
    }
}

/// Each change: a table, a column, a row, and what is to stand there.
fn change<'a>(database: &Connection, changes: impl Iterator<Item = &'a [u8]>) -> rusqlite::Result<()> {
    database.execute_batch("PRAGMA foreign_keys = off; PRAGMA ignore_check_constraints = on")?;
    let mut tables = database.prepare(
        "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1, c.cid",
    )?;
    let columns: Vec<(String, String)> =
        tables.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    for change in changes {
        let (table, column) = &columns[usize::from(change[0]) % columns.len()];
        let update = format!(
            "UPDATE OR REPLACE \"{table}\" SET \"{column}\" = ?1 WHERE rowid = (SELECT rowid FROM \"{table}\" LIMIT 1 OFFSET ?2)"
        );
        let old: String = database
            .query_row(
                &format!("SELECT coalesce(\"{column}\", '') FROM \"{table}\" LIMIT 1 OFFSET ?1"),
                [change[1] % 4],
                |row| {
                    Ok(match row.get(0)? {
                        Value::Text(text) => text,
                        other => format!("{other:?}"),
                    })
                },
            )
            .unwrap_or_default();
        // A table may refuse it; then it is as it was.
        let _ = database.execute(&update, (value(change[2], change[3], &old), change[1] % 4));
    }
    Ok(())
}

fn value(kind: u8, byte: u8, old: &str) -> Value {
    let wide =
        [i64::MIN, i64::MAX, -1, 0, 1, u32::MAX.into(), 1 << 53, 253_402_300_800_000, -62_135_596_800_001];
    match kind % 8 {
        0 => Value::Null,
        1 | 2 => Value::Integer(wide[usize::from(byte) % wide.len()]),
        3 => Value::Integer(byte.into()),
        4 => Value::Real(f64::from(byte) * 1e300),
        5 => Value::Blob(vec![byte; usize::from(byte)]),
        6 => {
            // What stood there, with one byte another.
            let mut text = old.as_bytes().to_vec();
            let place = usize::from(kind) * 7 % text.len().max(1);
            if let Some(old) = text.get_mut(place) {
                *old = byte;
            }
            Value::Text(String::from_utf8_lossy(&text).into_owned())
        }
        _ => Value::Text(
            ["", "{}", "null", "[1]", "\u{0}", "9", "{\"kind\":\"dead\"}"][usize::from(byte) % 7].to_owned(),
        ),
    }
}

/// A folder in memory, where there is one.
fn memory() -> std::path::PathBuf {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}
