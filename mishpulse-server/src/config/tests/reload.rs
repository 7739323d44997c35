//! What a reload would change is said in plain lines.

use super::common::{read, settings};
use crate::config::{Settings, describe, diff, needs_restart};

#[test]
fn nothing_changed_is_nothing_said() {
    let settings = settings("[[services]]\nname = \"a\"\n[[services]]\nname = \"b\"\n");
    assert_eq!(diff(&settings, &settings), [""; 0]);
    let mut other_order = settings.clone();
    other_order.services.reverse();
    assert_eq!(diff(&settings, &other_order), [""; 0]);
    let mut listening = Settings::default();
    listening.listens_on("127.0.0.1:4321".parse().unwrap());
    assert_eq!(diff(&Settings::default(), &listening), [""; 0]);
}

#[test]
fn each_change_is_a_line() {
    let old = settings(
        r#"
        [defaults]
        timeout = "5m"
        [channels.gone]
        kind = "webhook"
        url = "http://a/1"
        [channels.hook]
        kind = "webhook"
        url = "http://a/1"
        [[services]]
        name = "gone"
        [[services]]
        name = "changed"
        tags = ["a"]
        "#,
    );
    let new = settings(
        r#"
        listen = "0.0.0.0:80"
        locale = "ru"
        [limits]
        batch = 5
        [channels.hook]
        kind = "webhook"
        url = "http://a/2"
        [channels.new]
        kind = "telegram"
        bot_token = "1:a"
        chat_id = "@ops"
        [templates]
        dead = "gone"
        [[services]]
        name = "changed"
        token = "t"
        tags = ["a", "b"]
        timeout = "10m"
        [[services]]
        name = "new"
        "#,
    );
    assert_eq!(
        diff(&old, &new),
        [
            "channels.hook: changed",
            "channels.new: new, telegram to chat @ops",
            "defaults.timeout: 5m -> built-in",
            "limits.batch: 1024 -> 5 (takes a restart)",
            "listen: 127.0.0.1:8080 -> 0.0.0.0:80 (takes a restart)",
            "locale: en -> ru",
            "templates.dead: new, own words",
            "channels.gone: gone",
            "service changed: timeout default -> 10m, tags [a] -> [a, b], token changed",
            "service new: new",
            "service gone: leaves the file; it is kept",
        ]
    );
    assert_eq!(needs_restart(&old, &new), ["listen", "limits"]);
}

#[test]
fn many_services_make_a_page() {
    let many: String = (0..10_000).map(|n| format!("[[services]]\nname = \"s{n}\"\n")).collect();
    let lines = diff(&Settings::default(), &settings(&many));
    assert_eq!(lines.len(), 51);
    assert_eq!(lines[50], "... and 9950 more services");
}

#[test]
fn settings_are_described_in_words() {
    let text = r#"
        durability = "power"
        status_access = "key"
        locale = "ru"
        [defaults]
        timeout = "10m"
        grace = "1m"
        remind_every = "1h"
        channels = ["ops"]
        [channels.ops]
        kind = "telegram"
        bot_token = "1:a"
        chat_id = "@ops"
        message_thread_id = 3
        [channels.mail]
        kind = "email"
        host = "smtp.example.org"
        username = "u"
        password = "p"
        from = "MishPulse <p@example.org>"
        to = ["a@example.org", "b@example.org"]
        [[services]]
        name = "a"
    "#;
    let loaded = read(text, &[("MISHPULSE_ODD", "1")]).unwrap();
    let expected = "\
configuration: mishpulse.toml
address: listens on 127.0.0.1:8080, reached at http://127.0.0.1:8080
data: in mishpulse-data, history kept for 90d; an answered beat survives a power cut
watchdog: looks every 1s, pardons silence after an absence of 10s
access: status and page open to holders of a key; admin key made on first start in the data folder
channel mail: email to a@example.org, b@example.org from MishPulse <p@example.org> through smtp.example.org:587 (STARTTLS, with a password)
channel ops: telegram to chat @ops, topic 3 through https://api.telegram.org
alerts: in Russian; given up after 1d
services: 1 in the file
a service that says nothing else: dead after 11m of silence, tells ops of dead, error, recovered, with a reminder every 1h
log: text, from level info
";
    assert_eq!(describe(&loaded), expected);
    assert!(describe(&read("", &[]).unwrap()).contains("channels: none, so nobody is told"));
}
