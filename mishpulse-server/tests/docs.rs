//! What the documents say is so: their commands run, what they show comes out, what they link to and name is there.

mod docs_parts;

use std::collections::BTreeSet;
use std::fs;

use docs_parts::markdown::{anchors, codes, links};
use docs_parts::run::{root, run};
use mishpulse_server::config::EXAMPLE;
use mishpulse_server::manage::OPENAPI;
use serde_json::Value;

/// Each document, by itself.
macro_rules! documents {
    ($($name:ident: $path:literal),* $(,)?) => {
        $(#[test]
        fn $name() {
            run($path);
        })*

        const DOCUMENTS: &[&str] = &[$($path),*];
    };
}

documents! {
    readme: "README.md",
    readme_ru: "README.ru.md",
    index: "docs/README.md",
    start: "docs/start.md",
    configuration: "docs/configuration.md",
    command_line: "docs/command-line.md",
    api: "docs/api.md",
    alerts: "docs/alerts.md",
    operating: "docs/operating.md",
    moving: "docs/moving.md",
    embedding: "docs/embedding.md",
    security: "docs/security.md",
    inside: "docs/inside.md",
    reliability: "docs/reliability.md",
    reliability_faults: "docs/reliability-faults.md",
}

#[test]
fn no_document_is_left_out() {
    for file in fs::read_dir(root().join("docs")).unwrap() {
        let name = format!("docs/{}", file.unwrap().file_name().to_string_lossy());
        assert!(!name.ends_with(".md") || DOCUMENTS.contains(&name.as_str()), "{name} is not tested");
    }
}

#[test]
fn every_link_leads_somewhere() {
    let others =
        ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md", "deploy/README.md"];
    let there = others.iter().copied().filter(|path| root().join(path).exists());
    for document in DOCUMENTS.iter().copied().chain(there) {
        let path = root().join(document);
        let text = fs::read_to_string(&path).unwrap();
        for (line, link) in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{document}:{line}: {link} is not there");
            if !anchor.is_empty() {
                let all = anchors(&fs::read_to_string(&target).unwrap());
                assert!(
                    all.iter().any(|one| one == anchor),
                    "{document}:{line}: no heading for {link} in {all:?}"
                );
            }
        }
    }
}

#[test]
fn every_route_that_is_named_is_there() {
    let api: Value = serde_json::from_str(OPENAPI).unwrap();
    let paths: Vec<&str> = api["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let fits = |asked: &str, known: &str| {
        let (asked, known) = (asked.split('/').collect::<Vec<_>>(), known.split('/').collect::<Vec<_>>());
        let same = |(asked, known): (&&str, &&str)| asked == known || known.starts_with('{');
        asked.len() == known.len() && asked.iter().zip(&known).all(same)
    };
    let is_ours = |path: &str| path.starts_with("/api/") || paths.contains(&path);
    for document in DOCUMENTS {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for (line, code) in codes(&text) {
            let (method, path) = match code.split_once(' ') {
                Some((method, path)) if METHODS.contains(&method) => (Some(method.to_lowercase()), path),
                _ if is_ours(code) => (None, code),
                _ => continue,
            };
            let path = path.split(['?', ' ']).next().unwrap();
            if PATHS_OF_OTHERS.iter().any(|other| path.starts_with(other)) {
                continue;
            }
            let known = paths.iter().find(|known| fits(path, known)).or_else(|| {
                // The beginning of some.
                paths.iter().find(|known| {
                    path.ends_with('/') && known.starts_with(path) || known.starts_with(&format!("{path}/"))
                })
            });
            let known = known.unwrap_or_else(|| panic!("{document}:{line}: there is no {code}"));
            let has_method =
                method.is_none_or(|method| method == "head" || api["paths"][*known].get(&method).is_some());
            assert!(has_method, "{document}:{line}: {known} does not take {code}");
        }
    }
}

#[test]
fn every_key_that_is_named_is_there() {
    let mut known: BTreeSet<String> = BTreeSet::new();
    for line in EXAMPLE.lines().map(|line| line.trim_start_matches('#')) {
        if let Some((key, _)) = line.split_once(" = ") {
            known.insert(key.to_owned());
        }
        known.extend(line.strip_prefix('[').map(|table| table.trim_matches(['[', ']']).to_owned()));
    }
    let api: Value = serde_json::from_str(OPENAPI).unwrap();
    fields(&api, &mut known);
    // What templates know; what a webhook sends; what others have.
    let text = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    known.extend(codes(&text).into_iter().map(|(_, code)| code.to_owned()));
    let is_word = |code: &str| {
        code.contains('_') && code.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !code.ends_with('_')
    };
    for document in DOCUMENTS.iter().filter(|document| !ABOUT_CODE.contains(document)) {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for (line, code) in codes(&text) {
            let key = code.split(" = ").next().unwrap();
            let name = key.strip_prefix("limits.").or(key.strip_prefix("defaults.")).unwrap_or(key);
            let is_metric = name.starts_with("mishpulse_");
            if is_word(name) && !is_metric && !OF_OTHERS.contains(&name) {
                assert!(known.contains(name), "{document}:{line}: there is no key `{code}`");
            }
        }
    }
}

#[test]
fn every_line_of_trouble_in_the_log_is_explained() {
    let text = fs::read_to_string(root().join("docs/operating.md")).unwrap();
    let explained: Vec<&str> = codes(&text).into_iter().map(|(_, code)| code).collect();
    let mut folders = vec![root().join("mishpulse-server/src")];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = fs::read_to_string(&path).unwrap();
            for level in ["tracing::warn!(", "tracing::error!("] {
                for call in source.split(level).skip(1) {
                    // The last text of a call is what it says.
                    let call = call.split(");").next().unwrap();
                    let said = call.split('"').skip(1).step_by(2).last().unwrap_or_default();
                    let is_made_up = said.starts_with('{');
                    let known = explained.iter().any(|code| code.len() > 8 && said.starts_with(code));
                    assert!(
                        is_made_up || known,
                        "docs/operating.md does not explain `{said}` of {}",
                        path.display()
                    );
                    count += 1;
                }
            }
        }
    }
    assert!(count > 20, "only {count} were found");
}

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// What is about the code has words of the code.
const ABOUT_CODE: [&str; 4] =
    ["docs/inside.md", "docs/embedding.md", "docs/reliability.md", "docs/reliability-faults.md"];

/// Paths of other programs.
const PATHS_OF_OTHERS: &[&str] = &["/api/push/", "/api/v1/"];

/// Words that look like keys and are none: labels of metrics.
const OF_OTHERS: &[&str] = &["unknown_token"];

/// The names of all fields in a description.
fn fields(value: &Value, known: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                known.insert(key.clone());
                fields(value, known);
            }
        }
        Value::Array(values) => {
            for value in values {
                known.extend(value.as_str().map(str::to_owned));
                fields(value, known);
            }
        }
        _ => {}
    }
}
