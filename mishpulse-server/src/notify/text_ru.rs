//! The texts of alerts in Russian.
//!
//! A number takes another form of its word in each place: "более 21 минуты" (genitive), "перерыв 21 минута" (nominative),
//! "уже 21 минуту" (accusative).

use mishpulse_core::{AlertKind, Status, Timestamp};

use super::text::{Amount, Moment, SILENCE, Unit, allowance, elapsed, message, name_of, sign};
use crate::store::rows::{About, Letter, LetterKind};

/// What `letter` tells, at `now`; `channel` is named by a test.
pub(super) fn text(letter: &Letter, channel: &str, now: Timestamp) -> String {
    match (letter.kind, &letter.service) {
        (LetterKind::Alert(kind), Some(about)) => alert(kind, letter, about, now),
        (LetterKind::Alert(kind) | LetterKind::Digest { digest: kind }, _) => digest(kind, letter),
        (LetterKind::Silence { silent, of }, _) => {
            let (verb, services) = match Number::of(u64::from(silent)) {
                Number::One => ("Замолчал", "сервис"),
                Number::Few => ("Замолчали", "сервиса"),
                Number::Many => ("Замолчали", "сервисов"),
            };
            format!(
                "{SILENCE} С {} ни от кого нет сигналов: не пропала ли связь с MishPulse?\n\
                 {verb} {silent} {services} из {of}, их имена — в следующих сообщениях.",
                moment(letter.began, now)
            )
        }
        (LetterKind::Test, _) => format!(
            "✅ Проверочное сообщение от MishPulse: канал {channel} работает.\nОтправлено: {}",
            moment(letter.at, now)
        ),
    }
}

/// The case that a place asks of a length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// "перерыв 1 минута, 2 минуты, 5 минут".
    Nominative,
    /// "более 1 минуты, 2 минут, 5 минут".
    Genitive,
    /// "уже 1 минуту, 2 минуты, 5 минут".
    Accusative,
}

/// How long, as in "5 минут".
pub(crate) fn span(amounts: &[Amount], case: Case) -> String {
    let one = |amount: &Amount| {
        // One in the nominative and in the accusative, few (or one in the genitive), many.
        let [one, one_accusative, few, many] = match amount.unit {
            Unit::Second => ["секунда", "секунду", "секунды", "секунд"],
            Unit::Minute => ["минута", "минуту", "минуты", "минут"],
            Unit::Hour => ["час", "час", "часа", "часов"],
            Unit::Day => ["день", "день", "дня", "дней"],
        };
        let word = match (case, Number::of(amount.count)) {
            (Case::Nominative, Number::One) => one,
            (Case::Accusative, Number::One) => one_accusative,
            (Case::Genitive, Number::One) | (Case::Nominative | Case::Accusative, Number::Few) => few,
            (Case::Genitive, Number::Few) | (_, Number::Many) => many,
        };
        format!("{} {word}", amount.count)
    };
    amounts.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// When, as in "12:03 UTC", or "16.10.2025 12:03 UTC" on another day than today.
pub(crate) fn moment(at: Timestamp, now: Timestamp) -> String {
    let Moment { date, time } = Moment::new(at, now);
    let Some(date) = date else {
        return format!("{time} UTC");
    };
    let day_first: Vec<&str> = date.rsplit('-').collect();
    format!("{} {time} UTC", day_first.join("."))
}

fn alert(kind: AlertKind, letter: &Letter, about: &About, now: Timestamp) -> String {
    let service = format!("{} Service {}", sign(kind), name_of(&about.name));
    let said = message(about.message.as_deref()).map_or_else(|| ".".to_owned(), |said| format!(": {said}"));
    let signal = format!("Сигнал: {}", moment(letter.at, now));
    let last_signal = about.last_seen.map_or_else(
        || "Сигналов ещё не было".to_owned(),
        |at| format!("Последний сигнал: {}", moment(at, now)),
    );
    match kind {
        AlertKind::Dead => {
            let allowance = span(&allowance(letter.allowance), Case::Genitive);
            format!("{service} не отвечает более {allowance}.\n{last_signal}")
        }
        AlertKind::Error => format!("{service} сообщает об ошибке{said}\n{signal}"),
        AlertKind::Warning => format!("{service} сообщает о проблеме{said}\n{signal}"),
        AlertKind::Recovered => {
            let outage = span(&elapsed(letter.at.since(letter.began)), Case::Nominative);
            format!("{service} снова работает, перерыв {outage}.\n{signal}")
        }
        _ => {
            let lasting = span(&elapsed(letter.at.since(letter.since)), Case::Accusative);
            match about.status {
                Status::Error => {
                    format!("{service} всё ещё сообщает об ошибке, уже {lasting}{said}\n{last_signal}")
                }
                _ => format!("{service} всё ещё не отвечает, уже {lasting}.\n{last_signal}"),
            }
        }
    }
}

fn digest(kind: AlertKind, letter: &Letter) -> String {
    let names: Vec<String> = letter.names.iter().map(name_of).collect();
    let number = Number::of(names.len() as u64);
    // The verb agrees with the number: "не отвечает 21 сервис", "не отвечают 22 сервиса".
    let does = match (kind, number) {
        (AlertKind::Dead, Number::One) => "Не отвечает",
        (AlertKind::Dead, _) => "Не отвечают",
        (AlertKind::Error, Number::One) if names.len() == 1 => "Сообщает об ошибке",
        (AlertKind::Error, Number::One) => "Сообщает об ошибках",
        (AlertKind::Error, _) => "Сообщают об ошибках",
        (AlertKind::Warning, Number::One) if names.len() == 1 => "Сообщает о проблеме",
        (AlertKind::Warning, Number::One) => "Сообщает о проблемах",
        (AlertKind::Warning, _) => "Сообщают о проблемах",
        (AlertKind::Recovered, Number::One) => "Снова работает",
        (AlertKind::Recovered, _) => "Снова работают",
        (_, Number::One) => "Всё ещё не отвечает или сообщает об ошибках",
        (_, _) => "Всё ещё не отвечают или сообщают об ошибках",
    };
    let services = match number {
        Number::One => "сервис",
        Number::Few => "сервиса",
        Number::Many => "сервисов",
    };
    format!("{} {does} {} {services}: {}", sign(kind), names.len(), names.join(", "))
}

/// Which form of its word a number asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    /// 1, 21, 101, but not 11 or 111.
    One,
    /// 2 to 4, 22 to 24, but not 12 to 14.
    Few,
    /// All others.
    Many,
}

impl Number {
    /// That of `count`.
    pub(crate) const fn of(count: u64) -> Self {
        match (count % 10, count % 100) {
            (_, 11..=14) => Self::Many,
            (1, _) => Self::One,
            (2..=4, _) => Self::Few,
            _ => Self::Many,
        }
    }
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
                "❌ Service api-worker не отвечает более 5 минут.\nПоследний сигнал: 12:03 UTC",
            ),
            (samples::error(), "🟠 Service api-worker сообщает об ошибке: disk full\nСигнал: 12:03 UTC"),
            (samples::warning(), "🟡 Service api-worker сообщает о проблеме: disk 91%\nСигнал: 12:03 UTC"),
            (
                samples::recovered(),
                "✅ Service api-worker снова работает, перерыв 7 минут.\nСигнал: 12:10 UTC",
            ),
            (
                samples::reminder(),
                "⏰ Service api-worker всё ещё не отвечает, уже 2 часа.\nПоследний сигнал: 12:03 UTC",
            ),
            (samples::digest(AlertKind::Dead, 3), "❌ Не отвечают 3 сервиса: a, b, c"),
            (samples::digest(AlertKind::Error, 3), "🟠 Сообщают об ошибках 3 сервиса: a, b, c"),
            (samples::digest(AlertKind::Warning, 3), "🟡 Сообщают о проблемах 3 сервиса: a, b, c"),
            (samples::digest(AlertKind::Recovered, 3), "✅ Снова работают 3 сервиса: a, b, c"),
            (
                samples::digest(AlertKind::Reminder, 3),
                "⏰ Всё ещё не отвечают или сообщают об ошибках 3 сервиса: a, b, c",
            ),
            (
                samples::silence(16, 30),
                "🔇 С 12:03 UTC ни от кого нет сигналов: не пропала ли связь с MishPulse?\n\
                 Замолчали 16 сервисов из 30, их имена — в следующих сообщениях.",
            ),
            (
                samples::test(),
                "✅ Проверочное сообщение от MishPulse: канал ops работает.\nОтправлено: 12:03 UTC",
            ),
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
        assert_eq!(silent(samples::error()), "🟠 Service api-worker сообщает об ошибке.\nСигнал: 12:03 UTC");
        assert_eq!(
            silent(samples::dead()),
            "❌ Service api-worker не отвечает более 5 минут.\nСигналов ещё не было"
        );
    }

    #[test]
    fn a_reminder_of_an_error_says_the_error() {
        let mut letter = samples::reminder();
        letter.service.as_mut().unwrap().status = Status::Error;
        letter.service.as_mut().unwrap().message = Some("disk full".to_owned());
        assert_eq!(
            text(&letter, "ops", samples::at("14:30")),
            "⏰ Service api-worker всё ещё сообщает об ошибке, уже 2 часа: disk full\nПоследний сигнал: 12:03 UTC"
        );
    }

    #[test]
    fn another_day_adds_the_date() {
        let tomorrow = Timestamp::from_unix_ms(samples::at("12:03").unix_ms() + 86_400_000);
        let told = text(&samples::dead(), "ops", tomorrow);
        assert!(told.ends_with("\nПоследний сигнал: 16.10.2025 12:03 UTC"), "{told}");
    }

    /// Each number with its word in the genitive, the nominative and the accusative.
    #[test]
    fn every_number_takes_the_form_of_its_place() {
        for (count, genitive, nominative, accusative) in [
            (1, "минуты", "минута", "минуту"),
            (2, "минут", "минуты", "минуты"),
            (3, "минут", "минуты", "минуты"),
            (4, "минут", "минуты", "минуты"),
            (5, "минут", "минут", "минут"),
            (10, "минут", "минут", "минут"),
            (11, "минут", "минут", "минут"),
            (12, "минут", "минут", "минут"),
            (14, "минут", "минут", "минут"),
            (20, "минут", "минут", "минут"),
            (21, "минуты", "минута", "минуту"),
            (22, "минут", "минуты", "минуты"),
            (25, "минут", "минут", "минут"),
            (101, "минуты", "минута", "минуту"),
            (111, "минут", "минут", "минут"),
            (112, "минут", "минут", "минут"),
            (121, "минуты", "минута", "минуту"),
            (1011, "минут", "минут", "минут"),
        ] {
            let amounts = [Amount { count, unit: Unit::Minute }];
            assert_eq!(span(&amounts, Case::Genitive), format!("{count} {genitive}"));
            assert_eq!(span(&amounts, Case::Nominative), format!("{count} {nominative}"));
            assert_eq!(span(&amounts, Case::Accusative), format!("{count} {accusative}"));
        }
    }

    #[test]
    fn every_unit_takes_the_form_of_its_place() {
        for (unit, forms) in [
            (Unit::Second, "1 секунды, 2 секунд, 1 секунда, 2 секунды, 5 секунд, 1 секунду"),
            (Unit::Minute, "1 минуты, 2 минут, 1 минута, 2 минуты, 5 минут, 1 минуту"),
            (Unit::Hour, "1 часа, 2 часов, 1 час, 2 часа, 5 часов, 1 час"),
            (Unit::Day, "1 дня, 2 дней, 1 день, 2 дня, 5 дней, 1 день"),
        ] {
            let form = |count, case| span(&[Amount { count, unit }], case);
            let all = [
                form(1, Case::Genitive),
                form(2, Case::Genitive),
                form(1, Case::Nominative),
                form(2, Case::Nominative),
                form(5, Case::Nominative),
                form(1, Case::Accusative),
            ];
            assert_eq!(all.join(", "), forms);
        }
        let both = [Amount { count: 4, unit: Unit::Hour }, Amount { count: 31, unit: Unit::Minute }];
        assert_eq!(span(&both, Case::Genitive), "4 часов 31 минуты");
    }

    #[test]
    fn a_silence_agrees_with_its_number() {
        for (silent, expected) in [
            (11, "Замолчали 11 сервисов из 30,"),
            (21, "Замолчал 21 сервис из 30,"),
            (22, "Замолчали 22 сервиса из 30,"),
            (25, "Замолчали 25 сервисов из 30,"),
        ] {
            let told = text(&samples::silence(silent, 30), "ops", samples::at("14:30"));
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn a_digest_agrees_with_its_number() {
        for (count, expected) in [
            (1, "❌ Не отвечает 1 сервис: "),
            (2, "❌ Не отвечают 2 сервиса: "),
            (5, "❌ Не отвечают 5 сервисов: "),
            (11, "❌ Не отвечают 11 сервисов: "),
            (21, "❌ Не отвечает 21 сервис: "),
            (22, "❌ Не отвечают 22 сервиса: "),
            (25, "❌ Не отвечают 25 сервисов: "),
        ] {
            let told = text(&samples::digest(AlertKind::Dead, count), "ops", samples::at("14:30"));
            assert!(told.starts_with(expected), "{told}");
        }
        let one_error = text(&samples::digest(AlertKind::Error, 1), "ops", samples::at("14:30"));
        assert_eq!(one_error, "🟠 Сообщает об ошибке 1 сервис: a");
    }
}
