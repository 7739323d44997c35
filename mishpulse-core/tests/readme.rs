//! The README is the crate's documentation, without what only rustdoc understands.
//!
//! `MISHPULSE_README=write cargo test -p mishpulse-core --test readme` writes it anew.

use std::path::Path;

#[test]
fn readme_is_the_documentation() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(folder.join("src/lib.rs")).unwrap();
    let expected = readme(&source);
    let path = folder.join("README.md");
    if std::env::var("MISHPULSE_README").is_ok_and(|what| what == "write") {
        std::fs::write(&path, &expected).unwrap();
    }
    let is_in_step = std::fs::read_to_string(&path).is_ok_and(|text| text.replace("\r\n", "\n") == expected);
    assert!(is_in_step, "README.md is out of step: MISHPULSE_README=write cargo test --test readme");
}

fn readme(source: &str) -> String {
    let mut text = String::from("# mishpulse-core\n\n");
    let mut is_code = false;
    for line in source.lines().map_while(|line| line.strip_prefix("//!")) {
        let line = line.strip_prefix(' ').unwrap_or(line);
        let line = match line {
            "```" if is_code => "```".into(),
            "```" => "```rust".into(),
            _ if is_code && (line == "#" || line.starts_with("# ")) => continue,
            _ if is_code => line.into(),
            _ if line.starts_with('#') => format!("#{line}"),
            _ => without_links(line),
        };
        if line.starts_with("```") {
            is_code = !is_code;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Without links to items, which only rustdoc finds: `` [`poll`](Watchdog::poll) `` becomes `` `poll` ``.
fn without_links(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, linked)) = rest.split_once("[`") {
        let Some((item, after)) = linked.split_once("`]") else { break };
        text.push_str(before);
        text.push_str(&format!("`{item}`"));
        rest = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    text + rest
}
