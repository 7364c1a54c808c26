//! Inner loops from hashes to sketches; their plain forms are in `kernel/portable.rs`.

use super::lanes::{all_sse2, high_sse2};
use crate::kernel::bins;
use crate::kernel::naive;
use crate::kernel::portable;
use crate::kernel::text::BLOCK;
use std::arch::asm;
use std::arch::x86_64::*;

/// The greatest finite float, as its bits.
pub const FINITE: u32 = f32::MAX.to_bits();
/// From the least float that is not subnormal: what a processor makes of those depends on its settings.
pub const SURE: std::ops::RangeInclusive<u32> = f32::MIN_POSITIVE.to_bits()..=FINITE;

/// The body of [`min_legacy61_avx512`] where lanes of `$vector` are half as many and 64 bits are multiplied by parts:
/// `$blend` takes high halves from its second operand.
macro_rules! legacy_in_vectors {
    ($vector:ty, $a:ident, $b:ident, $xs:ident, $out:ident, $load:ident, $store:ident, $all:ident, $add:ident,
     $multiply:ident, $left:ident, $right:ident, $xor:ident, $blend:expr, $min:ident) => {{
        const WIDTH: usize = size_of::<$vector>() / 8;
        // As many as stay in registers.
        const GROUPS: usize = 8;
        const LANES: usize = WIDTH * GROUPS;
        let high = $all(u64::MAX.wrapping_shl(32) as i64);
        for ((out, a), b) in $out.chunks_mut(LANES).zip($a.chunks(LANES)).zip($b.chunks(LANES)) {
            let groups = |from: &[u64]| -> [$vector; GROUPS] {
                let all = portable::lanes::<u64, LANES>(from);
                // SAFETY: the loads are of the parts of a local array.
                std::array::from_fn(|g| unsafe { $load(all.as_ptr().add(WIDTH * g).cast()) })
            };
            let (of_a, of_b) = (groups(a), groups(b));
            let high_a = of_a.map(|a| $right::<32>(a));
            let mut least = [$all(-1); GROUPS];
            for x in $xs {
                let x = $all(i64::from(*x));
                for g in 0..GROUPS {
                    let upper = $left::<32>($multiply(high_a[g], x));
                    let wide = $add($add($multiply(of_a[g], x), upper), of_b[g]);
                    let value = $add(wide, $right::<61>(wide));
                    least[g] = $min(least[g], $xor($blend(value, $left::<3>(wide)), high));
                }
            }
            for (g, least) in least.into_iter().enumerate() {
                let mut lanes = [0u64; WIDTH];
                // SAFETY: the store is of a whole local array.
                unsafe { $store(lanes.as_mut_ptr().cast(), least) };
                keep_least(g * WIDTH, &lanes, a, b, $xs, out);
            }
        }
    }};
}

/// `out[i] = min(out[i], low half)` of each lane, the first one for `out[first]`; where the high half is 0, it is made anew.
#[inline(always)]
fn keep_least(first: usize, lanes: &[u64], a: &[u64], b: &[u64], xs: &[u32], out: &mut [u64]) {
    for (i, least) in (first..out.len()).zip(lanes) {
        if least >> 32 == 0 || xs.is_empty() {
            naive::min_legacy61(&a[i..=i], &b[i..=i], xs, &mut out[i..=i]);
        } else {
            out[i] = out[i].min(least & 0xFFFF_FFFF);
        }
    }
}

/// See [`min_legacy61_avx512`]; the minimum as in [`super::affine::min_affine32_sse2`], so that values and flags lie in
/// vectors of their own.
#[allow(unsafe_code)]
pub fn min_legacy61_sse2(a: &[u64], b: &[u64], xs: &[u32], out: &mut [u64]) {
    // SAFETY: SSE2 is part of every x86-64.
    unsafe { legacy_of_floats(a, b, xs, out) }
}

#[target_feature(enable = "sse2")]
#[allow(unsafe_code)]
fn legacy_of_floats(a: &[u64], b: &[u64], xs: &[u32], out: &mut [u64]) {
    // As many as stay in registers: vectors of two lanes, two of which give one of four halves.
    const GROUPS: usize = 4;
    const LANES: usize = 4 * GROUPS;
    for ((out, a), b) in out.chunks_mut(LANES).zip(a.chunks(LANES)).zip(b.chunks(LANES)) {
        let groups = |from: &[u64]| -> [[__m128i; 2]; GROUPS] {
            let all = portable::lanes::<u64, LANES>(from);
            // SAFETY: the loads are of the parts of a local array.
            let two = |at: usize| unsafe { _mm_loadu_si128(all.as_ptr().add(at).cast()) };
            std::array::from_fn(|g| [two(4 * g), two(4 * g + 2)])
        };
        let (of_a, of_b) = (groups(a), groups(b));
        let high_a = of_a.map(|two| two.map(|a| high_sse2(a)));
        let (mut most, mut close) = ([_mm_setzero_ps(); GROUPS], [_mm_setzero_si128(); GROUPS]);
        for x in xs {
            let x = all_sse2(u64::from(*x));
            for g in 0..GROUPS {
                let wide: [__m128i; 2] = std::array::from_fn(|h| {
                    let upper = _mm_slli_epi64::<32>(_mm_mul_epu32(high_a[g][h], x));
                    _mm_add_epi64(_mm_add_epi64(_mm_mul_epu32(of_a[g][h], x), upper), of_b[g][h])
                });
                let [low, next_low] = wide.map(|x| _mm_castsi128_ps(_mm_add_epi64(x, _mm_srli_epi64::<61>(x))));
                let [top, next_top] = wide.map(|x| _mm_castsi128_ps(_mm_slli_epi64::<3>(x)));
                let values = _mm_castps_si128(_mm_shuffle_ps::<0b10_00_10_00>(low, next_low));
                let tops = _mm_castps_si128(_mm_shuffle_ps::<0b11_01_11_01>(top, next_top));
                let turned = _mm_sub_epi32(_mm_set1_epi32(FINITE as i32), values);
                most[g] = _mm_max_ps(_mm_castsi128_ps(turned), most[g]);
                close[g] = _mm_or_si128(close[g], _mm_cmpeq_epi32(tops, _mm_set1_epi32(-1)));
            }
        }
        for g in 0..GROUPS {
            let (mut turned, mut flags) = ([0u32; 4], [0u32; 4]);
            // SAFETY: the stores are of whole local arrays.
            unsafe {
                _mm_storeu_ps(turned.as_mut_ptr().cast(), most[g]);
                _mm_storeu_si128(flags.as_mut_ptr().cast(), close[g]);
            }
            let sure = |i: usize| flags[i] == 0 && SURE.contains(&turned[i]);
            // A high half of 0 has the value made anew.
            let lanes: [u64; 4] =
                std::array::from_fn(|i| u64::from(sure(i)) << 32 | u64::from(FINITE.wrapping_sub(turned[i])));
            keep_least(4 * g, &lanes, a, b, xs, out);
        }
    }
}

/// See [`min_legacy61_avx512`].
#[target_feature(enable = "avx2")]
#[allow(unsafe_code)]
pub fn min_legacy61_avx2(a: &[u64], b: &[u64], xs: &[u32], out: &mut [u64]) {
    legacy_in_vectors!(
        __m256i,
        a,
        b,
        xs,
        out,
        _mm256_loadu_si256,
        _mm256_storeu_si256,
        _mm256_set1_epi64x,
        _mm256_add_epi64,
        _mm256_mul_epu32,
        _mm256_slli_epi64,
        _mm256_srli_epi64,
        _mm256_xor_si256,
        _mm256_blend_epi32::<0b1010_1010>,
        _mm256_min_epu32
    );
}

/// See [`min_legacy61_avx512`].
#[target_feature(enable = "sse4.1")]
#[allow(unsafe_code)]
pub fn min_legacy61_sse41(a: &[u64], b: &[u64], xs: &[u32], out: &mut [u64]) {
    legacy_in_vectors!(
        __m128i,
        a,
        b,
        xs,
        out,
        _mm_loadu_si128,
        _mm_storeu_si128,
        _mm_set1_epi64x,
        _mm_add_epi64,
        _mm_mul_epu32,
        _mm_slli_epi64,
        _mm_srli_epi64,
        _mm_xor_si128,
        _mm_blend_epi16::<0b1100_1100>,
        _mm_min_epu32
    );
}

/// `kernel::min_legacy61`, without the comparison that ends a division by 2^61 - 1.
///
/// A value is the low half of `wide` plus its top three bits, and 1 more where the rest of `wide` is all ones or nearly so.
/// The high half of a lane is free for that question: its least `!(wide << 3)` is 0 where some `wide` may be such, which
/// happens once in 2^32 values, and then the minimum is made anew.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi2")]
#[allow(unsafe_code)]
pub fn min_legacy61_avx512(a: &[u64], b: &[u64], xs: &[u32], out: &mut [u64]) {
    const EIGHT: usize = 8;
    // As many as stay in registers.
    const GROUPS: usize = 8;
    const LANES: usize = EIGHT * GROUPS;
    let high = _mm512_set1_epi64(u64::MAX.wrapping_shl(32) as i64);
    for ((out, a), b) in out.chunks_mut(LANES).zip(a.chunks(LANES)).zip(b.chunks(LANES)) {
        let groups = |from: &[u64]| -> [__m512i; GROUPS] {
            let all = portable::lanes::<u64, LANES>(from);
            // SAFETY: the loads are of the eighths of a local array.
            std::array::from_fn(|g| unsafe { _mm512_loadu_si512(all.as_ptr().add(EIGHT * g).cast()) })
        };
        let (of_a, of_b) = (groups(a), groups(b));
        let mut least = [_mm512_set1_epi64(-1); GROUPS];
        for x in xs {
            let x = _mm512_set1_epi64(i64::from(*x));
            for ((least, a), b) in least.iter_mut().zip(of_a).zip(of_b) {
                let wide = _mm512_add_epi64(_mm512_mullo_epi64(a, x), b);
                let value = _mm512_add_epi64(wide, _mm512_srli_epi64::<61>(wide));
                // `high ? !(wide << 3) : value`.
                let both = _mm512_ternarylogic_epi64::<0x5C>(high, value, _mm512_slli_epi64::<3>(wide));
                *least = _mm512_min_epu32(*least, both);
            }
        }
        for (g, least) in least.into_iter().enumerate() {
            let mut eight = [0u64; EIGHT];
            // SAFETY: the store is of a whole local array.
            unsafe { _mm512_storeu_si512(eight.as_mut_ptr().cast(), least) };
            keep_least(g * EIGHT, &eight, a, b, xs, out);
        }
    }
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
/// `kernel::least_in_bins`: where k is a power of two, four instructions a hash. The minimum is one of a vector, of which one
/// value counts: it reads the bin itself, and only those four bytes, so that it need not wait for stores to others.
#[allow(unsafe_code)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
pub fn least_in_bins_avx512(hashes: &[u64], bins: &mut [u32]) {
    const LOW_HALVES: u16 = 0x5555;
    let k = bins.len() as u64;
    if k < 2 || !k.is_power_of_two() {
        return bins::least_in_bins(hashes, bins);
    }
    let shift = u64::BITS - k.ilog2();
    let (eights, rest) = hashes.as_chunks::<8>();
    for eight in eights {
        // SAFETY: eight values of 64 bits are one vector.
        let all = unsafe { _mm512_loadu_si512(eight.as_ptr().cast()) };
        if _mm512_mask_cmpeq_epi32_mask(LOW_HALVES, all, _mm512_set1_epi32(-1)) != 0 {
            // The value of an empty bin is among them.
            bins::least_in_bins(eight, bins);
            continue;
        }
        for hash in eight {
            let (value, at) = (_mm_cvtsi32_si128(*hash as i32), hash >> shift);
            // SAFETY: what is left of the hash are log2(k) bits, so that the bin is there; its four bytes are read and written,
            // and nothing else.
            unsafe {
                asm!(
                    "vpminud {value}, {value}, dword ptr [{bins} + 4 * {at}]{{1to4}}",
                    "vmovd dword ptr [{bins} + 4 * {at}], {value}",
                    value = inout(xmm_reg) value => _,
                    bins = in(reg) bins.as_mut_ptr(),
                    at = in(reg) at,
                    options(nostack, preserves_flags)
                );
            }
        }
    }
    bins::least_in_bins(rest, bins);
}
