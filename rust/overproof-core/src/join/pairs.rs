//! Pairs of rows with their scores, and the probing that finds them.

use super::Postings;
use crate::error::Result;
use crate::exec::Job;
use std::ops::Range;

/// Row `left` of the left side, row `right` of the right side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Row of the left side.
    pub left: i64,
    /// Row of the right side.
    pub right: i64,
    /// Their score.
    pub score: f64,
}

/// What a join found.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// The pairs, in the order that the join documents.
    pub pairs: Vec<Pair>,
    /// Rows of the left and of the right side.
    pub rows: [usize; 2],
    /// Rows without any shingle, which are in no pair.
    pub empty: [usize; 2],
}

/// Which pairs of rows a join looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All: two sides.
    All,
    /// Left < right: one side and a symmetric score.
    Upper,
    /// Left != right: one side and a score with a direction.
    Distinct,
}

impl Which {
    pub(super) fn takes(self, left: usize, right: usize) -> bool {
        match self {
            Which::All => true,
            Which::Upper => left < right,
            Which::Distinct => left != right,
        }
    }
}

/// Candidates between two looks at whether to go on; blocks are looked at in any case.
const MET: usize = 1 << 12;

/// For each row of `left` the rows of an index that share a key with it, each once and ascending, scored by `verify`.
///
/// Rows go to `verify` as numbers within their blocks, with how often `look_up` gave the right one; `out` takes the pairs
/// by left, then right row. O(postings met).
pub(super) fn probe(
    job: &Job<'_>,
    (left, right): (Range<usize>, Range<usize>),
    which: Which,
    weight: impl Fn(usize) -> usize,
    look_up: impl Fn(usize, &mut Vec<u32>) + Sync,
    verify: impl Fn(usize, usize, usize) -> Option<f64> + Sync,
    out: &mut Vec<Pair>,
) -> Result<()> {
    let found = job.chunks(left.len(), weight, |rows| {
        let (mut pairs, mut candidates, mut met) = (Vec::new(), Vec::new(), 0);
        for i in rows {
            candidates.clear();
            look_up(i, &mut candidates);
            // To look at the clock takes longer than most rows.
            met += candidates.len();
            if met >= MET {
                job.check()?;
                met = 0;
            }
            candidates.sort_unstable();
            for same in candidates.chunk_by(|a, b| a == b) {
                let j = same[0] as usize;
                let (left, right) = (left.start + i, right.start + j);
                if which.takes(left, right)
                    && let Some(score) = verify(i, j, same.len())
                {
                    pairs.push(Pair { left: left as i64, right: right as i64, score });
                }
            }
        }
        Ok(pairs)
    })?;
    out.extend(found.into_iter().flatten());
    Ok(())
}

/// The rows of `index` under any of `keys`, added to `out`.
pub(super) fn look_up(index: &Postings, keys: &[u64], out: &mut Vec<u32>) {
    keys.iter().for_each(|key| out.extend_from_slice(index.get(*key)));
}
