//! The inverted index of a batch of sets: from a hash to the rows that hold it.

use crate::error::{Error, Result};
use crate::exec::Job;
use crate::kernel::memory::with_huge_pages;
use crate::kernel::table::{self, spread};
use crate::shingle::ShingleSets;

/// Hashes with the rows that hold them, rows ascending.
pub struct Postings {
    keys: usize,
    /// The rows of each hash that several hold.
    rows: Vec<u32>,
    /// Open addressing: one cache line answers whether a hash is there and where its rows stand.
    slots: Vec<Slot>,
    shift: u32,
}

/// A hash and its stretch of `rows`, or its row where it has one alone; free where `len` is 0.
#[derive(Clone, Copy, Default)]
struct Slot {
    key: u64,
    start: u32,
    len: u32,
}

/// Postings that one part of the keys has about: what is made of them stays in the second cache.
const PART: usize = 1 << 14;

/// Most parts: each is written to in turn, and so many places stay in the first cache.
const PARTS: usize = 1 << 9;

impl Postings {
    /// The rows of `sets` for which `keep` holds. Time O(nnz), memory 52 bytes a posting at most.
    ///
    /// Postings are parted by their place in the table to be, so that each part is counted and placed within the cache.
    pub fn new(sets: &ShingleSets, keep: impl Fn(usize) -> bool, job: &Job<'_>) -> Result<Self> {
        let kept: Vec<usize> = (0..sets.len()).filter(|row| keep(*row)).collect();
        let total: usize = kept.iter().map(|row| sets.row(*row).len()).sum();
        if u32::try_from(total).is_err() {
            return Err(Error::input(format!("{total} shingles are too many for one index: give fewer texts")));
        }
        let bits = (total / PART).next_power_of_two().min(PARTS).trailing_zeros();
        let part_of = |key: u64| (spread(key) >> 32 >> (32 - bits)) as usize;
        let mut ends = vec![0usize; (1 << bits) + 1];
        for row in &kept {
            sets.row(*row).iter().for_each(|key| ends[part_of(*key) + 1] += 1);
        }
        (1..ends.len()).for_each(|part| ends[part] += ends[part - 1]);
        let mut pairs = with_huge_pages(total);
        pairs.resize(total, (0u64, 0u32));
        for row in &kept {
            for key in sets.row(*row) {
                let at = &mut ends[part_of(*key)];
                pairs[*at] = (*key, *row as u32);
                *at += 1;
            }
            job.check()?;
        }
        let (mut made, mut rows) = (Vec::new(), with_huge_pages(total));
        let mut gather = Gather::default();
        let mut start = 0;
        for end in &ends[..1 << bits] {
            gather.part(&pairs[start..*end], bits, &mut made, &mut rows);
            start = *end;
            job.check()?;
        }
        drop(pairs);
        let bits = (made.len() * 3 / 2).next_power_of_two().trailing_zeros().max(4);
        let mut slots = with_huge_pages(1 << bits);
        slots.resize(1 << bits, Slot::default());
        let mut postings = Postings { keys: made.len(), rows, slots, shift: 64 - bits };
        for slot in made {
            let at = postings.place(slot.key);
            postings.slots[at] = slot;
        }
        Ok(postings)
    }

    /// Where the search for a key starts.
    #[inline]
    fn slot(&self, key: u64) -> usize {
        (spread(key) >> self.shift) as usize
    }

    /// The slot of `key`, or the free one where it belongs.
    #[inline]
    fn place(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = self.slot(key);
        while self.slots[at].len != 0 && self.slots[at].key != key {
            at = (at + 1) & mask;
        }
        at
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
        self.rows_of(&self.slots[self.place(key)])
    }

    /// Ask for the cache line in which [`Postings::get`] will look first.
    #[inline]
    pub fn prefetch(&self, key: u64) {
        table::prefetch(&self.slots[self.slot(key)]);
    }

    /// All hashes with the rows that hold them, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &[u32])> {
        self.slots.iter().filter(|slot| slot.len != 0).map(|slot| (slot.key, self.rows_of(slot)))
    }

    #[inline]
    fn rows_of<'s>(&'s self, slot: &'s Slot) -> &'s [u32] {
        match slot.len {
            1 => std::slice::from_ref(&slot.start),
            len => &self.rows[slot.start as usize..][..len as usize],
        }
    }
}

/// Brings the rows of each key of a part together; keeps its buffers from part to part.
#[derive(Default)]
struct Gather {
    /// The keys of the part, by open addressing; all free between parts.
    table: Vec<Slot>,
    /// Where in `table` each key stands, in order of their first appearance.
    keys: Vec<usize>,
    /// Where in `table` the key of each pair stands.
    places: Vec<usize>,
}

impl Gather {
    /// Append the slots of the keys of `pairs` to `made` and the rows of those with several to `rows`. The top `bits` of
    /// all keys, spread, are the same.
    fn part(&mut self, pairs: &[(u64, u32)], bits: u32, made: &mut Vec<Slot>, rows: &mut Vec<u32>) {
        let size = (2 * pairs.len()).next_power_of_two().max(2);
        if self.table.len() < size {
            self.table.resize(size, Slot::default());
        }
        let (mask, shift) = (size - 1, 64 - size.trailing_zeros());
        self.places.clear();
        for (key, row) in pairs {
            let mut at = (spread(*key) << bits >> shift) as usize;
            while self.table[at].len != 0 && self.table[at].key != *key {
                at = (at + 1) & mask;
            }
            let slot = &mut self.table[at];
            if slot.len == 0 {
                *slot = Slot { key: *key, start: *row, len: 0 };
                self.keys.push(at);
            }
            slot.len += 1;
            self.places.push(at);
        }
        for at in &self.keys {
            let slot = &mut self.table[*at];
            if slot.len > 1 {
                slot.start = rows.len() as u32;
                rows.resize(rows.len() + slot.len as usize, 0);
            }
        }
        for ((_, row), at) in pairs.iter().zip(&self.places) {
            let slot = &mut self.table[*at];
            if slot.len > 1 {
                rows[slot.start as usize] = *row;
                slot.start += 1;
            }
        }
        for at in self.keys.drain(..) {
            let mut slot = std::mem::take(&mut self.table[at]);
            if slot.len > 1 {
                slot.start -= slot.len;
            }
            made.push(slot);
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

    #[test]
    fn many_parts_are_one_map() -> Result<()> {
        let rows: Vec<Vec<u64>> = (0..50u64).map(|row| (0..3000).map(|i| i * 7 * (1 + row % 3)).collect()).collect();
        let postings = Postings::new(&ShingleSets::of_rows(rows.clone()), |_| true, &Job::inline())?;
        let holds =
            |key: u64| (0..50u32).filter(|row| rows[*row as usize].binary_search(&key).is_ok()).collect::<Vec<_>>();
        assert!((0..63_000).step_by(7).all(|key| postings.get(key) == holds(key)));
        assert!(postings.get(1).is_empty());
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
            let all: BTreeMap<u64, Vec<u32>> = postings.iter().map(|(key, rows)| (key, rows.to_vec())).collect();
            prop_assert_eq!(&all, &want);
            let all: BTreeSet<u64> = rows.iter().flatten().copied().chain([0, 1, u64::MAX]).collect();
            for key in all {
                prop_assert_eq!(postings.get(key), want.get(&key).map_or(&[][..], Vec::as_slice));
            }
        }
    }
}
