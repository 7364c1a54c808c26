//! Inner loops of the text stage.

/// One bit for each of 64 bytes: set where the byte is not a space.
#[inline(always)]
pub fn not_space(block: &[u8]) -> u64 {
    debug_assert_eq!(block.len(), 64);
    #[cfg(target_arch = "x86_64")]
    {
        not_space_sse2(block)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        not_space_naive(block)
    }
}

/// The definition of [`not_space`].
#[cfg(any(test, not(target_arch = "x86_64")))]
fn not_space_naive(block: &[u8]) -> u64 {
    block.iter().enumerate().fold(0, |mask, (i, b)| mask | u64::from(*b != b' ') << i)
}

/// SSE2 is part of every x86-64, so there is nothing to detect.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code)]
fn not_space_sse2(block: &[u8]) -> u64 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};
    let mut mask = 0u64;
    for (i, sixteen) in block.chunks_exact(16).take(4).enumerate() {
        // SAFETY: `sixteen` is 16 readable bytes, the load needs no alignment, and SSE2 is always there on x86-64.
        let spaces = unsafe {
            let bytes = _mm_loadu_si128(sixteen.as_ptr().cast());
            _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(b' ' as i8)))
        };
        mask |= u64::from(!spaces as u16) << (16 * i);
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn level_is_definition(block in proptest::collection::vec(proptest::sample::select(vec![b' ', b'a', 0, 0xFF, 0x9F]), 64)) {
            prop_assert_eq!(not_space(&block), not_space_naive(&block));
        }
    }
}
