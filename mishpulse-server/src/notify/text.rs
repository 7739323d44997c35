//! What the texts of all languages share: which units a person would choose, when a date is needed, and what is done to
//! words that others wrote.

use mishpulse_core::{AlertKind, Span, Timestamp};

use crate::config::ServiceName;
use crate::stamp::rfc3339;

/// A number of units, as in "5 minutes".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount {
    /// How many.
    pub(crate) count: u64,
    /// Of what.
    pub(crate) unit: Unit,
}

/// What time is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Seconds.
    Second,
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Days of 24 hours.
    Day,
}

impl Unit {
    /// How long one of it is, in milliseconds.
    pub(crate) const fn ms(self) -> u64 {
        match self {
            Self::Second => 1000,
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
            Self::Day => 86_400_000,
        }
    }

    /// The next smaller unit, or the smallest.
    const fn smaller(self) -> Self {
        match self {
            Self::Day => Self::Hour,
            Self::Hour => Self::Minute,
            Self::Minute | Self::Second => Self::Second,
        }
    }
}

/// A time that was set, for "more than ...": never rounded up, and by at most 1 % down.
pub(crate) fn allowance(span: Span) -> Vec<Amount> {
    amounts(span, Rounding::Down)
}

/// A time that has passed: rounded as a person would, by at most 10 %.
pub(super) fn elapsed(span: Span) -> Vec<Amount> {
    amounts(span, Rounding::Nearest)
}

/// A point in time as a reader needs it: the date only where it is another day than today, all in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// Year, month and day, as `2025-10-16`.
    pub(super) date: Option<String>,
    /// Hour and minute, as `12:03`.
    pub(super) time: String,
}

impl Moment {
    /// The moment `at`, told at `now`.
    pub(super) fn new(at: Timestamp, now: Timestamp) -> Self {
        let (at, now) = (rfc3339(at), rfc3339(now));
        let (date, time) = at.split_once('T').unwrap_or_default();
        let date = (!now.starts_with(date)).then(|| date.to_owned());
        Self { date, time: time.chars().take("12:03".len()).collect() }
    }
}

/// The sign of a silence of everyone.
pub(super) const SILENCE: &str = "🔇";

/// The sign that an alert of a kind starts with, so that a list of them can be read at a glance.
pub(super) const fn sign(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Dead => "❌",
        AlertKind::Error => "🟠",
        AlertKind::Warning => "🟡",
        AlertKind::Recovered => "✅",
        _ => "⏰",
    }
}

/// What someone else wrote, made fit for one place in one line: no line breaks, no control characters, nothing that turns
/// the direction of reading or hides.
pub(crate) fn one_line(text: &str) -> String {
    let spaced = text.chars().map(|c| if is_break(c) || c == '\t' { ' ' } else { c });
    spaced.filter(|c| !is_hidden(*c)).collect::<String>().trim().to_owned()
}

/// What another side said, as [`one_line`], with each of `secrets` blotted out: as it stood there, and as it stands there once
/// what is not shown has gone from its middle.
pub(super) fn blotted<'a>(text: &str, secrets: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let blot = |text: &str| {
        let secrets = secrets.clone().into_iter().filter(|secret| !secret.is_empty());
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    };
    blot(&one_line(&blot(text)))
}

/// The name of a service as people read it: as [`one_line`], and never nothing.
pub(super) fn name_of(name: &ServiceName) -> String {
    let shown = one_line(name.as_str());
    if shown.is_empty() { "\u{fffd}".to_owned() } else { shown }
}

/// What a service said, made fit for an alert: as [`one_line`], but line breaks stay, with the further lines set in so
/// that none can pass for a line of ours; at most [`MESSAGE_CHARS_MAX`] characters in [`MESSAGE_LINES_MAX`] lines. `None`
/// where nothing is left.
pub(super) fn message(text: Option<&str>) -> Option<String> {
    let text = text?.replace("\r\n", "\n");
    let lines = text.split(is_break).map(one_line).filter(|line| !line.is_empty());
    let mut lines: Vec<String> = lines.take(MESSAGE_LINES_MAX + 1).collect();
    if lines.len() > MESSAGE_LINES_MAX {
        lines[MESSAGE_LINES_MAX] = "…".to_owned();
    }
    let joined = lines.join(NEXT_LINE);
    (!joined.is_empty()).then(|| shortened(joined, MESSAGE_CHARS_MAX))
}

/// `text`, or as much of it as leaves room for an ellipsis within `chars_max` characters.
pub(super) fn shortened(mut text: String, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_some() {
        let kept = text.char_indices().nth(chars_max.saturating_sub(1)).map_or(0, |(place, _)| place);
        text.truncate(kept);
        text.push('…');
    }
    text
}

enum Rounding {
    Down,
    Nearest,
}

/// In the largest unit that comes close enough. Where none of two or more does, as 2 h 30 min, in two units. What is less
/// than two of a unit is told in the next smaller one: people say "90 seconds" and "36 hours".
fn amounts(span: Span, rounding: Rounding) -> Vec<Amount> {
    let ms = span.as_ms();
    let whole = |ms: u64, unit: Unit| match rounding {
        Rounding::Down => ms / unit.ms(),
        Rounding::Nearest => ms.saturating_add(unit.ms() / 2) / unit.ms(),
    };
    let tolerance_ms = match rounding {
        Rounding::Down => ms / 100,
        Rounding::Nearest => ms / 10,
    };
    for unit in [Unit::Day, Unit::Hour, Unit::Minute] {
        let count = whole(ms, unit);
        if count > 0 && ms.abs_diff(count.saturating_mul(unit.ms())) <= tolerance_ms {
            return vec![Amount { count, unit }];
        }
        let (count, rest_ms) = (ms / unit.ms(), ms % unit.ms());
        if count >= 2 {
            let rest = Amount { count: whole(rest_ms, unit.smaller()), unit: unit.smaller() };
            return [Amount { count, unit }, rest].into_iter().filter(|amount| amount.count > 0).collect();
        }
    }
    vec![Amount { count: whole(ms, Unit::Second).max(1), unit: Unit::Second }]
}

/// Whether a character ends a line, for whoever reads it.
const fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a character shows nothing but changes how others are shown: controls, marks that turn the direction of reading,
/// and blanks without width. The joiners of emoji and Indic scripts stay.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0001}')
}

/// The most characters of a message that an alert tells: even if each takes two UTF-16 units, a Telegram message has
/// room for them next to a name of 128.
pub(super) const MESSAGE_CHARS_MAX: usize = 1_800;

/// The most lines of a message that an alert tells.
pub(super) const MESSAGE_LINES_MAX: usize = 40;

const NEXT_LINE: &str = "\n    ";

#[cfg(test)]
mod tests {
    use super::*;

    fn told(amounts: &[Amount]) -> String {
        let one = |a: &Amount| format!("{}{}", a.count, &format!("{:?}", a.unit).to_lowercase()[..1]);
        amounts.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_has_passed_is_told_as_a_person_would() {
        for (span, expected) in [
            ("0s", "1s"),
            ("400ms", "1s"),
            ("1s", "1s"),
            ("1500ms", "2s"),
            ("45s", "45s"),
            ("59s", "1m"),
            ("1m", "1m"),
            ("1m5s", "1m"),
            ("90s", "90s"),
            ("110s", "2m"),
            ("2m", "2m"),
            ("2m30s", "2m 30s"),
            ("5m", "5m"),
            ("7m10s", "7m"),
            ("6m50s", "7m"),
            ("59m58s", "1h"),
            ("90m", "90m"),
            ("2h", "2h"),
            ("2h30m", "2h 30m"),
            ("23h59m", "1d"),
            ("36h", "36h"),
            ("2d12h", "2d 12h"),
            ("3d", "3d"),
            ("3d2h", "3d"),
            ("3650d", "3650d"),
        ] {
            assert_eq!(told(&elapsed(span.parse().unwrap())), expected, "{span}");
        }
        assert_eq!(elapsed(Span::from_ms(u64::MAX)).len(), 1);
    }

    #[test]
    fn what_was_set_is_never_told_as_more() {
        for (span, expected) in [
            ("1s", "1s"),
            ("1500ms", "1s"),
            ("59s", "59s"),
            ("1m5s", "65s"),
            ("90s", "90s"),
            ("2m30s", "2m 30s"),
            ("5m", "5m"),
            ("5m1s", "5m"),
            ("4m59s", "4m 59s"),
            ("65m", "65m"),
            ("1h59m", "119m"),
            ("2h5m", "2h 5m"),
            ("25h", "25h"),
            ("2d30m", "2d"),
            ("3d", "3d"),
        ] {
            let span: Span = span.parse().unwrap();
            let amounts = allowance(span);
            assert_eq!(told(&amounts), expected, "{span}");
            let total: u64 = amounts.iter().map(|amount| amount.count * amount.unit.ms()).sum();
            assert!(total <= span.as_ms(), "{span}");
        }
    }

    #[test]
    fn another_day_has_a_date() {
        let noon = Timestamp::from_unix_ms(1_760_616_000_000); // 2025-10-16 12:00
        let moment = |hours: i64| Timestamp::from_unix_ms(1_760_616_000_000 + hours * 3_600_000);
        let told = |at| Moment::new(at, noon);
        assert_eq!(told(moment(-12)), Moment { date: None, time: "00:00".to_owned() });
        assert_eq!(
            told(moment(-13)),
            Moment { date: Some("2025-10-15".to_owned()), time: "23:00".to_owned() }
        );
        assert_eq!(told(moment(12)).date.as_deref(), Some("2025-10-17"));
        assert_eq!(told(Timestamp::from_unix_ms(i64::MAX)).date.as_deref(), Some("9999-12-31"));
    }

    #[test]
    fn words_of_others_cannot_pretend_or_hide() {
        assert_eq!(one_line("a\nb\r\tc\u{2028}d"), "a b  c d");
        assert_eq!(one_line("\u{1b}[31mred\0\u{7f}\u{9b}"), "[31mred");
        assert_eq!(one_line("gpj.\u{202e}exe\u{2066}\u{feff}"), "gpj.exe");
        assert_eq!(
            blotted("is sec\u{e}ret or SECRET\n or secret", ["secret", ""]),
            "is *** or SECRET  or ***"
        );
        assert_eq!(one_line("👩‍💻 Ивановъ <b>&\"'"), "👩‍💻 Ивановъ <b>&\"'");

        assert_eq!(name_of(&"\u{202e} \u{200b}".parse().unwrap()), "\u{fffd}");
        assert_eq!(message(None), None);
        assert_eq!(message(Some(" \n\u{200b}\r\n")), None);
        assert_eq!(message(Some("disk full\n")).as_deref(), Some("disk full"));
        assert_eq!(message(Some("a\r\n\r\n✅ b\u{85}c")).as_deref(), Some("a\n    ✅ b\n    c"));
        let long = message(Some(&"ы".repeat(5000))).unwrap();
        assert_eq!(long.chars().count(), MESSAGE_CHARS_MAX);
        assert!(long.ends_with("ы…"));
        let tall = message(Some(&"x\n".repeat(200))).unwrap();
        assert_eq!((tall.lines().count(), tall.lines().last()), (MESSAGE_LINES_MAX + 1, Some("    …")));
    }
}
