//! `service`, `channel` and `status` against a real server.

mod cli_parts;
mod harness;

use std::path::Path;

use cli_parts::{SOON, Said, mishpulse, said};
use harness::{Hook, Server, config, service};
use serde_json::Value;

/// Asks `server` as someone in its working directory would.
fn ask(folder: &Path, server: &Server, arguments: &[&str]) -> Said {
    said(mishpulse(folder, arguments).env("MISHPULSE_URL", server.url("")))
}

fn json(said: &Said) -> Value {
    assert_eq!(said.code, 0, "{}", said.stderr);
    serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {}", said.stdout))
}

#[test]
fn a_service_from_its_making_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), "[defaults]\ntags = [\"all\"]\n");
    let ask = |arguments: &[&str]| ask(folder.path(), &server, arguments);
    // Any name will do.
    let name = "ночной бэкап? 100%";
    let made =
        ask(&["service", "add", name, "--timeout", "25h", "--grace", "10m", "--tag", "prod", "--tag", "eu"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let url = made.stdout.lines().find_map(|line| line.strip_prefix("beat with: ")).unwrap();
    let url = url.split_whitespace().last().unwrap().to_owned();
    assert_eq!(harness::request("POST", &url, Some(""), &[]).status, 200);
    assert_eq!(server.service(name)["status"], "alive");

    let shown = json(&ask(&["service", "show", name, "--json"]));
    assert_eq!((&shown["timeout"], &shown["grace"]), (&"1d1h".into(), &"10m".into()));
    assert_eq!(shown["tags"], serde_json::json!(["prod", "eu"]));
    assert_eq!(shown["heartbeat_url"], url);
    let shown = ask(&["service", "show", name]).stdout;
    assert!(shown.contains(name) && shown.contains("alive") && shown.contains("created"), "{shown}");

    assert_eq!(ask(&["service", "edit", name, "--timeout", "1h", "--default", "tags,grace"]).code, 0);
    let shown = json(&ask(&["service", "--json", "show", name]));
    assert_eq!((&shown["timeout"], &shown["grace"]), (&"1h".into(), &"0s".into()));
    assert_eq!(shown["tags"], serde_json::json!(["all"]), "those of the defaults");

    assert_eq!(ask(&["service", "pause", name]).code, 0);
    assert_eq!(server.service(name)["status"], "paused");
    assert_eq!(ask(&["service", "resume", name]).code, 0);
    assert_eq!(server.service(name)["status"], "alive");

    let rotated = json(&ask(&["service", "rotate-token", name, "--json"]));
    assert_eq!(harness::request("POST", &url, Some(""), &[]).status, 403, "the old token is worth nothing");
    let url = rotated["heartbeat_url"].as_str().unwrap();
    assert_eq!(harness::request("POST", url, Some(""), &[]).status, 200);

    assert_eq!(ask(&["service", "edit", name, "--rename", "other"]).code, 0);
    assert_eq!(ask(&["service", "add", "second", "--token", "my-own-token"]).code, 0);
    assert_eq!(server.beat("my-own-token", "").status, 200);
    for _ in 0..2 {
        let updated = json(&ask(&["service", "add", "second", "--update", "--timeout", "3m", "--json"]));
        assert_eq!((&updated["token"], &updated["timeout"]), (&"my-own-token".into(), &"3m".into()));
    }
    let listed = json(&ask(&["service", "list", "--json"]));
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["example", "other", "second"], "the first is that of an empty database");
    assert_eq!(ask(&["service", "rm", "example", "other", "second"]).code, 0);
    assert_eq!(server.get("/api/status").body, "[]");
}

#[test]
fn refusals_say_what_to_do_and_end_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &service("taken", "1h"));
    for (arguments, why) in [
        (&["service", "add", "taken"][..], "taken"),
        (&["service", "add", "new", "--token", "token-taken"], "token"),
        (&["service", "add", "new", "--timeout", "soon"], "timeout"),
        (&["service", "add", "new", "--channel", "nowhere"], "channel"),
        (&["service", "add", "a/b"], "name"),
        (&["service", "show", "nobody"], "nobody"),
        (&["service", "pause", "nobody"], "nobody"),
        (&["channel", "test", "nowhere"], "no channel"),
    ] {
        let refused = ask(folder.path(), &server, arguments);
        assert_eq!(refused.code, 1, "{arguments:?}: {}{}", refused.stdout, refused.stderr);
        assert!(
            refused.stderr.starts_with("mishpulse: ") && refused.stderr.contains(why),
            "{}",
            refused.stderr
        );
        assert_eq!(refused.stdout, "");
    }
    let gone = said(&mut mishpulse(folder.path(), &["service", "list", "--url", "http://127.0.0.1:1"]));
    assert_eq!(gone.code, 3);
    assert!(gone.stderr.contains("http://127.0.0.1:1 cannot be reached"), "{}", gone.stderr);
    assert!(gone.stderr.contains("is the server running there?"), "{}", gone.stderr);
    let hook = Hook::start();
    let strange = said(&mut mishpulse(folder.path(), &["status", "--url", &hook.url()]));
    assert_eq!(strange.code, 3);
    assert!(strange.stderr.contains("is it a MishPulse server?"), "{}", strange.stderr);
    let nonsense = said(&mut mishpulse(folder.path(), &["status", "--url", "127.0.0.1:8080"]));
    assert_eq!(nonsense.code, 2, "{}", nonsense.stderr);
}

#[test]
fn the_key_is_found_where_it_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &service("a", "1h"));
    let data = folder.path().join("mishpulse-data");
    let key = std::fs::read_to_string(data.join("admin.key")).unwrap();
    let url = server.url("/api/heartbeat/token-a");
    let list = || {
        let mut command = mishpulse(elsewhere.path(), &["service", "list"]);
        // A heartbeat URL says where the server is as well.
        command.env("MISHPULSE_URL", &url);
        command
    };
    assert_eq!(said(list().env("MISHPULSE_ADMIN_KEY", key.trim())).code, 0);
    assert_eq!(said(list().arg("--data-dir").arg(&data)).code, 0);
    assert_eq!(said(list().env("MISHPULSE_DATA_DIR", &data)).code, 0);
    let file = elsewhere.path().join("other.toml");
    std::fs::write(&file, format!("data_dir = \"{}\"\n", data.display())).unwrap();
    assert_eq!(said(list().arg("--config").arg(&file)).code, 0);
    std::fs::write(&file, format!("admin_key = \"{}\"\n", key.trim())).unwrap();
    assert_eq!(said(list().env("MISHPULSE_CONFIG", &file)).code, 0);

    let none = said(&mut list());
    assert_eq!(none.code, 3);
    let looked_for = "mishpulse-data/admin.key: No such file";
    assert!(none.stderr.contains(looked_for) && none.stderr.contains("--data-dir"), "{}", none.stderr);
    let wrong = said(list().env("MISHPULSE_ADMIN_KEY", "wr0ng-key"));
    assert_eq!(wrong.code, 3);
    assert!(
        wrong.stderr.contains("does not take the admin key from $MISHPULSE_ADMIN_KEY"),
        "{}",
        wrong.stderr
    );
    assert!(!wrong.stderr.contains("wr0ng") && !wrong.stderr.contains("token-a"), "{}", wrong.stderr);
}

#[test]
fn the_status_is_a_table_and_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &(service("a", "1h") + &service("longer-name", "1h")));
    server.beat("token-a", r#"{"message":"\u001b]0;pwned\u0007fine\nand well"}"#);
    let plain = ask(folder.path(), &server, &["status"]);
    assert_eq!(plain.code, 0);
    let lines: Vec<&str> = plain.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", plain.stdout);
    let column = lines[0].find("LAST SEEN").unwrap();
    assert_eq!(lines[2].rfind('-').map(|_| &lines[2][column..=column]), Some("-"), "{}", plain.stdout);
    assert!(
        lines[1].starts_with("alive   a ") && lines[2].starts_with("new     longer-name "),
        "{}",
        plain.stdout
    );
    assert!(!plain.stdout.contains(['\u{1b}', '\u{7}']), "what a service says drives no terminal");

    let colored = said(
        mishpulse(folder.path(), &["status"]).env("MISHPULSE_URL", server.url("")).env("CLICOLOR_FORCE", "1"),
    );
    assert!(colored.stdout.contains("\u{1b}[32m✅ alive"), "{}", colored.stdout);
    let mut no_color = mishpulse(folder.path(), &["status"]);
    let no_color = said(no_color.env("MISHPULSE_URL", server.url("")).env("NO_COLOR", "1"));
    assert_eq!(no_color.stdout, plain.stdout);

    server.beat("token-a", r#"{"status":"error","message":"no"}"#);
    let troubled = ask(folder.path(), &server, &["status", "--json"]);
    assert_eq!(troubled.code, 1);
    let rows: Value = serde_json::from_str(&troubled.stdout).unwrap();
    assert_eq!((&rows[0]["name"], &rows[0]["status"]), (&"a".into(), &"error".into()));
    assert_eq!(
        ask(folder.path(), &server, &["status", "--status", "new"]).code,
        0,
        "only what is shown counts"
    );
    assert_eq!(ask(folder.path(), &server, &["status", "--name", "a*"]).code, 1);
    assert_eq!(said(&mut mishpulse(folder.path(), &["status", "--url", "http://127.0.0.1:1"])).code, 3);
}

#[test]
fn channels_are_listed_and_tested() {
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start();
    let server = Server::start(folder.path(), &config(&hook, ""));
    let listed = ask(folder.path(), &server, &["channel", "list"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    assert!(listed.stdout.contains("hook") && listed.stdout.contains("webhook"), "{}", listed.stdout);
    assert!(!listed.stdout.contains("/hook"), "the path of a webhook is a secret: {}", listed.stdout);

    let tested = ask(folder.path(), &server, &["channel", "test", "hook"]);
    assert_eq!((tested.code, tested.stdout.as_str()), (0, "hook took the test\n"), "{}", tested.stderr);
    assert_eq!(hook.wait_for(1, SOON).len(), 1);
    hook.answer(410);
    let refused = ask(folder.path(), &server, &["channel", "test", "hook"]);
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    assert!(refused.stderr.contains("410"), "{}", refused.stderr);
}
