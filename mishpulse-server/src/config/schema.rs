//! Every key that there is, and what to say of one that is not.

use std::borrow::Cow;

/// The keys of the file itself.
pub(super) const TOP: &[&str] = &[
    "listen",
    "data_dir",
    "public_url",
    "locale",
    "check_every",
    "blind_after",
    "durability",
    "status_access",
    "admin_key",
    "history_days",
    "delivery_expires",
    "log_format",
    "log_level",
    "defaults",
    "channels",
    "templates",
    "keys",
    "self_heartbeat",
    "limits",
    "services",
];

/// The settings of a service: the keys of `[defaults]`.
pub(super) const DEFAULTS: &[&str] = &[
    "timeout",
    "grace",
    "tags",
    "channels",
    "notify_on",
    "remind_every",
    "error_cooldown",
    "resume_on_beat",
    "description",
];

/// The keys of a declared service: who it is, and the settings of a service.
pub(super) const SERVICE: &[&str] = &[
    "name",
    "token",
    "timeout",
    "grace",
    "tags",
    "channels",
    "notify_on",
    "remind_every",
    "error_cooldown",
    "resume_on_beat",
    "description",
];

/// The keys of a channel that is a Telegram chat.
pub(super) const TELEGRAM: &[&str] = &["kind", "bot_token", "chat_id", "message_thread_id", "api_url"];

/// The keys of a channel that is a list of mail recipients.
pub(super) const EMAIL: &[&str] =
    &["kind", "host", "port", "security", "username", "password", "from", "to", "ca_file"];

/// The keys of a channel that is a webhook.
pub(super) const WEBHOOK: &[&str] = &["kind", "url", "secret", "headers", "allow_private"];

/// The kinds of alerts that have a text.
pub(super) const TEMPLATES: &[&str] =
    &["dead", "error", "warning", "recovered", "reminder", "digest", "silence", "test"];

/// The keys of a further key to the server.
pub(super) const KEY: &[&str] = &["key", "access"];

/// The keys of the beats of the server itself.
pub(super) const SELF_HEARTBEAT: &[&str] = &["url", "every"];

/// The limits.
pub(super) const LIMITS: &[&str] = &[
    "body_bytes",
    "header_bytes",
    "headers",
    "header_timeout",
    "body_timeout",
    "write_timeout",
    "connections",
    "connections_per_address",
    "inbox",
    "batch",
    "services",
    "key_failures",
];

/// All tables, by how they are written.
pub(super) const TABLES: &[(&str, &[&str])] = &[
    ("", TOP),
    ("[defaults]", DEFAULTS),
    ("[[services]]", SERVICE),
    ("a telegram channel", TELEGRAM),
    ("an email channel", EMAIL),
    ("a webhook channel", WEBHOOK),
    ("[templates]", TEMPLATES),
    ("[keys.NAME]", KEY),
    ("[self_heartbeat]", SELF_HEARTBEAT),
    ("[limits]", LIMITS),
];

/// What to say of the key `name`, where only `keys` are known.
pub(super) fn advice(name: &str, keys: &[&str]) -> String {
    if let Some(near) = nearest(name, keys.iter().copied()) {
        return format!("is not known; did you mean {near}?");
    }
    match TABLES.iter().find(|(_, others)| others.contains(&name)) {
        Some(("", _)) => {
            "is not known here; it belongs at the top of the file, before any [table]".to_owned()
        }
        Some((table, _)) => format!("is not known here; it belongs in {table}"),
        None => format!("is not known; the keys here are {}", keys.join(", ")),
    }
}

/// The one of `known` that `name` most likely was to be; `None` where none comes near.
pub(crate) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let most = (name.len() / 3).clamp(1, 3);
    known
        .into_iter()
        .filter(|key| key.len().abs_diff(name.len()) <= most)
        .map(|key| (distance(name.as_bytes(), key.to_ascii_lowercase().as_bytes()), key))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, key)| key)
}

/// A key or name as it is shown: as it is where it is plain, or else quoted, escaped and cut.
pub(super) fn shown(key: &str) -> Cow<'_, str> {
    let is_plain = !key.is_empty()
        && key.len() <= SHOWN_BYTES_MAX
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if is_plain {
        return Cow::Borrowed(key);
    }
    let cut: String = key.chars().take(SHOWN_BYTES_MAX).collect();
    let more = if cut.len() < key.len() { "..." } else { "" };
    Cow::Owned(format!("{cut:?}{more}"))
}

/// How many letters must be put in, left out, replaced or swapped with their neighbour to make `b` of `a`.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(letter != other)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == b[j - 1] && a[i - 1] == *other {
                least = least.min(before_last[j - 1] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

const SHOWN_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_found() {
        for (written, meant) in [
            ("lisen", Some("listen")),
            ("Listen", Some("listen")),
            ("lsiten", Some("listen")),
            ("data-dir", Some("data_dir")),
            ("datadir", Some("data_dir")),
            ("chanels", Some("channels")),
            ("service", Some("services")),
            ("port", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, TOP.iter().copied()), meant, "{written}");
        }
    }

    #[test]
    fn a_key_of_another_table_is_sent_there() {
        assert_eq!(advice("timeout", TOP), "is not known here; it belongs in [defaults]");
        assert!(advice("listen", DEFAULTS).contains("at the top of the file"));
        assert!(advice("chat_id", WEBHOOK).contains("a telegram channel"));
        assert!(advice("colour", KEY).ends_with("the keys here are key, access"));
    }

    #[test]
    fn shown_keys_are_plain_and_short() {
        assert_eq!(shown("chat_id"), "chat_id");
        assert_eq!(shown("a b"), "\"a b\"");
        assert_eq!(shown("\u{1b}[2J\n"), "\"\\u{1b}[2J\\n\"");
        assert!(shown(&"x".repeat(10_000)).len() < 80);
    }
}
