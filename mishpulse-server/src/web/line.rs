//! A line of a long JSON list, put together from pieces that are copied at a constant size each: there may be a million lines.

use mishpulse_core::Timestamp;
use time::Date;

use crate::stamp::{YEAR_0_MS, YEAR_9999_MS};

/// A line while it is written.
pub(super) struct Line<'a> {
    room: &'a mut [u8; LINE_BYTES],
    len: usize,
}

/// Room for two texts, three times and their keys.
const LINE_BYTES: usize = 384;

/// A text with bytes behind it that are not meant, so that all are copied in a few steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Piece<N> {
    /// A piece that says `text`, of at most `N` bytes.
    pub(super) const fn new(text: &str) -> Self {
        Self { bytes: [b' '; N], len: 0 }.and(text)
    }

    /// What it says and `text` behind it.
    pub(super) const fn and(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        let mut at = 0;
        while at < text.len() {
            self.bytes[self.len + at] = text[at];
            at += 1;
        }
        self.len += text.len();
        self
    }
}

impl Line<'_> {
    /// Writes a line behind what is in `json`, or nothing where `write` gives up.
    #[inline]
    pub(super) fn write(json: &mut Vec<u8>, write: impl FnOnce(&mut Line<'_>) -> Option<()>) -> Option<()> {
        let start = json.len();
        json.resize(start + LINE_BYTES, 0);
        let mut line = Line { room: json.last_chunk_mut()?, len: 0 };
        let written = write(&mut line);
        let len = if written.is_some() { line.len } else { 0 };
        json.truncate(start + len);
        written
    }

    /// Writes `piece`.
    #[inline]
    pub(super) fn put<const N: usize>(&mut self, piece: &Piece<N>) {
        self.put_first(&piece.bytes, piece.len);
    }

    /// Writes `text`, if it is short and JSON has it as it is.
    #[inline]
    pub(super) fn put_plain(&mut self, text: &str) -> Option<()> {
        let bytes = text.as_bytes();
        let found = match bytes.last_chunk() {
            _ if bytes.len() > PLAIN_BYTES_MAX => return None,
            // Sixteen at a time and to the end, some of them twice, which is faster than to stop.
            Some(last) => {
                let (end, mut found) = (self.len + bytes.len(), specials(last));
                for sixteen in bytes.as_chunks().0 {
                    self.put_first(sixteen, 16);
                    found |= specials(sixteen);
                }
                self.len = end - 16;
                self.put_first(last, 16);
                found
            }
            None => {
                let mut sixteen = [b' '; 16];
                sixteen[..bytes.len()].copy_from_slice(bytes);
                self.put_first(&sixteen, bytes.len());
                specials(&sixteen)
            }
        };
        (found == 0).then_some(())
    }

    /// Writes the first `len` of `bytes`.
    #[inline]
    fn put_first<const N: usize>(&mut self, bytes: &[u8; N], len: usize) {
        self.room[self.len..self.len + N].copy_from_slice(bytes);
        self.len += len;
    }
}

/// The longest text that a line takes.
const PLAIN_BYTES_MAX: usize = 96;

/// Not 0 where JSON has a byte of these in another form.
fn specials(bytes: &[u8; 16]) -> u8 {
    let is_special = |byte: u8| u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\');
    bytes.iter().fold(0, |found, byte| found | is_special(*byte))
}

/// Writes many points in time, each behind the same key and as [`rfc3339`](crate::stamp::rfc3339) has it: the date is made once
/// for all that follow within the same day, and all else is looked up.
#[derive(Debug)]
pub(super) struct Stamps {
    /// When the day began that the last one was in.
    day: i64,
    /// The key, a quote, the date and a `T`.
    begin: Piece<32>,
}

impl Stamps {
    /// None written yet. The key is written with what stands before and behind it, in at most 20 bytes.
    pub(super) fn new(key: &str) -> Self {
        let mut stamps = Self { day: 0, begin: Piece::new(key) };
        stamps.begin.len += DATE_BYTES;
        stamps.begin_day(0);
        stamps
    }

    /// Writes the key and `at`.
    #[inline]
    pub(super) fn write(&mut self, at: Timestamp, line: &mut Line<'_>) {
        let mut ms = at.unix_ms();
        if !(self.day..self.day + DAY_MS).contains(&ms) {
            ms = ms.clamp(YEAR_0_MS, YEAR_9999_MS);
            self.begin_day(ms.div_euclid(DAY_MS));
        }
        let in_day = (ms - self.day) as u32;
        let (minute, in_minute) = (in_day / 60_000, in_day % 60_000);
        line.put(&self.begin);
        line.put_first(&MINUTES[minute as usize], 6);
        line.put_first(&TWO_DIGITS[in_minute as usize / 1000], 2);
        line.put(&ENDS[in_minute as usize % 1000]);
    }

    fn begin_day(&mut self, day: i64) {
        // Within the years of four digits, as the time is, there is a date for every day.
        let Ok(date) = Date::from_julian_day((day + JULIAN_DAY_OF_1970) as i32) else { return };
        let (year, month, date) = date.to_calendar_date();
        let (year, month) = (year.unsigned_abs(), u32::from(u8::from(month)));
        let [[y, e], [a, r], [m, n], [d, t]] =
            [year / 100, year % 100, month, date.into()].map(|number| TWO_DIGITS[number as usize]);
        let end = self.begin.len;
        self.begin.bytes[end - DATE_BYTES..end]
            .copy_from_slice(&[b'"', y, e, a, r, b'-', m, n, b'-', d, t, b'T']);
        self.day = day * DAY_MS;
    }
}

/// A quote, the date and a `T`.
const DATE_BYTES: usize = 12;

/// `00` to `99`.
static TWO_DIGITS: [[u8; 2]; 100] = {
    let mut all = [[b'0'; 2]; 100];
    let mut number = 0;
    while number < 100 {
        all[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    all
};

/// The time by minutes of a day, up to where the seconds follow: `00:00:` to `23:59:`, and two bytes that are not meant.
static MINUTES: [[u8; 8]; 1440] = {
    let mut all = [*b"00:00:  "; 1440];
    let mut minute = 0;
    while minute < 1440 {
        [all[minute][0], all[minute][1]] = TWO_DIGITS[minute / 60];
        [all[minute][3], all[minute][4]] = TWO_DIGITS[minute % 60];
        minute += 1;
    }
    all
};

/// What stands behind the seconds by milliseconds, from `Z"` to `.999Z"`.
static ENDS: [Piece<8>; 1000] = {
    let mut all = [Piece::new("Z\""); 1000];
    let mut ms = 1;
    while ms < 1000 {
        let [a, b, c] = [b'0' + (ms / 100) as u8, b'0' + (ms / 10 % 10) as u8, b'0' + (ms % 10) as u8];
        let (bytes, len) = match [a, b, c] {
            [_, b'0', b'0'] => ([b'.', a, b'Z', b'"', b' ', b' ', b' ', b' '], 4),
            [_, _, b'0'] => ([b'.', a, b, b'Z', b'"', b' ', b' ', b' '], 5),
            _ => ([b'.', a, b, c, b'Z', b'"', b' ', b' '], 6),
        };
        all[ms] = Piece { bytes, len };
        ms += 1;
    }
    all
};

const DAY_MS: i64 = 86_400_000;
const JULIAN_DAY_OF_1970: i64 = 2_440_588;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stamp::rfc3339;

    fn written(write: impl FnOnce(&mut Line<'_>) -> Option<()>) -> Option<String> {
        let mut json = b"[".to_vec();
        let written = Line::write(&mut json, write);
        let text = String::from_utf8(json).unwrap();
        assert!(written.is_some() || text == "[");
        written.map(|()| text)
    }

    #[test]
    fn a_special_character_is_found_wherever_it_stands() {
        for length in 0..=PLAIN_BYTES_MAX + 1 {
            let plain = "é".repeat(length / 2) + &"~".repeat(length % 2);
            for special in ["", "\"", "\\", "\u{1f}", "\n", "\0"] {
                for place in (0..=length).filter(|place| plain.is_char_boundary(*place)) {
                    let text = format!("{}{special}{}", &plain[..place], &plain[place..]);
                    let is_plain = special.is_empty() && text.len() <= PLAIN_BYTES_MAX;
                    assert_eq!(written(|line| line.put_plain(&text)), is_plain.then(|| format!("[{text}")));
                }
            }
        }
    }

    #[test]
    fn many_are_written_as_each_is_by_itself() {
        let mut stamps = Stamps::new("at:");
        let days = [0, 1, -1, 19_000, 19_000, 20_377, 0, -719_000, 2_900_000];
        let times = [0, 1, 10, 120, 900, 59_999, 3_599_990, 86_399_999, 43_200_000];
        let far = [i64::MIN, i64::MAX].into_iter();
        for ms in days.into_iter().flat_map(|day| times.map(|time| day * DAY_MS + time)).chain(far) {
            let at = Timestamp::from_unix_ms(ms);
            let text = written(|line| {
                stamps.write(at, line);
                Some(())
            });
            assert_eq!(text.unwrap(), format!("[at:\"{}\"", rfc3339(at)));
        }
    }
}
