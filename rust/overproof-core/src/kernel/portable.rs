//! Plain bodies that the compiler turns into vector code of whatever level they are inlined into.
//!
//! `L` is the number of lanes worked on at once: as many as stay in registers at a level. A block of lanes meets all
//! inputs before the next block starts; lanes past the end of a row are computed and dropped.

use crate::shingle::hash::fin;

/// `out[i] = min(out[i], f(a[i], b[i], x))` over all `xs`, L lanes at a time.
#[inline(always)]
fn minima<T: Copy + Ord + Default, X: Copy, const L: usize>(
    (a, b): (&[T], &[T]),
    xs: &[X],
    out: &mut [T],
    f: impl Fn(T, T, X) -> T,
) {
    let lanes = |from: &[T]| -> [T; L] {
        match from.first_chunk::<L>() {
            Some(full) => *full,
            None => std::array::from_fn(|i| from.get(i).copied().unwrap_or_default()),
        }
    };
    for ((out, a), b) in out.chunks_mut(L).zip(a.chunks(L)).zip(b.chunks(L)) {
        let (a, b) = (lanes(a), lanes(b));
        let mut least = lanes(out);
        for x in xs {
            for i in 0..L {
                least[i] = least[i].min(f(a[i], b[i], *x));
            }
        }
        out.copy_from_slice(&least[..out.len()]);
    }
}

/// See `naive::min_affine32`.
#[inline(always)]
pub fn min_affine32<const L: usize>(a: &[u32], b: &[u32], xs: &[u32], out: &mut [u32]) {
    minima::<u32, u32, L>((a, b), xs, out, |a, b, x| a.wrapping_mul(x).wrapping_add(b));
}

/// See `naive::min_affine64`.
#[inline(always)]
pub fn min_affine64<const L: usize>(a: &[u64], b: &[u64], xs: &[u64], out: &mut [u64]) {
    minima::<u64, u64, L>((a, b), xs, out, |a, b, x| a.wrapping_mul(x).wrapping_add(b));
}

/// See `naive::min_legacy61`.
#[inline(always)]
pub fn min_legacy61<const L: usize>(a: &[u64], b: &[u64], xs: &[u32], out: &mut [u64]) {
    const MERSENNE: u64 = (1 << 61) - 1;
    minima::<u64, u32, L>((a, b), xs, out, |a, b, x| {
        let wide = a.wrapping_mul(u64::from(x)).wrapping_add(b);
        // 2^61 = 1 (mod 2^61 - 1): fold the top three bits; at most one subtraction is left.
        let folded = (wide & MERSENNE) + (wide >> 61);
        // Subtracting 2^61 - 1 adds 1 to the low 32 bits.
        (folded + u64::from(folded >= MERSENNE)) & 0xFFFF_FFFF
    });
}

/// See `naive::gram_hashes`.
#[inline(always)]
pub fn gram_hashes(w: &[u64], powers: &[u64], term: u64, out: &mut [u64]) {
    const LANES: usize = 16;
    let Some(last) = out.len().checked_sub(LANES) else { return super::naive::gram_hashes(w, powers, term, out) };
    // The last block ends with the row; what it shares with the one before is made twice.
    for at in (0..last).step_by(LANES).chain([last]) {
        let mut sums = [term; LANES];
        for (from, power) in (at..).zip(powers) {
            for (sum, value) in sums.iter_mut().zip(&w[from..from + LANES]) {
                *sum = sum.wrapping_add(value.wrapping_mul(*power));
            }
        }
        for (out, sum) in out[at..at + LANES].iter_mut().zip(sums) {
            *out = fin(sum);
        }
    }
}

/// See `naive::count_bits`.
#[inline(always)]
pub fn count_bits(hashes: &[u64], ones: &mut [i64; 64]) {
    const LANES: usize = 8;
    const LOW: u64 = 0x0101_0101_0101_0101;
    let add = |counters: &mut [[u64; LANES]; 8], eight: &[u64; LANES]| {
        for (b, counter) in counters.iter_mut().enumerate() {
            for (count, h) in counter.iter_mut().zip(eight) {
                *count += h >> b & LOW;
            }
        }
    };
    // Byte i of counter b counts bit 8 i + b; a byte holds 255, so that many hashes go between two emptyings.
    for block in hashes.chunks(LANES * (255 / LANES)) {
        let mut counters = [[0u64; LANES]; 8];
        let (full, rest) = block.as_chunks::<LANES>();
        for eight in full {
            add(&mut counters, eight);
        }
        let mut last = [0u64; LANES];
        last[..rest.len()].copy_from_slice(rest);
        add(&mut counters, &last);
        for (b, counter) in counters.iter().enumerate() {
            let bytes = counter.iter().sum::<u64>().to_le_bytes();
            for (i, byte) in bytes.iter().enumerate() {
                ones[8 * i + b] += i64::from(*byte);
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
