//! Letters and parcels to send, and a table to print what became of them.

use std::collections::BTreeMap;

use mishpulse_core::{AlertKind, Span, Status, Timestamp};
use mishpulse_server::config::Locale;
use mishpulse_server::notify::{Channel, Parcel, Refusal, Texts};
use mishpulse_server::store::rows::{About, DeliveryId, Letter, LetterKind};

/// 2025-10-16T12:08:00Z.
pub(crate) const AT: i64 = 1_760_616_480_000;

/// A service called api-worker that has been silent for five minutes, or was until now.
pub(crate) fn letter(kind: AlertKind) -> Letter {
    let is_over = kind == AlertKind::Recovered;
    let about = About {
        name: "api-worker".parse().unwrap(),
        status: if is_over { Status::Alive } else { Status::Dead },
        previous_status: if is_over { Status::Dead } else { Status::Alive },
        last_seen: Some(Timestamp::from_unix_ms(AT - 300_000)),
        message: None,
        tags: vec!["prod".parse().unwrap()],
    };
    Letter {
        kind: LetterKind::Alert(kind),
        at: Timestamp::from_unix_ms(AT),
        began: Timestamp::from_unix_ms(AT - 300_000),
        since: Timestamp::from_unix_ms(AT),
        allowance: Span::from_secs(300),
        service: Some(about),
        names: Vec::new(),
        is_gathered: false,
    }
}

/// What people read of `letter`, on the day it is about.
pub(crate) fn text(letter: &Letter, locale: Locale) -> String {
    let texts = Texts::new(locale, &BTreeMap::new()).unwrap();
    texts.text(letter, &"ops".parse().unwrap(), Timestamp::from_unix_ms(AT))
}

/// The id of the delivery number `number`, made when the letter was.
pub(crate) fn id(number: u64) -> DeliveryId {
    uuid::Builder::from_unix_timestamp_millis(AT.unsigned_abs(), &[0; 10])
        .into_uuid()
        .as_u128()
        .checked_add(u128::from(number))
        .map(DeliveryId::from_u128)
        .unwrap()
}

/// Sends that the service is dead, as the delivery number `number`.
pub(crate) fn send(channel: &mut dyn Channel, number: u64) -> Result<(), Refusal> {
    let letter = letter(AlertKind::Dead);
    let text = text(&letter, Locale::En);
    channel.send(&Parcel { id: id(number), letter: &letter, text: &text, in_reply_to: None })
}

/// How a try is to end, and a part of what is said of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expected {
    /// It is accepted.
    Sent,
    /// It may be accepted later; after so many seconds, where the other side says so.
    Later(&'static str, Option<u64>),
    /// It is refused for good.
    Final(&'static str),
}

/// Prints a line of the matrix, and checks that `result` is what it is to be.
pub(crate) fn check(case: &str, expected: Expected, result: &Result<(), Refusal>) {
    let (word, said) = match result {
        Ok(()) => ("sent", String::new()),
        Err(refusal @ Refusal::Later { after: None, .. }) => ("later", refusal.to_string()),
        Err(refusal @ Refusal::Later { after: Some(after), .. }) => {
            ("later", format!("[after {after}] {refusal}"))
        }
        Err(refusal @ Refusal::Final { .. }) => ("final", refusal.to_string()),
    };
    println!("{case:<34} {word:<6} {said}");
    let is_right = match (expected, result) {
        (Expected::Sent, Ok(())) => true,
        (Expected::Later(part, seconds), Err(Refusal::Later { why, after })) => {
            why.contains(part) && *after == seconds.map(Span::from_secs)
        }
        (Expected::Final(part), Err(Refusal::Final { why })) => why.contains(part),
        _ => false,
    };
    assert!(is_right, "{case}: expected {expected:?}, got {result:?}");
}
