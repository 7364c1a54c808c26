//! The two sides of a join, and how they are worked through in blocks under a memory limit.

use crate::error::{Error, Result};
use crate::exec::Job;
use crate::params::{Analyzer, HashSource, ShingleParams};
use crate::shingle::ShingleSets;
use crate::shingle::build::from_texts;
use crate::text::Texts;
use std::borrow::Cow;
use std::ops::Range;

/// Most keys in a block: positions in an index are 32 bits.
const MAX_KEYS: usize = 1 << 31;

/// Bytes of text that are shingled at once to count their hashes.
const COUNTED: usize = 1 << 20;

/// Rows to join, which can be had as sets block by block.
#[derive(Clone, Copy)]
pub enum Side<'a> {
    /// Sets that exist.
    Sets(&'a ShingleSets),
    /// Texts, shingled when their block comes; analyzers `word`, `char` and `byte`.
    Texts(Texts<'a>, &'a ShingleParams),
}

impl<'a> Side<'a> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Side::Sets(sets) => sets.len(),
            Side::Texts(texts, _) => texts.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How the hashes are made.
    pub fn source(&self) -> HashSource {
        match *self {
            Side::Sets(ShingleSets { params: Some(params), .. }) | Side::Texts(_, params) => HashSource::from(params),
            Side::Sets(sets) => HashSource { description: String::new(), fingerprint: sets.fingerprint },
        }
    }

    /// Refuse sides whose hashes were made in different ways.
    pub fn check_same(&self, other: &Side<'_>) -> Result<()> {
        let (a, b) = (self.source(), other.source());
        if a.fingerprint == b.fingerprint {
            return Ok(());
        }
        let how =
            |s: &HashSource| if s.description.is_empty() { "the user's hashes".into() } else { s.description.clone() };
        Err(Error::Incompatible(format!(
            "left and right were shingled with different parameters and cannot be compared; make both with the same \
             Shingler\n  left: {} (fingerprint {:016x})\n  right: {} (fingerprint {:016x})",
            how(&a),
            a.fingerprint,
            how(&b),
            b.fingerprint
        )))
    }

    /// How many hashes each row has; with `bound` the most that it can have as a rule, without shingling any: a word and
    /// its separator take two bytes or more.
    fn sizes(&self, bound: bool, job: &Job<'_>) -> Result<Vec<usize>> {
        let (texts, params) = match self {
            Side::Sets(sets) => return Ok((0..sets.len()).map(|i| sets.range(i).len()).collect()),
            Side::Texts(texts, params) => (texts, params),
        };
        let bytes = |i: usize| texts[i].map_or(0, str::len);
        if bound {
            let tokens = |i| if params.analyzer == Analyzer::Word { bytes(i) / 2 + 1 } else { bytes(i) };
            return Ok((0..texts.len()).map(|i| tokens(i) * params.n.len()).collect());
        }
        let mut sizes = Vec::with_capacity(texts.len());
        for rows in blocks(texts.len(), COUNTED, |i| (0, bytes(i))) {
            let sets = from_texts(&texts[rows], params, false, job)?;
            sizes.extend((0..sets.len()).map(|i| sets.range(i).len()));
        }
        Ok(sizes)
    }

    fn sets(&self, rows: Range<usize>, job: &Job<'_>) -> Result<Cow<'a, ShingleSets>> {
        Ok(match self {
            Side::Sets(sets) if rows.len() == sets.len() => Cow::Borrowed(*sets),
            Side::Sets(sets) => Cow::Owned(sets.take(&(rows.start as i64..rows.end as i64).collect::<Vec<i64>>())),
            Side::Texts(texts, params) => Cow::Owned(from_texts(&texts[rows], params, false, job)?),
        })
    }

    /// Cut the rows into blocks of `budget` bytes at most; a block has at least one row.
    fn blocks(&self, budget: Option<usize>, cost: Cost, job: &Job<'_>) -> Result<Vec<Range<usize>>> {
        let sizes = self.sizes(budget.is_none(), job)?;
        let size = |i: usize| (cost.keys + sizes[i], cost.row + cost.hash * sizes[i]);
        Ok(blocks(self.len(), budget.unwrap_or(usize::MAX), size))
    }
}

/// Cut rows into blocks that stay under `budget` bytes and under [`MAX_KEYS`]; `size` gives keys and bytes of a row.
/// No rows give one empty block, so that every join has a first block.
pub(super) fn blocks(rows: usize, budget: usize, size: impl Fn(usize) -> (usize, usize)) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let (mut start, mut keys, mut bytes) = (0, 0usize, 0usize);
    for row in 0..rows {
        let (more_keys, more_bytes) = size(row);
        let full = bytes.saturating_add(more_bytes) > budget || keys + more_keys > MAX_KEYS;
        if full && row > start {
            out.push(start..row);
            (start, keys, bytes) = (row, 0, 0);
        }
        keys += more_keys;
        bytes = bytes.saturating_add(more_bytes);
    }
    if start < rows || rows == 0 {
        out.push(start..rows);
    }
    out
}

/// Working memory in bytes: what a row and what each of its hashes takes at the most.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Each row.
    pub row: usize,
    /// Number of keys that a row has in an index beside its hashes.
    pub keys: usize,
    /// Each hash.
    pub hash: usize,
}

/// A block of the left side against a block of the right side.
pub struct Block<'s> {
    /// Sets of the left block.
    pub a: &'s ShingleSets,
    /// Sets of the right block.
    pub b: &'s ShingleSets,
    /// Row numbers of the left block.
    pub left: Range<usize>,
    /// Row numbers of the right block.
    pub right: Range<usize>,
}

/// Build an index of each block of the right side and probe it with each block of the left side.
///
/// `right` = None joins left with itself; with `upper` only blocks that can hold a pair left < right are visited.
/// `memory` is halved between the sides. Returns how many rows of each side have no hash.
pub fn by_blocks<I>(
    job: &Job<'_>,
    (left, right): (Side<'_>, Option<Side<'_>>),
    upper: bool,
    memory: Option<usize>,
    (left_cost, right_cost): (Cost, Cost),
    build: impl Fn(&ShingleSets) -> Result<I>,
    mut probe: impl FnMut(&I, Block<'_>) -> Result<()>,
) -> Result<[usize; 2]> {
    let itself = right.is_none();
    let right = right.unwrap_or(left);
    left.check_same(&right)?;
    let budget = memory.map(|bytes| bytes / 2);
    let rights = right.blocks(budget, right_cost, job)?;
    let lefts = left.blocks(budget, left_cost, job)?;
    // A left side that fits is not shingled again for each block of the right one.
    let whole = if lefts.len() == 1 && !itself { Some(left.sets(lefts[0].clone(), job)?) } else { None };
    let empty_rows = |sets: &ShingleSets| (0..sets.len()).filter(|i| sets.range(*i).is_empty()).count();
    let mut empty = [0, 0];
    for (nth, r) in rights.iter().enumerate() {
        let b = right.sets(r.clone(), job)?;
        let index = build(&b)?;
        empty[1] += empty_rows(&b);
        for l in &lefts {
            if itself && upper && l.start >= r.end {
                continue;
            }
            let a = match &whole {
                Some(whole) => Cow::Borrowed(&**whole),
                None if itself && l == r => Cow::Borrowed(&*b),
                None => left.sets(l.clone(), job)?,
            };
            if nth == 0 && !itself {
                empty[0] += empty_rows(&a);
            }
            probe(&index, Block { a: &a, b: &b, left: l.clone(), right: r.clone() })?;
        }
    }
    if itself {
        empty[0] = empty[1];
    }
    Ok(empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_cover_all_rows_in_order(sizes in proptest::collection::vec(0usize..50, 0..30), budget in 0usize..200) {
            let cut = blocks(sizes.len(), budget, |i| (sizes[i], sizes[i]));
            prop_assert_eq!(cut.iter().cloned().flatten().collect::<Vec<_>>(), (0..sizes.len()).collect::<Vec<_>>());
            for block in cut {
                prop_assert!(block.len() <= 1 || sizes[block].iter().sum::<usize>() <= budget);
            }
        }
    }
}
