//! The clock: deadlines do not hang on it, but the times in alerts and the history do.

use std::time::Duration;

use mishpulse_core::{Clock, Span, Timestamp};

use super::finding::{Area, Finding};
use crate::clock::{SteadyClock, WallClock};

const AREA: Area = Area::Clock;

/// Looks at it for a moment; `seen` is when a server on this data last listened.
pub(super) fn look(seen: Option<Timestamp>) -> Vec<Finding> {
    let (steady, wall) = (SteadyClock::new(), WallClock);
    let (began, began_wall) = (steady.now(), wall.now());
    std::thread::sleep(MOMENT);
    let moved = difference(wall.now(), began_wall) - difference(steady.now(), began);
    let mut findings = vec![date(wall.now())];
    findings.extend(steps(moved));
    findings.extend(seen.and_then(|seen| is_behind(wall.now(), seen)));
    findings
}

fn date(now: Timestamp) -> Finding {
    let shown = crate::stamp::rfc3339(now);
    if (FROM..TO).contains(&now) {
        AREA.ok(format!("it is {shown}"))
    } else {
        AREA.problem(format!("the clock says {shown}"), "set it: timedatectl set-ntp true")
    }
}

/// By how many milliseconds the wall clock was set while it was watched.
fn steps(moved_ms: i64) -> Option<Finding> {
    (moved_ms.abs() > STEP_MS).then(|| {
        AREA.warning(
            format!("the clock was just set by {moved_ms} ms"),
            "let one program set it, such as systemd-timesyncd or chrony",
        )
    })
}

fn is_behind(now: Timestamp, seen: Timestamp) -> Option<Finding> {
    let behind = seen.since(now);
    (seen > now && behind > Span::from_secs(BEHIND_SECS)).then(|| {
        AREA.warning(
            format!("the clock is {behind} behind what the database has seen: it was set back"),
            "check it; times are shown by the old one until it has caught up",
        )
    })
}

fn difference(later: Timestamp, earlier: Timestamp) -> i64 {
    later.unix_ms() - earlier.unix_ms()
}

const MOMENT: Duration = Duration::from_millis(200);
/// More than a busy machine takes between two readings.
const STEP_MS: i64 = 500;
const BEHIND_SECS: u64 = 5;
/// 2026-01-01 and 2100-01-01: earlier is a clock that was never set, later one that was set wrong.
const FROM: Timestamp = Timestamp::from_unix_ms(1_767_225_600_000);
const TO: Timestamp = Timestamp::from_unix_ms(4_102_444_800_000);

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_a_problem() {
        for (ms, level) in
            [(0, Level::Problem), (1_800_000_000_000, Level::Ok), (4_200_000_000_000, Level::Problem)]
        {
            assert_eq!(date(Timestamp::from_unix_ms(ms)).level, level);
        }
    }

    #[test]
    fn a_step_either_way_is_told() {
        assert_eq!(steps(20), None);
        for moved in [-3_600_000, 1_000] {
            assert!(steps(moved).is_some_and(|found| found.what.contains(&moved.to_string())));
        }
    }

    #[test]
    fn a_clock_behind_the_database_is_told() {
        let now = Timestamp::from_unix_ms(1_800_000_000_000);
        assert_eq!(is_behind(now, now), None);
        assert_eq!(is_behind(now + Span::from_secs(60), now), None);
        let found = is_behind(now, now + Span::from_secs(3_600)).expect("it was set back");
        assert!(found.what.contains("1h behind"), "{}", found.what);
    }
}
