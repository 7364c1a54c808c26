//! The inverted index of a batch of sets: from a hash to the rows that hold it.

use crate::error::Result;
use crate::exec::Job;
use crate::shingle::ShingleSets;

/// Hashes with the rows that hold them, rows ascending.
pub struct Postings {
    keys: Vec<u64>,
    /// Rows of key i are `rows[starts[i]..starts[i + 1]]`.
    starts: Vec<u64>,
    rows: Vec<u32>,
    /// Open addressing over `keys`: index + 1, 0 = free.
    slots: Vec<u32>,
    shift: u32,
}

impl Postings {
    /// The rows of `sets` for which `keep` holds. Time O(nnz log nnz), memory 28 bytes a posting at most.
    pub fn new(sets: &ShingleSets, keep: impl Fn(usize) -> bool, job: &Job<'_>) -> Result<Self> {
        let mut pairs: Vec<(u64, u32)> = Vec::with_capacity(sets.hashes.len());
        for row in (0..sets.len()).filter(|row| keep(*row)) {
            pairs.extend(sets.row(row).iter().map(|h| (*h, row as u32)));
        }
        job.check()?;
        pairs.sort_unstable();
        job.check()?;
        let mut made = Postings {
            keys: Vec::new(),
            starts: vec![0],
            rows: pairs.iter().map(|p| p.1).collect(),
            slots: Vec::new(),
            shift: 0,
        };
        for run in pairs.chunk_by(|a, b| a.0 == b.0) {
            made.keys.push(run[0].0);
            made.starts.push(made.starts[made.keys.len() - 1] + run.len() as u64);
        }
        drop(pairs);
        let bits = (made.keys.len() * 2).next_power_of_two().trailing_zeros().max(4);
        made.shift = 64 - bits;
        made.slots = vec![0; 1 << bits];
        let mask = made.slots.len() - 1;
        for (at, key) in made.keys.iter().enumerate() {
            let mut slot = made.slot(*key);
            while made.slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            made.slots[slot] = at as u32 + 1;
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
        self.keys.len()
    }

    /// Whether there are no hashes.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The rows that hold `key`, ascending.
    #[inline]
    pub fn get(&self, key: u64) -> &[u32] {
        let mask = self.slots.len() - 1;
        let mut slot = self.slot(key);
        loop {
            match self.slots[slot] {
                0 => return &[],
                at if self.keys[at as usize - 1] == key => {
                    let at = at as usize - 1;
                    return &self.rows[self.starts[at] as usize..self.starts[at + 1] as usize];
                }
                _ => slot = (slot + 1) & mask,
            }
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
