//! The least value in each of k bins: what a sketch of one permutation is made of.

/// Hashes whose bins are found before any of them is written: what the compiler would otherwise hold back until the store
/// before, which may be to the same bin.
const ABREAST: usize = 4;

/// See `kernel::least_in_bins`.
///
/// Instructions are what this waits for, so each hash has as few as can be: a shift where k is a power of two, a branch
/// never taken for the one value that must make room for that of an empty bin, no check of the place.
#[inline(always)]
#[allow(unsafe_code)]
pub fn least_in_bins(hashes: &[u64], bins: &mut [u32]) {
    let k = bins.len() as u64;
    if k > 1 && k.is_power_of_two() {
        let shift = u64::BITS - k.ilog2();
        // SAFETY: what is left are log2(k) bits: below k.
        unsafe { least(hashes, bins, |h| (h >> shift) as usize) };
    } else if k > 0 {
        // SAFETY: a number below 2^32, times k, over 2^32: below k. Should k exceed 2^32, it is below 2^32.
        unsafe { least(hashes, bins, |h| ((h >> 32).wrapping_mul(k) >> 32) as usize) };
    }
}

/// # Safety
///
/// `place` gives the places of `bins` only.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn least(hashes: &[u64], bins: &mut [u32], place: impl Fn(u64) -> usize) {
    let mut put = |h: u64, at: usize| {
        // SAFETY: `at` is what `place` gave.
        let bin = unsafe { bins.get_unchecked_mut(at) };
        match h as u32 {
            u32::MAX => full(bin),
            value => *bin = value.min(*bin),
        }
    };
    let (fours, rest) = hashes.as_chunks::<ABREAST>();
    for four in fours {
        for (h, at) in four.iter().zip(four.map(&place)) {
            put(*h, at);
        }
    }
    for h in rest {
        put(*h, place(*h));
    }
}

/// Apart, so that it stays a branch.
#[cold]
#[inline(never)]
fn full(bin: &mut u32) {
    *bin = (*bin).min(u32::MAX - 1);
}
