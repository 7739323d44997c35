//! Points in time as text: RFC 3339 in UTC.

use mishpulse_core::Timestamp;
use serde::Serializer;
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime};

/// `at` as RFC 3339 in UTC with milliseconds where they are not zero, such as `2025-10-16T12:00:00.25Z`.
///
/// What lies outside the years 0 to 9999 is written as the nearest moment within.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    let ms = at.unix_ms().clamp(YEAR_0_MS, YEAR_9999_MS);
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// Writes many points in time as JSON, each as [`rfc3339`] has it: the date is made once for all that follow within the same day,
/// and what stands behind the seconds once for all.
#[derive(Debug)]
pub struct Stamps {
    /// When the day began that the last one was in.
    day: i64,
    /// Its date, between the quote and the `T`.
    date: [u8; 12],
}

impl Stamps {
    /// None written yet.
    #[must_use]
    pub fn new() -> Self {
        Self { day: 0, date: *b"\"1970-01-01T" }
    }

    /// Writes `at` behind what is in `json`.
    pub fn write(&mut self, at: Timestamp, json: &mut Vec<u8>) {
        let mut ms = at.unix_ms();
        if !(self.day..self.day + DAY_MS).contains(&ms) {
            ms = ms.clamp(YEAR_0_MS, YEAR_9999_MS);
            self.begin(ms.div_euclid(DAY_MS));
        }
        let in_day = (ms - self.day) as u32;
        let (second, end) = (in_day / 1000, &ENDS[in_day as usize % 1000]);
        let [[h, i], [m, n], [s, t]] =
            [second / 3600, second / 60 % 60, second % 60].map(|number| TWO_DIGITS[number as usize]);
        json.extend_from_slice(&self.date);
        json.extend_from_slice(&[h, i, b':', m, n, b':', s, t]);
        // As many bytes each time, which is faster than as many as are needed.
        json.extend_from_slice(&end.text);
        json.truncate(json.len() - usize::from(end.too_many));
    }

    fn begin(&mut self, day: i64) {
        // Within the years of four digits, as the time is, there is a date for every day.
        let Ok(date) = Date::from_julian_day((day + JULIAN_DAY_OF_1970) as i32) else { return };
        let (year, month, date) = date.to_calendar_date();
        let (year, month) = (year.unsigned_abs(), u32::from(u8::from(month)));
        let parts = [year / 100, year % 100, month, date.into()];
        for (at, number) in [1, 3, 6, 9].into_iter().zip(parts) {
            self.date[at..at + 2].copy_from_slice(&TWO_DIGITS[number as usize]);
        }
        self.day = day * DAY_MS;
    }
}

impl Default for Stamps {
    fn default() -> Self {
        Self::new()
    }
}

/// `00` to `99`.
const TWO_DIGITS: [[u8; 2]; 100] = {
    let mut all = [[b'0'; 2]; 100];
    let mut number = 0;
    while number < 100 {
        all[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    all
};

/// What stands behind the seconds.
struct End {
    text: [u8; 6],
    /// How many bytes of `text` are not meant.
    too_many: u8,
}

/// By milliseconds, from `Z"` to `.999Z"`.
static ENDS: [End; 1000] = {
    let mut all = [const { End { text: *b"Z\"    ", too_many: 4 } }; 1000];
    let mut ms = 1;
    while ms < 1000 {
        let digits = [b'0' + (ms / 100) as u8, b'0' + (ms / 10 % 10) as u8, b'0' + (ms % 10) as u8];
        let [a, b, c] = digits;
        all[ms] = match digits {
            [_, b'0', b'0'] => End { text: [b'.', a, b'Z', b'"', b' ', b' '], too_many: 2 },
            [_, _, b'0'] => End { text: [b'.', a, b, b'Z', b'"', b' '], too_many: 1 },
            _ => End { text: [b'.', a, b, c, b'Z', b'"'], too_many: 0 },
        };
        ms += 1;
    }
    all
};

const DAY_MS: i64 = 86_400_000;
const JULIAN_DAY_OF_1970: i64 = 2_440_588;

/// For `#[serde(serialize_with)]`.
///
/// # Errors
/// The serializer's own.
pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

/// For `#[serde(serialize_with)]`, where there may be none.
///
/// # Errors
/// The serializer's own.
pub fn serialize_some<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serialize(at, serializer),
        None => serializer.serialize_none(),
    }
}

const YEAR_0_MS: i64 = -62_167_219_200_000;
const YEAR_9999_MS: i64 = 253_402_300_799_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_in_utc() {
        for (ms, text) in [
            (1_760_616_000_000, "2025-10-16T12:00:00Z"),
            (1_760_616_000_250, "2025-10-16T12:00:00.25Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
            (i64::MIN, "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(Timestamp::from_unix_ms(ms)), text);
        }
    }

    #[test]
    fn many_are_written_as_each_is_by_itself() {
        let mut stamps = Stamps::new();
        let days = [0, 1, -1, 19_000, 19_000, 20_377, 0, -719_000, 2_900_000];
        let times = [0, 1, 10, 120, 900, 59_999, 3_599_990, 86_399_999, 43_200_000];
        let far = [i64::MIN, i64::MAX].into_iter();
        for ms in days.into_iter().flat_map(|day| times.map(|time| day * DAY_MS + time)).chain(far) {
            let (at, mut text) = (Timestamp::from_unix_ms(ms), b"at:".to_vec());
            stamps.write(at, &mut text);
            assert_eq!(String::from_utf8(text).unwrap(), format!("at:\"{}\"", rfc3339(at)));
        }
    }
}
