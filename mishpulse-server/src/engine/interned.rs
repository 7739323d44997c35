//! What services set themselves, kept once for all that set the same: most set nothing.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::config::Overrides;

/// Settings by number. Equal ones have the same number.
#[derive(Debug, Default)]
pub(super) struct Interned {
    entries: Vec<Entry>,
    by_value: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Numbers that nobody uses.
    free: Vec<u32>,
    /// The one that was taken last; the next is often the same.
    last: u32,
}

#[derive(Debug, Default)]
struct Entry {
    overrides: Overrides,
    uses: u32,
}

impl Interned {
    /// The number of `overrides`, for one more who uses it.
    pub(super) fn take(&mut self, overrides: &Overrides) -> u32 {
        let is_same = |entry: &Entry| entry.uses > 0 && entry.overrides == *overrides;
        if !self.entries.get(self.last as usize).is_some_and(is_same) {
            let hash = self.hasher.hash_one(overrides);
            let known = self.by_value.find(hash, |number| is_same(&self.entries[*number as usize])).copied();
            self.last = known.unwrap_or_else(|| self.add(overrides, hash));
        }
        self.entries[self.last as usize].uses += 1;
        self.last
    }

    /// One less uses `number`.
    pub(super) fn release(&mut self, number: u32) {
        let entry = &mut self.entries[number as usize];
        entry.uses -= 1;
        if entry.uses > 0 {
            return;
        }
        let hash = self.hasher.hash_one(&entry.overrides);
        if let Ok(found) = self.by_value.find_entry(hash, |other| *other == number) {
            found.remove();
        }
        self.entries[number as usize].overrides = Overrides::default();
        self.free.push(number);
    }

    pub(super) fn get(&self, number: u32) -> &Overrides {
        &self.entries[number as usize].overrides
    }

    fn add(&mut self, overrides: &Overrides, hash: u64) -> u32 {
        let entry = Entry { overrides: overrides.clone(), uses: 0 };
        let number = match self.free.pop() {
            Some(number) => {
                self.entries[number as usize] = entry;
                number
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
        };
        let (entries, hasher) = (&self.entries, &self.hasher);
        self.by_value
            .insert_unique(hash, number, |number| hasher.hash_one(&entries[*number as usize].overrides));
        number
    }
}

#[cfg(test)]
mod tests {
    use mishpulse_core::Span;

    use super::*;

    fn timeout(secs: u64) -> Overrides {
        Overrides { timeout: Some(Span::from_secs(secs)), ..Overrides::default() }
    }

    #[test]
    fn equal_settings_are_kept_once_and_until_the_last_goes() {
        let mut interned = Interned::default();
        let numbers: Vec<u32> = [1, 2, 1, 1, 2, 3].map(|secs| interned.take(&timeout(secs))).to_vec();
        assert_eq!(numbers, [0, 1, 0, 0, 1, 2]);
        interned.release(1);
        assert_eq!(interned.get(1), &timeout(2));
        interned.release(1);
        assert_eq!(interned.entries.iter().map(|entry| entry.uses).collect::<Vec<_>>(), [3, 0, 1]);
        assert_eq!(interned.take(&timeout(9)), 1);
        assert_eq!((interned.take(&timeout(2)), interned.take(&timeout(9))), (3, 1));
    }
}
