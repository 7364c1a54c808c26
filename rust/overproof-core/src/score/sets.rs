//! Scores of sets: row against row by a merge, all pairs by an inverted index.
//!
//! Exact on shingle sets; on the kept hashes of FracMinHash the same formulas are estimates (docs/spec/sketches.md).

use super::{Made, SetMetric, Value, check_rows, power, ratio};
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::kernel;
use crate::kernel::memory::{Part, prefetch_row};
use crate::shingle::ShingleSets;
use crate::sketch::SetSketch;
use std::ops::Range;

/// Where the larger set is this many times the smaller, search beats the merge.
const GALLOP: usize = 32;

/// Number of elements that two sorted sets share.
///
/// Cost O(len(a) + len(b)), or O(min log(max / min)) where one set is over 32 times the other.
pub fn intersection_size(a: &[u64], b: &[u64]) -> usize {
    let (small, large) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let level = kernel::any_level();
    if large.len() / GALLOP > small.len() { gallop(small, large) } else { kernel::intersection(level, small, large) }
}

/// For each element of the small set double the step in the large one, then halve.
fn gallop(small: &[u64], mut large: &[u64]) -> usize {
    let mut shared = 0;
    for x in small {
        let mut step = 1;
        while step < large.len() && large[step] < *x {
            step *= 2;
        }
        let within = &large[..large.len().min(step + 1)];
        match within.binary_search(x) {
            Ok(at) => {
                shared += 1;
                large = &large[at + 1..];
            }
            Err(at) => large = &large[at..],
        }
    }
    shared
}

/// Sets to score: rows of sorted unique hashes, and what they were made of.
#[derive(Clone, Debug)]
pub struct SetRows<'a> {
    indptr: &'a [i64],
    hashes: &'a [u64],
    missing: &'a [bool],
    made: Made,
}

impl<'a> From<&'a ShingleSets> for SetRows<'a> {
    fn from(sets: &'a ShingleSets) -> Self {
        let how = sets.params.as_ref().map_or_else(|| "hashes brought by the user".to_owned(), |p| p.canonical());
        let made = Made { fingerprint: sets.fingerprint, how };
        SetRows { indptr: &sets.indptr, hashes: &sets.hashes, missing: &sets.missing, made }
    }
}

impl<'a> From<&'a SetSketch> for SetRows<'a> {
    fn from(kept: &'a SetSketch) -> Self {
        let made = Made::from(&kept.params);
        SetRows { indptr: &kept.indptr, hashes: &kept.hashes, missing: &kept.missing, made }
    }
}

impl SetRows<'_> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.missing.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty()
    }

    pub(super) fn is_missing(&self, i: usize) -> bool {
        self.missing[i]
    }

    pub(super) fn size(&self, i: usize) -> usize {
        (self.indptr[i + 1] - self.indptr[i]) as usize
    }

    fn row(&self, i: usize) -> &[u64] {
        &self.hashes[self.indptr[i] as usize..self.indptr[i + 1] as usize]
    }
}

/// |A & B| of row i of a and row i of b; 0 where a row is missing.
pub fn shared(job: &Job<'_>, a: &SetRows<'_>, b: &SetRows<'_>) -> Result<Vec<usize>> {
    Made::check_same(&a.made, &b.made)?;
    check_rows(a.len(), b.len())?;
    let weight = |i: usize| 8 * (a.size(i) + b.size(i));
    // A merge reads where the last comparison tells it to, so that nothing runs ahead to the next pair.
    let count = |i: usize| {
        if i + 1 < a.len() {
            prefetch_row(a.row(i + 1));
            prefetch_row(b.row(i + 1));
        }
        intersection_size(a.row(i), b.row(i))
    };
    Ok(job.chunks(a.len(), weight, |rows| Ok(rows.map(count).collect::<Vec<usize>>()))?.concat())
}

/// Row i of a against row i of b; NaN where a row is missing or the denominator is 0.
pub fn rowwise(job: &Job<'_>, metric: SetMetric, a: &SetRows<'_>, b: &SetRows<'_>) -> Result<Vec<f64>> {
    let score = |(i, shared): (usize, usize)| {
        if a.missing[i] || b.missing[i] { f64::NAN } else { metric.score(shared, a.size(i), b.size(i)) }
    };
    Ok(shared(job, a, b)?.into_iter().enumerate().map(score).collect())
}

/// FracMinHash containment divided by the chance that anything of A was kept (Hera et al. 2023, theorem 1).
///
/// Unbiased over all rows, where `rowwise` is unbiased over the rows that have a value: where nothing was kept of a
/// non-empty A the share counts as 0. It can pass 1. NaN where A is empty or a row is missing.
pub fn containment_debiased(job: &Job<'_>, a: &SetSketch, b: &SetSketch) -> Result<Vec<f64>> {
    let sizes = a.sizes.as_ref().ok_or_else(|| {
        Error::input("a is a union, of which the number of distinct shingles is unknown: debias=True needs it")
    })?;
    let counts = shared(job, &a.into(), &b.into())?;
    let unkept = 1.0 - 1.0 / a.scaled() as f64;
    let score = |i: usize| {
        if a.missing[i] || b.missing[i] || sizes[i] == 0 {
            return f64::NAN;
        }
        let kept = a.range(i).len();
        let share = if kept == 0 { 0.0 } else { ratio(counts[i], kept) };
        share / (1.0 - power(unkept, sizes[i]))
    };
    Ok((0..a.len()).map(score).collect())
}

/// Which rows hold each hash of a batch of sets.
struct Postings {
    /// Distinct hashes, ascending.
    keys: Vec<u64>,
    /// Boundaries of each key's rows, `keys + 1` values.
    starts: Vec<usize>,
    rows: Vec<u32>,
    /// First key of each value of the top bits, to shorten the search.
    directory: Vec<u32>,
    shift: u32,
}

impl Postings {
    fn new(sets: &SetRows<'_>) -> Self {
        let mut pairs: Vec<(u64, u32)> =
            (0..sets.len()).flat_map(|i| sets.row(i).iter().map(move |h| (*h, i as u32))).collect();
        pairs.sort_unstable();
        let mut postings = Postings { keys: vec![], starts: vec![], rows: vec![], directory: vec![], shift: 0 };
        for (at, (hash, row)) in pairs.iter().enumerate() {
            if postings.keys.last() != Some(hash) {
                postings.keys.push(*hash);
                postings.starts.push(at);
            }
            postings.rows.push(*row);
        }
        postings.starts.push(pairs.len());
        let bits = postings.keys.len().max(2).ilog2();
        postings.shift = 64 - bits;
        let slots = (0..1u64 << bits).map(|slot| slot << postings.shift);
        postings.directory = slots.map(|low| postings.keys.partition_point(|k| *k < low) as u32).collect();
        postings.directory.push(postings.keys.len() as u32);
        postings
    }

    /// The rows that hold `hash`.
    fn rows(&self, hash: u64) -> &[u32] {
        let slot = (hash >> self.shift) as usize;
        let (from, to) = (self.directory[slot] as usize, self.directory[slot + 1] as usize);
        match self.keys[from..to].binary_search(&hash) {
            Ok(at) => &self.rows[self.starts[from + at]..self.starts[from + at + 1]],
            Err(_) => &[],
        }
    }
}

/// Every row of a against every row of b, as a matrix by rows of a; the values of [`rowwise`], rounded once.
///
/// Cost O(nnz(b) log nnz(b)) for an index of b, then one step for each hash that a pair of rows shares; pairs that share
/// nothing are copied into the matrix.
pub fn cdist<T: Value>(job: &Job<'_>, metric: SetMetric, a: &SetRows<'_>, b: &SetRows<'_>) -> Result<Vec<T>> {
    Made::check_same(&a.made, &b.made)?;
    let postings = Postings::new(b);
    // What a row of a scores where it shares nothing hangs on whether it is empty, and on nothing else of it.
    let nothing_shared = |size: usize| -> Vec<T> {
        let score = |j: usize| if b.missing[j] { f64::NAN } else { metric.score(0, size, b.size(j)) };
        (0..b.len()).map(|j| T::from_f64(score(j))).collect()
    };
    let (of_empty, of_others) = (nothing_shared(0), nothing_shared(1));
    let block = |rows: Range<usize>, mut part: Part<'_, T>| {
        let mut shared = vec![0u32; b.len()];
        let mut touched = Vec::new();
        for i in rows {
            let scores = part.take(b.len(), T::from_f64(f64::NAN));
            if a.missing[i] {
                continue;
            }
            scores.copy_from_slice(if a.size(i) == 0 { &of_empty } else { &of_others });
            for j in a.row(i).iter().flat_map(|hash| postings.rows(*hash)) {
                let count = &mut shared[*j as usize];
                if *count == 0 {
                    touched.push(*j as usize);
                }
                *count += 1;
            }
            for j in touched.drain(..) {
                scores[j] = T::from_f64(metric.score(shared[j] as usize, a.size(i), b.size(j)));
                shared[j] = 0;
            }
        }
        Ok(())
    };
    job.fill(a.len(), b.len(), |i| b.len() + 16 * a.size(i), block).map(|(matrix, _)| matrix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn sets(rows: &[Option<BTreeSet<u64>>]) -> ShingleSets {
        let of_row = |row: &Option<BTreeSet<u64>>| row.iter().flatten().copied().collect();
        let mut made = ShingleSets::of_rows(rows.iter().map(of_row).collect());
        made.missing = rows.iter().map(Option::is_none).collect();
        made
    }

    /// Small numbers and, spread over the whole range, large ones.
    fn element() -> impl Strategy<Value = u64> {
        prop_oneof![0u64..40, (0u64..40).prop_map(|x| u64::MAX - x * 0x0123_4567_89AB_CDEF)]
    }

    fn batch() -> impl Strategy<Value = Vec<Option<BTreeSet<u64>>>> {
        let row = proptest::option::weighted(0.9, proptest::collection::btree_set(element(), 0..30));
        proptest::collection::vec(row, 0..12)
    }

    proptest! {
        #[test]
        fn intersection_equals_sets(
            a in proptest::collection::btree_set(0u64..3000, 0..20),
            b in proptest::collection::btree_set(0u64..3000, 0..1500),
        ) {
            let (x, y): (Vec<u64>, Vec<u64>) = (a.iter().copied().collect(), b.iter().copied().collect());
            let expected = a.intersection(&b).count();
            for found in [intersection_size(&x, &y), intersection_size(&y, &x), gallop(&x, &y), gallop(&y, &x)] {
                prop_assert_eq!(found, expected);
            }
        }

        #[test]
        fn all_pairs_equal_row_against_row(a in batch(), b in batch()) {
            let job = Job::inline();
            let (x, y) = (sets(&a), sets(&b));
            for (_, metric) in SetMetric::NAMES {
                let matrix = cdist::<f64>(&job, metric, &(&x).into(), &(&y).into()).map_err(|e| TestCaseError::fail(e.to_string()))?;
                prop_assert_eq!(matrix.len(), a.len() * b.len());
                for (i, row) in a.iter().enumerate() {
                    let alone = sets(&vec![row.clone(); b.len()]);
                    let scores = rowwise(&job, metric, &(&alone).into(), &(&y).into()).map_err(|e| TestCaseError::fail(e.to_string()))?;
                    let of_matrix = &matrix[i * b.len()..(i + 1) * b.len()];
                    prop_assert!(of_matrix.iter().zip(&scores).all(|(x, y)| x.to_bits() == y.to_bits()));
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let one = sets(&[Some(BTreeSet::from([1]))]);
        let two = sets(&[None, None]);
        let mut other = one.clone();
        other.fingerprint = 8;
        let job = Job::inline();
        assert!(
            matches!(rowwise(&job, SetMetric::Dice, &(&one).into(), &(&two).into()), Err(Error::Input(m)) if m.contains("1 rows") && m.contains("b has 2"))
        );
        assert!(
            matches!(cdist::<f32>(&job, SetMetric::Dice, &(&one).into(), &(&other).into()), Err(Error::Incompatible(m)) if m.contains("0000000000000008"))
        );
    }
}
