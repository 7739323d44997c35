//! Points in time as text: RFC 3339 in UTC.

use mishpulse_core::Timestamp;
use serde::Serializer;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

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

/// The first moment that can be written.
pub(crate) const YEAR_0_MS: i64 = -62_167_219_200_000;
/// The last one.
pub(crate) const YEAR_9999_MS: i64 = 253_402_300_799_999;

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
}
