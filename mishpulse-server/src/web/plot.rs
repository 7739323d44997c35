//! Pictures as inline SVG: the bar of days, and the gaps between signals.

use mishpulse_core::{Span, Timestamp};

use super::uptime::{Past, Share};
use super::words::Words;
use crate::stamp::rfc3339;

/// One day of the bar.
pub(super) struct Day {
    pub(super) x: usize,
    /// `up`, `part`, `down` or `none`.
    pub(super) class: &'static str,
    pub(super) title: String,
}

/// The last days up to `now`, by UTC, the earliest first.
pub(super) fn days(past: &Past, words: &Words, now: Timestamp) -> Vec<Day> {
    let today_ms = now.unix_ms().div_euclid(DAY_MS).saturating_mul(DAY_MS);
    (0..DAYS)
        .map(|place| {
            let from_ms = today_ms.saturating_sub((DAYS - 1 - place) as i64 * DAY_MS);
            let from = Timestamp::from_unix_ms(from_ms);
            let share = past.share(from, (from + Span::from_ms(DAY_MS.unsigned_abs())).min(now));
            let date = rfc3339(from);
            let date = date.get(..10).unwrap_or_default();
            let (class, said) = tell_day(share, words);
            Day { x: place * DAY_WIDTH, class, title: format!("{date}: {said}") }
        })
        .collect()
}

/// The gaps between the last signals.
pub(super) struct Gaps {
    pub(super) bars: Vec<Bar>,
    /// Where the line of what is allowed lies, if it is on the picture.
    pub(super) limit_y: Option<u64>,
    pub(super) usual: String,
    pub(super) longest: String,
    pub(super) limit: String,
}

/// One gap.
pub(super) struct Bar {
    pub(super) x: usize,
    pub(super) y: u64,
    pub(super) height: u64,
    pub(super) is_late: bool,
    pub(super) title: String,
}

impl Gaps {
    /// `None` where there is no gap yet.
    pub(super) fn new(gaps: &[Span], allowance: Span) -> Option<Self> {
        let mut sorted = gaps.to_vec();
        sorted.sort_unstable();
        let (longest, usual) = (*sorted.last()?, sorted[sorted.len() / 2]);
        // A limit far above all gaps would press them flat: then it is told in words alone.
        let is_limit_near = allowance.as_ms() <= longest.as_ms().saturating_mul(4);
        let top = if is_limit_near { longest.max(allowance) } else { longest };
        let height = |gap: Span| {
            let height = u128::from(gap.as_ms()) * u128::from(PLOT_HEIGHT - PLOT_HEADROOM);
            (u64::try_from(height / u128::from(top.as_ms().max(1))).unwrap_or(PLOT_HEIGHT)).max(1)
        };
        let bars = gaps.iter().enumerate().map(|(place, gap)| Bar {
            x: place * BAR_WIDTH,
            y: PLOT_HEIGHT - height(*gap),
            height: height(*gap),
            is_late: *gap > allowance,
            title: told(*gap),
        });
        Some(Self {
            bars: bars.collect(),
            limit_y: is_limit_near.then(|| PLOT_HEIGHT - height(allowance)),
            usual: told(usual),
            longest: told(longest),
            limit: told(allowance),
        })
    }
}

const DAYS: usize = 90;
const DAY_MS: i64 = 86_400_000;
const DAY_WIDTH: usize = 10;
const PLOT_HEIGHT: u64 = 100;
const PLOT_HEADROOM: u64 = 8;
const BAR_WIDTH: usize = 10;

fn tell_day(share: Share, words: &Words) -> (&'static str, String) {
    match share.percent() {
        None => ("none", words.no_data.to_owned()),
        Some(percent) if share.down_ms == 0 => ("up", words.percent(&percent)),
        // A day is red where a third of what is known of it was lost.
        Some(percent) if share.down_ms * 2 >= share.up_ms => ("down", words.percent(&percent)),
        Some(percent) => ("part", words.percent(&percent)),
    }
}

/// A gap in a unit or two, without digits that nobody reads.
fn told(gap: Span) -> String {
    let ms = gap.as_ms();
    let to_nearest = |unit_ms: u64| Span::from_ms((ms + unit_ms / 2) / unit_ms * unit_ms).to_string();
    match ms {
        0..1_000 => gap.to_string(),
        1_000..60_000 => {
            let tenths = (ms + 50) / 100;
            let (secs, tenth) = (tenths / 10, tenths % 10);
            if tenth == 0 { Span::from_secs(secs).to_string() } else { format!("{secs}.{tenth}s") }
        }
        60_000..3_600_000 => to_nearest(1_000),
        3_600_000..86_400_000 => to_nearest(60_000),
        _ => to_nearest(3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use mishpulse_core::Status;

    use super::*;
    use crate::config::Locale;

    #[test]
    fn bars_stay_within_the_picture() {
        let gaps: Vec<Span> = [1, 60_000, 61_000, 400_000].map(Span::from_ms).to_vec();
        let plot = Gaps::new(&gaps, Span::from_secs(300)).unwrap();
        assert!(plot.bars.iter().all(|bar| bar.y + bar.height == PLOT_HEIGHT && bar.height >= 1));
        assert!(plot.bars[3].is_late && !plot.bars[2].is_late);
        assert_eq!(
            (plot.usual.as_str(), plot.longest.as_str(), plot.limit.as_str()),
            ("1m1s", "6m40s", "5m")
        );
        assert!(plot.limit_y.is_some());
        assert!(Gaps::new(&gaps[..1], Span::LONGEST).unwrap().limit_y.is_none());
        assert!(Gaps::new(&[], Span::LONGEST).is_none());
    }

    #[test]
    fn the_days_before_the_end_of_time_can_be_drawn() {
        for ms in [i64::MIN, 0, i64::MAX] {
            let now = Timestamp::from_unix_ms(ms);
            let past = Past::new(Status::Alive, now, &[], true, Vec::new(), now);
            assert_eq!(days(&past, Words::of(Locale::En), now).len(), DAYS);
        }
    }

    #[test]
    fn gaps_are_told_in_short() {
        for (ms, text) in [(7, "7ms"), (59_960, "1m"), (3_723_000, "1h2m"), (1_234, "1.2s"), (5_010, "5s")] {
            assert_eq!(told(Span::from_ms(ms)), text);
        }
    }
}
