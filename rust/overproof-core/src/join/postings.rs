//! The inverted index of a batch of sets: from a hash to the rows that hold it.

use crate::error::{Error, Result};
use crate::exec::Job;
use crate::shingle::ShingleSets;

/// Hashes with the rows that hold them, rows ascending.
pub struct Postings {
    keys: usize,
    rows: Vec<u32>,
    /// Open addressing: one cache line answers whether a hash is there and where its rows stand.
    slots: Vec<Slot>,
    shift: u32,
}

/// A hash and its stretch of `rows`; free where `len` is 0.
#[derive(Clone, Copy, Default)]
struct Slot {
    key: u64,
    start: u32,
    len: u32,
}

impl Postings {
    /// The rows of `sets` for which `keep` holds. Time O(nnz log nnz), memory 52 bytes a posting at most.
    pub fn new(sets: &ShingleSets, keep: impl Fn(usize) -> bool, job: &Job<'_>) -> Result<Self> {
        let mut pairs: Vec<(u64, u32)> = Vec::with_capacity(sets.hashes.len());
        for row in (0..sets.len()).filter(|row| keep(*row)) {
            pairs.extend(sets.row(row).iter().map(|h| (*h, row as u32)));
        }
        if u32::try_from(pairs.len()).is_err() {
            return Err(Error::input(format!("{} shingles are too many for one index: give fewer texts", pairs.len())));
        }
        job.check()?;
        pairs.sort_unstable();
        job.check()?;
        let keys = pairs.chunk_by(|a, b| a.0 == b.0).count();
        let bits = (keys * 3 / 2).next_power_of_two().trailing_zeros().max(4);
        let mut made = Postings {
            keys,
            rows: pairs.iter().map(|p| p.1).collect(),
            slots: vec![Slot::default(); 1 << bits],
            shift: 64 - bits,
        };
        let mask = made.slots.len() - 1;
        let mut start = 0;
        for run in pairs.chunk_by(|a, b| a.0 == b.0) {
            let mut slot = made.slot(run[0].0);
            while made.slots[slot].len != 0 {
                slot = (slot + 1) & mask;
            }
            made.slots[slot] = Slot { key: run[0].0, start, len: run.len() as u32 };
            start += run.len() as u32;
        }
        Ok(made)
    }

    /// Where the search for a key starts. Multiplied first (Fibonacci hashing): users' hashes may be small numbers, which
    /// without it would all start at one slot.
    #[inline]
    fn slot(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }

    /// Number of distinct hashes.
    pub fn len(&self) -> usize {
        self.keys
    }

    /// Whether there are no hashes.
    pub fn is_empty(&self) -> bool {
        self.keys == 0
    }

    /// The rows that hold `key`, ascending.
    #[inline]
    pub fn get(&self, key: u64) -> &[u32] {
        let mask = self.slots.len() - 1;
        let mut at = self.slot(key);
        loop {
            let slot = self.slots[at];
            if slot.len == 0 {
                return &[];
            }
            if slot.key == key {
                return &self.rows[slot.start as usize..(slot.start + slot.len) as usize];
            }
            at = (at + 1) & mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// Slots by the top bits of the key alone would take hours here.
    #[test]
    fn small_numbers_are_keys_like_others() -> Result<()> {
        let sets = ShingleSets::of_rows(vec![(0..1 << 20).collect()]);
        let postings = Postings::new(&sets, |_| true, &Job::inline())?;
        assert!((0..1 << 20).all(|key| postings.get(key) == [0]) && postings.get(1 << 20).is_empty());
        Ok(())
    }

    proptest! {
        #[test]
        fn is_a_map(rows in proptest::collection::vec(proptest::collection::btree_set(
            prop_oneof![any::<u64>(), 0u64..9, (u64::MAX - 9)..=u64::MAX], 0..20), 0..9)) {
            let sets = ShingleSets::of_rows(rows.iter().map(|r| r.iter().copied().collect()).collect());
            let postings = Postings::new(&sets, |row| row != 1, &Job::inline())?;
            let mut want: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
            for (row, set) in rows.iter().enumerate().filter(|(row, _)| *row != 1) {
                set.iter().for_each(|h| want.entry(*h).or_default().push(row as u32));
            }
            prop_assert_eq!(postings.len(), want.len());
            let all: BTreeSet<u64> = rows.iter().flatten().copied().chain([0, 1, u64::MAX]).collect();
            for key in all {
                prop_assert_eq!(postings.get(key), want.get(&key).map_or(&[][..], Vec::as_slice));
            }
        }
    }
}
