//! MinHash by one permutation (Li, Owen & Zhang 2012), stored undensified so that it merges.

use super::Remix;
use crate::error::Result;
use crate::kernel::{self, Level};
use crate::shingle::hash::fin;

/// What an empty bin holds; no value reaches it.
pub const EMPTY_BIN: u32 = u32::MAX;

/// The high half of a hash picks a bin, the low half is the value; a bin keeps its smallest.
#[derive(Clone, Copy, Debug)]
pub struct Sketcher {
    level: Level,
    k: usize,
    remix: Remix,
}

impl Sketcher {
    /// `k` bins.
    pub fn new(k: usize, seed: u64) -> Result<Self> {
        Ok(Sketcher { level: kernel::level()?, k, remix: Remix::new(seed) })
    }

    /// Take hashes into a row of `k` values, which starts at [`EMPTY_BIN`]. Order and repeats do not matter.
    pub fn add(&self, hashes: &[u64], out: &mut [u32]) {
        let bins = &mut out[..self.k];
        self.remix.blocks(hashes, |block| kernel::least_in_bins(self.level, block, bins));
    }
}

impl super::Sketcher for Sketcher {
    type Value = u32;
    type State = ();
    fn empty(&self) -> u32 {
        EMPTY_BIN
    }
    fn start(&self) {}
    fn eat(&self, hashes: &[u64], (): &mut (), row: &mut [u32]) {
        self.add(hashes, row);
    }
}

/// Fill the empty bins of a row (optimal densification, Shrivastava 2017), to form LSH bands only: empty bin i takes
/// the value of the first non-empty one of the bins `((fin(i * 2^32 + j) >> 32) * k) >> 32`, j = 1, 2, ...
///
/// A row of empty bins stays as it is.
pub fn densify(row: &[u32], out: &mut [u32]) {
    out.copy_from_slice(row);
    if row.iter().all(|v| *v == EMPTY_BIN) {
        return;
    }
    let k = row.len() as u64;
    for (i, bin) in (0u64..).zip(out.iter_mut()) {
        let mut j = 0;
        while *bin == EMPTY_BIN {
            j += 1;
            *bin = row[(((fin(i << 32 | j) >> 32) * k) >> 32) as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hashes, sketched};
    use super::*;
    use crate::params::Scheme;
    use crate::sketch::Values;
    use proptest::prelude::*;

    #[test]
    fn the_largest_value_is_not_an_empty_bin() -> Result<()> {
        let made = sketched(Scheme::Oph, 2, 1, &[&[u64::from(u32::MAX)]])?;
        assert_eq!(made.values, Values::U32(vec![EMPTY_BIN - 1, EMPTY_BIN]));
        Ok(())
    }

    proptest! {
        #[test]
        fn densified_rows_hold_their_own_values(hs in hashes(60), k in 1usize..80) {
            let Values::U32(row) = sketched(Scheme::Oph, k as u64, 1, &[&hs])?.values else { unreachable!() };
            let mut dense = vec![0; k];
            densify(&row, &mut dense);
            for (sparse, dense) in row.iter().zip(&dense) {
                prop_assert!(dense == sparse || (*sparse == EMPTY_BIN && row.contains(dense)));
                prop_assert!(hs.is_empty() || *dense != EMPTY_BIN);
            }
        }
    }
}
