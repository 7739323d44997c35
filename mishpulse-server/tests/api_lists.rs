//! Lists are narrowed, and read page by page without a gap or a repeat, however long they are.

mod harness;

use harness::Answer;
use harness::inside::Inside;
use serde_json::{Value, json};

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

/// The target of `Link: <...>; rel="next"`.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?;
    let target = link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?;
    Some(target.to_owned())
}

/// Follows the links from `path` to the end.
fn pages(server: &Inside, path: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut path = Some(path.to_owned());
    while let Some(at) = path {
        let answer = server.get(&at);
        assert_eq!(answer.status, 200, "{at}: {}", answer.body);
        pages.push(answer.json().as_array().unwrap().clone());
        path = next(&answer);
        assert!(pages.len() < 1000, "the links go round in circles");
    }
    pages
}

#[test]
fn filters_narrow_both_lists_alike() {
    let server = Inside::start("");
    for (name, tags) in
        [("api-1", r#"["prod"]"#), ("api-2", r#"["prod", "eu"]"#), ("db", r#"["prod"]"#), ("dev", "[]")]
    {
        server.make(&format!(r#"{{"name": "{name}", "token": "{name}", "tags": {tags}}}"#));
    }
    server.beat("api-1", "");
    server.beat("db", r#"{"status": "error"}"#);
    for (query, expected) in [
        ("", &["api-1", "api-2", "db", "dev"][..]),
        ("?name=api*", &["api-1", "api-2"]),
        ("?name=api*&after=api-1", &["api-2"]),
        ("?name=api*&after=zzz", &[]),
        ("?name=db*&after=api-1", &["db"]),
        ("?name=d", &[]),
        ("?name=db", &["db"]),
        ("?name=*", &["api-1", "api-2", "db", "dev"]),
        ("?tag=prod", &["api-1", "api-2", "db"]),
        ("?tag=prod&tag=eu", &["api-2"]),
        ("?status=alive,error", &["api-1", "db"]),
        ("?status=new&tag=prod", &["api-2"]),
        ("?limit=2", &["api-1", "api-2"]),
        ("?after=db", &["dev"]),
        ("?name=nobody", &[]),
    ] {
        for path in ["/api/services", "/api/status"] {
            assert_eq!(names(&server.get(&format!("{path}{query}")).json()), expected, "{path}{query}");
        }
    }
}

#[test]
fn services_come_page_by_page() {
    let server = Inside::start("");
    let mut all: Vec<String> =
        (0..25).map(|number| format!("s {number:02} ü&=")).chain(["other".to_owned()]).collect();
    for name in &all {
        server.make(&json!({ "name": name }).to_string());
    }
    all.sort();
    for (path, wanted) in [
        ("/api/services?limit=10", &all[..]),
        ("/api/status?limit=26", &all[..]),
        ("/api/services?limit=25", &all[..]),
        ("/api/services?name=s+*&limit=5", &all[1..]),
    ] {
        let pages = pages(&server, path);
        let found: Vec<&str> = pages.iter().flatten().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(found, wanted, "{path}");
        assert!(pages.iter().all(|page| !page.is_empty()), "{path}: no page is empty");
    }
    assert_eq!(next(&server.get("/api/services?limit=26")), None, "there is nothing behind the last");
    assert_eq!(next(&server.get("/api/services")), None, "all of them are there");
}

#[test]
fn a_long_list_is_streamed_whole() {
    let services: String =
        (0..3000).map(|number| format!("[[services]]\nname = \"service-{number:04}\"\n")).collect();
    let server = Inside::start(&services);
    for path in ["/api/services", "/api/status", "/api/services?limit=5000"] {
        let answer = server.get(path);
        let list = answer.json();
        let names = names(&list);
        assert_eq!(names.len(), 3000, "{path}");
        assert!(names.is_sorted(), "{path}");
    }
    let pages = pages(&server, "/api/services?limit=1000");
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1000, 1000, 1000]);
    assert_eq!(server.get("/api/services?limit=2999").json().as_array().unwrap().len(), 2999);
}

#[test]
fn a_history_comes_page_by_page_newest_first() {
    let server = Inside::start("");
    server.make(r#"{"name": "a", "token": "t"}"#);
    server.make(r#"{"name": "b", "token": "u"}"#);
    for _ in 0..5 {
        server.beat("t", r#"{"status": "error", "message": "x"}"#);
        server.beat("u", r#"{"status": "warning"}"#);
        server.beat("t", r#"{"status": "ok"}"#);
    }
    let all = server.get("/api/services/a/events").json();
    let seqs: Vec<i64> = all.as_array().unwrap().iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a > b), "{seqs:?}");
    // Created; then five times an error with its alert, and as often a recovery with its own.
    assert_eq!(seqs.len(), 1 + 5 * 4, "{all}");
    for limit in [1, 4, 20, 21, 22] {
        let pages = pages(&server, &format!("/api/services/a/events?limit={limit}"));
        assert!(pages.iter().all(|page| page.len() <= limit && !page.is_empty()), "{limit}");
        assert_eq!(Value::from(pages.concat()), all, "{limit}");
    }
    let first = &all[20];
    assert_eq!(
        (&first["event"], &first["action"], &first["by"]),
        (&json!("edit"), &json!("created"), &json!("admin"))
    );
}
