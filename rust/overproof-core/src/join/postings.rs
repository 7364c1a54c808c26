//! The inverted index of a batch of sets: from a hash to the rows that hold it.
//!
//! A look-up does little but wait for memory, and memory that is touched first costs as much as all the rest: so a key
//! takes 12 bytes and a bit of the table of buckets, which says at once that most keys are not here.

use crate::error::{Error, Result};
use crate::exec::Job;
use crate::kernel::memory::{prefetch, with_huge_pages};
use crate::kernel::table::spread;
use crate::shingle::ShingleSets;
use crate::shingle::sort::HashSorter;

/// Hashes with the rows that hold them, rows ascending.
pub struct Postings {
    /// The keys, those of a bucket side by side.
    entries: Vec<Entry>,
    /// Of each key that several rows hold their number, then the rows.
    lists: Vec<u32>,
    /// Which entries have more than [`COMMON`] rows.
    common: Vec<u32>,
    /// The buckets, and one more where the last one ends.
    buckets: Vec<Bucket>,
    order: Order,
    /// Number of rows of the sets.
    rows: u32,
}

/// A key in two halves, and its row where it has one alone, else [`Postings::rows`] and the place of its list.
#[derive(Clone, Copy, Default)]
struct Entry {
    key: [u32; 2],
    value: u32,
}

/// Keys that are close in the order.
#[derive(Clone, Copy, Default)]
struct Bucket {
    /// Where its entries start.
    start: u32,
    /// Two bits are set for each of its keys: most keys that are not here end there.
    filter: u32,
}

/// The order of the keys in the index: their own where they are mixed, else that of their products with an odd number.
#[derive(Clone, Copy)]
struct Order {
    mixed: bool,
}

/// Postings that one part of the keys has about: what they are numbered by stays near the first cache.
const PART: usize = 5 << 9;

/// Most parts of a range: each is written to in turn.
const PARTS: usize = 1 << 10;

/// Ranges of keys that are parted one after the other, in the same memory, 12 bytes a posting of one; a power of two.
const RANGES: usize = 4;

/// Postings from which on there are ranges.
const LARGE: usize = 1 << 20;

/// Bins in which the postings of a part are sorted.
const BINS: usize = 16;

/// Postings to a bucket.
const BUCKET: usize = 4;

/// Keys for which [`Postings::find`] asks memory at once, before it reads what came.
const BLOCK: usize = 256;

/// Rows of a cache line.
const LINE: usize = 16;

/// Hashes that more rows hold are remembered apart.
const COMMON: usize = 4;

/// Lists from which on only the first line is asked for.
const LONG: usize = 8 * LINE;

/// Rows between the asking for the next keys of one and their reading.
const AHEAD: usize = 16;

impl Postings {
    /// The rows of `sets` for which `keep` holds. Time O(nnz) for hashes, memory 32 bytes a posting at most.
    ///
    /// Postings are parted by their place in the table to be, so that each part is counted and placed within the cache.
    pub fn new(sets: &ShingleSets, keep: impl Fn(usize) -> bool, job: &Job<'_>) -> Result<Self> {
        Self::in_ranges(sets, keep, if sets.hashes.len() < LARGE { 1 } else { RANGES }, job)
    }

    /// The hashes of texts are mixed and ascend in each row: a range of them is a stretch of each.
    fn in_ranges(sets: &ShingleSets, keep: impl Fn(usize) -> bool, ranges: usize, job: &Job<'_>) -> Result<Self> {
        let kept: Vec<usize> = (0..sets.len()).filter(|row| keep(*row)).collect();
        let total: usize = kept.iter().map(|row| sets.row(*row).len()).sum();
        // Lists have half as many words more than postings at the most.
        let Some(rows) = u32::try_from(total + total / 2 + sets.len()).is_ok().then_some(sets.len() as u32) else {
            return Err(Error::input(format!("{total} shingles are too many for one index: give fewer texts")));
        };
        let order = Order { mixed: sets.params.is_some() };
        let ranges = if order.mixed { ranges } else { 1 };
        let own = (total / ranges / PART).clamp(1, PARTS).next_power_of_two();
        let parts = ranges * own;
        let mut counts = vec![0usize; parts];
        for row in &kept {
            sets.row(*row).iter().for_each(|key| counts[within(order.of(*key), parts)] += 1);
        }
        job.check()?;
        let most = counts.chunks(own).map(|parts| parts.iter().sum()).max().unwrap_or(0);
        let mut parted = with_huge_pages(most);
        parted.resize(most, Entry::default());
        let mut gather = Gather { parts, buckets: total / BUCKET / parts + 1, ..Gather::default() };
        let mut postings = Postings {
            entries: with_huge_pages(total),
            lists: with_huge_pages(total),
            common: Vec::new(),
            buckets: with_huge_pages(parts * gather.buckets + 1),
            order,
            rows,
        };
        // Of each row the keys that are done.
        let mut done = vec![0u32; kept.len()];
        for range in 0..ranges {
            let own = range * own..(range + 1) * own;
            // A part's end moves from its start as postings come in.
            let mut ends = vec![0usize; own.len()];
            (1..ends.len()).for_each(|part| ends[part] = ends[part - 1] + counts[own.start + part - 1]);
            for (nth, row) in kept.iter().enumerate() {
                if let Some(ahead) = kept.get(nth + AHEAD) {
                    let next = &sets.row(*ahead)[done[nth + AHEAD] as usize..];
                    next.iter().take(3 * 8).step_by(8).for_each(prefetch);
                }
                let left = &sets.row(*row)[done[nth] as usize..];
                let mut taken = 0;
                for key in left {
                    let part = within(order.of(*key), parts);
                    if part >= own.end {
                        break;
                    }
                    let at = &mut ends[part - own.start];
                    parted[*at] = Entry { key: halves(*key), value: *row as u32 };
                    *at += 1;
                    taken += 1;
                }
                done[nth] += taken;
                if nth % 1024 == 0 {
                    job.check()?;
                }
            }
            let mut start = 0;
            for (part, end) in own.zip(ends) {
                gather.part(part, &parted[start..end], &mut postings);
                start = end;
                job.check()?;
            }
        }
        postings.buckets.push(Bucket { start: postings.entries.len() as u32, filter: 0 });
        Ok(postings)
    }

    /// The bucket of a key.
    #[inline]
    fn place(&self, key: u64) -> usize {
        within(self.order.of(key), self.buckets.len() - 1)
    }

    /// The entry of `key` in bucket `place`.
    #[inline]
    fn entry(&self, place: usize, key: u64) -> Option<&Entry> {
        const FEW: usize = 4;
        let (start, end) = (self.buckets[place].start as usize, self.buckets[place + 1].start as usize);
        let key = halves(key);
        // No branch: which of the first it is cannot be guessed. No other bucket has the key.
        if let Some(few) = self.entries[start..].first_chunk::<FEW>() {
            let at = (0..FEW).rev().fold(FEW, |at, i| if few[i].key == key { i } else { at });
            if at < FEW {
                return Some(&few[at]);
            }
            if end <= start + FEW {
                return None;
            }
        }
        self.entries[start..end].iter().find(|entry| entry.key == key)
    }

    /// Number of distinct hashes.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no hashes.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The rows that hold `key`, ascending.
    #[inline]
    pub fn get(&self, key: u64) -> &[u32] {
        let place = self.place(key);
        if !self.buckets[place].may_hold(self.order.of(key)) {
            return &[];
        }
        self.entry(place, key).map_or(&[], |entry| self.rows_of(entry))
    }

    /// Append, for each of `keys` that is here, its place among them and its rows, which are on their way to the cache.
    pub fn find<'s>(&'s self, keys: &[u64], found: &mut Vec<(u32, &'s [u32])>) {
        let (mut places, mut maybe) = ([0u32; BLOCK], [0u16; BLOCK]);
        let mut held = [(0u16, &Entry { key: [0; 2], value: 0 }); BLOCK];
        for (block, keys) in keys.chunks(BLOCK).enumerate() {
            for (key, place) in keys.iter().zip(&mut places) {
                *place = self.place(*key) as u32;
                prefetch(&self.buckets[*place as usize]);
            }
            let mut count = 0;
            for (i, (key, place)) in keys.iter().zip(&places).enumerate() {
                // No branch: which keys these are cannot be guessed.
                maybe[count] = i as u16;
                count += usize::from(self.buckets[*place as usize].may_hold(self.order.of(*key)));
            }
            let maybe = &maybe[..count];
            for i in maybe {
                let own = &self.entries[self.buckets[places[usize::from(*i)] as usize].start as usize..];
                own.first().inspect(|first| prefetch(*first));
                own.get(3).inspect(|later| prefetch(*later));
            }
            let mut count = 0;
            for i in maybe {
                if let Some(entry) = self.entry(places[usize::from(*i)] as usize, keys[usize::from(*i)]) {
                    held[count] = (*i, entry);
                    count += 1;
                    if entry.value >= self.rows {
                        prefetch(&self.lists[(entry.value - self.rows) as usize]);
                    }
                }
            }
            let rows = |(i, entry): &(u16, &'s Entry)| {
                let rows = self.rows_of(entry);
                if rows.len() < LONG {
                    rows.iter().skip(LINE).step_by(LINE).for_each(prefetch);
                }
                ((block * BLOCK) as u32 + u32::from(*i), rows)
            };
            found.extend(held[..count].iter().map(rows));
        }
    }

    /// The hashes that more than `rows` rows hold, and those rows, in no order that means anything.
    ///
    /// O(hashes that several rows hold) where `rows` is 4 or more, else O(hashes).
    pub fn held_by_more_than(&self, rows: usize) -> impl Iterator<Item = (u64, &[u32])> {
        let (all, common) = if rows < COMMON { (&self.entries[..], &[][..]) } else { (&[][..], &self.common[..]) };
        let entries = all.iter().chain(common.iter().map(|at| &self.entries[*at as usize]));
        entries.map(|entry| (whole(entry.key), self.rows_of(entry))).filter(move |(_, holders)| holders.len() > rows)
    }

    #[inline]
    fn rows_of<'s>(&'s self, entry: &'s Entry) -> &'s [u32] {
        match entry.value.checked_sub(self.rows) {
            None => std::slice::from_ref(&entry.value),
            Some(list) => {
                let (len, rows) = (self.lists[list as usize], list as usize + 1);
                &self.lists[rows..rows + len as usize]
            }
        }
    }
}

#[inline]
fn halves(key: u64) -> [u32; 2] {
    [(key >> 32) as u32, key as u32]
}

#[inline]
fn whole([high, low]: [u32; 2]) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// Numbers below `of` < 2^32 that ascend with the order.
#[inline]
fn within(order: u64, of: usize) -> usize {
    (((order >> 32) * of as u64) >> 32) as usize
}

impl Order {
    #[inline]
    fn of(self, key: u64) -> u64 {
        if self.mixed { key } else { spread(key) }
    }
}

impl Bucket {
    /// By other bits than those that choose the bucket.
    #[inline]
    fn bits(order: u64) -> u32 {
        1 << (order >> 27 & 31) | 1 << (order >> 22 & 31)
    }

    #[inline]
    fn may_hold(self, order: u64) -> bool {
        self.filter & Self::bits(order) == Self::bits(order)
    }
}

/// Brings the rows of each key of a part together; keeps its buffers from part to part.
#[derive(Default)]
struct Gather {
    /// Number of parts, a power of two, and of the buckets of each.
    parts: usize,
    buckets: usize,
    sorter: HashSorter,
    /// For each posting the bits of its key that are not those of the part, then its number: in order of these, the
    /// postings of a key are side by side and their rows ascend.
    mixed: Vec<u64>,
    sorted: Vec<u64>,
    /// What the sorter works with.
    spare: Vec<u64>,
}

impl Gather {
    /// Sort the postings of a part by bins of their first bits, which fit into registers each; `false` where that is not so,
    /// or where keys are so common that a bin overflows.
    fn bins(&mut self, parted: &[Entry], mixed: impl Fn(usize, &Entry) -> u64) -> bool {
        // Twice as many as come to a bin on average.
        let room = 2 * parted.len() / BINS;
        if !(64..=320).contains(&room) {
            return false;
        }
        let mut ends = [0; BINS];
        self.mixed.resize(BINS * room, 0);
        for (i, posting) in parted.iter().enumerate() {
            let mixed = mixed(i, posting);
            let bin = (mixed >> (u64::BITS - BINS.trailing_zeros())) as usize;
            self.mixed[bin * room + ends[bin].min(room - 1)] = mixed;
            ends[bin] += 1;
        }
        if ends.iter().any(|end| *end > room) {
            return false;
        }
        self.sorted.clear();
        for (bin, end) in self.mixed.chunks(room).zip(ends) {
            // No two are equal: all of them are kept.
            self.sorter.append_set(&bin[..end], &mut self.spare, &mut self.sorted);
        }
        true
    }

    /// Add part `part` to `postings`: its keys, each with the row that holds it.
    fn part(&mut self, part: usize, parted: &[Entry], postings: &mut Postings) {
        let (order, parts, buckets) = (postings.order, self.parts, self.buckets);
        let numbers = parted.len().next_power_of_two() as u64 - 1;
        let known = parts.trailing_zeros();
        let mixed = |i: usize, posting: &Entry| (order.of(whole(posting.key)) << known) & !numbers | i as u64;
        if !self.bins(parted, mixed) {
            self.mixed.clear();
            self.mixed.extend(parted.iter().enumerate().map(|(i, posting)| mixed(i, posting)));
            self.sorter.sort(&self.mixed, &mut self.sorted);
        }
        let posting = |mixed: u64| &parted[(mixed & numbers) as usize];
        let close = |a: u64, b: u64| (a ^ b) & !numbers == 0;
        let alike = |a: u64, b: u64| close(a, b) && posting(a).key == posting(b).key;
        // Where a number takes more bits than the part knows, other keys may be as close.
        let torn = |two: &[u64]| close(two[0], two[1]) && !alike(two[0], two[1]);
        if numbers.count_ones() > known && self.sorted.windows(2).any(torn) {
            self.sorted.sort_unstable_by_key(|mixed| (order.of(whole(posting(*mixed).key)), mixed & numbers));
        }
        let first = part * buckets;
        postings.buckets.resize(first + buckets, Bucket::default());
        let own = &mut postings.buckets[first..];
        let mut start = postings.entries.len() as u32;
        let mut left = &self.sorted[..];
        while let [one, others @ ..] = left {
            let count = 1 + others.iter().take_while(|other| alike(**other, *one)).count();
            let (same, rest) = left.split_at(count);
            left = rest;
            let mut entry = *posting(*one);
            if count > 1 {
                entry.value = postings.rows + postings.lists.len() as u32;
                postings.lists.push(count as u32);
                postings.lists.extend(same.iter().map(|mixed| posting(*mixed).value));
                if count > COMMON {
                    postings.common.push(postings.entries.len() as u32);
                }
            }
            let key = order.of(whole(entry.key));
            let bucket = &mut own[within(key, parts * buckets) - first];
            bucket.start += 1;
            bucket.filter |= Bucket::bits(key);
            postings.entries.push(entry);
        }
        for bucket in own {
            start += std::mem::replace(&mut bucket.start, start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{Analyzer, Normalization, ShingleParams};
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
            prop_oneof![any::<u64>(), 0u64..9, (u64::MAX - 9)..=u64::MAX], 0..20), 0..9), mixed: bool, ranges in 0usize..4) {
            let mut sets = ShingleSets::of_rows(rows.iter().map(|r| r.iter().copied().collect()).collect());
            if mixed {
                sets.params = Some(ShingleParams::new(vec![5], Analyzer::Word, Normalization::parse("none")?, 0)?);
            }
            let postings = Postings::in_ranges(&sets, |row| row != 1, 1 << ranges, &Job::inline())?;
            let mut want: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
            for (row, set) in rows.iter().enumerate().filter(|(row, _)| *row != 1) {
                set.iter().for_each(|h| want.entry(*h).or_default().push(row as u32));
            }
            prop_assert_eq!(postings.len(), want.len());
            for least in 0..6 {
                let common = |rows: &[u32]| rows.len() > least;
                let found: BTreeMap<u64, Vec<u32>> =
                    postings.held_by_more_than(least).map(|(key, rows)| (key, rows.to_vec())).collect();
                let want: BTreeMap<_, _> = want.iter().filter(|(_, rows)| common(rows)).map(|(k, rows)| (*k, rows.clone())).collect();
                prop_assert_eq!(found, want);
            }
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
