//! Inner loops of scores: what two sorted sets share, and which rows of bits are near.

use super::naive;

/// See `naive::intersection`.
///
/// Advance without a branch: which side moves is random, and a wrong guess costs more than both steps.
#[inline(always)]
pub fn merge(a: &[u64], b: &[u64]) -> usize {
    let (mut i, mut j, mut shared) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let (x, y) = (a[i], b[j]);
        shared += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    shared
}

/// Rows that are compared before the smallest of their distances is looked at.
pub const TOGETHER: usize = 64;

/// See `naive::near`.
#[cfg(any(test, not(target_arch = "x86_64")))]
pub fn near(x: &[u64], planes: &[&[u64]], limit: u32, out: &mut Vec<u32>) {
    near_by(x, planes, limit, out, any_near, any_near);
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn any_near<const W: usize>(x: [u64; W], blocks: [&[u64; TOGETHER]; W], limit: u32) -> bool {
    let distance = |j: usize| (0..W).map(|w| (x[w] ^ blocks[w][j]).count_ones()).sum();
    (0..TOGETHER).map(distance).fold(u32::MAX, u32::min) <= limit
}

/// See `naive::near`; `any1` and `any2` tell whether any row of a block is near, of rows of one and of two words.
#[inline(always)]
pub fn near_by(
    x: &[u64],
    planes: &[&[u64]],
    limit: u32,
    out: &mut Vec<u32>,
    any1: impl Fn([u64; 1], [&[u64; TOGETHER]; 1], u32) -> bool,
    any2: impl Fn([u64; 2], [&[u64; TOGETHER]; 2], u32) -> bool,
) {
    match (x, planes) {
        ([x], [ys]) => near_words([*x], [ys], limit, out, any1),
        ([x, y], [xs, ys]) => near_words([*x, *y], [xs, ys], limit, out, any2),
        _ => naive::near(x, planes, limit, out),
    }
}

#[inline(always)]
fn near_words<const W: usize>(
    x: [u64; W],
    planes: [&[u64]; W],
    limit: u32,
    out: &mut Vec<u32>,
    any: impl Fn([u64; W], [&[u64; TOGETHER]; W], u32) -> bool,
) {
    let rows = planes.iter().map(|plane| plane.len()).min().unwrap_or(0);
    let is_near = |j: &usize| (0..W).map(|w| (x[w] ^ planes[w][*j]).count_ones()).sum::<u32>() <= limit;
    let whole = rows / TOGETHER * TOGETHER;
    for from in (0..whole).step_by(TOGETHER) {
        let blocks = planes.map(|plane| plane[from..].first_chunk().unwrap_or(&[0; TOGETHER]));
        if any(x, blocks, limit) {
            out.extend((from..from + TOGETHER).filter(is_near).map(|j| j as u32));
        }
    }
    out.extend((whole..rows).filter(is_near).map(|j| j as u32));
}

#[cfg(target_arch = "x86_64")]
pub use vector::*;

/// Where intrinsics pay, on x86-64.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // loads and stores
mod vector {
    use super::{TOGETHER, merge, near_by};
    use crate::kernel::x86_64::scalar;
    use std::arch::x86_64::*;

    /// See `naive::intersection`: blocks of both sets are compared all with all by `equal`, then the one whose last element
    /// is the smaller moves on, without a branch.
    #[inline(always)]
    fn intersection_by<const L: usize>(a: &[u64], b: &[u64], mut equal: impl FnMut(&[u64; L], &[u64; L])) -> usize {
        let (mut i, mut j) = (0, 0);
        while let (Some(x), Some(y)) = (a[i..].first_chunk::<L>(), b[j..].first_chunk::<L>()) {
            equal(x, y);
            // Compared in vector registers, the next loads would wait for the way back, three times as long.
            let (last_x, last_y) = (scalar(x[L - 1]), y[L - 1]);
            i += L * usize::from(last_x <= last_y);
            j += L * usize::from(last_y <= last_x);
        }
        merge(&a[i..], &b[j..])
    }

    /// See `naive::intersection`.
    pub fn intersection_sse2(a: &[u64], b: &[u64]) -> usize {
        // SAFETY: SSE2 is part of every x86-64.
        unsafe { intersection_by_halves(a, b) }
    }

    /// SSE2 compares halves of 64 bits: all lower ones beside each other, and all upper ones.
    #[target_feature(enable = "sse2")]
    fn intersection_by_halves(a: &[u64], b: &[u64]) -> usize {
        // A lane counts each fourth of the elements at the most: those of sets below 128 GiB.
        let mut shared = _mm_setzero_si128();
        let rest = intersection_by::<4>(a, b, |x, y| {
            // SAFETY: both are four readable words, and the loads need no alignment.
            let [x0, x2, y0, y2] =
                [&x[..2], &x[2..], &y[..2], &y[2..]].map(|two: &[u64]| unsafe { _mm_loadu_si128(two.as_ptr().cast()) });
            let halves = [_mm_castsi128_ps(x0), _mm_castsi128_ps(x2)];
            let lower = _mm_castps_si128(_mm_shuffle_ps::<0b10_00_10_00>(halves[0], halves[1]));
            let upper = _mm_castps_si128(_mm_shuffle_ps::<0b11_01_11_01>(halves[0], halves[1]));
            let equal = |low, up| _mm_and_si128(_mm_cmpeq_epi32(lower, low), _mm_cmpeq_epi32(upper, up));
            for two in [y0, y2] {
                // An equal lane is -1, and of the y at most one is equal to it.
                let first = equal(_mm_shuffle_epi32::<0x00>(two), _mm_shuffle_epi32::<0x55>(two));
                let second = equal(_mm_shuffle_epi32::<0xAA>(two), _mm_shuffle_epi32::<0xFF>(two));
                shared = _mm_sub_epi32(shared, _mm_or_si128(first, second));
            }
        });
        let mut lanes = [0u32; 4];
        // SAFETY: `lanes` is four writable words, and the store needs no alignment.
        unsafe { _mm_storeu_si128(lanes.as_mut_ptr().cast(), shared) };
        rest + lanes.iter().map(|lane| *lane as usize).sum::<usize>()
    }

    #[target_feature(enable = "sse4.1")]
    pub fn intersection_sse41(a: &[u64], b: &[u64]) -> usize {
        let mut shared = _mm_setzero_si128();
        let rest = intersection_by::<4>(a, b, |x, y| {
            // SAFETY: `x` is four readable words, and the load needs no alignment.
            let (low, high) = unsafe { (_mm_loadu_si128(x.as_ptr().cast()), _mm_loadu_si128(x[2..].as_ptr().cast())) };
            for y in y {
                // An equal lane is -1, and of the y at most one is equal to it.
                let y = _mm_set1_epi64x(*y as i64);
                shared = _mm_sub_epi64(shared, _mm_or_si128(_mm_cmpeq_epi64(low, y), _mm_cmpeq_epi64(high, y)));
            }
        });
        rest + (_mm_extract_epi64::<0>(shared) + _mm_extract_epi64::<1>(shared)) as usize
    }

    #[target_feature(enable = "avx2")]
    pub fn intersection_avx2(a: &[u64], b: &[u64]) -> usize {
        let mut shared = _mm256_setzero_si256();
        let rest = intersection_by::<4>(a, b, |x, y| {
            // SAFETY: `x` is four readable words, and the load needs no alignment.
            let x = unsafe { _mm256_loadu_si256(x.as_ptr().cast()) };
            for y in y {
                // An equal lane is -1.
                shared = _mm256_sub_epi64(shared, _mm256_cmpeq_epi64(x, _mm256_set1_epi64x(*y as i64)));
            }
        });
        let mut lanes = [0u64; 4];
        // SAFETY: `lanes` is four writable words, and the store needs no alignment.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), shared) };
        rest + lanes.iter().sum::<u64>() as usize
    }

    #[target_feature(enable = "avx512f,popcnt")]
    pub fn intersection_avx512(a: &[u64], b: &[u64]) -> usize {
        let mut shared = 0;
        let rest = intersection_by::<8>(a, b, |x, y| {
            // SAFETY: `x` is eight readable words, and the load needs no alignment.
            let x = unsafe { _mm512_loadu_epi64(x.as_ptr().cast()) };
            let unequal = |left, y: &u64| _mm512_mask_cmpneq_epi64_mask(left, x, _mm512_set1_epi64(*y as i64));
            shared += y.iter().fold(0xFF, unequal).count_zeros() as usize;
        });
        rest + shared
    }

    /// A block of rows, word by word.
    type Rows<'a, const W: usize> = [&'a [u64; TOGETHER]; W];

    /// See `naive::near`. SSE2 is part of every x86-64.
    pub fn near_sse2(x: &[u64], planes: &[&[u64]], limit: u32, out: &mut Vec<u32>) {
        near_by(x, planes, limit, out, any_near_sse2, any_near_sse2);
    }

    fn any_near_sse2<const W: usize>(x: [u64; W], blocks: Rows<'_, W>, limit: u32) -> bool {
        // SAFETY: SSE2 is always there on x86-64; the loads are within `blocks`, and need no alignment.
        unsafe {
            let (fives, threes) = (_mm_set1_epi8(0x55), _mm_set1_epi8(0x33));
            let mut least = _mm_set1_epi8(-1);
            for at in (0..TOGETHER).step_by(2) {
                let mut sum = _mm_setzero_si128();
                for w in 0..W {
                    let y = _mm_loadu_si128(blocks[w][at..].as_ptr().cast());
                    let bits = _mm_xor_si128(y, _mm_set1_epi64x(x[w] as i64));
                    let twos = _mm_sub_epi8(bits, _mm_and_si128(_mm_srli_epi16::<1>(bits), fives));
                    let low = _mm_and_si128(twos, threes);
                    let fours = _mm_add_epi8(low, _mm_and_si128(_mm_srli_epi16::<2>(twos), threes));
                    sum = _mm_add_epi8(
                        sum,
                        _mm_and_si128(_mm_add_epi8(fours, _mm_srli_epi16::<4>(fours)), _mm_set1_epi8(15)),
                    );
                }
                // At most 128, in the lowest byte of each row; 0 in the others.
                least = _mm_min_epu8(least, _mm_sad_epu8(sum, _mm_setzero_si128()));
            }
            let mut lanes = [0u64; 2];
            _mm_storeu_si128(lanes.as_mut_ptr().cast(), least);
            lanes.iter().any(|bits| *bits <= u64::from(limit))
        }
    }

    #[target_feature(enable = "avx2,popcnt")]
    pub fn near_avx2(x: &[u64], planes: &[&[u64]], limit: u32, out: &mut Vec<u32>) {
        near_by(
            x,
            planes,
            limit,
            out,
            |x, y, limit| any_near_avx2(x, y, limit),
            |x, y, limit| any_near_avx2(x, y, limit),
        );
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn any_near_avx2<const W: usize>(x: [u64; W], blocks: Rows<'_, W>, limit: u32) -> bool {
        let ones = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
        let low = _mm256_set1_epi8(15);
        let mut least = _mm256_set1_epi8(-1);
        for at in (0..TOGETHER).step_by(4) {
            let mut sum = _mm256_setzero_si256();
            for w in 0..W {
                // SAFETY: `at` is four words or more before the end of the block, and the load needs no alignment.
                let y = unsafe { _mm256_loadu_si256(blocks[w][at..].as_ptr().cast()) };
                let bits = _mm256_xor_si256(y, _mm256_set1_epi64x(x[w] as i64));
                sum = _mm256_add_epi8(sum, _mm256_shuffle_epi8(ones, _mm256_and_si256(bits, low)));
                sum = _mm256_add_epi8(
                    sum,
                    _mm256_shuffle_epi8(ones, _mm256_and_si256(_mm256_srli_epi16::<4>(bits), low)),
                );
            }
            // At most 128, in the lowest byte of each row; 0 in the others.
            least = _mm256_min_epu8(least, _mm256_sad_epu8(sum, _mm256_setzero_si256()));
        }
        let far = _mm256_cmpgt_epi64(least, _mm256_set1_epi64x(i64::from(limit)));
        _mm256_movemask_epi8(far) != -1
    }

    #[target_feature(enable = "avx512f,avx512vpopcntdq,popcnt")]
    pub fn near_avx512(x: &[u64], planes: &[&[u64]], limit: u32, out: &mut Vec<u32>) {
        near_by(
            x,
            planes,
            limit,
            out,
            |x, y, limit| any_near_avx512(x, y, limit),
            |x, y, limit| any_near_avx512(x, y, limit),
        );
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vpopcntdq")]
    fn any_near_avx512<const W: usize>(x: [u64; W], blocks: Rows<'_, W>, limit: u32) -> bool {
        let mut least = _mm512_set1_epi64(-1);
        for at in (0..TOGETHER).step_by(8) {
            let mut sum = _mm512_setzero_si512();
            for w in 0..W {
                // SAFETY: `at` is eight words or more before the end of the block, and the load needs no alignment.
                let y = unsafe { _mm512_loadu_epi64(blocks[w][at..].as_ptr().cast()) };
                sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_si512(y, _mm512_set1_epi64(x[w] as i64))));
            }
            // At most 128: a minimum of halves of a lane is that of lanes, in one instruction instead of two.
            least = _mm512_min_epu32(least, sum);
        }
        _mm512_cmple_epu64_mask(least, _mm512_set1_epi64(i64::from(limit))) != 0
    }
}
