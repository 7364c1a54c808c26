//! Plain bodies that the compiler turns into vector code of whatever level they are inlined into.
//!
//! `L` is the number of lanes worked on at once: as many as stay in registers at a level. A block of lanes meets all
//! inputs before the next block starts; lanes past the end of a row are computed and dropped.

use crate::shingle::hash::{KP, fin};
use std::cell::Cell;

/// The first L values of `from`, zeros past its end.
#[inline(always)]
pub fn lanes<T: Copy + Default, const L: usize>(from: &[T]) -> [T; L] {
    match from.first_chunk::<L>() {
        Some(full) => *full,
        None => std::array::from_fn(|i| from.get(i).copied().unwrap_or_default()),
    }
}

/// `out[i] = min(out[i], f(a[i], b[i], x))` over all `xs`, L lanes at a time.
#[inline(always)]
fn minima<T: Copy + Ord + Default, X: Copy, const L: usize>(
    (a, b): (&[T], &[T]),
    xs: &[X],
    out: &mut [T],
    f: impl Fn(T, T, X) -> T,
) {
    for ((out, a), b) in out.chunks_mut(L).zip(a.chunks(L)).zip(b.chunks(L)) {
        let (a, b) = (lanes::<T, L>(a), lanes::<T, L>(b));
        let mut least = lanes::<T, L>(out);
        for x in xs {
            for i in 0..L {
                least[i] = least[i].min(f(a[i], b[i], *x));
            }
        }
        out.copy_from_slice(&least[..out.len()]);
    }
}

/// See `naive::min_affine32`.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline(always)]
pub fn min_affine32(a: &[u32], b: &[u32], hashes: &[u64], high: bool, out: &mut [u32]) {
    const BLOCK: usize = 256;
    const L: usize = 16;
    let mut room = [0; BLOCK];
    for block in hashes.chunks(BLOCK) {
        let mixed = &mut room[..block.len()];
        for (mixed, hash) in mixed.iter_mut().zip(block) {
            *mixed = super::naive::mixed_half(*hash, high);
        }
        minima::<u32, u32, L>((a, b), mixed, out, |a, b, x| a.wrapping_mul(x).wrapping_add(b));
    }
}

/// See `naive::min_affine64`.
#[inline(always)]
pub fn min_affine64<const L: usize>(a: &[u64], b: &[u64], xs: &[u64], out: &mut [u64]) {
    minima::<u64, u64, L>((a, b), xs, out, |a, b, x| a.wrapping_mul(x).wrapping_add(b));
}

/// See `naive::min_legacy61`; minima are of 32 bits, so that no high half counts.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline(always)]
pub fn min_legacy61(a: &[u64], b: &[u64], xs: &[u32], out: &mut [u64]) {
    const MERSENNE: u64 = (1 << 61) - 1;
    const L: usize = 8;
    // `a * x + b` modulo 2^61 - 1, or 2^61 - 1 more: 2^61 is 1, so the top three bits go to the bottom.
    let folded = |a: u64, b: u64, x: u32| {
        let wide = a.wrapping_mul(u64::from(x)).wrapping_add(b);
        (wide & MERSENNE) + (wide >> 61)
    };
    if xs.is_empty() {
        return;
    }
    for ((out, a), b) in out.chunks_mut(L).zip(a.chunks(L)).zip(b.chunks(L)) {
        let (a, b) = (lanes::<u64, L>(a), lanes::<u64, L>(b));
        let mut least = [u32::MAX; L];
        for x in xs {
            for i in 0..L {
                let folded = folded(a[i], b[i], *x);
                // Bit 61 of the value and 1 is set where 2^61 - 1 is to be subtracted, which adds 1 to the low half.
                least[i] = least[i].min((folded as u32).wrapping_add(((folded + 1) >> 61) as u32));
            }
        }
        for (out, least) in out.iter_mut().zip(least) {
            *out = (*out).min(u64::from(least));
        }
    }
}

/// Window sums that are made together.
pub const WINDOWS: usize = 112;
/// The widest windows that are summed side by side.
pub const WIDEST: usize = 16;

/// `KP^i`, and `KP^-i` modulo 2^64: KP is odd.
const POWERS: [[u64; 2]; WINDOWS + WIDEST] = {
    // Each step doubles the bits that are right, from three.
    let (mut inverse, mut step) = (KP, 0);
    while step < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(KP.wrapping_mul(inverse)));
        step += 1;
    }
    let mut powers = [[1u64; 2]; WINDOWS + WIDEST];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = [powers[i - 1][0].wrapping_mul(KP), powers[i - 1][1].wrapping_mul(inverse)];
        i += 1;
    }
    powers
};
/// `KP^i`.
pub static UP: [u64; WINDOWS + WIDEST] = column(0);
pub static DOWN: [u64; WINDOWS + WIDEST] = column(1);

const fn column(of: usize) -> [u64; WINDOWS + WIDEST] {
    let (mut made, mut i) = ([0; WINDOWS + WIDEST], 0);
    while i < made.len() {
        made[i] = POWERS[i][of];
        i += 1;
    }
    made
}

/// See `naive::gram_hashes`: with `s[i]` the sum of the first i of `w[k] * KP^-k`, a window is
/// `(s[i + n] - s[i]) * KP^(i + n - 1)`, two multiplications whatever its width.
#[inline(always)]
pub fn gram_hashes(w: &[u64], n: usize, term: u64, out: &mut [u64]) {
    if n == 1 {
        for (out, value) in out.iter_mut().zip(w) {
            *out = fin(value.wrapping_add(term));
        }
        return;
    }
    if n > WIDEST {
        return super::naive::gram_hashes(w, n, term, out);
    }
    let sums = [const { Cell::new(0u64) }; WINDOWS + WIDEST];
    for (at, out) in (0..).step_by(WINDOWS).zip(out.chunks_mut(WINDOWS)) {
        running_sums(0, &w[at..at + out.len() + n - 1], &DOWN, &sums[1..]);
        for (((out, from), to), up) in out.iter_mut().zip(&sums).zip(&sums[n..]).zip(&UP[n - 1..]) {
            *out = fin(to.get().wrapping_sub(from.get()).wrapping_mul(*up).wrapping_add(term));
        }
    }
}

/// Each sum of `w[k] * down[k]`, on top of `sum`; returns the last one. Cells: some are read while others are written.
#[inline(always)]
pub fn running_sums(mut sum: u64, w: &[u64], down: &[u64], out: &[Cell<u64>]) -> u64 {
    for ((out, value), down) in out.iter().zip(w).zip(down) {
        sum = sum.wrapping_add(value.wrapping_mul(*down));
        out.set(sum);
    }
    sum
}

/// See `naive::count_bits`; `L` hashes side by side.
///
/// Counts start in fields of two bits, which hold three hashes, go on in fields of four, which hold five of those sums,
/// and end in bytes.
#[inline(always)]
pub fn count_bits<const L: usize>(hashes: &[u64], ones: &mut [i64; 64]) {
    const TWOS: u64 = 0x5555_5555_5555_5555;
    const FOURS: u64 = 0x3333_3333_3333_3333;
    const BYTES: u64 = 0x0F0F_0F0F_0F0F_0F0F;
    // Fields of `width` bits of `from`, every second one, from the lowest or from the next.
    let half =
        |from: [u64; L], width: u32, mask: u64, high: bool| from.map(|x| (x >> (width * u32::from(high))) & mask);
    let add = |a: [u64; L], b: [u64; L]| -> [u64; L] { std::array::from_fn(|i| a[i] + b[i]) };
    // A byte holds 255, so that many hashes go between two emptyings.
    for block in hashes.chunks(255 / (15 * L) * 15 * L) {
        let mut bytes = [[0u64; L]; 8];
        for fifteen in block.chunks(15 * L) {
            let mut fours = [[0u64; L]; 4];
            for three in fifteen.chunks(3 * L) {
                let mut twos = [[0u64; L]; 2];
                for one in three.chunks(L) {
                    let one = lanes::<u64, L>(one);
                    for (high, sum) in twos.iter_mut().enumerate() {
                        *sum = add(*sum, half(one, 1, TWOS, high == 1));
                    }
                }
                for (at, sum) in fours.iter_mut().enumerate() {
                    *sum = add(*sum, half(twos[at % 2], 2, FOURS, at >= 2));
                }
            }
            for (at, sum) in bytes.iter_mut().enumerate() {
                *sum = add(*sum, half(fours[at % 4], 4, BYTES, at >= 4));
            }
        }
        for (bit, sums) in bytes.iter().enumerate() {
            let counts = sums.iter().sum::<u64>().to_le_bytes();
            for (byte, count) in counts.into_iter().enumerate() {
                ones[8 * byte + bit] += i64::from(count);
            }
        }
    }
}

/// See `naive::sum_bits`.
#[inline(always)]
pub fn sum_bits(hashes: &[u64], weights: &[i32], sums: &mut [i64; 64]) {
    for (h, w) in hashes.iter().zip(weights) {
        for (j, sum) in sums.iter_mut().enumerate() {
            *sum += i64::from(*w) & ((h >> j & 1) as i64).wrapping_neg();
        }
    }
}
