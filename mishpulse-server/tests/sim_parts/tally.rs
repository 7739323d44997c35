//! What a run did, counted.

use std::collections::BTreeMap;
use std::fmt;

/// Counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub seeds: u64,
    pub simulated_ms: u64,
    pub turns: u64,
    pub beats: u64,
    pub acknowledged: u64,
    pub refused: u64,
    pub edits: u64,
    pub transitions: u64,
    pub deaths: u64,
    pub alerts: u64,
    pub silences: u64,
    pub letters: u64,
    pub digests: u64,
    pub accepted: u64,
    pub duplicates: u64,
    pub given_up: u64,
    pub faults: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// One more of this fault.
    pub fn fault(&mut self, name: &'static str) {
        *self.faults.entry(name).or_default() += 1;
    }

    /// Takes in another's counts.
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.simulated_ms += other.simulated_ms;
        self.turns += other.turns;
        self.beats += other.beats;
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.edits += other.edits;
        self.transitions += other.transitions;
        self.deaths += other.deaths;
        self.alerts += other.alerts;
        self.silences += other.silences;
        self.letters += other.letters;
        self.digests += other.digests;
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
        self.given_up += other.given_up;
        for (name, count) in &other.faults {
            *self.faults.entry(name).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.simulated_ms as f64 / 3_600_000.0;
        writeln!(f, "{} seeds, {hours:.1} hours ({:.3} years) simulated", self.seeds, hours / 8766.0)?;
        writeln!(
            f,
            "{} turns of the engine, {} edits, {} beats: {} answered 200, {} refused",
            self.turns, self.edits, self.beats, self.acknowledged, self.refused
        )?;
        writeln!(
            f,
            "{} changes of status, {} of them deaths; {} alerts, {} letters, {} digests; {} silences of everyone",
            self.transitions, self.deaths, self.alerts, self.letters, self.digests, self.silences
        )?;
        writeln!(
            f,
            "{} letters accepted by channels, {} of them again (each with an outcome that could not be recorded), {} given up",
            self.accepted, self.duplicates, self.given_up
        )?;
        for (name, count) in &self.faults {
            writeln!(f, "  {count:>9}  {name}")?;
        }
        write!(f, "0 violations")
    }
}
