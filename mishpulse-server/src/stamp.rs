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

/// Writes many points in time as JSON, each as [`rfc3339`] has it: what stands before the seconds is made once for all that follow
/// within the same minute.
#[derive(Debug)]
pub struct Stamps {
    minute: i64,
    /// The last one in its quotes: what stands before the seconds is of `minute`.
    last: [u8; 27],
}

impl Stamps {
    /// None written yet.
    #[must_use]
    pub fn new() -> Self {
        Self { minute: 0, last: *b"\"1970-01-01T00:00:00.000Z\" " }
    }

    /// Writes `at` behind what is in `json`.
    pub fn write(&mut self, at: Timestamp, json: &mut Vec<u8>) {
        let ms = at.unix_ms().clamp(YEAR_0_MS, YEAR_9999_MS);
        let minute = ms.div_euclid(MINUTE_MS);
        if minute != self.minute {
            let day = minute.div_euclid(MINUTES_A_DAY);
            // Within the years of four digits, as the time is, there is a date for every day.
            let Ok(date) = Date::from_julian_day((day + JULIAN_DAY_OF_1970) as i32) else { return };
            let (year, month, date) = date.to_calendar_date();
            let year = year.unsigned_abs();
            self.put(1, year / 100);
            self.put(3, year % 100);
            self.put(6, u8::from(month).into());
            self.put(9, date.into());
            let in_day = minute.rem_euclid(MINUTES_A_DAY) as u32;
            self.put(12, in_day / 60);
            self.put(15, in_day % 60);
            self.minute = minute;
        }
        let in_minute = ms.rem_euclid(MINUTE_MS) as u32;
        let (seconds, ms) = (in_minute / 1000, in_minute % 1000);
        self.put(18, seconds);
        self.last[20] = b'.';
        self.put(21, ms / 10);
        self.last[23] = b'0' + (ms % 10) as u8;
        let end = match ms {
            0 => 20,
            _ if ms % 100 == 0 => 22,
            _ if ms % 10 == 0 => 23,
            _ => 24,
        };
        self.last[end..end + 2].copy_from_slice(b"Z\"");
        json.extend_from_slice(&self.last[..end + 2]);
    }

    /// Puts a number of two digits where it belongs.
    fn put(&mut self, at: usize, number: u32) {
        self.last[at..at + 2].copy_from_slice(&TWO_DIGITS[number as usize]);
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

const MINUTE_MS: i64 = 60_000;
const MINUTES_A_DAY: i64 = 1440;
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
        for ms in days
            .into_iter()
            .flat_map(|day| times.map(|time| day * MINUTES_A_DAY * MINUTE_MS + time))
            .chain(far)
        {
            let (at, mut text) = (Timestamp::from_unix_ms(ms), b"at:".to_vec());
            stamps.write(at, &mut text);
            assert_eq!(String::from_utf8(text).unwrap(), format!("at:\"{}\"", rfc3339(at)));
        }
    }
}
