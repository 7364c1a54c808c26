//! Inner loops from token values or bytes to the hash of each window; their plain forms are in `kernel/portable.rs` and, of
//! windows of bytes, in `kernel/text.rs`.

use super::lanes::{
    all_avx2, all_sse2, fin_avx2, fin_avx512, fin_sse2, high_avx2, high_sse2, multiply_avx2, multiply_sse2,
};
use super::scalar;
use crate::kernel::naive;
use crate::kernel::portable::{self, DOWN, UP, WIDEST, WINDOWS};
use crate::kernel::text::{self, BLOCK};
use crate::shingle::hash::{K2, KP, fin};
use std::arch::x86_64::*;
use std::cell::Cell;

/// Hashes that are made side by side below AVX2, the first two in a vector, the others meanwhile in general registers:
/// neither kind of units can do all that a processor may begin in a cycle.
const MIXED: usize = 5;

/// `fin(value + term)` of two values in a vector and of the three behind them.
#[inline]
#[target_feature(enable = "sse2")]
#[allow(unsafe_code)]
fn mixed(two: __m128i, others: [u64; MIXED - 2], term: u64, out: &mut [u64; MIXED]) {
    let hashes = fin_sse2(_mm_add_epi64(two, all_sse2(term)));
    // SAFETY: the store is of two of five values.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), hashes) };
    for (out, other) in out[2..].iter_mut().zip(others) {
        let mut x = scalar(other.wrapping_add(term));
        for _ in 0..2 {
            x = scalar((x ^ (x >> 32)).wrapping_mul(K2));
        }
        *out = scalar(x ^ (x >> 32));
    }
}

/// `kernel::gram_hashes`, as in `portable`.
#[allow(unsafe_code)]
pub fn gram_hashes_sse2(w: &[u64], n: usize, term: u64, out: &mut [u64]) {
    if n > WIDEST {
        return naive::gram_hashes(w, n, term, out);
    }
    if n == 1 {
        let (fives, rest) = out.as_chunks_mut::<MIXED>();
        let (values, last) = w.as_chunks::<MIXED>();
        for (out, [a, b, others @ ..]) in fives.iter_mut().zip(values) {
            // SAFETY: SSE2 is part of every x86-64.
            unsafe { mixed(_mm_set_epi64x(*b as i64, *a as i64), *others, term, out) };
        }
        for (out, value) in rest.iter_mut().zip(last) {
            *out = fin(value.wrapping_add(term));
        }
        return;
    }
    let sums = [const { Cell::new(0u64) }; WINDOWS + WIDEST];
    for (at, out) in (0..).step_by(WINDOWS).zip(out.chunks_mut(WINDOWS)) {
        portable::running_sums(0, &w[at..at + out.len() + n - 1], &DOWN, &sums[1..]);
        let product = |i: usize| {
            let window = scalar(sums[i + n].get().wrapping_sub(sums[i].get()));
            window.wrapping_mul(UP[i + n - 1])
        };
        let (fives, rest) = out.as_chunks_mut::<MIXED>();
        let last = fives.len() * MIXED;
        for (i, out) in (0..).step_by(MIXED).zip(fives) {
            // SAFETY: `i` is WINDOWS - 5 at most and n is WIDEST at most; both tables hold WINDOWS + WIDEST values, and
            // cells are what they hold. SSE2 is part of every x86-64.
            unsafe {
                let load = |from: *const u64, i: usize| _mm_loadu_si128(from.add(i).cast());
                let made = sums.as_ptr().cast();
                let (window, up) = (_mm_sub_epi64(load(made, i + n), load(made, i)), load(UP.as_ptr(), i + n - 1));
                let two = multiply_sse2((window, high_sse2(window)), (up, high_sse2(up)));
                mixed(two, std::array::from_fn(|k| product(i + 2 + k)), term, out);
            }
        }
        for (i, out) in (last..).zip(rest) {
            *out = fin(product(i).wrapping_add(term));
        }
    }
}

/// `kernel::byte_windows`, as in `text`.
pub fn byte_windows_sse2(bytes: &[u8], n: usize, term: u64, out: &mut [u64]) {
    if n < 8 {
        let keep = (1u64 << (8 * n)) - 1;
        byte_windows_mixed(bytes, n, term, out, |x| x & keep);
    } else {
        byte_windows_mixed(bytes, n, term, out, |x| x);
    }
}

#[inline(always)]
#[allow(unsafe_code)]
fn byte_windows_mixed(bytes: &[u8], n: usize, term: u64, out: &mut [u64], keep: impl Fn(u64) -> u64) {
    let (fives, rest) = out.as_chunks_mut::<MIXED>();
    let done = fives.len() * MIXED;
    for (at, out) in (0..).step_by(MIXED).zip(fives) {
        // The last window starts MIXED - 1 from here, and 16 bytes of text stand behind it.
        let Some(here) = bytes[at..].first_chunk::<{ MIXED + 15 }>() else { break };
        let window = |i: usize| keep(here[i..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight)));
        let others = std::array::from_fn(|i| scalar(window(2 + i)).wrapping_mul(KP));
        // SAFETY: SSE2 is part of every x86-64.
        unsafe {
            let two = _mm_set_epi64x(window(1) as i64, window(0) as i64);
            let two = multiply_sse2((two, high_sse2(two)), (all_sse2(KP), all_sse2(KP >> 32)));
            mixed(two, others, term, out);
        }
    }
    text::byte_windows(&bytes[done..], n, term, rest);
}

/// `kernel::gram_hashes`: each window is summed anew, side by side with its neighbours.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[allow(unsafe_code)]
pub fn gram_hashes_avx512(w: &[u64], n: usize, term: u64, out: &mut [u64]) {
    const EIGHT: usize = 8;
    let Some(last) = out.len().checked_sub(EIGHT).filter(|_| n <= WIDEST && w.len() + 1 >= out.len() + n) else {
        return naive::gram_hashes(w, n, term, out);
    };
    let add = _mm512_set1_epi64(term as i64);
    // The last block ends with the row; what it shares with the one before is made twice.
    for at in (0..last).step_by(EIGHT).chain([last]) {
        // SAFETY: eight values stand behind `at + n - 1`, since `at + 8` is at most `out.len()`, and `w` has n - 1 more.
        let load = |i: usize| unsafe { _mm512_loadu_si512(w.as_ptr().add(at + i).cast()) };
        let mut sum = _mm512_add_epi64(load(n - 1), add);
        // The power of the last value is 1.
        for (j, power) in UP[1..n].iter().rev().enumerate() {
            sum = _mm512_add_epi64(sum, _mm512_mullo_epi64(load(j), _mm512_set1_epi64(*power as i64)));
        }
        // SAFETY: the store is of eight values within `out`.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().add(at).cast(), fin_avx512(sum)) };
    }
}

/// `kernel::byte_windows`: eight windows from one load of 16 bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[allow(unsafe_code)]
pub fn byte_windows_avx512(bytes: &[u8], n: usize, term: u64, out: &mut [u64]) {
    const EIGHT: usize = 8;
    // Lane pair k of the register takes windows 2 k and 2 k + 1.
    const FROM: [u8; BLOCK] = {
        let mut from = [0; BLOCK];
        let mut i = 0;
        while i < BLOCK {
            from[i] = (i / 8 + i % 8) as u8;
            i += 1;
        }
        from
    };
    let keep = if n < 8 { (1u64 << (8 * n)) - 1 } else { u64::MAX };
    // SAFETY: the load is of a whole local array.
    let from = unsafe { _mm512_loadu_si512(FROM.as_ptr().cast()) };
    let all = |x: u64| _mm512_set1_epi64(x as i64);
    let (keep, base, add) = (all(keep), all(KP), all(term));
    let (full, rest) = out.as_chunks_mut::<EIGHT>();
    let done = full.len() * EIGHT;
    for (at, eight) in (0..).step_by(EIGHT).zip(full) {
        let Some(sixteen) = bytes[at..].first_chunk::<16>() else { break };
        // SAFETY: the load is of 16 bytes.
        let sixteen = unsafe { _mm_loadu_si128(sixteen.as_ptr().cast()) };
        let windows = _mm512_and_si512(_mm512_shuffle_epi8(_mm512_broadcast_i32x4(sixteen), from), keep);
        let hashes = fin_avx512(_mm512_add_epi64(_mm512_mullo_epi64(windows, base), add));
        // SAFETY: the store is of eight values of 64 bits.
        unsafe { _mm512_storeu_si512(eight.as_mut_ptr().cast(), hashes) };
    }
    text::byte_windows(&bytes[done..], n, term, rest);
}

/// `kernel::gram_hashes`, as in `portable`: sums one by one, some way ahead of the windows, four of which are hashed side
/// by side meanwhile.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
pub fn gram_hashes_avx2(w: &[u64], n: usize, term: u64, out: &mut [u64]) {
    const FOUR: usize = 4;
    // A sum is read this much later than it is written, so that the wide load finds it in the cache.
    const AHEAD: usize = 16;
    if n == 1 || n > WIDEST || out.len() < FOUR {
        return portable::gram_hashes(w, n, term, out);
    }
    let add = all_avx2(term);
    let sums = [const { Cell::new(0u64) }; WINDOWS + WIDEST];
    for (at, out) in (0..).step_by(WINDOWS).zip(out.chunks_mut(WINDOWS)) {
        let w = &w[at..at + out.len() + n - 1];
        // The rest is made by four.
        let (early, rest) = w.split_at(w.len().min(n + AHEAD + w.len().saturating_sub(n + AHEAD) % FOUR));
        let mut sum = portable::running_sums(0, early, &DOWN, &sums[1..]);
        let fours = |from: &'static [u64]| from[early.len()..].as_chunks::<FOUR>().0;
        let mut later =
            (rest.as_chunks::<FOUR>().0.iter()).zip(fours(&DOWN)).zip(sums[1 + early.len()..].as_chunks::<FOUR>().0);
        for (i, out) in (0..).step_by(FOUR).zip(out.chunks_mut(FOUR)) {
            if let Some(((w, down), to)) = later.next() {
                sum = portable::running_sums(sum, w, down, to);
            }
            // SAFETY: `i` is WINDOWS - 4 at most and n is WIDEST at most; both tables hold WINDOWS + WIDEST values, and
            // cells are what they hold.
            let load = |from: *const u64, i: usize| unsafe { _mm256_loadu_si256(from.add(i).cast()) };
            let made = sums.as_ptr().cast();
            let (window, up) = (_mm256_sub_epi64(load(made, i + n), load(made, i)), load(UP.as_ptr(), i + n - 1));
            let product = multiply_avx2((window, high_avx2(window)), (up, high_avx2(up)));
            let hashes = fin_avx2(_mm256_add_epi64(product, add));
            let mut four = [0u64; FOUR];
            let to = out.first_chunk_mut::<FOUR>().unwrap_or(&mut four);
            // SAFETY: the store is of four values of 64 bits.
            unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), hashes) };
            if out.len() < FOUR {
                out.copy_from_slice(&four[..out.len()]);
            }
        }
    }
}

/// `kernel::byte_windows`: eight windows from one load of 16 bytes, and four more one by one meanwhile, in registers that
/// have nothing else to do.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub fn byte_windows_avx2(bytes: &[u8], n: usize, term: u64, out: &mut [u64]) {
    let keep = |n: usize| (1u64 << (8 * n)) - 1;
    if n < 8 {
        byte_windows_masked(bytes, n, term, out, |x| _mm256_and_si256(x, all_avx2(keep(n))), |x| x & keep(n));
    } else {
        byte_windows_masked(bytes, n, term, out, |x| x, |x| x);
    }
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
fn byte_windows_masked(
    bytes: &[u8],
    n: usize,
    term: u64,
    out: &mut [u64],
    keep: impl Fn(__m256i) -> __m256i,
    keep_one: impl Fn(u64) -> u64,
) {
    const SIDE_BY_SIDE: usize = 8;
    const ONE_BY_ONE: usize = 4;
    const BOTH: usize = SIDE_BY_SIDE + ONE_BY_ONE;
    // Lane k of half h takes window 4 h + k.
    const FROM: [[u8; 32]; 2] = {
        let mut from = [[0; 32]; 2];
        let mut i = 0;
        while i < 64 {
            from[i / 32][i % 32] = (i / 8 + i % 8) as u8;
            i += 1;
        }
        from
    };
    let (add, base) = (all_avx2(term), (all_avx2(KP), all_avx2(KP >> 32)));
    // SAFETY: the loads are of whole local arrays.
    let from = FROM.map(|from| unsafe { _mm256_loadu_si256(from.as_ptr().cast()) });
    let (full, rest) = out.as_chunks_mut::<BOTH>();
    let done = full.len() * BOTH;
    for (at, windows) in (0..).step_by(BOTH).zip(full) {
        // The last window starts BOTH - 1 from here, and 16 bytes of text stand behind it.
        let Some(here) = bytes[at..].first_chunk::<{ BOTH + 15 }>() else { break };
        let (side_by_side, one_by_one) = windows.split_at_mut(SIDE_BY_SIDE);
        for (i, out) in (SIDE_BY_SIDE..).zip(one_by_one) {
            let eight = here[i..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
            let mut x = scalar(keep_one(eight).wrapping_mul(KP).wrapping_add(term));
            for _ in 0..2 {
                x = scalar((x ^ (x >> 32)).wrapping_mul(K2));
            }
            *out = scalar(x ^ (x >> 32));
        }
        // SAFETY: the load is of 16 bytes.
        let sixteen = _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(here.as_ptr().cast()) });
        for (four, from) in side_by_side.as_chunks_mut::<4>().0.iter_mut().zip(from) {
            let windows = keep(_mm256_shuffle_epi8(sixteen, from));
            let hash = fin_avx2(_mm256_add_epi64(multiply_avx2((windows, high_avx2(windows)), base), add));
            // SAFETY: the store is of four values of 64 bits.
            unsafe { _mm256_storeu_si256(four.as_mut_ptr().cast(), hash) };
        }
    }
    text::byte_windows(&bytes[done..], n, term, rest);
}
