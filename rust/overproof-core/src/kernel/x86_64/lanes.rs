//! Lanes of 64 bits; below AVX-512, vectors multiply 32.

use crate::shingle::hash::K2;
use std::arch::x86_64::*;

/// Lanes of `$vector`, which `$feature` has, from the instructions that work on them.
macro_rules! lanes_of {
    ($vector:ty, $feature:literal: $all:ident, $high:ident, $multiply:ident, $fin:ident;
     $set:ident, $add:ident, $product:ident, $xor:ident, $left:ident, $right:ident) => {
        /// `x` in each lane.
        #[inline]
        #[target_feature(enable = $feature)]
        pub fn $all(x: u64) -> $vector {
            $set(x as i64)
        }

        /// The top half of each lane, brought down.
        #[inline]
        #[target_feature(enable = $feature)]
        pub fn $high(x: $vector) -> $vector {
            $right::<32>(x)
        }

        /// `x * by` in each lane, from three products of 32 bits; with each its top half, brought down.
        #[inline]
        #[target_feature(enable = $feature)]
        pub fn $multiply((x, high): ($vector, $vector), (by, high_by): ($vector, $vector)) -> $vector {
            let cross = $add($product(high, by), $product(x, high_by));
            $add($product(x, by), $left::<32>(cross))
        }

        /// `fin` of each lane.
        #[inline]
        #[target_feature(enable = $feature)]
        pub fn $fin(mut x: $vector) -> $vector {
            for _ in 0..2 {
                // The top half stays as it is.
                let top = $high(x);
                x = $multiply(($xor(x, top), top), ($all(K2), $all(K2 >> 32)));
            }
            $xor(x, $high(x))
        }
    };
}
lanes_of!(
    __m256i, "avx2": all_avx2, high_avx2, multiply_avx2, fin_avx2;
    _mm256_set1_epi64x, _mm256_add_epi64, _mm256_mul_epu32, _mm256_xor_si256, _mm256_slli_epi64, _mm256_srli_epi64
);
lanes_of!(
    __m128i, "sse2": all_sse2, high_sse2, multiply_sse2, fin_sse2;
    _mm_set1_epi64x, _mm_add_epi64, _mm_mul_epu32, _mm_xor_si128, _mm_slli_epi64, _mm_srli_epi64
);

/// `fin` of each lane.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
pub fn fin_avx512(mut x: __m512i) -> __m512i {
    for _ in 0..2 {
        x = _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_srli_epi64::<32>(x)), _mm512_set1_epi64(K2 as i64));
    }
    _mm512_xor_si512(x, _mm512_srli_epi64::<32>(x))
}
