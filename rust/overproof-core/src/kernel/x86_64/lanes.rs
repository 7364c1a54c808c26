//! Lanes of 64 bits; below AVX-512, vectors multiply 32.

use crate::shingle::hash::K2;
use std::arch::x86_64::*;

/// `x` in each lane.
#[inline]
#[target_feature(enable = "avx2")]
pub fn all_avx2(x: u64) -> __m256i {
    _mm256_set1_epi64x(x as i64)
}

/// The top half of each lane, brought down.
#[inline]
#[target_feature(enable = "avx2")]
pub fn high_avx2(x: __m256i) -> __m256i {
    _mm256_srli_epi64::<32>(x)
}

/// `x * by` in each lane, from three products of 32 bits; with each its [`high_avx2`].
#[inline]
#[target_feature(enable = "avx2")]
pub fn multiply_avx2((x, high): (__m256i, __m256i), (by, high_by): (__m256i, __m256i)) -> __m256i {
    let cross = _mm256_add_epi64(_mm256_mul_epu32(high, by), _mm256_mul_epu32(x, high_by));
    _mm256_add_epi64(_mm256_mul_epu32(x, by), _mm256_slli_epi64::<32>(cross))
}

/// `fin` of each lane.
#[inline]
#[target_feature(enable = "avx2")]
pub fn fin_avx2(mut x: __m256i) -> __m256i {
    for _ in 0..2 {
        // The top half stays as it is.
        let top = high_avx2(x);
        x = multiply_avx2((_mm256_xor_si256(x, top), top), (all_avx2(K2), all_avx2(K2 >> 32)));
    }
    _mm256_xor_si256(x, high_avx2(x))
}

/// `x` in each lane.
#[inline]
#[target_feature(enable = "sse2")]
pub fn all_sse2(x: u64) -> __m128i {
    _mm_set1_epi64x(x as i64)
}

/// See [`high_avx2`].
#[inline]
#[target_feature(enable = "sse2")]
pub fn high_sse2(x: __m128i) -> __m128i {
    _mm_srli_epi64::<32>(x)
}

/// See [`multiply_avx2`].
#[inline]
#[target_feature(enable = "sse2")]
pub fn multiply_sse2((x, high): (__m128i, __m128i), (by, high_by): (__m128i, __m128i)) -> __m128i {
    let cross = _mm_add_epi64(_mm_mul_epu32(high, by), _mm_mul_epu32(x, high_by));
    _mm_add_epi64(_mm_mul_epu32(x, by), _mm_slli_epi64::<32>(cross))
}

/// `fin` of each lane.
#[inline]
#[target_feature(enable = "sse2")]
pub fn fin_sse2(mut x: __m128i) -> __m128i {
    for _ in 0..2 {
        let top = high_sse2(x);
        x = multiply_sse2((_mm_xor_si128(x, top), top), (all_sse2(K2), all_sse2(K2 >> 32)));
    }
    _mm_xor_si128(x, high_sse2(x))
}

/// `fin` of each lane.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
pub fn fin_avx512(mut x: __m512i) -> __m512i {
    for _ in 0..2 {
        x = _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_srli_epi64::<32>(x)), _mm512_set1_epi64(K2 as i64));
    }
    _mm512_xor_si512(x, _mm512_srli_epi64::<32>(x))
}
