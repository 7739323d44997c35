//! Letters of every kind, made up: templates are tried on them, and shown with them.

use mishpulse_core::{AlertKind, Span, Status, Timestamp};

use crate::store::rows::{About, Letter, LetterKind};

/// One of each kind, in the order of the words that `[templates]` knows.
pub(super) fn all() -> [Letter; 8] {
    [dead(), error(), warning(), recovered(), reminder(), digest(AlertKind::Dead, 3), silence(16, 30), test()]
}

/// A service that fell silent at 12:03.
pub(super) fn dead() -> Letter {
    letter(AlertKind::Dead, "12:08", "12:08", Status::Dead, Status::Alive, None)
}

/// A service whose disk is full.
pub(super) fn error() -> Letter {
    letter(AlertKind::Error, "12:03", "12:03", Status::Error, Status::Alive, Some("disk full"))
}

/// A service whose disk is nearly full.
pub(super) fn warning() -> Letter {
    letter(AlertKind::Warning, "12:03", "12:03", Status::Warning, Status::Alive, Some("disk 91%"))
}

/// A service that was silent from 12:03 to 12:10.
pub(super) fn recovered() -> Letter {
    letter(AlertKind::Recovered, "12:10", "12:10", Status::Alive, Status::Dead, None)
}

/// A service that has been dead from 12:08 on, at 14:08.
pub(super) fn reminder() -> Letter {
    letter(AlertKind::Reminder, "14:08", "12:08", Status::Dead, Status::Dead, None)
}

/// `count` services in the same state, called a, b, c and so on.
pub(super) fn digest(digest: AlertKind, count: usize) -> Letter {
    let kind = LetterKind::Digest { digest };
    let names =
        (0..count).filter_map(|i| char::from(b'a' + (i % 26) as u8).to_string().parse().ok()).collect();
    Letter { kind, service: None, names, ..dead() }
}

/// Nobody was heard from 12:03 on, at 12:08.
pub(super) fn silence(silent: u32, of: u32) -> Letter {
    Letter { kind: LetterKind::Silence { silent, of }, service: None, ..dead() }
}

/// A test, sent at 12:03.
pub(super) fn test() -> Letter {
    Letter { kind: LetterKind::Test, at: at("12:03"), service: None, ..dead() }
}

/// A time of the day on which all of it happens, 2025-10-16.
pub(super) fn at(hour_and_minute: &str) -> Timestamp {
    let (hour, minute) = hour_and_minute.split_once(':').unwrap_or_default();
    let minutes = hour.parse::<i64>().unwrap_or(0) * 60 + minute.parse::<i64>().unwrap_or(0);
    Timestamp::from_unix_ms(MIDNIGHT_MS + minutes * 60_000)
}

fn letter(
    kind: AlertKind,
    happened: &str,
    since: &str,
    status: Status,
    previous_status: Status,
    message: Option<&str>,
) -> Letter {
    let last_seen = if kind == AlertKind::Recovered { happened } else { "12:03" };
    let about = NAME.parse().ok().map(|name| About {
        name,
        status,
        previous_status,
        last_seen: Some(at(last_seen)),
        message: message.map(str::to_owned),
        tags: "prod".parse().into_iter().collect(),
    });
    Letter {
        kind: LetterKind::Alert(kind),
        at: at(happened),
        began: at("12:03"),
        since: at(since),
        allowance: Span::from_secs(300),
        service: about,
        names: Vec::new(),
        is_gathered: false,
    }
}

const NAME: &str = "api-worker";

/// 2025-10-16T00:00:00Z.
const MIDNIGHT_MS: i64 = 1_760_572_800_000;
