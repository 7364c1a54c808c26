//! MinHash by permutations of 32 bits: hashes are mixed some steps ahead, and the least value of each permutation is kept.
//!
//! What is ahead is a mixing and its way from memory, so that neither is waited for.

use super::scalar;
use super::sketches::{FINITE, SURE};
use crate::kernel::naive;
use crate::kernel::portable::lanes;
use std::arch::x86_64::*;

/// `kernel::min_affine32` with the multiplication and the unsigned minimum of 32 bits.
///
/// A vector of hashes meets one group of permutations after another: a pass over the hashes for as many groups as stay in
/// registers would start and end once for each pass. The order of hashes within a vector does not matter.
macro_rules! affine_in_vectors {
    ($name:ident, $vector:ty, $feature:literal, $load:ident, $store:ident, $all:ident, $shuffle:ident, $to_floats:ident,
     $from_floats:ident, $multiply:ident, $add:ident, $xor:ident, $right:ident, $min:ident) => {
        #[target_feature(enable = $feature)]
        #[allow(unsafe_code)]
        pub fn $name(a: &[u32], b: &[u32], hashes: &[u64], high: bool, out: &mut [u32]) {
            const LANES: usize = size_of::<$vector>() / 4;
            type Group = [u32; LANES];

            #[inline]
            #[target_feature(enable = $feature)]
            fn group(from: &Group) -> $vector {
                // SAFETY: the load is of a whole array.
                unsafe { $load(from.as_ptr().cast()) }
            }

            #[inline]
            #[target_feature(enable = $feature)]
            fn mixed<const HALVES: i32>(hashes: &[u64; LANES]) -> Group {
                let (first, second) = hashes.split_at(LANES / 2);
                // SAFETY: the loads are of the halves of an array.
                let halves = unsafe { [first, second].map(|half| $to_floats($load(half.as_ptr().cast()))) };
                let mut x = $from_floats($shuffle::<HALVES>(halves[0], halves[1]));
                x = $multiply($xor(x, $right::<16>(x)), $all(naive::FMIX32[0] as i32));
                x = $multiply($xor(x, $right::<13>(x)), $all(naive::FMIX32[1] as i32));
                let mut out = [0; LANES];
                // SAFETY: the store is of a whole local array.
                unsafe { $store(out.as_mut_ptr().cast(), $xor(x, $right::<16>(x))) };
                out
            }

            #[inline]
            #[target_feature(enable = $feature)]
            fn take<const N: usize>((a, b): (&[Group], &[Group]), xs: [u32; N], out: &mut [Group]) {
                let xs = xs.map(|x| $all(x as i32));
                for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                    let (a, b) = (group(a), group(b));
                    let mut least = group(out);
                    for x in xs {
                        least = $min(least, $add($multiply(a, x), b));
                    }
                    // SAFETY: the store is of a whole array.
                    unsafe { $store(out.as_mut_ptr().cast(), least) };
                }
            }

            #[inline]
            #[target_feature(enable = $feature)]
            fn groups(a: &[Group], b: &[Group], hashes: &[u64], high: bool, out: &mut [Group]) {
                let (vectors, rest) = hashes.as_chunks::<LANES>();
                let mixed = |hashes| if high { mixed::<0b11_01_11_01>(hashes) } else { mixed::<0b10_00_10_00>(hashes) };
                // Two in turns, stored at once: what stayed in a register the compiler would make when it is needed.
                let mut turns = [[0; LANES]; 2];
                if let Some(first) = vectors.first() {
                    turns[0] = mixed(first);
                }
                for nth in 0..vectors.len() {
                    if let Some(next) = vectors.get(nth + 1) {
                        turns[(nth + 1) % 2] = mixed(next);
                    }
                    take((a, b), turns[nth % 2], out);
                }
                for hash in rest {
                    take((a, b), [naive::mixed_half(*hash, high)], out);
                }
            }

            let ((whole_a, rest_a), (whole_b, rest_b)) = (a.as_chunks(), b.as_chunks());
            let (whole, rest) = out.as_chunks_mut();
            groups(whole_a, whole_b, hashes, high, whole);
            if !rest.is_empty() {
                let mut last = [lanes(rest)];
                groups(&[lanes(rest_a)], &[lanes(rest_b)], hashes, high, &mut last);
                rest.copy_from_slice(&last[0][..rest.len()]);
            }
        }
    };
}
affine_in_vectors!(
    min_affine32_avx2,
    __m256i,
    "avx2",
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_set1_epi32,
    _mm256_shuffle_ps,
    _mm256_castsi256_ps,
    _mm256_castps_si256,
    _mm256_mullo_epi32,
    _mm256_add_epi32,
    _mm256_xor_si256,
    _mm256_srli_epi32,
    _mm256_min_epu32
);
affine_in_vectors!(
    min_affine32_sse41,
    __m128i,
    "sse4.1",
    _mm_loadu_si128,
    _mm_storeu_si128,
    _mm_set1_epi32,
    _mm_shuffle_ps,
    _mm_castsi128_ps,
    _mm_castps_si128,
    _mm_mullo_epi32,
    _mm_add_epi32,
    _mm_xor_si128,
    _mm_srli_epi32,
    _mm_min_epu32
);

/// `kernel::min_affine32` with all of 128 permutations in registers.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[allow(unsafe_code)]
pub fn min_affine32_avx512(a: &[u32], b: &[u32], hashes: &[u64], high: bool, out: &mut [u32]) {
    const SIXTEEN: usize = 16;
    const GROUPS: usize = 8;
    type All = [u32; SIXTEEN * GROUPS];

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn groups(from: &All) -> [__m512i; GROUPS] {
        // SAFETY: the loads are of the parts of an array.
        std::array::from_fn(|g| unsafe { _mm512_loadu_si512(from.as_ptr().add(SIXTEEN * g).cast()) })
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn pass(a: &All, b: &All, hashes: &[u64], high: bool, out: &mut All) {
        let (a, b, mut least) = (groups(a), groups(b), groups(out));
        let halves = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        let halves = _mm512_add_epi32(halves, _mm512_set1_epi32(i32::from(high)));
        // The sixteen hashes from `at` on, mixed; something where there are none.
        let mix = |at: usize, out: &mut [u32; SIXTEEN]| {
            let left = hashes.len().saturating_sub(at).min(SIXTEEN);
            let there = ((1u32 << left) - 1).to_le_bytes();
            let eight = |i: usize| {
                // SAFETY: the load is of hashes that are there, and reads nothing else.
                unsafe { _mm512_maskz_loadu_epi64(there[i], hashes.as_ptr().wrapping_add(at + 8 * i).cast()) }
            };
            let mut x = _mm512_permutex2var_epi32(eight(0), halves, eight(1));
            x = _mm512_xor_si512(x, _mm512_srli_epi32::<16>(x));
            x = _mm512_mullo_epi32(x, _mm512_set1_epi32(naive::FMIX32[0] as i32));
            x = _mm512_xor_si512(x, _mm512_srli_epi32::<13>(x));
            x = _mm512_mullo_epi32(x, _mm512_set1_epi32(naive::FMIX32[1] as i32));
            // SAFETY: the store is of a whole array.
            unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), _mm512_xor_si512(x, _mm512_srli_epi32::<16>(x))) };
        };
        let mut turns = [[0; SIXTEEN]; 2];
        mix(0, &mut turns[0]);
        for (nth, at) in (0..hashes.len()).step_by(SIXTEEN).enumerate() {
            mix(at + SIXTEEN, &mut turns[(nth + 1) % 2]);
            for x in &turns[nth % 2][..SIXTEEN.min(hashes.len() - at)] {
                let x = _mm512_set1_epi32(*x as i32);
                for ((least, a), b) in least.iter_mut().zip(a).zip(b) {
                    *least = _mm512_min_epu32(*least, _mm512_add_epi32(_mm512_mullo_epi32(a, x), b));
                }
            }
        }
        for (out, least) in out.as_chunks_mut::<SIXTEEN>().0.iter_mut().zip(least) {
            // SAFETY: the store is of a whole array.
            unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), least) };
        }
    }

    let ((whole_a, rest_a), (whole_b, rest_b)) = (a.as_chunks(), b.as_chunks());
    let (whole, rest) = out.as_chunks_mut();
    for ((out, a), b) in whole.iter_mut().zip(whole_a).zip(whole_b) {
        pass(a, b, hashes, high, out);
    }
    if !rest.is_empty() {
        let mut last = lanes(rest);
        pass(&lanes(rest_a), &lanes(rest_b), hashes, high, &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// `kernel::min_affine32` without the 32-bit multiplication and the unsigned minimum that SSE4.1 brings.
///
/// Two 32 x 32 -> 64 products hold four low halves, which one shuffle brings together. Floats have had a maximum since
/// SSE, and those from 0 to [`FINITE`] are ordered as their bits: so the greatest of `FINITE - value` is looked for, which
/// is affine too. Started from 0, the maximum leaves out NaN and what is negative, and with it all values beyond
/// `FINITE`. Where it stays near 0 or meets infinity the value is made anew: one of 2^m for m hashes.
#[allow(unsafe_code)]
pub fn min_affine32_sse2(a: &[u32], b: &[u32], hashes: &[u64], high: bool, out: &mut [u32]) {
    // Hashes that meet a group of permutations while it is in registers.
    const TOGETHER: usize = 8;
    const GROUPS: usize = 32;
    const LANES: usize = 4 * GROUPS;
    // Mixed one by one: without the 32-bit multiplication, vectors lose.
    let mixed = |hash: &u64| scalar(u64::from(naive::mixed_half(*hash, high))) as u32;
    for ((out, a), b) in out.chunks_mut(LANES).zip(a.chunks(LANES)).zip(b.chunks(LANES)) {
        let mut most = [[0u32; 4]; GROUPS];
        // SAFETY: SSE2 is part of every x86-64; all loads and stores are of whole local arrays, unaligned.
        unsafe {
            let group = |from: &[u32; LANES], g: usize| _mm_loadu_si128(from.as_ptr().add(4 * g).cast());
            let (all_a, all_b) = (lanes::<u32, LANES>(a), lanes::<u32, LANES>(b));
            // Negated multipliers, of which a multiplication takes every second, and what is added.
            let ready: [[__m128i; 3]; GROUPS] = std::array::from_fn(|g| {
                let a = _mm_sub_epi32(_mm_setzero_si128(), group(&all_a, g));
                let b = _mm_sub_epi32(_mm_set1_epi32(FINITE as i32), group(&all_b, g));
                [_mm_shuffle_epi32::<0b01_01_00_00>(a), _mm_shuffle_epi32::<0b11_11_10_10>(a), b]
            });
            let used = out.len().div_ceil(4);
            macro_rules! take {
                ($xs:expr) => {
                    let xs = $xs.map(|x| _mm_set1_epi32(mixed(&x) as i32));
                    for (most, [low, high, added]) in most[..used].iter_mut().zip(&ready) {
                        let mut greatest = _mm_loadu_ps(most.as_ptr().cast());
                        for x in xs {
                            let (p, q) = (_mm_mul_epu32(*low, x), _mm_mul_epu32(*high, x));
                            let both = _mm_shuffle_ps::<0b10_00_10_00>(_mm_castsi128_ps(p), _mm_castsi128_ps(q));
                            let turned = _mm_add_epi32(_mm_castps_si128(both), *added);
                            // The second operand is the result where the first is NaN.
                            greatest = _mm_max_ps(_mm_castsi128_ps(turned), greatest);
                        }
                        _mm_storeu_ps(most.as_mut_ptr().cast(), greatest);
                    }
                };
            }
            let (eights, rest) = hashes.as_chunks::<TOGETHER>();
            for eight in eights {
                take!(eight);
            }
            for one in rest {
                take!([*one]);
            }
        }
        let most = &most.as_flattened()[..out.len()];
        // All of them looked at, which vectors can.
        let sure = most.iter().fold(true, |sure, most| sure & SURE.contains(most));
        for (i, (out, most)) in out.iter_mut().zip(most).enumerate() {
            if sure || SURE.contains(most) {
                *out = (*out).min(FINITE - most);
            } else {
                naive::min_affine32(&a[i..=i], &b[i..=i], hashes, high, std::slice::from_mut(out));
            }
        }
    }
}
