//! The house rules that a test can check: who may import whom, how long a file may be, where a clock and SQL may stand.

use std::fs;
use std::path::{Path, PathBuf};

const LINES_MAX: usize = 400;

#[test]
fn no_file_is_too_long() {
    for (path, text) in sources(&["rs", "js", "mjs", "css", "py", "sh"]) {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{path} has {lines} lines; split it");
    }
}

/// Places, and what must not stand there outside of comments.
#[test]
fn each_part_imports_only_what_it_may() {
    let server = "mishpulse-server/src/";
    let rules: &[(&str, &[&str])] = &[
        ("mishpulse-core/src/", &["tokio", "HashMap", "std::thread", "async fn"]),
        ("mishpulse-client/src/", &["tokio", "mishpulse_core", "mishpulse_server"]),
        (
            "config/",
            &[
                "crate::engine",
                "crate::http",
                "crate::store",
                "crate::notify",
                "crate::web",
                "hyper::",
                "tokio",
            ],
        ),
        ("store/", &["crate::engine", "crate::http", "crate::notify", "crate::web", "hyper::", "tokio"]),
        ("engine/", &["crate::http", "crate::notify", "crate::web", "crate::ingest", "hyper::", "rusqlite"]),
        ("notify/", &["crate::http", "crate::ingest", "crate::web", "hyper::", "rusqlite"]),
        ("http/", &["crate::engine", "crate::store", "crate::notify", "mishpulse_core::Watchdog"]),
        ("ingest/", &["crate::store", "crate::notify", "hyper::", "rusqlite"]),
        ("manage/", &["hyper::", "rusqlite"]),
        ("web/", &["hyper::", "rusqlite"]),
        ("cli/", &["crate::store::sqlite", "rusqlite", "hyper::"]),
    ];
    for (path, text) in sources(&["rs"]) {
        for (place, banned) in rules {
            let place = if place.contains("src/") { (*place).to_owned() } else { format!("{server}{place}") };
            if !path.starts_with(&place) {
                continue;
            }
            for word in *banned {
                let found = code_lines(&text).find(|(_, line)| line.contains(word));
                assert!(
                    found.is_none(),
                    "{path}:{} has `{word}`, which does not belong there",
                    found.unwrap().0
                );
            }
        }
    }
}

#[test]
fn a_clock_is_read_in_one_place() {
    for (path, text) in sources(&["rs"]) {
        let words: &[&str] = match path.as_str() {
            "mishpulse-server/src/clock.rs" | "mishpulse-core/src/time.rs" => continue,
            path if path.starts_with("mishpulse-core/src/") => &["SystemTime::now", "Instant::now"],
            path if path.starts_with("mishpulse-server/src/") => {
                &["SystemTime::now", "UtcDateTime::now", "clock_gettime"]
            }
            _ => continue,
        };
        for word in words {
            let found = code_lines(&text).find(|(_, line)| line.contains(word));
            assert!(found.is_none(), "{path}:{} reads a clock; take the time from `Clock`", found.unwrap().0);
        }
    }
}

#[test]
fn sql_stands_under_store_only() {
    for (path, text) in sources(&["rs"]) {
        if !path.starts_with("mishpulse-server/src/") || path.contains("/store/") {
            continue;
        }
        for word in ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "PRAGMA "] {
            let found = code_lines(&text).find(|(_, line)| line.contains(word));
            assert!(found.is_none(), "{path}:{} has SQL", found.unwrap().0);
        }
    }
}

#[test]
fn every_exception_from_a_lint_has_a_reason() {
    for (path, text) in sources(&["rs"]) {
        let mut code = code_lines(&text);
        let allowed = code.find(|(_, line)| line.contains("#[allow(") && !path.contains("/tests/"));
        assert!(allowed.is_none(), "{path}:{}: use #[expect(lint, reason = \"...\")]", allowed.unwrap().0);
    }
}

/// Every source file of the workspace: its path from the root, and its text.
fn sources(endings: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders: Vec<PathBuf> =
        ["mishpulse-core", "mishpulse-client", "mishpulse-server", "examples", "benches", "scripts"]
            .iter()
            .map(|name| root.join(name))
            .filter(|folder| folder.exists())
            .collect();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !["target", "node_modules", ".venv", "__pycache__"].contains(&name.as_str()) {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| endings.iter().any(|wanted| *wanted == ending)) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root).unwrap().to_string_lossy().into_owned(), text));
            }
        }
    }
    assert!(found.len() > 10, "the sources were not found");
    found
}

/// The lines that are code, up to the unit tests, with their numbers.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines
        .take_while(|(_, line)| *line != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}
