//! Secrets stand nowhere but where they are used.

use super::common::read;
use crate::config::{ConfigError, describe, diff};

const SECRETS: &str = r#"
    admin_key = "PLANTED-admin-key"
    [keys.grafana]
    key = "PLANTED-read-key"
    [channels.ops]
    kind = "telegram"
    bot_token = "1:PLANTED"
    chat_id = "-1"
    [channels.mail]
    kind = "email"
    host = "smtp.example.org"
    username = "pulse"
    password = "PLANTED-password"
    from = "a@b"
    to = ["c@d"]
    [channels.hook]
    kind = "webhook"
    url = "https://example.org/PLANTED/hook?key=PLANTED"
    secret = "whsec_PLANTEDAPLANTEDAPLANTEDAPLANTEDA"
    headers = { Authorization = "Bearer PLANTED" }
    [self_heartbeat]
    url = "https://other.example.org/api/heartbeat/PLANTED"
    [[services]]
    name = "a"
    token = "PLANTED"
"#;

fn holds_no_secret(text: &str) {
    // The bytes that `PLAN` is the base64 of.
    let bytes = "60, 176, 13";
    assert!(!text.contains("PLANTED") && !text.contains("TNALPXX") && !text.contains(bytes), "{text}");
}

#[test]
fn settings_are_shown_without_secrets() {
    let loaded = read(SECRETS, &[("MISHPULSE_ODD", "PLANTED")]).unwrap();
    holds_no_secret(&format!("{loaded:?}"));
    holds_no_secret(&format!("{loaded:#?}"));
    let text = describe(&loaded);
    holds_no_secret(&text);
    assert!(text.contains("channel hook: webhook to https://example.org, signed, 1 header"), "{text}");
}

#[test]
fn changes_are_shown_without_secrets() {
    let old = read(SECRETS, &[]).unwrap().settings;
    let new = read(&SECRETS.replace("PLANTED", "TNALPXX"), &[]).unwrap().settings;
    let lines = diff(&old, &new);
    holds_no_secret(&lines.join("\n"));
    let keys: Vec<_> = lines.iter().map(|line| line.split(':').next().unwrap()).collect();
    let all =
        ["admin_key", "channels.hook", "channels.mail", "channels.ops", "keys.grafana", "self_heartbeat"];
    assert_eq!(keys[..6], all);
    assert_eq!(keys[6..], ["service a"]);
}

#[test]
fn mistakes_are_told_without_secrets() {
    // Each secret is spoilt in turn, in the file and by a variable; and each stands where something else should.
    let lines: Vec<_> = SECRETS.lines().collect();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("PLANTED")) {
        let (key, _) = line.split_once(" = ").unwrap();
        for value in [
            "\"\\r\\nPLANTED PLANTED\"",
            "\"${V}\"",
            "[\"PLANTED\"]",
            "{ PLANTED = 1 }",
            "\"PLANTED",
            "PLANTED",
        ] {
            let mut spoilt = lines.clone();
            let changed = format!("{key} = {value}");
            spoilt[index] = &changed;
            let error = read(&spoilt.join("\n"), &[("V", "\u{7f} PLANTED")]).unwrap_err();
            // The name of a key is no secret, and is needed to find it.
            let told = format!("{error}\n{error:?}").replace("headers.PLANTED", "");
            holds_no_secret(&told);
            assert!(matches!(error, ConfigError::Mistakes(_)));
        }
    }
    for key in ["listen", "locale", "check_every", "public_url", "log_level", "history_days"] {
        let text = format!("{key} = \"${{S}}\"\n");
        holds_no_secret(&read(&text, &[("S", "PLANTED")]).unwrap_err().to_string());
        let variable = format!("MISHPULSE_{}", key.to_uppercase());
        holds_no_secret(&read("", &[(&variable, "PLANTED")]).unwrap_err().to_string());
    }
}
