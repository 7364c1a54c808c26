//! The inverted index of a batch of sets: from a hash to the rows that hold it.

use crate::error::{Error, Result};
use crate::exec::Job;
use crate::kernel::memory::{prefetch, with_huge_pages};
use crate::kernel::table::spread;
use crate::shingle::ShingleSets;

/// Hashes with the rows that hold them, rows ascending.
pub struct Postings {
    keys: usize,
    /// The rows of each hash that several hold.
    rows: Vec<u32>,
    /// Open addressing within the part of the keys that a key belongs to.
    slots: Vec<Slot>,
    /// Where the slots of each part start, and where the last ones end. A part always has a free slot.
    starts: Vec<usize>,
    /// Two bits of one word are set for each key: small enough for a cache, and most keys that are not here end there.
    filter: Vec<u64>,
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

/// Most parts: each is written to in turn.
const PARTS: usize = 1 << 10;

/// Keys for which [`Postings::find`] asks memory at once, before it reads what came.
const BLOCK: usize = 256;

impl Postings {
    /// The rows of `sets` for which `keep` holds. Time O(nnz), memory 42 bytes a posting at most.
    ///
    /// Postings are parted by their place in the table to be, so that each part is counted and placed within the cache.
    pub fn new(sets: &ShingleSets, keep: impl Fn(usize) -> bool, job: &Job<'_>) -> Result<Self> {
        let kept: Vec<usize> = (0..sets.len()).filter(|row| keep(*row)).collect();
        let total: usize = kept.iter().map(|row| sets.row(*row).len()).sum();
        if u32::try_from(total).is_err() {
            return Err(Error::input(format!("{total} shingles are too many for one index: give fewer texts")));
        }
        let parts = (total / PART).next_power_of_two().min(PARTS);
        let mut ends = vec![0usize; parts + 1];
        for row in &kept {
            sets.row(*row).iter().for_each(|key| ends[within(spread(*key), parts) + 1] += 1);
        }
        (1..ends.len()).for_each(|part| ends[part] += ends[part - 1]);
        let (mut keys, mut holders) = (with_huge_pages(total), with_huge_pages(total));
        keys.resize(total, 0u64);
        holders.resize(total, 0u32);
        for row in &kept {
            for key in sets.row(*row) {
                let at = &mut ends[within(spread(*key), parts)];
                (keys[*at], holders[*at]) = (*key, *row as u32);
                *at += 1;
            }
            job.check()?;
        }
        let mut postings = Postings {
            keys: 0,
            rows: with_huge_pages(total),
            slots: with_huge_pages(total + total / 2 + parts),
            starts: vec![0],
            filter: vec![0; (total / 8).next_power_of_two()],
        };
        let (mut gather, mut start) = (Gather::default(), 0);
        for end in &ends[..parts] {
            gather.part(&keys[start..*end], &holders[start..*end], parts, &mut postings);
            start = *end;
            job.check()?;
        }
        Ok(postings)
    }

    /// The slot of `key`, or the free one where it belongs.
    #[inline]
    fn place(&self, key: u64) -> usize {
        let (from, to, mut at) = self.start(key);
        while self.slots[at].len != 0 && self.slots[at].key != key {
            at = if at + 1 == to { from } else { at + 1 };
        }
        at
    }

    /// The slots of the part of `key`, and where among them its search starts.
    #[inline]
    fn start(&self, key: u64) -> (usize, usize, usize) {
        let (parts, key) = (self.starts.len() - 1, spread(key));
        let part = within(key, parts);
        let (from, to) = (self.starts[part], self.starts[part + 1]);
        (from, to, from + within(key << parts.trailing_zeros(), to - from))
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

    /// Append, for each of `keys` that is here, its place among them and its rows, which are on their way to the cache.
    pub fn find<'s>(&'s self, keys: &[u64], found: &mut Vec<(u32, &'s [u32])>) {
        let (mut words, mut maybe) = ([0u32; BLOCK], [0u16; BLOCK]);
        for (block, keys) in keys.chunks(BLOCK).enumerate() {
            for (key, word) in keys.iter().zip(&mut words) {
                *word = within(spread(*key), self.filter.len()) as u32;
                prefetch(&self.filter[*word as usize]);
            }
            let mut count = 0;
            for (i, (key, word)) in keys.iter().zip(&words).enumerate() {
                // No branch: which keys these are cannot be guessed.
                maybe[count] = i as u16;
                let bits = bits(*key);
                count += usize::from(self.filter[*word as usize] & bits == bits);
            }
            let maybe = &maybe[..count];
            maybe.iter().for_each(|i| prefetch(&self.slots[self.start(keys[usize::from(*i)]).2]));
            for i in maybe {
                if let rows @ [first, ..] = self.get(keys[usize::from(*i)]) {
                    prefetch(first);
                    found.push(((block * BLOCK) as u32 + u32::from(*i), rows));
                }
            }
        }
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

/// Numbers below `of` < 2^32 that ascend with a spread key.
#[inline]
fn within(spread: u64, of: usize) -> usize {
    (((spread >> 32) * of as u64) >> 32) as usize
}

/// Two bits of a word of the filter, by other bits of the key than those that choose the word.
#[inline]
fn bits(key: u64) -> u64 {
    let key = spread(key);
    1 << (key >> 26 & 63) | 1 << (key >> 20 & 63)
}

/// Brings the rows of each key of a part together; keeps its buffers from part to part.
#[derive(Default)]
struct Gather {
    /// The keys of the part, by open addressing.
    keys: Vec<u64>,
    /// For each place the number of rows of its key, then where its next row goes; 0 is free, and all are between parts.
    counts: Vec<u32>,
    /// The places of the keys, ascending, as the slots of the keys do but for collisions.
    taken: Vec<u32>,
    /// The place of each pair.
    places: Vec<u32>,
    /// The rows of each key, in the order of `taken`.
    rows: Vec<u32>,
}

impl Gather {
    /// Add the next of `parts` to `postings`: its keys with the row that holds each.
    fn part(&mut self, keys: &[u64], holders: &[u32], parts: usize, postings: &mut Postings) {
        let size = (2 * keys.len()).next_power_of_two().max(2);
        if self.keys.len() < size {
            self.keys.resize(size, 0);
            self.counts.resize(size, 0);
            self.taken.resize(size, 0);
        }
        let (mask, shift) = (size - 1, parts.trailing_zeros());
        let Gather { keys: table, counts, taken, places, rows } = self;
        places.clear();
        for key in keys {
            let mut at = within(spread(*key) << shift, size);
            while counts[at] != 0 && table[at] != *key {
                at = (at + 1) & mask;
            }
            table[at] = *key;
            counts[at] += 1;
            places.push(at as u32);
        }
        let mut distinct = 0;
        for (at, count) in counts[..size].iter().enumerate() {
            // No branch: which places are taken cannot be guessed.
            taken[distinct] = at as u32;
            distinct += usize::from(*count != 0);
        }
        let taken = &taken[..distinct];
        let mut start = 0;
        for at in taken {
            let count = &mut counts[*at as usize];
            (start, *count) = (start + *count, start);
        }
        rows.resize(keys.len().max(rows.len()), 0);
        for (row, at) in holders.iter().zip(&*places) {
            let next = &mut counts[*at as usize];
            rows[*next as usize] = *row;
            *next += 1;
        }
        postings.keys += distinct;
        let from = postings.slots.len();
        postings.slots.resize(from + distinct * 3 / 2 + 1, Slot::default());
        postings.starts.push(postings.slots.len());
        let (words, own, mut start) = (postings.filter.len(), &mut postings.slots[from..], 0);
        for at in taken {
            let (key, end) = (table[*at as usize], std::mem::take(&mut counts[*at as usize]));
            let held = &rows[start as usize..end as usize];
            let first = if held.len() == 1 { held[0] } else { postings.rows.len() as u32 };
            if held.len() > 1 {
                postings.rows.extend_from_slice(held);
            }
            postings.filter[within(spread(key), words)] |= bits(key);
            let mut at = within(spread(key) << shift, own.len());
            while own[at].len != 0 {
                at = if at + 1 == own.len() { 0 } else { at + 1 };
            }
            own[at] = Slot { key, start: first, len: end - start };
            start = end;
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
        let (asked, mut found): (Vec<u64>, _) = ((0..63_000).collect(), Vec::new());
        postings.find(&asked, &mut found);
        assert!(found.iter().all(|(key, rows)| !rows.is_empty() && *rows == postings.get(u64::from(*key))));
        assert_eq!(found.len(), postings.len());
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
            let asked: Vec<u64> = all.iter().copied().collect();
            let mut found = Vec::new();
            postings.find(&asked, &mut found);
            let found: BTreeMap<u64, Vec<u32>> = found.into_iter().map(|(at, rows)| (asked[at as usize], rows.to_vec())).collect();
            prop_assert_eq!(&found, &want);
            for key in all {
                prop_assert_eq!(postings.get(key), want.get(&key).map_or(&[][..], Vec::as_slice));
            }
        }
    }
}
