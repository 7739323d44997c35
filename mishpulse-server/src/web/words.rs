//! The page's words: one table a language, and the sentences that need a number.

use mishpulse_core::{AlertKind, Span, Status, Timestamp};

use super::words_en::EN;
use super::words_ru::RU;
use crate::config::{Locale, NameError};
use crate::engine::Summary;
use crate::notify::text::{Amount, Unit};
use crate::notify::{text_en, text_ru};

macro_rules! words {
    ($($name:ident,)+) => {
        /// All texts of the page in one language.
        pub(super) struct Words {
            pub(super) locale: Locale,
            pub(super) lang: &'static str,
            /// What the script needs of it, as JSON.
            pub(super) script: &'static str,
            /// The statuses as one service has them, by their place in [`Status::ALL`].
            pub(super) statuses: [&'static str; 6],
            /// The statuses behind a number: one, few, many.
            pub(super) counted: [[&'static str; 3]; 6],
            /// The kinds of alert, by their place in [`AlertKind::ALL`].
            pub(super) alerts: [&'static str; 5],
            /// What was done by hand: created, updated, paused, resumed, another token.
            pub(super) edits: [&'static str; 5],
            $(pub(super) $name: &'static str,)+
        }
    };
}

words! {
    skip, menu, add, channels, sign_in, sign_out, search, find, filter, all, without, trouble, rest, pages,
    first, next, nothing_here, nothing_found, more_trouble, no_services, key, key_hint, key_wrong, key_many,
    key_ask, bad_form, not_allowed, settings, uptime, day, week, month, unknown_time, uptime_note,
    days_title, days_from, today, gaps_title, gaps_none, gaps_note, gaps_usual, gaps_longest, gaps_limit,
    history, history_none, at_utc, snippets, snippets_hint, badge, last_seen, never, deadline, since,
    timeout, grace, tags, who_is_told, all_channels, no_channels, notify_on, remind_every, error_cooldown,
    resume_on_beat, description, token, yes, no, off, edit, pause, resume, rotate, rotate_hint, delete,
    delete_hint, delete_confirm, confirm_missing, save, cancel, name, default_is, comma, declared_note,
    no_data, blind_line, silence_line, done_created, done_updated, done_paused, done_resumed, done_rotated, done_deleted,
    test, test_sent, test_failed, test_waiting, channels_none, sent, pending, failed, attempts, not_found,
    not_found_hint, all_services, wrong_span, wrong_text, name_hint, token_hint, span_hint, by_default,
    only_these, unavailable, wrong, told, edited_by, older, actions, name_taken, token_taken,
    changed_meanwhile, service_gone,
}

/// What a Russian or an English sentence puts behind a number.
fn form(locale: Locale, count: usize) -> usize {
    match locale {
        Locale::En => usize::from(count != 1),
        Locale::Ru => match text_ru::Number::of(count as u64) {
            text_ru::Number::One => 0,
            text_ru::Number::Few => 1,
            text_ru::Number::Many => 2,
        },
    }
}

impl Words {
    /// Those of `locale`.
    pub(super) const fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::En => &EN,
            Locale::Ru => &RU,
        }
    }

    /// Those that the reader prefers by `Accept-Language`, else those of `locale`.
    pub(super) fn preferred(accept_language: Option<&str>, locale: Locale) -> &'static Self {
        let Some(accepted) = accept_language else { return Self::of(locale) };
        let mut best: Option<(f32, Locale)> = None;
        for part in accepted.split(',').take(LANGUAGES_MAX) {
            let (range, rest) = part.split_once(';').unwrap_or((part, ""));
            let quality = rest.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.parse().ok()).unwrap_or(0.0);
            let primary = range.trim().split('-').next().unwrap_or_default();
            let spoken = Locale::ALL.iter().find(|locale| primary.eq_ignore_ascii_case(locale.as_str()));
            if let Some(spoken) = spoken
                && quality > best.map_or(0.0, |(quality, _)| quality)
            {
                best = Some((quality, *spoken));
            }
        }
        Self::of(best.map_or(locale, |(_, spoken)| spoken))
    }

    /// What was done, as a page that comes after it says.
    pub(super) fn done(&self, what: &str) -> Option<&'static str> {
        Some(match what {
            "created" => self.done_created,
            "updated" => self.done_updated,
            "paused" => self.done_paused,
            "resumed" => self.done_resumed,
            "rotated" => self.done_rotated,
            "deleted" => self.done_deleted,
            _ => return None,
        })
    }

    /// Of what people are told.
    pub(super) fn alert(&self, kind: AlertKind) -> &'static str {
        AlertKind::ALL.iter().position(|other| *other == kind).map_or("", |place| self.alerts[place])
    }

    /// What was done by hand, as the history calls it.
    pub(super) fn action<'a>(&self, action: &'a str) -> &'a str {
        ACTIONS.iter().position(|known| *known == action).map_or(action, |place| self.edits[place])
    }

    /// Why a name cannot be.
    pub(super) const fn wrong_name(&self, error: NameError) -> &'static str {
        match error {
            NameError::Service => self.name_hint,
            NameError::Token => self.token_hint,
            _ => self.wrong_text,
        }
    }

    /// A field of a form.
    pub(super) fn field<'a>(&self, field: &'a str) -> &'a str {
        match field {
            "name" => self.name,
            "description" => self.description,
            "tags" => self.tags,
            "timeout" => self.timeout,
            "grace" => self.grace,
            "channels" => self.who_is_told,
            "notify_on" => self.notify_on,
            "remind_every" => self.remind_every,
            "error_cooldown" => self.error_cooldown,
            "token" => self.token,
            other => other,
        }
    }

    /// What one service with `status` is.
    pub(super) fn status(&self, status: Status) -> &'static str {
        self.statuses[place(status)]
    }

    /// Such as "2 dead, 1 error, 97 alive".
    pub(super) fn summary(&self, summary: Summary) -> String {
        let said = WORST_FIRST.iter().filter(|status| summary.of(**status) > 0);
        let said: Vec<String> = said.map(|status| self.counted(*status, summary.of(*status))).collect();
        if said.is_empty() { self.no_services.to_owned() } else { said.join(", ") }
    }

    /// Such as "2 dead".
    pub(super) fn counted(&self, status: Status, count: usize) -> String {
        format!("{count} {}", self.counted[place(status)][form(self.locale, count)])
    }

    /// How long ago, such as "4 minutes ago".
    pub(super) fn ago(&self, span: Span) -> String {
        let amount = whole(span);
        match self.locale {
            _ if amount.count == 0 => self.now().to_owned(),
            Locale::En => format!("{} ago", text_en::span(&[amount])),
            Locale::Ru => format!("{} назад", text_ru::span(&[amount], text_ru::Case::Accusative)),
        }
    }

    /// How much time is left, such as "4 minutes left".
    pub(super) fn left(&self, span: Span) -> String {
        match self.locale {
            Locale::En => format!("{} left", self.span(span)),
            Locale::Ru => format!("ещё {}", text_ru::span(&[whole(span)], text_ru::Case::Accusative)),
        }
    }

    /// For how long, such as "for 4 minutes".
    pub(super) fn lasting(&self, span: Span) -> String {
        match self.locale {
            Locale::En => format!("for {}", self.span(span)),
            Locale::Ru => format!("уже {}", text_ru::span(&[whole(span)], text_ru::Case::Accusative)),
        }
    }

    /// Such as "4 minutes".
    pub(super) fn span(&self, span: Span) -> String {
        match self.locale {
            Locale::En => text_en::span(&[whole(span)]),
            Locale::Ru => text_ru::span(&[whole(span)], text_ru::Case::Nominative),
        }
    }

    /// A share in percent, such as "99.98%".
    pub(super) fn percent(&self, number: &str) -> String {
        match self.locale {
            Locale::En => format!("{number}%"),
            Locale::Ru => format!("{} %", number.replace('.', ",")),
        }
    }

    /// When, such as "12:03 UTC", with the date on another day than today.
    pub(super) fn moment(&self, at: Timestamp, now: Timestamp) -> String {
        match self.locale {
            Locale::En => text_en::moment(at, now),
            Locale::Ru => text_ru::moment(at, now),
        }
    }

    const fn now(&self) -> &'static str {
        match self.locale {
            Locale::En => "now",
            Locale::Ru => "сейчас",
        }
    }
}

/// The order in which a summary names the statuses.
pub(super) const WORST_FIRST: [Status; 6] =
    [Status::Dead, Status::Error, Status::Warning, Status::Alive, Status::New, Status::Paused];

/// The sign of a status.
pub(super) const fn sign(status: Status) -> &'static str {
    match status {
        Status::Alive => "🟢",
        Status::Warning => "🟡",
        Status::Error => "🟠",
        Status::Dead => "🔴",
        Status::Paused => "⏸",
        _ => "⚪",
    }
}

/// What can be done by hand, in the words of the history.
const ACTIONS: [&str; 5] = ["created", "updated", "paused", "resumed", "token rotated"];

/// The most entries of an `Accept-Language` that are looked at.
const LANGUAGES_MAX: usize = 16;

fn place(status: Status) -> usize {
    Status::ALL.iter().position(|other| *other == status).unwrap_or_default()
}

/// In the largest unit of which there is at least one, rounded down: what a clock that counts on shows.
fn whole(span: Span) -> Amount {
    let ms = span.as_ms();
    let units = [Unit::Day, Unit::Hour, Unit::Minute];
    let unit = units.into_iter().find(|unit| ms >= unit.ms()).unwrap_or(Unit::Second);
    Amount { count: ms / unit.ms(), unit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_chooses_the_language() {
        let chosen = |header: Option<&str>, locale| Words::preferred(header, locale).locale;
        assert_eq!(chosen(None, Locale::Ru), Locale::Ru);
        assert_eq!(chosen(Some("de-DE,de;q=0.9"), Locale::Ru), Locale::Ru);
        assert_eq!(chosen(Some("en-GB,en;q=0.9"), Locale::Ru), Locale::En);
        assert_eq!(chosen(Some("de, en;q=0.3, RU-ru;q=0.7"), Locale::En), Locale::Ru);
        assert_eq!(chosen(Some("ru;q=0, *"), Locale::En), Locale::En);
        assert_eq!(chosen(Some(";;q=x,,"), Locale::En), Locale::En);
    }

    #[test]
    fn times_are_told_as_a_clock_counts() {
        let minutes = |n: u64| Span::from_secs(60 * n);
        assert_eq!(EN.ago(Span::from_ms(999)), "now");
        assert_eq!(EN.ago(Span::from_secs(1)), "1 second ago");
        assert_eq!(EN.ago(minutes(4) + Span::from_secs(59)), "4 minutes ago");
        assert_eq!(EN.left(minutes(90)), "1 hour left");
        assert_eq!(EN.lasting(minutes(2 * 24 * 60)), "for 2 days");
        assert_eq!(RU.ago(minutes(1)), "1 минуту назад");
        assert_eq!(RU.ago(minutes(21)), "21 минуту назад");
        assert_eq!(RU.ago(minutes(22)), "22 минуты назад");
        assert_eq!(RU.left(minutes(5)), "ещё 5 минут");
        assert_eq!(RU.lasting(minutes(2)), "уже 2 минуты");
    }

    #[test]
    fn counts_take_their_form() {
        assert_eq!(EN.counted(Status::Error, 1), "1 error");
        assert_eq!(EN.counted(Status::Error, 2), "2 errors");
        assert_eq!(RU.counted(Status::Dead, 1), "1 не отвечает");
        assert_eq!(RU.counted(Status::Dead, 22), "22 не отвечают");
        assert_eq!(RU.counted(Status::Alive, 21), "21 работает");
        assert_eq!(RU.counted(Status::New, 5), "5 новых");
    }

    #[test]
    fn the_words_for_the_script_are_json() {
        for words in [&EN, &RU] {
            let parsed: serde_json::Value = serde_json::from_str(words.script).unwrap();
            for status in Status::ALL {
                assert!(parsed["status"][status.as_str()].is_string(), "{status}");
                assert_eq!(parsed["status"][status.as_str()], words.status(status));
                let forms: Vec<&str> = parsed["counted"][status.as_str()]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|form| form.as_str().unwrap())
                    .collect();
                assert_eq!(forms, words.counted[place(status)]);
            }
        }
    }
}
