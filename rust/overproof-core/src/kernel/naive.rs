//! The definitions: what every level must give, bit for bit (docs/spec/sketches.md).

use super::AsciiFold;
use super::table::{Bucket, REACH, SLOTS, Table, place};
use crate::shingle::hash::{Seeds, fin, polynomial};
use std::cmp::Reverse;

/// The multipliers of [`fmix32`].
pub const FMIX32: [u32; 2] = [0x85EB_CA6B, 0xC2B2_AE35];

/// The finaliser of MurmurHash3 for 32 bits.
#[inline(always)]
pub fn fmix32(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(FMIX32[0]);
    x ^= x >> 13;
    x = x.wrapping_mul(FMIX32[1]);
    x ^ (x >> 16)
}

/// [`fmix32`] of the high half of a hash, or of the low one.
#[inline(always)]
pub fn mixed_half(hash: u64, high: bool) -> u32 {
    fmix32((hash >> (32 * u32::from(high))) as u32)
}

/// The finaliser of MurmurHash3 for 64 bits.
#[inline(always)]
pub fn fmix64(mut x: u64) -> u64 {
    x ^= x >> 33;
    x = x.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    x ^= x >> 33;
    x = x.wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    x ^ (x >> 33)
}

/// `out[i] = fin(term + w[i] * KP^(n-1) + w[i + 1] * KP^(n-2) + ... + w[i + n - 1])`.
pub fn gram_hashes(w: &[u64], n: usize, term: u64, out: &mut [u64]) {
    for (out, window) in out.iter_mut().zip(w.windows(n)) {
        *out = fin(polynomial(window).wrapping_add(term));
    }
}

/// `out[i] =` how many bits `marks[row]` shares with both of `sought` together: quick where a level counts bits.
#[inline(always)]
pub fn count_marks(marks: &[u128], sought: [u128; 2], rows: &[(u32, u32)], out: &mut Vec<u32>) {
    out.clear();
    out.extend(
        rows.iter()
            .map(|(row, _)| sought.map(|sought| (marks[*row as usize] & sought).count_ones()).iter().sum::<u32>()),
    );
}

/// `out[i] = min(out[i], a[i] * x + b[i] mod 2^32)` over all x, the mixed halves of `hashes`.
pub fn min_affine32(a: &[u32], b: &[u32], hashes: &[u64], high: bool, out: &mut [u32]) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        let value = |hash: &u64| a.wrapping_mul(mixed_half(*hash, high)).wrapping_add(*b);
        *out = hashes.iter().map(value).fold(*out, u32::min);
    }
}

/// `out[i] = min(out[i], a[i] * x + b[i] mod 2^64)` over all `xs`.
pub fn min_affine64(a: &[u64], b: &[u64], xs: &[u64], out: &mut [u64]) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out = xs.iter().map(|x| a.wrapping_mul(*x).wrapping_add(*b)).fold(*out, u64::min);
    }
}

/// `out[i] = min(out[i], low 32 bits of ((a[i] * x + b[i] mod 2^64) mod (2^61 - 1)))` over all `xs`.
pub fn min_legacy61(a: &[u64], b: &[u64], xs: &[u32], out: &mut [u64]) {
    const MERSENNE: u64 = (1 << 61) - 1;
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        let value = |x: &u32| (a.wrapping_mul(u64::from(*x)).wrapping_add(*b) % MERSENNE) & 0xFFFF_FFFF;
        *out = xs.iter().map(value).fold(*out, u64::min);
    }
}

/// Add to `ones[j]` how many of `hashes` have bit j.
pub fn count_bits(hashes: &[u64], ones: &mut [i64; 64]) {
    for (j, count) in ones.iter_mut().enumerate() {
        *count += hashes.iter().map(|h| (h >> j & 1) as i64).sum::<i64>();
    }
}

/// Add to `sums[j]` the weights of the `hashes` that have bit j.
pub fn sum_bits(hashes: &[u64], weights: &[i32], sums: &mut [i64; 64]) {
    for (j, sum) in sums.iter_mut().enumerate() {
        let set = hashes.iter().zip(weights).filter(|(h, _)| *h >> j & 1 == 1);
        *sum += set.map(|(_, w)| i64::from(*w)).sum::<i64>();
    }
}

/// The least low half in each bin, which the high half of a hash picks.
pub fn least_in_bins(hashes: &[u64], bins: &mut [u32]) {
    let k = bins.len() as u64;
    for h in hashes {
        let bin = &mut bins[(((h >> 32) * k) >> 32) as usize];
        *bin = (*bin).min((*h as u32).min(u32::MAX - 1));
    }
}

/// The value of each token, one after another.
pub fn token_values(seeds: &Seeds, text: &[u8], tokens: &[[u16; 2]], out: &mut Vec<u64>) {
    out.extend(tokens.iter().map(|[from, to]| seeds.token(&text[usize::from(*from)..usize::from(*to)])));
}

/// The hash of each window of `n` bytes.
pub fn byte_windows(text: &[u8], n: usize, term: u64, out: &mut [u64]) {
    for (i, out) in out.iter_mut().enumerate() {
        *out = fin(Seeds::new(0).window_bytes(&text[i..i + n]).wrapping_add(term));
    }
}

/// Whether `n` stretches of digits follow each other somewhere without a letter in between, or there is no letter at all;
/// letters and digits are those of ASCII.
pub fn may_hold_numbers(words: &[u8], n: usize) -> bool {
    let count = |part: &[u8]| {
        part.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()).filter(|run| run[0].is_ascii_digit()).count()
    };
    !words.iter().any(u8::is_ascii_alphabetic) || words.split(u8::is_ascii_alphabetic).any(|part| count(part) >= n)
}

/// The first place from `from` on of `.` or `)` behind a digit, behind which the text ends or a byte up to the space stands;
/// the end of the text where there is none.
pub fn next_marker(text: &[u8], from: usize) -> usize {
    let is_end = |i: &usize| {
        let ended = text.get(i + 1).is_none_or(|next| *next <= b' ');
        text[i - 1].is_ascii_digit() && matches!(text[*i], b'.' | b')') && ended
    };
    (from.max(1)..text.len()).find(is_end).unwrap_or(text.len())
}

/// Append the places behind line feeds.
pub fn line_starts(text: &[u8], starts: &mut Vec<usize>) {
    starts.extend(text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(i, _)| i + 1));
}

/// How many elements two sorted sets share.
pub fn intersection(a: &[u64], b: &[u64]) -> usize {
    a.iter().filter(|x| b.binary_search(x).is_ok()).count()
}

/// Add to `out` the rows that differ from `x` in at most `limit` bits.
pub fn near(x: &[u64], planes: &[&[u64]], limit: u32, out: &mut Vec<u32>) {
    let rows = planes.iter().map(|plane| plane.len()).min().unwrap_or(0);
    let distance = |j: usize| x.iter().zip(planes).map(|(x, plane)| (x ^ plane[j]).count_ones()).sum::<u32>();
    out.extend((0..rows).filter(|j| distance(*j) <= limit).map(|j| j as u32));
}

/// Whether each key is somewhere in the table.
pub fn contains(table: &Table<'_>, keys: &[u64], out: &mut [bool]) {
    for (key, out) in keys.iter().zip(out) {
        let stored = table.buckets.iter().flat_map(|bucket| bucket.0).chain(table.aside.iter().copied());
        *out = if *key == 0 { table.zero } else { stored.into_iter().any(|stored| stored == *key) };
    }
}

/// Put each key into the first free slot of its buckets, or aside; how many are new there. The last two keys of a full
/// bucket ascend where a key went past it, else descend.
pub fn insert(buckets: &mut [Bucket], keys: &[u64], aside: &mut Vec<u64>) -> usize {
    let mut new = 0;
    for key in keys {
        let at = place(*key, buckets.len());
        let reach = &mut buckets[at..at + REACH];
        let stays = reach.iter().position(|bucket| bucket.0.iter().any(|slot| slot == key || *slot == 0));
        reach[..stays.unwrap_or(REACH)].iter_mut().for_each(|full| full.0[SLOTS - 2..].sort_unstable());
        let Some(bucket) = stays.map(|at| &mut reach[at]) else {
            aside.push(*key);
            continue;
        };
        if !bucket.0.contains(key) {
            let used = bucket.0.iter().filter(|slot| **slot != 0).count();
            bucket.0[used] = *key;
            new += 1;
            if used == SLOTS - 1 {
                bucket.0[SLOTS - 2..].sort_unstable_by_key(|slot| Reverse(*slot));
            }
        }
    }
    new
}

/// What becomes of each leading ASCII byte.
pub fn ascii(source: &[u8], how: AsciiFold, out: &mut Vec<u8>) -> usize {
    let ascii = source.iter().take_while(|b| b.is_ascii());
    let before = out.len();
    out.extend(ascii.map(|b| match b {
        b'0'..=b'9' if how.zero_digits => b'0',
        b if how.words && !b.is_ascii_alphanumeric() => b' ',
        b if how.lower => b.to_ascii_lowercase(),
        b => *b,
    }));
    out.len() - before
}
