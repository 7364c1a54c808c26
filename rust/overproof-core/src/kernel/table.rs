//! Look-ups in a table of 64-bit keys that lies in memory as cache lines.
//!
//! Such a look-up does little but wait for memory: each key's line is asked for long before it is read.

use super::memory::prefetch;

/// Keys in a bucket.
pub const SLOTS: usize = 8;

/// Buckets that are searched for a key, from its own on; a key that finds them full is kept aside.
pub const REACH: usize = 8;

/// One cache line of keys, filled from the front; a free slot holds 0.
///
/// The last two slots descend until a key finds the bucket full and goes past it; then they ascend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(64))]
pub struct Bucket(pub [u64; SLOTS]);

/// Distinct keys, as look-ups see them.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// At least `REACH`: keys are spread over all but the last `REACH - 1`, so that each has as many after it.
    pub buckets: &'a [Bucket],
    /// Keys that found their buckets full, ascending.
    pub aside: &'a [u64],
    /// Whether 0 is a key, which no slot can say.
    pub zero: bool,
}

impl Table<'_> {
    /// The first bucket of a key.
    #[inline(always)]
    pub fn place(&self, key: u64) -> usize {
        place(key, self.buckets.len())
    }

    fn holds(&self, key: u64) -> bool {
        if key == 0 {
            return self.zero;
        }
        let at = self.place(key);
        for bucket in &self.buckets[at..at + REACH] {
            if holds(bucket, key) {
                return true;
            }
            if !passed(bucket) {
                return false;
            }
        }
        self.aside.binary_search(&key).is_ok()
    }
}

/// The first bucket of a key among `buckets`.
///
/// Multiplied first (Fibonacci hashing): users' hashes may be small numbers, whose top bits are all alike.
#[inline(always)]
pub fn place(key: u64, buckets: usize) -> usize {
    ((u128::from(spread(key)) * (buckets - (REACH - 1)) as u128) >> 64) as usize
}

/// Buckets ascend with this.
#[inline(always)]
pub fn spread(key: u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[inline(always)]
fn holds(bucket: &Bucket, key: u64) -> bool {
    bucket.0.iter().fold(false, |found, slot| found | (*slot == key))
}

/// Whether a key that belongs here may be further on.
#[inline(always)]
fn passed(bucket: &Bucket) -> bool {
    bucket.0[SLOTS - 2] < bucket.0[SLOTS - 1]
}

/// Keys between the asking for a line and its reading: as many as lines can be under way.
const AHEAD: usize = 64;

/// Keys that are looked up before those that need a second line get it.
const BLOCK: usize = 1024;

/// See `kernel::contains`.
#[inline(always)]
pub fn contains(table: &Table<'_>, keys: &[u64], out: &mut [bool]) {
    let line = |key: &u64| &table.buckets[table.place(*key)];
    keys.iter().take(AHEAD).for_each(|key| prefetch(line(key)));
    let mut unsure = [0u16; BLOCK];
    for (at, out) in (0..).step_by(BLOCK).zip(out.chunks_mut(BLOCK)) {
        let (keys, ahead, mut count) = (&keys[at..], &keys[keys.len().min(at + AHEAD)..], 0);
        for (i, (key, out)) in keys.iter().zip(&mut *out).enumerate() {
            // Across blocks, so that lines are always under way.
            if let Some(next) = ahead.get(i) {
                prefetch(line(next));
            }
            let bucket = line(key);
            *out = holds(bucket, *key);
            // One bucket in twelve was passed; 0 is in every other one. No branch here: which keys these are cannot be
            // guessed.
            unsure[count] = i as u16;
            count += usize::from((!*out & passed(bucket)) | (*key == 0));
        }
        let next = |i: u16| &table.buckets[table.place(keys[usize::from(i)]) + 1];
        unsure[..count].iter().for_each(|i| prefetch(next(*i)));
        let mut rest = 0;
        for at in 0..count {
            let (i, bucket) = (unsure[at], next(unsure[at]));
            let key = keys[usize::from(i)];
            let found = holds(bucket, key);
            out[usize::from(i)] = found;
            unsure[rest] = i;
            rest += usize::from((!found & passed(bucket)) | (key == 0));
        }
        for i in unsure[..rest].iter().map(|i| usize::from(*i)) {
            out[i] = table.holds(keys[i]);
        }
    }
}

/// See `kernel::insert`.
#[inline(always)]
pub fn insert(buckets: &mut [Bucket], keys: &[u64], aside: &mut Vec<u64>) -> usize {
    let mut new = 0;
    let count = buckets.len();
    for key in keys {
        let at = place(*key, count);
        let mut reach = buckets[at..at + REACH].iter_mut();
        new += loop {
            let Some(bucket) = reach.next() else {
                aside.push(*key);
                break 0;
            };
            let used = bucket.0.iter().map(|slot| usize::from(*slot != 0)).sum::<usize>();
            if holds(bucket, *key) {
                break 0;
            }
            let last = bucket.0[SLOTS - 2];
            if used < SLOTS {
                bucket.0[used] = *key;
                if used == SLOTS - 1 && last < *key {
                    bucket.0.swap(SLOTS - 2, SLOTS - 1);
                }
                break 1;
            }
            if !passed(bucket) {
                bucket.0.swap(SLOTS - 2, SLOTS - 1);
            }
        };
    }
    new
}
