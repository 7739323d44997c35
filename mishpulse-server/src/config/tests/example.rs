//! The example file and the reference hold every key, and the example's values are the defaults.

use super::common::{Folder, read};
use crate::config::schema::{DEFAULTS, SERVICE, TABLES, TOP};
use crate::config::{Defaults, EXAMPLE, Environment, Overrides, Settings};

/// The example with every setting set: `#key` and `#[table]` uncommented, `# words` left alone.
pub(super) fn uncommented() -> String {
    let is_setting = |rest: &str| rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase());
    let line = |line: &'static str| line.strip_prefix('#').filter(|rest| is_setting(rest)).unwrap_or(line);
    EXAMPLE.lines().map(|text| line(text).to_owned() + "\n").collect()
}

#[test]
fn the_example_as_it_is_sets_nothing() {
    let loaded = read(EXAMPLE, &[]).unwrap();
    assert_eq!(loaded.settings, Settings::default());
}

#[test]
fn the_example_with_everything_set_is_the_defaults() {
    let folder = Folder::new();
    folder.write("ca.pem", "-----BEGIN CERTIFICATE-----\n");
    let environment: Environment = [
        ("MY_KEY", "0123456789abcdef-1"),
        ("GRAFANA_KEY", "0123456789abcdef-2"),
        ("TELEGRAM_BOT_TOKEN", "1:a"),
        ("SMTP_PASSWORD", "password"),
        ("HOOK_SECRET", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
        ("OTHER_TOKEN", "token"),
    ]
    .into_iter()
    .collect();
    let file = folder.path().join("mishpulse.toml");
    let loaded = match Settings::parse(file.to_str().unwrap(), &uncommented(), &environment) {
        Ok(loaded) => loaded,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(loaded.warnings, [""; 0]);
    let mut settings = loaded.settings;
    let kinds: Vec<_> = settings.channels.values().map(|channel| channel.kind()).collect();
    assert_eq!(kinds, ["webhook", "email", "telegram"]);

    // What has no default is left out of the comparison.
    let (own, usual) = (&mut settings.defaults.0, Defaults::default());
    assert_eq!(own.channels.take().map(|channels| channels.len()), Some(3));
    assert_eq!(own.description.take().as_deref(), Some(""));
    assert_eq!(settings.defaults.with(&Overrides::default()), usual.with(&Overrides::default()));
    let beat = settings.self_heartbeat.take().unwrap();
    assert_eq!(beat.every.to_string(), "1m");
    assert!(settings.admin_key.take().is_some());
    assert_eq!((settings.keys.len(), settings.templates.len(), settings.services.len()), (1, 8, 1));
    settings.keys.clear();
    settings.templates.clear();
    settings.services.clear();
    settings.channels.clear();
    settings.defaults = usual;
    assert!(!std::mem::replace(&mut settings.public_url_is_derived, true));
    assert_eq!(settings, Settings::default());
}

#[test]
fn every_key_stands_in_the_example() {
    for (table, keys) in TABLES {
        for key in *keys {
            // What a service sets itself is explained where its defaults are.
            if keys == &SERVICE && DEFAULTS.contains(key) {
                continue;
            }
            let is_table =
                |line: &str| line.starts_with(&format!("#[{key}")) || line.starts_with(&format!("#[[{key}"));
            let is_there = uncommented_keys().any(|line| line == *key)
                || (keys == &TOP && EXAMPLE.lines().any(is_table));
            assert!(is_there, "{key} of {table} is missing in assets/mishpulse.toml");
        }
    }
}

fn uncommented_keys() -> impl Iterator<Item = &'static str> {
    EXAMPLE.lines().filter_map(|line| Some(line.strip_prefix('#')?.split_once(" = ")?.0))
}

#[test]
fn every_setting_of_the_example_is_explained() {
    let mut lines = EXAMPLE.lines();
    assert!(lines.next().is_some_and(|line| line.starts_with("# ")));
    for line in EXAMPLE.lines() {
        assert!(line.is_empty() || line.starts_with('#'), "{line}");
        assert!(line.chars().count() <= 120, "{line}");
    }
}

#[test]
fn every_key_stands_in_the_reference_with_its_variable() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    let reference = std::fs::read_to_string(path).unwrap();
    for (table, keys) in TABLES {
        for key in *keys {
            let row = format!("| `{key}` |");
            let heading = format!("[{key}");
            let is_there = reference.contains(&row)
                || keys == &TOP
                    && reference.lines().any(|line| line.starts_with("## ") && line.contains(&heading));
            assert!(is_there, "{key} of {table} is missing in docs/configuration.md");
        }
    }
    for (prefix, name) in [("", "the server"), ("DEFAULTS_", "[defaults]"), ("LIMITS_", "[limits]")] {
        let keys =
            TABLES.iter().find(|(table, _)| *table == if prefix.is_empty() { "" } else { name }).unwrap().1;
        for key in keys.iter().filter(|key| !reference.contains(&format!("[{key}"))) {
            let variable = format!("MISHPULSE_{prefix}{}", key.to_uppercase());
            assert!(reference.contains(&variable), "{variable} is missing in docs/configuration.md");
        }
    }
}
