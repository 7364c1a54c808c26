//! Look-ups in a table of 64-bit keys that lies in memory as cache lines.
//!
//! Such a look-up does little but wait for memory: each key's line is asked for long before it is read.

use super::memory::prefetch;

/// Keys in a bucket.
pub const SLOTS: usize = 8;

/// Buckets that are searched for a key, from its own on; a key that finds them full is kept aside.
pub const REACH: usize = 8;

/// One cache line of keys, filled from the front; a free slot holds 0.
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
            if bucket.0[SLOTS - 1] == 0 {
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

/// Keys between the asking for a line and its reading: as many as lines can be under way.
const AHEAD: usize = 64;

/// Keys that are looked up before those that need a second line get it.
const BLOCK: usize = 1024;

/// See `kernel::contains`.
#[inline(always)]
pub fn contains(table: &Table<'_>, keys: &[u64], out: &mut [bool]) {
    for (keys, out) in keys.chunks(BLOCK).zip(out.chunks_mut(BLOCK)) {
        let (ahead, mut unsure, mut count) = (&keys[keys.len().min(AHEAD)..], [0u16; BLOCK], 0);
        for key in &keys[..keys.len().min(AHEAD)] {
            prefetch(&table.buckets[table.place(*key)]);
        }
        for (i, (key, out)) in keys.iter().zip(&mut *out).enumerate() {
            if let Some(next) = ahead.get(i) {
                prefetch(&table.buckets[table.place(*next)]);
            }
            let bucket = &table.buckets[table.place(*key)];
            *out = holds(bucket, *key);
            // A full bucket cannot say no, and one in seven is full; 0 is in every other one. No branch here: which keys
            // these are cannot be guessed.
            unsure[count] = i as u16;
            count += usize::from((!*out & (bucket.0[SLOTS - 1] != 0)) | (*key == 0));
        }
        let unsure = &unsure[..count];
        for i in unsure {
            prefetch(&table.buckets[table.place(keys[usize::from(*i)]) + 1]);
        }
        for i in unsure.iter().map(|i| usize::from(*i)) {
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
            if used < SLOTS {
                bucket.0[used] = *key;
                break 1;
            }
        };
    }
    new
}
