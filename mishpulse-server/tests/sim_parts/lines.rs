//! What happened, line by line: the last of it is shown where a run fails, and its sum says whether two runs were the same.

use std::collections::VecDeque;

/// The trace of a run.
#[derive(Default)]
pub struct Lines {
    last: VecDeque<String>,
    sum: u64,
    is_shown: bool,
}

impl Lines {
    pub fn new(is_shown: bool) -> Self {
        Self { is_shown, ..Self::default() }
    }

    pub fn add(&mut self, now: i64, line: &str) {
        let line = format!("{now:>10} {line}");
        for byte in line.bytes() {
            self.sum = (self.sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.is_shown {
            println!("{line}");
        }
        if self.last.len() >= 60 {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    /// The same for two runs in which the same happened.
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    pub fn last(&self) -> impl Iterator<Item = &String> {
        self.last.iter()
    }
}
