//! Inner loops of the text stage.

/// Bytes looked at together.
const BLOCK: usize = 64;

/// Edges of a block that are written without asking how many there are: as many as English has, with room.
const USUAL: usize = 24;

/// See `kernel::edges`.
#[inline(always)]
pub fn edges(text: &[u8], first: usize, inside: bool, out: &mut [usize]) -> usize {
    let (mut count, mut inside) = (0, u64::from(inside));
    for (at, block) in text.as_chunks::<BLOCK>().0.iter().enumerate() {
        let word = not_space(block);
        let mut left = word ^ (word << 1 | inside);
        inside = word >> 63;
        let (base, total) = (first + at * BLOCK, left.count_ones() as usize);
        let mut next = || {
            let edge = base + left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            edge
        };
        // A loop that runs as often as there are edges ends in a wrong guess of the processor at every block.
        match out[count..].first_chunk_mut::<USUAL>() {
            Some(usual) if total <= USUAL => usual.fill_with(next),
            _ => out[count..count + total].fill_with(&mut next),
        }
        count += total;
    }
    count
}

/// One bit for each of 64 bytes: set where the byte is not a space.
#[inline(always)]
fn not_space(block: &[u8; BLOCK]) -> u64 {
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
fn not_space_naive(block: &[u8; BLOCK]) -> u64 {
    block.iter().enumerate().fold(0, |mask, (i, b)| mask | u64::from(*b != b' ') << i)
}

/// SSE2 is part of every x86-64, so there is nothing to detect.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code)]
fn not_space_sse2(block: &[u8; BLOCK]) -> u64 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};
    let mut mask = 0u64;
    for (i, sixteen) in block.as_chunks::<16>().0.iter().enumerate() {
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
        fn masks_are_the_definition(block in proptest::collection::vec(proptest::sample::select(vec![b' ', b'a', 0, 0xFF, 0x9F]), BLOCK)) {
            let block: &[u8; BLOCK] = block.first_chunk().expect("a block");
            prop_assert_eq!(not_space(block), not_space_naive(block));
        }
    }
}
