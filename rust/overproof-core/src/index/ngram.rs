//! The distinct n-grams of a corpus in memory: which hashes are there, and how much of a text is.
//!
//! One cache line holds eight keys, and a key stands in its line or, where that is full, in one of the next few: almost
//! every look-up reads one line, which is asked for ahead of time. Keys come into the table in order of their lines, so
//! that filling it stays within the cache.

use crate::error::Result;
use crate::exec::Job;
use crate::kernel::memory::with_huge_pages;
use crate::kernel::table::{Bucket, REACH, Table, spread};
use crate::kernel::{self, Level};
use crate::partition::Partitioned;
use crate::score::ratio;
use crate::shingle::sort::HashSorter;
use crate::sketch::{HashRows, Rows};

/// Keys for each 100 buckets of eight: few enough that one key in fifty leaves its own.
const LOAD: usize = 520;

/// Keys whose buckets are filled together: they stay in the second cache.
const REGION: usize = 1 << 14;

/// Most regions: beyond, parting keys is slower than filling larger regions.
const MOST_REGIONS: usize = 1 << 12;

/// Blocks of a job whose keys are parted together.
const TOGETHER: usize = 8;

/// Keys that are looked up together.
const KEYS: usize = 1 << 15;

/// Distinct hashes, ready to be looked up.
#[derive(Clone, Debug)]
pub struct NgramTable {
    buckets: Vec<Bucket>,
    aside: Vec<u64>,
    zero: bool,
    len: usize,
}

impl NgramTable {
    /// All hashes of all rows. O(hashes); memory is 8 bytes a hash and 12.3 a distinct one, which stay.
    pub fn new(job: &Job<'_>, rows: &impl Rows) -> Result<Self> {
        let level = kernel::level()?;
        let weight = |i| rows.weight(i) / TOGETHER;
        // About: a word and its space are 6 bytes of text, a hash is 8.
        let about = (0..rows.len()).map(weight).sum::<usize>();
        let regions = (about / REGION).next_power_of_two().min(MOST_REGIONS);
        let region = |key: &u64| ((u128::from(spread(*key)) * regions as u128) >> 64) as usize;
        let parts = job.chunks(rows.len(), weight, |range| {
            let (mut scratch, mut keys) = (rows.scratch(), Vec::new());
            for i in range {
                rows.feed(i, &mut scratch, |hashes| keys.extend_from_slice(hashes));
            }
            let all = keys.len();
            keys.retain(|key| *key != 0);
            Ok((Partitioned::new(&keys, regions, region), keys.len() < all))
        })?;
        let most = parts.iter().map(|(part, _)| part.len()).sum();
        let mut table = NgramTable::with_room(most, parts.iter().any(|(_, zero)| *zero));
        for region in 0..regions {
            job.check()?;
            parts.iter().for_each(|(part, _)| table.insert(level, part.part(region)));
        }
        drop(parts);
        table.end();
        if table.buckets.len() > 2 * buckets_for(table.len) {
            table = table.compact(job, level)?;
        }
        Ok(table)
    }

    /// These hashes, in any order, repeats allowed.
    pub fn of_hashes(job: &Job<'_>, hashes: &[u64]) -> Result<Self> {
        let starts = (0..hashes.len()).step_by(KEYS).chain([hashes.len()]);
        let indptr: Vec<i64> = std::iter::once(0).chain(starts.skip(1).map(|at| at as i64)).collect();
        NgramTable::new(job, &HashRows::new(&indptr, hashes)?)
    }

    fn with_room(keys: usize, zero: bool) -> Self {
        let count = buckets_for(keys);
        let mut buckets = with_huge_pages(count);
        buckets.resize(count, Bucket::default());
        NgramTable { buckets, aside: Vec::new(), zero, len: usize::from(zero) }
    }

    fn insert(&mut self, level: Level, keys: &[u64]) {
        self.len += kernel::insert(level, &mut self.buckets, keys, &mut self.aside);
    }

    fn end(&mut self) {
        self.aside.sort_unstable();
        self.aside.dedup();
        self.len += self.aside.len();
    }

    /// The same keys in as much room as they need. Old buckets are in order of the new ones.
    fn compact(self, job: &Job<'_>, level: Level) -> Result<Self> {
        let mut table = NgramTable::with_room(self.len, self.zero);
        for buckets in self.buckets.chunks(KEYS) {
            job.check()?;
            let keys: Vec<u64> = buckets.iter().flat_map(|b| b.0).filter(|key| *key != 0).collect();
            table.insert(level, &keys);
        }
        table.insert(level, &self.aside);
        table.end();
        Ok(table)
    }

    /// Number of distinct hashes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no hashes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that the table takes.
    pub fn memory(&self) -> usize {
        size_of_val(&self.buckets[..]) + size_of_val(&self.aside[..])
    }

    /// The hashes, ascending. O(n log n).
    pub fn hashes(&self) -> Vec<u64> {
        let stored = self.buckets.iter().flat_map(|b| b.0).filter(|key| *key != 0);
        let mut all: Vec<u64> = stored.chain(self.aside.iter().copied()).chain(self.zero.then_some(0)).collect();
        all.sort_unstable();
        all
    }

    fn table(&self) -> Table<'_> {
        Table { buckets: &self.buckets, aside: &self.aside, zero: self.zero }
    }

    /// Whether each of `hashes` is there.
    pub fn contains(&self, job: &Job<'_>, hashes: &[u64]) -> Result<Vec<bool>> {
        let (level, table) = (kernel::level()?, self.table());
        // As a matrix, whose last row may be longer than what is left; few hashes take no more than their own room.
        let width = hashes.len().clamp(1, KEYS);
        let (mut found, _) = job.fill(
            hashes.len().div_ceil(width),
            width,
            |_| usize::MAX,
            |blocks, part| {
                let out = part.fill(false);
                let keys = &hashes[blocks.start * width..hashes.len().min(blocks.end * width)];
                kernel::contains(level, &table, keys, &mut out[..keys.len()]);
                Ok(())
            },
        )?;
        found.truncate(hashes.len());
        Ok(found)
    }

    /// For each row the share of its distinct hashes that are there; NaN for rows without any.
    pub fn coverage(&self, job: &Job<'_>, rows: &impl Rows) -> Result<Vec<f64>> {
        let (level, table) = (kernel::level()?, self.table());
        let parts = job.chunks(
            rows.len(),
            |i| rows.weight(i),
            |range| {
                let (mut scratch, mut sorter, mut hits) = (rows.scratch(), HashSorter::default(), Vec::new());
                let (mut hashes, mut keys) = (Vec::new(), Vec::new());
                let mut shares = Vec::with_capacity(range.len());
                for i in range {
                    hashes.clear();
                    rows.feed(i, &mut scratch, |some| hashes.extend_from_slice(some));
                    sorter.sort(&hashes, &mut keys);
                    keys.dedup();
                    hits.resize(keys.len().max(hits.len()), false);
                    kernel::contains(level, &table, &keys, &mut hits[..keys.len()]);
                    shares.push(ratio(hits[..keys.len()].iter().filter(|hit| **hit).count(), keys.len()));
                }
                Ok(shares)
            },
        )?;
        Ok(parts.concat())
    }
}

/// Buckets for so many keys.
fn buckets_for(keys: usize) -> usize {
    keys / LOAD * 100 + keys % LOAD * 100 / LOAD + REACH
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{Analyzer, Normalization, ShingleParams};
    use crate::shingle::ShingleSets;
    use crate::shingle::build::from_texts;
    use crate::sketch::TextRows;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Hashes as they come, and such as a table cannot spread: small ones, equal ones, 0.
    fn hashes(max: usize) -> impl Strategy<Value = Vec<u64>> {
        let meeting = (0u64..300).prop_map(|i| i.wrapping_mul(0xF1DE_83E1_9937_733D));
        proptest::collection::vec(prop_oneof![any::<u64>(), 0u64..40, meeting], 0..max)
    }

    proptest! {
        #[test]
        fn is_a_set(stored in hashes(900), asked in hashes(300)) {
            let job = Job::inline();
            let table = NgramTable::of_hashes(&job, &stored)?;
            let set: BTreeSet<u64> = stored.iter().copied().collect();
            prop_assert_eq!(table.len(), set.len());
            prop_assert_eq!(table.hashes(), set.iter().copied().collect::<Vec<_>>());
            let want: Vec<bool> = asked.iter().map(|hash| set.contains(hash)).collect();
            prop_assert_eq!(table.contains(&job, &asked)?, want);
            let again = table.clone().compact(&job, kernel::level()?)?;
            prop_assert_eq!(again.hashes(), table.hashes());
        }

        #[test]
        fn coverage_is_the_share_of_distinct_ngrams(
            corpus in proptest::collection::vec("[ab ]{0,30}", 0..6), asked in proptest::collection::vec("[abc ]{0,40}", 0..6), n in 1u8..4,
        ) {
            let job = Job::inline();
            let params = ShingleParams::new(vec![n], Analyzer::Word, Normalization::parse("nfkc_casefold")?, 0)?;
            let of = |texts: &[String]| texts.iter().map(|text| Some(text.clone())).chain([None]).collect::<Vec<_>>();
            let (corpus, asked) = (of(&corpus), of(&asked));
            let (corpus, asked): (Vec<_>, Vec<_>) = (corpus.iter().map(Option::as_deref).collect(), asked.iter().map(Option::as_deref).collect());
            let sets = |texts: &[Option<&str>]| from_texts(texts, &params, false, &job);
            let (stored, rows): (ShingleSets, ShingleSets) = (sets(&corpus)?, sets(&asked)?);
            let union: BTreeSet<u64> = stored.hashes.iter().copied().collect();
            let table = NgramTable::new(&job, &TextRows { texts: &corpus, params: &params })?;
            prop_assert_eq!(table.hashes(), union.iter().copied().collect::<Vec<_>>());
            let fused = table.coverage(&job, &TextRows { texts: &asked, params: &params })?;
            let split = table.coverage(&job, &rows)?;
            for (i, (fused, split)) in fused.iter().zip(&split).enumerate() {
                let want = ratio(rows.row(i).iter().filter(|hash| union.contains(hash)).count(), rows.row(i).len());
                prop_assert!(fused.to_bits() == split.to_bits() && (*fused == want || fused.is_nan() && want.is_nan()));
            }
        }
    }

    #[test]
    fn blocks_are_looked_up_alike() -> Result<()> {
        let job = Job::inline();
        let asked: Vec<u64> = (0..2 * KEYS as u64 + 5).collect();
        let stored: Vec<u64> = asked.iter().copied().filter(|hash| hash % 3 == 0).collect();
        let table = NgramTable::of_hashes(&job, &stored)?;
        for size in [0, 1, KEYS - 1, KEYS, KEYS + 1, 2 * KEYS, asked.len()] {
            let found = table.contains(&job, &asked[..size])?;
            assert_eq!(found.len(), size);
            assert!(found.iter().zip(&asked).all(|(found, hash)| *found == (hash % 3 == 0)));
        }
        Ok(())
    }

    #[test]
    fn repeats_do_not_cost_room() -> Result<()> {
        let job = Job::inline();
        let table = NgramTable::of_hashes(&job, &vec![7; 1 << 20])?;
        assert_eq!((table.len(), table.memory()), (1, 64 * REACH));
        Ok(())
    }

    /// One bucket's keys, as nobody draws them by chance: time is that of a sort, not of a walk through all of them.
    #[test]
    fn keys_that_all_meet_are_kept_aside() -> Result<()> {
        let job = Job::inline();
        // Multiples of the inverse of the multiplier: spread, they are 1, 2, 3, ...
        let keys: Vec<u64> = (1..1 << 18).map(|i: u64| i.wrapping_mul(0xF1DE_83E1_9937_733D)).collect();
        assert!(keys.iter().zip(1..).all(|(key, i)| spread(*key) == i));
        let table = NgramTable::of_hashes(&job, &keys)?;
        assert_eq!(table.len(), keys.len());
        assert!(table.contains(&job, &keys)?.iter().all(|found| *found));
        Ok(())
    }
}
