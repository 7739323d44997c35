//! How regularly each service beats: its last gaps, in memory only and only while there are few enough services.

use mishpulse_core::{ServiceId, Span, Timestamp};

/// The last gaps between beats of each service. It holds 260 bytes for each service that was heard twice since the server
/// started, up to [`SERVICES_MAX`] of them; above that number nothing is kept. Nothing of it is stored.
#[derive(Debug, Default)]
pub(super) struct Rhythms(Vec<Option<Box<Rhythm>>>);

#[derive(Debug)]
struct Rhythm {
    /// In milliseconds, up to 49 days; the oldest is at `next` once it is full.
    gaps_ms: [u32; GAPS_MAX],
    len: u8,
    next: u8,
}

/// The most services for which gaps are kept: 10,000 of them take 2.6 MB.
const SERVICES_MAX: usize = 10_000;
/// The most gaps that are kept of a service.
const GAPS_MAX: usize = 64;

impl Rhythms {
    /// Takes note that `id`, one of `services`, was heard at `last` and then at `now`.
    pub(super) fn heard(
        &mut self,
        id: ServiceId,
        last: Option<Timestamp>,
        now: Option<Timestamp>,
        services: usize,
    ) {
        let (Some(last), Some(now)) = (last, now) else { return };
        if services > SERVICES_MAX {
            // Not one by one: whoever has just come to have too many has them all at once.
            self.0 = Vec::new();
            return;
        }
        if now <= last {
            return;
        }
        if self.0.len() <= id.index() {
            self.0.resize_with(id.index() + 1, || None);
        }
        let rhythm = self.0[id.index()]
            .get_or_insert_with(|| Box::new(Rhythm { gaps_ms: [0; GAPS_MAX], len: 0, next: 0 }));
        rhythm.gaps_ms[usize::from(rhythm.next)] = u32::try_from(now.since(last).as_ms()).unwrap_or(u32::MAX);
        rhythm.next = (rhythm.next + 1) % GAPS_MAX as u8;
        rhythm.len = (rhythm.len + 1).min(GAPS_MAX as u8);
    }

    pub(super) fn forget(&mut self, id: ServiceId) {
        if let Some(rhythm) = self.0.get_mut(id.index()) {
            *rhythm = None;
        }
    }

    /// The last gaps of `id`, the oldest first.
    pub(super) fn gaps(&self, id: ServiceId) -> Vec<Span> {
        let Some(Some(rhythm)) = self.0.get(id.index()) else { return Vec::new() };
        let (len, next) = (usize::from(rhythm.len), usize::from(rhythm.next));
        let first = if len < GAPS_MAX { 0 } else { next };
        let in_order = (0..len).map(|place| rhythm.gaps_ms[(first + place) % GAPS_MAX]);
        in_order.map(|ms| Span::from_ms(u64::from(ms))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ServiceId = ServiceId::new(3);

    fn at(ms: i64) -> Option<Timestamp> {
        Some(Timestamp::from_unix_ms(ms))
    }

    #[test]
    fn the_last_gaps_come_in_order() {
        let mut rhythms = Rhythms::default();
        assert_eq!(rhythms.gaps(ID), []);
        rhythms.heard(ID, None, at(0), 1);
        let mut now = 0;
        for gap in 1..=100 {
            rhythms.heard(ID, at(now), at(now + gap), 1);
            now += gap;
        }
        let gaps: Vec<u64> = rhythms.gaps(ID).iter().map(|gap| gap.as_ms()).collect();
        assert_eq!(gaps, (37..=100).collect::<Vec<u64>>());
        rhythms.forget(ID);
        assert_eq!(rhythms.gaps(ID), []);
    }

    #[test]
    fn nothing_is_kept_of_too_many() {
        let mut rhythms = Rhythms::default();
        rhythms.heard(ID, at(0), at(5), SERVICES_MAX);
        assert_eq!(rhythms.gaps(ID), [Span::from_ms(5)]);
        rhythms.heard(ID, at(5), at(9), SERVICES_MAX + 1);
        assert_eq!(rhythms.gaps(ID), []);
    }
}
