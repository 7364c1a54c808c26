//! FracMinHash: the hashes below a threshold (Irber et al. 2022).

use super::{Remix, SetSketch};
use crate::error::Result;
use crate::exec::Job;
use crate::params::SketchParams;
use crate::shingle::ShingleSets;

/// Keeps h when `rotl(h, 32) < floor(2^64 / scaled)`, with h remixed first under seeds other than 1.
#[derive(Clone, Copy, Debug)]
pub struct Selection {
    /// The largest rotated hash that is kept.
    last: u64,
    remix: Remix,
}

impl Selection {
    /// About one hash of `scaled`; `scaled` is at least 1.
    pub fn new(scaled: u64, seed: u64) -> Self {
        let below = (1u128 << 64) / u128::from(scaled.max(1));
        Selection { last: (below - 1) as u64, remix: Remix::new(seed) }
    }

    /// Whether a hash is kept. The halves are swapped because the top bits place keys in an index.
    #[inline(always)]
    pub fn keeps(&self, h: u64) -> bool {
        self.remix.one(h).rotate_left(32) <= self.last
    }
}

/// The kept hashes of each set. O(hashes).
pub fn of_sets(job: &Job<'_>, sets: &ShingleSets, params: SketchParams) -> Result<SetSketch> {
    let selection = Selection::new(params.size, params.seed);
    let parts = job.chunks(
        sets.len(),
        |i| 8 * sets.range(i).len(),
        |rows| {
            let (mut kept, mut lengths) = (Vec::new(), Vec::with_capacity(rows.len()));
            for i in rows {
                let before = kept.len();
                kept.extend(sets.row(i).iter().filter(|h| selection.keeps(**h)));
                lengths.push(kept.len() - before);
            }
            Ok((kept, lengths))
        },
    )?;
    let lengths = parts.iter().flat_map(|(_, lengths)| lengths.iter().copied());
    let indptr = super::array::boundaries(lengths);
    let sizes: Vec<u64> = (0..sets.len()).map(|i| sets.range(i).len() as u64).collect();
    Ok(SetSketch {
        indptr,
        empty: sizes.iter().map(|size| *size == 0).collect(),
        hashes: parts.into_iter().flat_map(|(kept, _)| kept).collect(),
        sizes: Some(sizes),
        missing: sets.missing.clone(),
        fingerprint: params.fingerprint(),
        params,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hashes, sets_of, source};
    use super::*;
    use crate::params::Scheme;
    use proptest::prelude::*;

    #[test]
    fn keeps_by_the_low_half() {
        let half = Selection::new(2, 1);
        assert!(!half.keeps(0x0000_0000_8000_0000));
        assert!(half.keeps(0xFFFF_FFFF_7FFF_FFFF));
        assert!(half.keeps(0xFFFF_FFFF_0000_0000));
        assert!(Selection::new(1, 1).keeps(u64::MAX));
        assert!(Selection::new(u64::MAX, 1).keeps(0) && !Selection::new(u64::MAX, 1).keeps(1 << 32));
    }

    proptest! {
        #[test]
        fn is_the_definition(hs in hashes(200), scaled in 1u64..9, seed in 1u64..3) {
            let sets = sets_of(&[&hs, &[]]);
            let made = of_sets(&Job::inline(), &sets, SketchParams::new(Scheme::FracMinHash, scaled, seed, source())?)?;
            let kept: Vec<u64> = sets.row(0).iter().copied().filter(|h| {
                u128::from(Remix::new(seed).one(*h).rotate_left(32)) < (1u128 << 64) / u128::from(scaled)
            }).collect();
            prop_assert_eq!(made.row(0), kept);
            prop_assert_eq!(made.row(1), &[] as &[u64]);
            prop_assert_eq!(made.sizes, Some(vec![sets.row(0).len() as u64, 0]));
            prop_assert_eq!(made.empty, vec![hs.is_empty(), true]);
        }
    }
}
