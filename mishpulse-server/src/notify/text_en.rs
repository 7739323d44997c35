//! The texts of alerts in English.

use mishpulse_core::{AlertKind, Status, Timestamp};

use super::text::{Amount, Moment, SILENCE, Unit, allowance, elapsed, message, name_of, sign};
use crate::store::rows::{About, Letter, LetterKind};

/// What `letter` tells, at `now`; `channel` is named by a test.
pub(super) fn text(letter: &Letter, channel: &str, now: Timestamp) -> String {
    match (letter.kind, &letter.service) {
        (LetterKind::Alert(kind), Some(about)) => alert(kind, letter, about, now),
        (LetterKind::Alert(kind) | LetterKind::Digest { digest: kind }, _) => digest(kind, letter),
        (LetterKind::Silence { silent, of }, _) => {
            let (s, have) =
                if of == 1 { ("", "has") } else { ("s", if silent == 1 { "has" } else { "have" }) };
            format!(
                "{SILENCE} Nothing heard from anyone since {}: is the network to MishPulse down?\n\
                 {silent} of {of} service{s} {have} fallen silent; each is named in what follows.",
                moment(letter.began, now)
            )
        }
        (LetterKind::Test, _) => {
            format!(
                "✅ Test message from MishPulse: channel {channel} works.\nSent: {}",
                moment(letter.at, now)
            )
        }
    }
}

/// How long, as in "5 minutes".
pub(crate) fn span(amounts: &[Amount]) -> String {
    let one = |amount: &Amount| {
        let unit = match amount.unit {
            Unit::Second => "second",
            Unit::Minute => "minute",
            Unit::Hour => "hour",
            Unit::Day => "day",
        };
        format!("{} {unit}{}", amount.count, if amount.count == 1 { "" } else { "s" })
    };
    amounts.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// When, as in "12:03 UTC", or "2025-10-16 12:03 UTC" on another day than today.
pub(crate) fn moment(at: Timestamp, now: Timestamp) -> String {
    let Moment { date, time } = Moment::new(at, now);
    date.map_or_else(|| format!("{time} UTC"), |date| format!("{date} {time} UTC"))
}

fn alert(kind: AlertKind, letter: &Letter, about: &About, now: Timestamp) -> String {
    let service = format!("{} Service {}", sign(kind), name_of(&about.name));
    let said = message(about.message.as_deref()).map_or_else(|| ".".to_owned(), |said| format!(": {said}"));
    let signal = format!("Signal: {}", moment(letter.at, now));
    let last_signal = about
        .last_seen
        .map_or_else(|| "No signal so far".to_owned(), |at| format!("Last signal: {}", moment(at, now)));
    match kind {
        AlertKind::Dead => {
            let allowance = span(&allowance(letter.allowance));
            format!("{service} has not responded for more than {allowance}.\n{last_signal}")
        }
        AlertKind::Error => format!("{service} reports an error{said}\n{signal}"),
        AlertKind::Warning => format!("{service} reports a warning{said}\n{signal}"),
        AlertKind::Recovered => {
            let outage = span(&elapsed(letter.at.since(letter.began)));
            format!("{service} is alive again after {outage}.\n{signal}")
        }
        _ => {
            let lasting = span(&elapsed(letter.at.since(letter.since)));
            match about.status {
                Status::Error => {
                    format!("{service} still reports an error, for {lasting}{said}\n{last_signal}")
                }
                _ => format!("{service} is still dead, for {lasting}.\n{last_signal}"),
            }
        }
    }
}

fn digest(kind: AlertKind, letter: &Letter) -> String {
    let names: Vec<String> = letter.names.iter().map(name_of).collect();
    let is_one = names.len() == 1;
    let does = match (kind, is_one) {
        (AlertKind::Dead, true) => "has not responded",
        (AlertKind::Dead, false) => "have not responded",
        (AlertKind::Error, true) => "reports an error",
        (AlertKind::Error, false) => "report errors",
        (AlertKind::Warning, true) => "reports a warning",
        (AlertKind::Warning, false) => "report warnings",
        (AlertKind::Recovered, true) => "is alive again",
        (AlertKind::Recovered, false) => "are alive again",
        (_, true) => "is still dead or in error",
        (_, false) => "are still dead or in error",
    };
    let services = if is_one { "service" } else { "services" };
    format!("{} {} {services} {does}: {}", sign(kind), names.len(), names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::samples;

    #[test]
    fn every_text_is_word_for_word() {
        for (letter, expected) in [
            (
                samples::dead(),
                "❌ Service api-worker has not responded for more than 5 minutes.\nLast signal: 12:03 UTC",
            ),
            (samples::error(), "🟠 Service api-worker reports an error: disk full\nSignal: 12:03 UTC"),
            (samples::warning(), "🟡 Service api-worker reports a warning: disk 91%\nSignal: 12:03 UTC"),
            (
                samples::recovered(),
                "✅ Service api-worker is alive again after 7 minutes.\nSignal: 12:10 UTC",
            ),
            (
                samples::reminder(),
                "⏰ Service api-worker is still dead, for 2 hours.\nLast signal: 12:03 UTC",
            ),
            (samples::digest(AlertKind::Dead, 3), "❌ 3 services have not responded: a, b, c"),
            (samples::digest(AlertKind::Error, 3), "🟠 3 services report errors: a, b, c"),
            (samples::digest(AlertKind::Warning, 3), "🟡 3 services report warnings: a, b, c"),
            (samples::digest(AlertKind::Recovered, 3), "✅ 3 services are alive again: a, b, c"),
            (samples::digest(AlertKind::Reminder, 3), "⏰ 3 services are still dead or in error: a, b, c"),
            (samples::digest(AlertKind::Dead, 1), "❌ 1 service has not responded: a"),
            (samples::digest(AlertKind::Error, 1), "🟠 1 service reports an error: a"),
            (
                samples::silence(16, 30),
                "🔇 Nothing heard from anyone since 12:03 UTC: is the network to MishPulse down?\n\
                 16 of 30 services have fallen silent; each is named in what follows.",
            ),
            (samples::test(), "✅ Test message from MishPulse: channel ops works.\nSent: 12:03 UTC"),
        ] {
            assert_eq!(text(&letter, "ops", samples::at("14:30")), expected);
        }
    }

    #[test]
    fn what_is_missing_leaves_no_hole() {
        let silent = |mut letter: Letter| {
            let about = letter.service.as_mut().unwrap();
            (about.message, about.last_seen) = (None, None);
            text(&letter, "ops", samples::at("14:30"))
        };
        assert_eq!(silent(samples::error()), "🟠 Service api-worker reports an error.\nSignal: 12:03 UTC");
        assert_eq!(silent(samples::warning()), "🟡 Service api-worker reports a warning.\nSignal: 12:03 UTC");
        assert_eq!(
            silent(samples::dead()),
            "❌ Service api-worker has not responded for more than 5 minutes.\nNo signal so far"
        );
    }

    #[test]
    fn a_reminder_of_an_error_says_the_error() {
        let mut letter = samples::reminder();
        letter.service.as_mut().unwrap().status = Status::Error;
        letter.service.as_mut().unwrap().message = Some("disk full".to_owned());
        assert_eq!(
            text(&letter, "ops", samples::at("14:30")),
            "⏰ Service api-worker still reports an error, for 2 hours: disk full\nLast signal: 12:03 UTC"
        );
    }

    #[test]
    fn another_day_adds_the_date() {
        let tomorrow = Timestamp::from_unix_ms(samples::at("12:03").unix_ms() + 86_400_000);
        let told = text(&samples::dead(), "ops", tomorrow);
        assert!(told.ends_with("\nLast signal: 2025-10-16 12:03 UTC"), "{told}");
    }

    #[test]
    fn one_is_singular() {
        for (count, expected) in [(1, "1 minute"), (2, "2 minutes"), (21, "21 minutes"), (101, "101 minutes")]
        {
            assert_eq!(span(&[Amount { count, unit: Unit::Minute }]), expected);
        }
        let both = [Amount { count: 2, unit: Unit::Hour }, Amount { count: 1, unit: Unit::Minute }];
        assert_eq!(span(&both), "2 hours 1 minute");
    }
}
