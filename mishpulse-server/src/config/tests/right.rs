//! What is right is read as it was meant.

use std::net::SocketAddr;

use mishpulse_core::{AlertKind, Span};

use super::common::{Folder, read, settings};
use crate::config::{ChannelSettings, Environment, KeyAccess, LogFormat, LogLevel, MailSecurity, Settings};

#[test]
fn nothing_set_is_the_defaults() {
    let nothing = settings("");
    assert_eq!(nothing, Settings::default());
    assert_eq!(nothing.listen, "127.0.0.1:8080");
    assert_eq!(nothing.public_url, "http://127.0.0.1:8080");
    assert_eq!(nothing.data_dir.to_str(), Some("mishpulse-data"));
    assert_eq!(nothing.history, Span::from_secs(90 * 86_400));
    assert_eq!(nothing.delivery_expires, Span::from_secs(86_400));
    assert!(nothing.channels.is_empty() && nothing.services.is_empty() && nothing.admin_key.is_none());
}

#[test]
fn channels_of_each_kind_are_read() {
    let folder = Folder::new();
    folder.write("ca.pem", "-----BEGIN CERTIFICATE-----\n");
    let file = folder.path().join("mishpulse.toml");
    let text = r#"
        [channels.ops]
        kind = "telegram"
        bot_token = "${TOKEN}"
        chat_id = -1001234567890
        message_thread_id = 7
        api_url = "http://127.0.0.1:8081/"
        [channels.mail]
        kind = "email"
        host = "smtp.example.org"
        security = "tls"
        username = "pulse"
        password = "p w"
        from = "MishPulse <pulse@example.org>"
        to = ["ops@example.org", "\"Ops, all\" <all@example.org>"]
        ca_file = "ca.pem"
        [channels.hook]
        kind = "webhook"
        url = "https://example.org/hook"
        secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
        headers = { "X-Env" = "prod", Authorization = "Bearer ${TOKEN}" }
        allow_private = false
    "#;
    let environment: Environment = [("TOKEN", "12:ab")].into_iter().collect();
    let settings = Settings::parse(file.to_str().unwrap(), text, &environment).unwrap().settings;
    let ChannelSettings::Telegram(ops) = &settings.channels["ops"] else { panic!() };
    assert_eq!((ops.bot_token.reveal(), ops.chat_id.as_str()), ("12:ab", "-1001234567890"));
    assert_eq!((ops.message_thread_id, ops.api_url.as_str()), (Some(7), "http://127.0.0.1:8081"));
    let ChannelSettings::Email(mail) = &settings.channels["mail"] else { panic!() };
    assert_eq!((mail.port, mail.security), (465, MailSecurity::Tls));
    assert_eq!(mail.password.as_ref().unwrap().reveal(), "p w");
    assert_eq!(mail.to[1].name.as_deref(), Some("Ops, all"));
    assert_eq!(mail.ca_file, Some(folder.path().join("ca.pem")));
    let ChannelSettings::Webhook(hook) = &settings.channels["hook"] else { panic!() };
    assert_eq!(hook.secret.as_ref().unwrap().reveal().len(), 24);
    assert!(
        hook.headers.iter().any(|(name, value)| name == "Authorization" && value.reveal() == "Bearer 12:ab")
    );
    assert!(!hook.allow_private);
}

#[test]
fn ports_follow_the_security() {
    for (security, port) in [("starttls", 587), ("tls", 465), ("none", 25)] {
        let text = format!(
            "[channels.m]\nkind = \"email\"\nhost = \"a\"\nsecurity = \"{security}\"\nfrom = \"a@b\"\nto = [\"c@d\"]\n"
        );
        let settings = settings(&text);
        let ChannelSettings::Email(mail) = &settings.channels["m"] else { panic!() };
        assert_eq!(mail.port, port);
    }
}

#[test]
fn services_and_defaults_are_read_in_the_order_of_the_file() {
    let settings = settings(
        r#"
        [defaults]
        timeout = "1h30m"
        notify_on = []
        [[services]]
        name = "b"
        token = "abc123"
        tags = ["prod", "eu"]
        notify_on = ["warning", "dead"]
        remind_every = "2h"
        [[services]]
        name = "служба a"
        timeout = "1s"
        "#,
    );
    let names: Vec<_> = settings.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["b", "служба a"]);
    let first = settings.defaults.with(&settings.services[0].overrides);
    assert_eq!(first.timeout, Span::from_secs(5400));
    assert_eq!(first.notify_on, [AlertKind::Warning, AlertKind::Dead]);
    assert_eq!(settings.services[0].token.as_ref().unwrap().text(), "abc123");
    assert_eq!(settings.defaults.with(&settings.services[1].overrides).notify_on, []);
}

#[test]
fn the_small_tables_are_read() {
    let loaded = read(
        r#"
        log_format = "json"
        log_level = "debug"
        admin_key = "0123456789abcdef"
        [keys.grafana]
        key = "grafana-reads-this"
        [keys.robot]
        key = "short"
        access = "admin"
        [self_heartbeat]
        url = "https://other.example.org/api/heartbeat/token"
        [limits]
        body_bytes = 1_048_576
        header_timeout = "5s"
        [templates]
        dead = "{{ name }} is gone\n"
        "#,
        &[],
    )
    .unwrap();
    let settings = loaded.settings;
    assert_eq!((settings.log_format, settings.log_level), (LogFormat::Json, LogLevel::Debug));
    assert_eq!(settings.keys["grafana"].access, KeyAccess::Read);
    assert_eq!(settings.keys["robot"].access, KeyAccess::Admin);
    assert_eq!(settings.self_heartbeat.unwrap().every, Span::from_secs(60));
    assert_eq!((settings.limits.body_bytes, settings.limits.headers), (1024 * 1024, 64));
    assert_eq!(settings.templates["dead"], "{{ name }} is gone\n");
    assert_eq!(loaded.warnings.len(), 1);
    assert!(loaded.warnings[0].starts_with("keys.robot.key: is shorter than 16"), "{:?}", loaded.warnings);
}

#[test]
fn the_public_url_follows_the_address_unless_it_is_set() {
    let address: SocketAddr = "0.0.0.0:4321".parse().unwrap();
    let mut follows = settings("listen = \"0.0.0.0:0\"\n");
    follows.listens_on(address);
    assert_eq!(follows.public_url, "http://127.0.0.1:4321");
    let mut stays = settings("listen = \"0.0.0.0:0\"\npublic_url = \"https://pulse.example.org/up/\"\n");
    stays.listens_on(address);
    assert_eq!(stays.public_url, "https://pulse.example.org/up");
}
