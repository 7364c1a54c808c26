//! The portable bodies compiled for each level of x86-64, and the few that pay by intrinsics.
//!
//! These functions are safe to define; calling one on a machine without its level is not, and `kernel/mod.rs` does so
//! only with a `Level` in hand.

use super::portable::{self, DOWN, UP, WIDEST, WINDOWS};
use super::text::{self, AsciiFold, BLOCK, Common, PLACES, Range, Run, SPARE};
use super::{baseline, bodies, bodies_bits, bodies_hashes, bodies32, bodies64};
use crate::shingle::hash::{K2, KP, Seeds};
use std::arch::asm;
use std::arch::x86_64::*;
use std::cell::Cell;
use std::mem::MaybeUninit;

/// No min of 64 bits before SSE4.2: there the plain code is the faster one.
pub mod sse41 {
    pub use super::baseline::{ascii, common, edges, min_affine64, min_legacy61, near};
    pub use crate::kernel::sets::intersection_sse41 as intersection;
    super::bodies!(#[target_feature(enable = "sse4.1")]);
    super::bodies_bits!(2, #[target_feature(enable = "sse4.1")]);
    super::bodies_hashes!(super::scalar, #[target_feature(enable = "sse4.1")]);
    super::bodies32!(16, #[target_feature(enable = "sse4.1")]);
}

pub mod avx2 {
    pub use crate::kernel::sets::{intersection_avx2 as intersection, near_avx2 as near};
    super::bodies!(#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]);
    super::bodies_bits!(4, #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]);
    pub use super::{
        ascii_avx2 as ascii, byte_windows_avx2 as byte_windows, common_avx2 as common, edges_avx2 as edges,
        gram_hashes_avx2 as gram_hashes, token_values_avx2 as token_values,
    };
    super::bodies32!(32, #[target_feature(enable = "avx2")]);
    super::bodies64!(8, 8, min_legacy61_low, #[target_feature(enable = "avx2,bmi2")]);
}

pub mod avx512 {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
    pub fn gram_hashes(w: &[u64], n: usize, term: u64, out: &mut [u64]) {
        crate::kernel::portable::gram_hashes_direct(w, n, term, out);
    }
    pub use super::{ascii_avx2 as ascii, common_avx2 as common, token_values_avx2 as token_values};
    pub use super::{byte_windows_avx512 as byte_windows, count_bits_avx512 as count_bits, edges_avx512 as edges};
    pub use crate::kernel::sets::{intersection_avx512 as intersection, near_avx512 as near};
    super::bodies!(#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]);
    super::bodies32!(128, #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]);
    super::bodies64!(64, 32, min_legacy61, #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi2")]);
}

/// `x`, in a general register, where the compiler would take vector registers and lose by it.
#[inline(always)]
#[allow(unsafe_code)]
pub fn scalar(mut x: u64) -> u64 {
    // SAFETY: no instruction at all; `x` is said to be read and written.
    unsafe { asm!("/* {0} */", inout(reg) x, options(pure, nomem, nostack, preserves_flags)) };
    x
}

/// `kernel::min_affine32` without the 32-bit multiplication and the unsigned minimum that SSE4.1 brings.
///
/// Two 32 x 32 -> 64 products hold four low halves, which one shuffle brings together. Floats have had a maximum since
/// SSE, and those from 0 to [`FINITE`] are ordered as their bits: so the greatest of `FINITE - value` is looked for, which
/// is affine too. Started from 0, the maximum leaves out NaN and what is negative, and with it all values beyond
/// `FINITE`. Where it stays near 0 or meets infinity the value is made anew: one of 2^m for m `xs`.
#[allow(unsafe_code)]
pub fn min_affine32_sse2(a: &[u32], b: &[u32], xs: &[u32], out: &mut [u32]) {
    // As many as stay in 16 registers.
    const GROUPS: usize = 2;
    const LANES: usize = 4 * GROUPS;
    const FINITE: u32 = f32::MAX.to_bits();
    // From the least float that is not subnormal: what a processor makes of those depends on its settings.
    const SURE: std::ops::RangeInclusive<u32> = f32::MIN_POSITIVE.to_bits()..=FINITE;
    let lanes = |from: &[u32]| -> [[u32; 4]; GROUPS] {
        std::array::from_fn(|g| std::array::from_fn(|i| from.get(4 * g + i).copied().unwrap_or_default()))
    };
    for ((out, a), b) in out.chunks_mut(LANES).zip(a.chunks(LANES)).zip(b.chunks(LANES)) {
        let mut made = [[0u32; 4]; GROUPS];
        // SAFETY: SSE2 is part of every x86-64; all loads and stores are of whole local arrays, unaligned.
        unsafe {
            let load = |four: [u32; 4]| _mm_loadu_si128(four.as_ptr().cast());
            let negated = lanes(a).map(|a| a.map(u32::wrapping_neg));
            let low = negated.map(|a| load([a[0], 0, a[1], 0]));
            let high = negated.map(|a| load([a[2], 0, a[3], 0]));
            let added = lanes(b).map(|b| load(b.map(|b| FINITE.wrapping_sub(b))));
            let mut most = [_mm_setzero_ps(); GROUPS];
            for x in xs {
                let x = _mm_set1_epi32(*x as i32);
                for g in 0..GROUPS {
                    let (p, q) = (_mm_mul_epu32(low[g], x), _mm_mul_epu32(high[g], x));
                    let both = _mm_shuffle_ps::<0b10_00_10_00>(_mm_castsi128_ps(p), _mm_castsi128_ps(q));
                    let turned = _mm_add_epi32(_mm_castps_si128(both), added[g]);
                    // The second operand is the result where the first is NaN.
                    most[g] = _mm_max_ps(_mm_castsi128_ps(turned), most[g]);
                }
            }
            for (made, most) in made.iter_mut().zip(most) {
                _mm_storeu_ps(made.as_mut_ptr().cast(), most);
            }
        }
        for (i, (out, most)) in out.iter_mut().zip(made.as_flattened()).enumerate() {
            if SURE.contains(most) {
                *out = (*out).min(FINITE - most);
            } else {
                super::naive::min_affine32(&a[i..=i], &b[i..=i], xs, std::slice::from_mut(out));
            }
        }
    }
}

/// `kernel::ascii`: `fold` writes what becomes of a block and tells, one bit each, which of its bytes are beyond ASCII.
#[inline(always)]
#[allow(unsafe_code)]
fn ascii_blocks<const B: usize>(
    source: &[u8],
    out: &mut Vec<u8>,
    fold: impl Fn(&[u8; B], &mut [MaybeUninit<u8>; B]) -> u32,
) -> usize {
    out.reserve(source.len());
    let room = &mut out.spare_capacity_mut()[..source.len()];
    // The last block overlaps the one before, whose bytes it writes again as they are.
    let starts = (0..source.len() - B).step_by(B).chain([source.len() - B]);
    let mut done = source.len();
    for at in starts {
        let (Some(from), Some(to)) = (source[at..].first_chunk(), room[at..].first_chunk_mut()) else { break };
        let beyond = fold(from, to);
        if beyond != 0 {
            done = at + beyond.trailing_zeros() as usize;
            break;
        }
    }
    // SAFETY: there is room for `source`, and blocks without a gap were written up to `done`: each is within it.
    unsafe { out.set_len(out.len() + done) };
    done
}

/// `kernel::ascii`, 32 bytes at a time.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
pub fn ascii_avx2(source: &[u8], how: AsciiFold, out: &mut Vec<u8>) -> usize {
    const B: usize = 32;
    if how.zero_digits || source.len() < B {
        return text::ascii(source, how, out);
    }
    let all = |byte: u8| _mm256_set1_epi8(byte as i8);
    // Whether bytes are among the `count` from `first`.
    let among = |x: __m256i, first: u8, count: u8| {
        let from = _mm256_sub_epi8(x, all(first));
        _mm256_cmpeq_epi8(_mm256_min_epu8(from, all(count - 1)), from)
    };
    ascii_blocks::<B>(source, out, |from, to| {
        // SAFETY: the load is of a whole block.
        let block = unsafe { _mm256_loadu_si256(from.as_ptr().cast()) };
        let lower = _mm256_or_si256(block, all(0x20));
        let letter = among(lower, b'a', 26);
        let mut made = if how.lower { _mm256_blendv_epi8(block, lower, letter) } else { block };
        if how.words {
            made = _mm256_blendv_epi8(all(b' '), made, _mm256_or_si256(letter, among(block, b'0', 10)));
        }
        // SAFETY: the store is of a whole block.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), made) };
        _mm256_movemask_epi8(block) as u32
    })
}

/// `kernel::ascii`, 16 bytes at a time.
#[allow(unsafe_code)]
pub fn ascii_sse2(source: &[u8], how: AsciiFold, out: &mut Vec<u8>) -> usize {
    const B: usize = 16;
    if how.zero_digits || source.len() < B {
        return text::ascii(source, how, out);
    }
    // SAFETY: SSE2 is part of every x86-64; load and store are of a whole block.
    ascii_blocks::<B>(source, out, |from, to| unsafe {
        let all = |byte: u8| _mm_set1_epi8(byte as i8);
        let among = |x: __m128i, first: u8, count: u8| {
            let from = _mm_sub_epi8(x, all(first));
            _mm_cmpeq_epi8(_mm_min_epu8(from, all(count - 1)), from)
        };
        let block = _mm_loadu_si128(from.as_ptr().cast());
        let letter = among(_mm_or_si128(block, all(0x20)), b'a', 26);
        let mut made = if how.lower { _mm_or_si128(block, _mm_and_si128(letter, all(0x20))) } else { block };
        if how.words {
            let word = _mm_or_si128(letter, among(block, b'0', 10));
            made = _mm_or_si128(_mm_and_si128(word, made), _mm_andnot_si128(word, all(b' ')));
        }
        _mm_storeu_si128(to.as_mut_ptr().cast(), made);
        _mm_movemask_epi8(block) as u32
    })
}

/// `kernel::common`, eight characters side by side.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
pub fn common_avx2(source: &[u8], of: &Common, out: &mut Vec<u8>) -> Run {
    const CHARS: usize = 8;
    // Four characters of 12 bytes: as numbers, and as they are written.
    const NUMBERS: [u8; 16] = [2, 1, 0, 0x80, 5, 4, 3, 0x80, 8, 7, 6, 0x80, 11, 10, 9, 0x80];
    const WRITTEN: [u8; 16] = [0, 1, 2, 0x80, 3, 4, 5, 0x80, 6, 7, 8, 0x80, 9, 10, 11, 0x80];
    // SAFETY: the loads are of whole local arrays.
    let [numbers, written] =
        [NUMBERS, WRITTEN].map(|from| _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(from.as_ptr().cast()) }));
    let spaces = _mm256_set1_epi8(b' ' as i8);
    let among = |number: __m256i, ranges: &[Range]| {
        ranges.iter().fold(_mm256_setzero_si256(), |is_in, range| {
            let from = _mm256_sub_epi32(number, _mm256_set1_epi32(range.first as i32));
            let least = _mm256_min_epu32(from, _mm256_set1_epi32(range.more as i32));
            _mm256_or_si256(is_in, _mm256_cmpeq_epi32(least, from))
        })
    };
    let bits = |lanes: __m256i| _mm256_movemask_ps(_mm256_castsi256_ps(lanes)) as u32;
    let mut run = Run::default();
    // The second half is read from 12 bytes on.
    while let Some(here) = source[3 * run.chars..].first_chunk::<28>() {
        out.reserve(4 * CHARS);
        // SAFETY: the loads are of 16 bytes from 0 and from 12.
        let halves = unsafe { [0, 12].map(|at| _mm_loadu_si128(here.as_ptr().add(at).cast())) };
        let bytes = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(halves[0]), halves[1]);
        let number = _mm256_shuffle_epi8(bytes, numbers);
        let (single, space) = (among(number, &of.single), among(number, &of.space));
        let made = _mm256_or_si256(_mm256_shuffle_epi8(bytes, written), _mm256_slli_epi32::<24>(spaces));
        let count = (bits(single) | bits(space)).trailing_ones() as usize;
        let len = out.len();
        // SAFETY: there is room for eight characters of four bytes, of which `count` are kept.
        unsafe {
            _mm256_storeu_si256(out.as_mut_ptr().add(len).cast(), _mm256_blendv_epi8(spaces, made, single));
            out.set_len(len + 4 * count);
        }
        run = run.and(count, bits(single));
        if count < CHARS {
            return run;
        }
    }
    run.then(text::common(&source[3 * run.chars..], of, out))
}

/// `kernel::edges`, as in `text`: the compiler would move its places one by one. `COUNT`: whether the bits of a byte are
/// counted by one instruction.
#[inline(always)]
#[allow(unsafe_code)]
fn edges<const COUNT: bool>(
    text: &[u8],
    inside: bool,
    out: &mut [u16],
    not_space: impl Fn(&[u8; BLOCK]) -> u64,
) -> usize {
    let (mut count, mut inside) = (0, u64::from(inside));
    // SAFETY: SSE2 is part of every x86-64.
    let (mut base, eight) = unsafe { (_mm_setzero_si128(), _mm_set1_epi16(8)) };
    for block in text.as_chunks::<BLOCK>().0 {
        let word = not_space(block);
        let left = word ^ (word << 1 | inside);
        inside = word >> 63;
        let ends = if COUNT { [0; 8] } else { text::ends_of_bytes(left) };
        let Some(room) = out[count..].first_chunk_mut::<SPARE>() else { break };
        let mut from = 0;
        for (byte, end) in left.to_le_bytes().into_iter().zip(ends) {
            // SAFETY: the load is of eight values of 16 bits; the store too, and at most 56 edges stand before the last
            // byte, so that it ends in the room.
            unsafe {
                let places = _mm_loadu_si128(PLACES[usize::from(byte)].as_ptr().cast());
                _mm_storeu_si128(room.as_mut_ptr().add(from).cast(), _mm_add_epi16(places, base));
                base = _mm_add_epi16(base, eight);
            }
            from = if COUNT { from + byte.count_ones() as usize } else { usize::from(end) };
        }
        count += from;
    }
    count
}

/// See [`edges`].
pub fn edges_sse2(text: &[u8], inside: bool, out: &mut [u16]) -> usize {
    edges::<false>(text, inside, out, text::not_space)
}

/// See [`edges`].
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
pub fn edges_avx2(text: &[u8], inside: bool, out: &mut [u16]) -> usize {
    edges::<true>(text, inside, out, |block| {
        block.as_chunks::<32>().0.iter().rev().fold(0, |word, half| {
            // SAFETY: the load is of 32 bytes.
            let half = unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
            let spaces = _mm256_movemask_epi8(_mm256_cmpeq_epi8(half, _mm256_set1_epi8(b' ' as i8)));
            word << 32 | u64::from(!spaces as u32)
        })
    })
}

/// `kernel::edges`: the places of the edges of 64 bytes are brought together by one instruction.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi2,popcnt")]
#[allow(unsafe_code)]
pub fn edges_avx512(text: &[u8], inside: bool, out: &mut [u16]) -> usize {
    const PLACES: [u8; BLOCK] = {
        let mut places = [0; BLOCK];
        let mut i = 0;
        while i < BLOCK {
            places[i] = i as u8;
            i += 1;
        }
        places
    };
    // SAFETY: the load is of a whole local array.
    let places = unsafe { _mm512_loadu_si512(PLACES.as_ptr().cast()) };
    let (mut count, mut inside) = (0, u64::from(inside));
    for (at, block) in text.as_chunks::<BLOCK>().0.iter().enumerate() {
        // SAFETY: the load is of a whole block.
        let bytes = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        let word = _mm512_cmpneq_epi8_mask(bytes, _mm512_set1_epi8(b' ' as i8));
        let left = word ^ (word << 1 | inside);
        inside = word >> 63;
        let packed = _mm512_maskz_compress_epi8(left, places);
        let base = _mm512_set1_epi16((at * BLOCK) as i16);
        let halves = [_mm512_castsi512_si256(packed), _mm512_extracti64x4_epi64::<1>(packed)];
        let edges = left.count_ones() as usize;
        let Some(room) = out[count..].first_chunk_mut::<BLOCK>() else { break };
        for (half, room) in halves.into_iter().zip(room.as_chunks_mut::<{ BLOCK / 2 }>().0) {
            let wide = _mm512_add_epi16(_mm512_cvtepu8_epi16(half), base);
            // SAFETY: the store is of 32 values of 16 bits, as many as there are in half of the room.
            unsafe { _mm512_storeu_si512(room.as_mut_ptr().cast(), wide) };
            if edges <= BLOCK / 2 {
                break;
            }
        }
        count += edges;
    }
    count
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
    let (keep, base, mix, add) = (all(keep), all(KP), all(K2), all(term));
    let (full, rest) = out.as_chunks_mut::<EIGHT>();
    let done = full.len() * EIGHT;
    for (at, eight) in (0..).step_by(EIGHT).zip(full) {
        let Some(sixteen) = bytes[at..].first_chunk::<16>() else { break };
        // SAFETY: the load is of 16 bytes.
        let sixteen = unsafe { _mm_loadu_si128(sixteen.as_ptr().cast()) };
        let windows = _mm512_and_si512(_mm512_shuffle_epi8(_mm512_broadcast_i32x4(sixteen), from), keep);
        let mut x = _mm512_add_epi64(_mm512_mullo_epi64(windows, base), add);
        x = _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_srli_epi64::<32>(x)), mix);
        x = _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_srli_epi64::<32>(x)), mix);
        x = _mm512_xor_si512(x, _mm512_srli_epi64::<32>(x));
        // SAFETY: the store is of eight values of 64 bits.
        unsafe { _mm512_storeu_si512(eight.as_mut_ptr().cast(), x) };
    }
    text::byte_windows(&bytes[done..], n, term, rest, |x| x);
}

/// `x` in each lane.
#[inline]
#[target_feature(enable = "avx2")]
fn all_avx2(x: u64) -> __m256i {
    _mm256_set1_epi64x(x as i64)
}

/// The top half of each lane, brought down.
#[inline]
#[target_feature(enable = "avx2")]
fn high_avx2(x: __m256i) -> __m256i {
    _mm256_srli_epi64::<32>(x)
}

/// `x * by` in each lane, from three products of 32 bits; with each its [`high_avx2`].
#[inline]
#[target_feature(enable = "avx2")]
fn multiply_avx2((x, high): (__m256i, __m256i), (by, high_by): (__m256i, __m256i)) -> __m256i {
    let cross = _mm256_add_epi64(_mm256_mul_epu32(high, by), _mm256_mul_epu32(x, high_by));
    _mm256_add_epi64(_mm256_mul_epu32(x, by), _mm256_slli_epi64::<32>(cross))
}

/// `fin` of each lane.
#[inline]
#[target_feature(enable = "avx2")]
fn fin_avx2(mut x: __m256i) -> __m256i {
    for _ in 0..2 {
        // The top half stays as it is.
        let top = high_avx2(x);
        x = multiply_avx2((_mm256_xor_si256(x, top), top), (all_avx2(K2), all_avx2(K2 >> 32)));
    }
    _mm256_xor_si256(x, high_avx2(x))
}

/// `kernel::token_values`: four tokens side by side, the product of 128 bits from four of 64.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
pub fn token_values_avx2(seeds: &Seeds, text: &[u8], tokens: &[[u16; 2]], out: &mut Vec<u64>) {
    const FOUR: usize = 4;
    const LONGEST: usize = 16;
    // What 16 bytes are masked with begins `length` before the zeros; aligned, so that no load spans two cache lines.
    #[repr(align(64))]
    struct Mask([u8; 2 * LONGEST]);
    static MASK: Mask = {
        let (mut mask, mut i) = ([0; 2 * LONGEST], 0);
        while i < LONGEST {
            mask[i] = u8::MAX;
            i += 1;
        }
        Mask(mask)
    };
    let last = usize::from(tokens.as_flattened().iter().fold(0, |last, edge| last.max(*edge)));
    // Differences are taken with a sign.
    if last + LONGEST > text.len() || last > i16::MAX as usize {
        return text::token_values(seeds, text, tokens, out);
    }
    out.reserve(tokens.len());
    let [first, second] = seeds.of_token().map(|s| all_avx2(s));
    let low = all_avx2(0xFFFF_FFFF);
    let (fours, rest) = tokens.as_chunks::<FOUR>();
    for four in fours {
        // SAFETY: the load is of four pairs of 16 bits.
        let pairs = unsafe { _mm_loadu_si128(four.as_ptr().cast()) };
        // Each end, less its start.
        let lengths = _mm_madd_epi16(pairs, _mm_set1_epi32(0x0001_FFFF));
        let short = _mm_cmpeq_epi32(_mm_min_epu32(lengths, _mm_set1_epi32(LONGEST as i32)), lengths);
        if _mm_movemask_epi8(short) != 0xFFFF {
            text::token_values(seeds, text, four, out);
            continue;
        }
        // SAFETY: 16 bytes stand behind each edge, `last` being the greatest, and lengths are 0 to 16. What `pairs`
        // holds is read again: taken out of the register, as the compiler would, it comes later.
        let kept = |token: &[u16; 2]| unsafe {
            let [from, to] = [&raw const token[0], &raw const token[1]].map(|edge| usize::from(edge.read_volatile()));
            let mask = MASK.0.as_ptr().add(LONGEST + from - to);
            _mm_and_si128(_mm_loadu_si128(mask.cast()), _mm_loadu_si128(text.as_ptr().add(from).cast()))
        };
        let both = |a, b| _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(kept(a)), kept(b));
        let (evens, odds) = (both(&four[0], &four[2]), both(&four[1], &four[3]));
        let a = _mm256_xor_si256(_mm256_unpacklo_epi64(evens, odds), first);
        let b = _mm256_xor_si256(_mm256_unpackhi_epi64(evens, odds), second);
        let b = _mm256_xor_si256(b, _mm256_cvtepu32_epi64(lengths));
        // a b = near + 2^32 (a_high b + a b_high) + 2^64 far, summed so that no lane overflows.
        let (a_high, b_high) = (high_avx2(a), high_avx2(b));
        let near = _mm256_mul_epu32(a, b);
        let mid = _mm256_add_epi64(_mm256_mul_epu32(a_high, b), high_avx2(near));
        let other = _mm256_add_epi64(_mm256_mul_epu32(a, b_high), _mm256_and_si256(mid, low));
        let far = _mm256_add_epi64(_mm256_mul_epu32(a_high, b_high), high_avx2(mid));
        let upper = _mm256_add_epi64(far, high_avx2(other));
        let lower = _mm256_blend_epi32::<0b1010_1010>(near, _mm256_slli_epi64::<32>(other));
        let turned = _mm256_or_si256(_mm256_slli_epi64::<29>(a), _mm256_srli_epi64::<35>(a));
        let values = _mm256_add_epi64(_mm256_xor_si256(lower, upper), _mm256_add_epi64(b, turned));
        let len = out.len();
        // SAFETY: room for all tokens was reserved, and each of them adds one value.
        unsafe {
            _mm256_storeu_si256(out.as_mut_ptr().add(len).cast(), values);
            out.set_len(len + FOUR);
        }
    }
    text::token_values(seeds, text, rest, out);
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
        return portable::gram_hashes(w, n, term, out, |x| x);
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
    text::byte_windows(&bytes[done..], n, term, rest, |x| x);
}

/// `kernel::count_bits`: a hash is the mask under which 64 counters of a byte each count.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[allow(unsafe_code)]
pub fn count_bits_avx512(hashes: &[u64], ones: &mut [i64; 64]) {
    // Two rows of counters, so that a count need not wait for the one before; a byte holds 255.
    for block in hashes.chunks(2 * 255) {
        let one = _mm512_set1_epi8(1);
        let mut counters = [_mm512_setzero_si512(); 2];
        let (pairs, rest) = block.as_chunks::<2>();
        for pair in pairs {
            for (counter, hash) in counters.iter_mut().zip(pair) {
                *counter = _mm512_mask_add_epi8(*counter, _cvtu64_mask64(*hash), *counter, one);
            }
        }
        for hash in rest {
            counters[0] = _mm512_mask_add_epi8(counters[0], _cvtu64_mask64(*hash), counters[0], one);
        }
        for counter in counters {
            let mut bytes = [0u8; BLOCK];
            // SAFETY: the store is of a whole local array.
            unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), counter) };
            for (ones, byte) in ones.iter_mut().zip(bytes) {
                *ones += i64::from(byte);
            }
        }
    }
}
