//! The channels at the other end of the network, and their moods.

use std::collections::BTreeMap;

use mishpulse_core::Span;
use mishpulse_core::testing::Rng;
use mishpulse_server::config::ChannelName;
use mishpulse_server::notify::Refusal;

/// How a channel behaves for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    Slow,
    Down,
    /// It accepts, but answers after the time-out.
    AnswersTooLate,
    /// It accepts, and its answer gets lost or is an error.
    AcceptsButFails,
    /// It does nothing until the time-out.
    Hangs,
    /// It asks to be left in peace.
    Overloaded,
    /// It refuses for good, now and then.
    Picky,
}

/// What comes of a try.
pub struct Plan {
    /// When the channel accepts it, if it does.
    pub accepted_after_ms: Option<i64>,
    /// When the server learns how it went.
    pub answered_after_ms: i64,
    pub result: Result<(), Refusal>,
    /// The fault, where it is one.
    pub fault: Option<&'static str>,
}

/// All channels.
#[derive(Default)]
pub struct Network(pub BTreeMap<ChannelName, Mood>);

const TIMEOUT_MS: i64 = 20_000;

impl Network {
    /// A channel gets another mood.
    pub fn change(&mut self, channel: ChannelName, rng: &mut Rng) -> Mood {
        let mood = rng.pick(&[
            Mood::Well,
            Mood::Well,
            Mood::Slow,
            Mood::Down,
            Mood::AnswersTooLate,
            Mood::AcceptsButFails,
            Mood::Hangs,
            Mood::Overloaded,
            Mood::Picky,
        ]);
        self.0.insert(channel, mood);
        mood
    }

    /// What comes of a try that begins now.
    pub fn plan(&self, channel: &ChannelName, rng: &mut Rng) -> Plan {
        let quick = 1 + rng.below(200) as i64;
        let plan = |accepted_after_ms, answered_after_ms, result, fault| Plan {
            accepted_after_ms,
            answered_after_ms,
            result,
            fault,
        };
        let later = |why: &str| Err(Refusal::later(why));
        match self.0.get(channel).copied().unwrap_or(Mood::Well) {
            Mood::Well => plan(Some(quick / 2), quick, Ok(()), None),
            Mood::Slow => {
                let slow = 1000 + rng.below(18_000) as i64;
                plan(Some(rng.below(slow as u64) as i64), slow, Ok(()), Some("channel slow"))
            }
            Mood::Down => plan(None, quick, later("refused"), Some("channel down")),
            Mood::AnswersTooLate => {
                let at = TIMEOUT_MS - 5000 + rng.below(20_000) as i64;
                plan(Some(at), TIMEOUT_MS, later("timed out"), Some("channel answers after its time-out"))
            }
            Mood::AcceptsButFails if rng.chance(60) => {
                let fault = "channel accepts, but reports a failure";
                plan(Some(quick / 2), quick, later("connection reset"), Some(fault))
            }
            Mood::AcceptsButFails => plan(Some(quick / 2), quick, Ok(()), None),
            Mood::Hangs => plan(None, TIMEOUT_MS, later("timed out"), Some("channel hangs")),
            Mood::Overloaded if rng.chance(50) => {
                let after = Some(Span::from_secs(1 + rng.below(120)));
                let why = "too many requests".to_owned();
                plan(None, quick, Err(Refusal::Later { why, after }), Some("channel asks to wait"))
            }
            Mood::Overloaded => plan(Some(quick / 2), quick, Ok(()), None),
            Mood::Picky if rng.chance(30) => {
                plan(None, quick, Err(Refusal::last("bad request")), Some("channel refuses for good"))
            }
            Mood::Picky => plan(Some(quick / 2), quick, Ok(()), None),
        }
    }
}
