//! How much of a time a service was up: from its changes of status and the times in which nobody was watching.

use mishpulse_core::{Status, Timestamp};

use crate::store::rows::TransitionRow;

/// What is known of a service, and since when.
#[derive(Debug)]
pub(super) struct Past {
    /// Stretches of one status each, the latest first; they leave no hole between the first and the last.
    stretches: Vec<Stretch>,
    /// When nobody was watching, in any order.
    blind: Vec<(Timestamp, Timestamp)>,
}

#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: Timestamp,
    until: Timestamp,
    status: Status,
}

/// How a time is made up, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Share {
    pub(super) up_ms: u64,
    pub(super) down_ms: u64,
    /// Nobody was watching, or there was nothing to watch: new, paused, not made yet.
    pub(super) unknown_ms: u64,
}

impl Past {
    /// The past of a service that has had `status` since `since`, by its changes from the latest to the first.
    ///
    /// `is_complete` says that the changes reach as far back as anyone asks; what lies before the first is unknown otherwise.
    pub(super) fn new(
        status: Status,
        since: Timestamp,
        changes: &[TransitionRow],
        is_complete: bool,
        blind: Vec<(Timestamp, Timestamp)>,
        now: Timestamp,
    ) -> Self {
        let mut stretches = vec![Stretch { from: since.min(now), until: now, status }];
        let mut first = since.min(now);
        for (place, change) in changes.iter().enumerate() {
            if place == 0 && change.at < first {
                // The status is what the last change led to, also where `since` was moved by hand.
                stretches.push(Stretch { from: change.at, until: first, status: change.to });
            }
            first = change.at.min(first);
            let earlier = changes.get(place + 1).map(|earlier| earlier.at.min(first));
            let from = match earlier {
                Some(earlier) => earlier,
                None if is_complete => Timestamp::from_unix_ms(i64::MIN),
                None => first,
            };
            stretches.push(Stretch { from, until: first, status: change.from });
        }
        Self { stretches, blind }
    }

    /// How the time from `from` to `until` is made up.
    pub(super) fn share(&self, from: Timestamp, until: Timestamp) -> Share {
        let mut share = Share::default();
        let mut known_ms = 0;
        for stretch in &self.stretches {
            let (begin, end) = (stretch.from.max(from), stretch.until.min(until));
            if end <= begin {
                continue;
            }
            let blind_ms = self.blind_ms(begin, end);
            let seen_ms = end.since(begin).as_ms() - blind_ms;
            match stretch.status {
                Status::Alive | Status::Warning => share.up_ms += seen_ms,
                Status::Dead | Status::Error => share.down_ms += seen_ms,
                _ => continue,
            }
            known_ms += seen_ms;
        }
        share.unknown_ms = until.since(from).as_ms().saturating_sub(known_ms);
        share
    }

    /// How much of a time nobody was watching, at most all of it.
    fn blind_ms(&self, from: Timestamp, until: Timestamp) -> u64 {
        let mut parts: Vec<(Timestamp, Timestamp)> = (self.blind.iter())
            .map(|(begin, end)| ((*begin).max(from), (*end).min(until)))
            .filter(|(begin, end)| begin < end)
            .collect();
        parts.sort_unstable();
        let mut covered_until = from;
        let mut total_ms = 0;
        for (begin, end) in parts {
            let begin = begin.max(covered_until);
            total_ms += end.since(begin).as_ms();
            covered_until = covered_until.max(end);
        }
        total_ms
    }
}

impl Share {
    /// Such as `99.98`; never 100 where it was down at all. `None` where nothing is known.
    pub(super) fn percent(self) -> Option<String> {
        let known_ms = u128::from(self.up_ms + self.down_ms);
        if known_ms == 0 {
            return None;
        }
        let hundredths = u128::from(self.up_ms) * 10_000 / known_ms;
        let (whole, rest) = (hundredths / 100, hundredths % 100);
        Some(match rest {
            0 => format!("{whole}"),
            _ => format!("{whole}.{rest:02}"),
        })
    }

    /// The part of the time of which nothing is known, in percent; at least 1 where there is any that would show.
    pub(super) fn unknown_percent(self) -> u64 {
        let all_ms = self.up_ms + self.down_ms + self.unknown_ms;
        (self.unknown_ms * 1000).checked_div(all_ms).unwrap_or_default().div_ceil(10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn change(ms: i64, from: Status, to: Status) -> TransitionRow {
        TransitionRow { at: at(ms), from, to }
    }

    #[test]
    fn up_down_and_unknown_add_up() {
        // Made at 100, heard at 200, dead at 500, back at 600, paused at 900.
        let changes = [
            change(900, Status::Alive, Status::Paused),
            change(600, Status::Dead, Status::Alive),
            change(500, Status::Alive, Status::Dead),
            change(200, Status::New, Status::Alive),
        ];
        let past = Past::new(Status::Paused, at(900), &changes, true, Vec::new(), at(1000));
        assert_eq!(past.share(at(0), at(1000)), Share { up_ms: 600, down_ms: 100, unknown_ms: 300 });
        assert_eq!(past.share(at(450), at(550)), Share { up_ms: 50, down_ms: 50, unknown_ms: 0 });
        assert_eq!(past.share(at(0), at(1000)).percent().unwrap(), "85.71");
    }

    #[test]
    fn nobody_knows_what_happened_while_nobody_watched() {
        let changes = [change(500, Status::Alive, Status::Dead)];
        // Two that overlap, one that lies partly outside.
        let blind = vec![(at(600), at(700)), (at(650), at(800)), (at(-100), at(100))];
        let past = Past::new(Status::Dead, at(500), &changes, true, blind, at(1000));
        assert_eq!(past.share(at(0), at(1000)), Share { up_ms: 400, down_ms: 300, unknown_ms: 300 });
    }

    #[test]
    fn what_is_not_kept_is_unknown() {
        let past = Past::new(Status::Alive, at(700), &[], false, Vec::new(), at(1000));
        assert_eq!(past.share(at(0), at(1000)), Share { up_ms: 300, down_ms: 0, unknown_ms: 700 });
        let changes = [change(700, Status::Error, Status::Alive)];
        let cut = Past::new(Status::Alive, at(700), &changes, false, Vec::new(), at(1000));
        assert_eq!(cut.share(at(0), at(1000)), Share { up_ms: 300, down_ms: 0, unknown_ms: 700 });
        let whole = Past::new(Status::Alive, at(700), &changes, true, Vec::new(), at(1000));
        assert_eq!(whole.share(at(0), at(1000)), Share { up_ms: 300, down_ms: 700, unknown_ms: 0 });
        assert_eq!(whole.share(at(2000), at(2000)).percent(), None);
    }

    #[test]
    fn nearly_all_is_not_all() {
        let share = |up_ms, down_ms| Share { up_ms, down_ms, unknown_ms: 0 };
        assert_eq!(share(1_000_000, 1).percent().unwrap(), "99.99");
        assert_eq!(share(1_000_000, 0).percent().unwrap(), "100");
        assert_eq!(share(0, 5).percent().unwrap(), "0");
        assert_eq!(Share { up_ms: 995, down_ms: 0, unknown_ms: 5 }.unknown_percent(), 1);
    }
}
