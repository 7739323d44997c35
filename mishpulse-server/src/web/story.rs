//! The history of a service in words: its changes, who was told of them, and what became of that.

use mishpulse_core::{AlertKind, Status, Timestamp};

use super::words::{Words, sign};
use crate::notify::text::one_line;
use crate::stamp::rfc3339;
use crate::store::rows::{DeliveryRow, DeliveryState, EventKind, EventRow, LetterKind};

/// One line of the history.
pub(super) struct Chapter {
    /// By RFC 3339.
    pub(super) at: String,
    pub(super) when: String,
    /// The status that its colour is of.
    pub(super) status: &'static str,
    pub(super) sign: &'static str,
    pub(super) what: String,
    pub(super) said: Option<String>,
    pub(super) deliveries: Vec<Sent>,
}

/// What became of one delivery.
pub(super) struct Sent {
    pub(super) channel: String,
    pub(super) state: &'static str,
    pub(super) word: String,
    pub(super) error: Option<String>,
}

/// `events`, newest first, with the deliveries that belong to them. Who did what by hand, and why a delivery failed, is told
/// to whoever `is_known` only: it may name hosts and people.
pub(super) fn tell(
    events: &[(i64, EventRow)],
    deliveries: &[DeliveryRow],
    words: &Words,
    is_known: bool,
) -> Vec<Chapter> {
    let mut chapters = Vec::with_capacity(events.len());
    let mut events = events.iter().map(|(_, event)| event).peekable();
    while let Some(event) = events.next() {
        let mut chapter = chapter(event, deliveries, words, is_known);
        // An alert comes right behind the change that it tells of: one line says both.
        if let EventKind::Alert { alert, .. } = event.kind
            && let Some(change) = events.next_if(|next| is_change_behind(next, alert, event.at))
        {
            let sent = std::mem::take(&mut chapter.deliveries);
            chapter = Chapter { deliveries: sent, ..self::chapter(change, &[], words, is_known) };
        }
        chapters.push(chapter);
    }
    chapters
}

/// Whether `event` is the change that an alert of `kind` at `at` tells of.
fn is_change_behind(event: &EventRow, kind: AlertKind, at: Timestamp) -> bool {
    let EventKind::Transition { to, .. } = event.kind else { return false };
    let tells = match kind {
        AlertKind::Dead => to == Status::Dead,
        AlertKind::Error => to == Status::Error,
        AlertKind::Warning => to == Status::Warning,
        AlertKind::Recovered => matches!(to, Status::Alive | Status::Warning),
        _ => false,
    };
    tells && event.at == at
}

fn chapter(event: &EventRow, deliveries: &[DeliveryRow], words: &Words, is_known: bool) -> Chapter {
    let said = |message: &Option<String>| message.as_deref().map(cut).filter(|text| !text.is_empty());
    let (status, what, said) = match &event.kind {
        EventKind::Transition { from, to, message } => {
            (Some(*to), format!("{} → {}", words.status(*from), words.status(*to)), said(message))
        }
        EventKind::Alert { alert, message } => {
            (Some(status_of(*alert)), format!("{}: {}", words.told, words.alert(*alert)), said(message))
        }
        EventKind::Blind { .. } => (None, words.blind_line.to_owned(), None),
        EventKind::Silence { .. } => (None, words.silence_line.to_owned(), None),
        EventKind::Edit { action, .. } if !is_known => (None, words.action(action).to_owned(), None),
        EventKind::Edit { action, by } => {
            (None, format!("{} ({} {})", words.action(action), words.edited_by, one_line(by)), None)
        }
    };
    let deliveries = match &event.kind {
        EventKind::Alert { alert, .. } => deliveries
            .iter()
            .filter(|row| row.letter.kind == LetterKind::Alert(*alert) && row.letter.at == event.at)
            .map(|row| sent(row, words, is_known))
            .collect(),
        _ => Vec::new(),
    };
    Chapter {
        at: rfc3339(event.at),
        when: when(event.at),
        status: status.map_or("", Status::as_str),
        sign: status.map_or("·", sign),
        what,
        said,
        deliveries,
    }
}

fn sent(row: &DeliveryRow, words: &Words, is_known: bool) -> Sent {
    let (state, word) = match row.state {
        DeliveryState::Pending => ("pending", words.pending),
        DeliveryState::Sent => ("sent", words.sent),
        DeliveryState::Failed => ("failed", words.failed),
    };
    let word = match row.attempts {
        0 | 1 => word.to_owned(),
        attempts => format!("{word} ({}: {attempts})", words.attempts),
    };
    let error = row.last_error.as_deref().filter(|_| is_known).map(cut);
    Sent { channel: row.channel.to_string(), state, word, error }
}

/// The status that an alert is about.
const fn status_of(alert: AlertKind) -> Status {
    match alert {
        AlertKind::Error => Status::Error,
        AlertKind::Warning => Status::Warning,
        AlertKind::Recovered => Status::Alive,
        _ => Status::Dead,
    }
}

/// Such as `2025-10-16 12:03:07`.
fn when(at: Timestamp) -> String {
    let text = rfc3339(at);
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

const SAID_CHARS_MAX: usize = 300;

fn cut(text: &str) -> String {
    let start: String = text.chars().take(4 * SAID_CHARS_MAX).collect();
    let line = one_line(&start);
    match line.char_indices().nth(SAID_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
