//! Scores estimated from sketches of fixed length: Jaccard by MinHash, Hamming distance by SimHash.

use super::{Made, Value, check_rows, ratio};
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::kernel::memory::Part;
use crate::params::Scheme;
use crate::sketch::{SketchArray, Values};
use std::ops::Range;

/// An empty bin of `oph`.
const EMPTY_BIN: u32 = u32::MAX;

/// Rows of b that are compared with several rows of a while they are in the cache.
const TILE: usize = 64;

/// A score of two sketches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SketchMetric {
    /// Share of equal values of MinHash: an estimate of the sets' Jaccard.
    Jaccard,
    /// Bits in which two SimHash rows differ.
    Hamming,
}

impl SketchMetric {
    /// Read one of the names, and refuse it where sketches made by `scheme` do not hold that score.
    pub fn parse(name: &str, scheme: Scheme) -> Result<Self> {
        match name {
            "jaccard" if scheme.is_minhash() => Ok(SketchMetric::Jaccard),
            "hamming" if scheme.is_simhash() => Ok(SketchMetric::Hamming),
            "hamming" => Err(Error::input(format!("hamming needs SimHash sketches; these are {}", scheme.name()))),
            "jaccard" | "containment" | "overlap_coefficient" | "dice" if scheme.is_simhash() => Err(Error::input(
                format!("SimHash sketches hold no {name}; give hamming, or use ShingleSets or MinHash"),
            )),
            "containment" | "overlap_coefficient" | "dice" => Err(Error::input(format!(
                "{name} needs the sizes of the sets, which MinHash sketches do not hold; use ShingleSets (exact) or \
                 FracMinHash (estimated)"
            ))),
            _ => Err(Error::input(format!(
                "metric={name:?} is unknown; give jaccard, containment, overlap_coefficient, dice or hamming"
            ))),
        }
    }

    fn score(self, found: Agreement) -> f64 {
        match self {
            SketchMetric::Jaccard => ratio(found.equal as usize, found.of as usize),
            SketchMetric::Hamming if found.of == 0 => f64::NAN,
            SketchMetric::Hamming => f64::from(found.of - found.equal),
        }
    }
}

/// How two sketches agree: `equal` of `of` values (MinHash), bins that are not empty in both (`oph`) or bits (SimHash).
///
/// `of` is 0 where nothing can be compared: a row is missing, or both are empty, or one is and has no bits (SimHash).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Values that are equal.
    pub equal: u32,
    /// Values that were compared.
    pub of: u32,
}

fn equal_values<T: PartialEq>(x: &[T], y: &[T]) -> Agreement {
    let equal = x.iter().zip(y).map(|(x, y)| u32::from(x == y)).sum();
    Agreement { equal, of: x.len() as u32 }
}

fn equal_bins(x: &[u32], y: &[u32]) -> Agreement {
    let equal: u32 = x.iter().zip(y).map(|(x, y)| u32::from(x == y)).sum();
    let both_empty: u32 = x.iter().zip(y).map(|(x, y)| u32::from((x & y) == EMPTY_BIN)).sum();
    Agreement { equal: equal - both_empty, of: x.len() as u32 - both_empty }
}

fn equal_bits(x: &[u64], y: &[u64]) -> Agreement {
    let of = 64 * x.len() as u32;
    let differ: u32 = x.iter().zip(y).map(|(x, y)| (x ^ y).count_ones()).sum();
    Agreement { equal: of - differ, of }
}

/// Two batches of sketches that may be compared.
pub(crate) struct Comparison<'a> {
    a: &'a SketchArray,
    b: &'a SketchArray,
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(a: &'a SketchArray, b: &'a SketchArray) -> Result<Self> {
        Made::check_same(&Made::from(&a.params), &Made::from(&b.params))?;
        Ok(Comparison { a, b })
    }

    /// The estimated Jaccard of row i of a and row j of b, both MinHash.
    pub(crate) fn jaccard(&self, i: usize, j: usize) -> f64 {
        let mut found = [Agreement::default()];
        self.row(i, j..j + 1, &mut found);
        SketchMetric::Jaccard.score(found[0])
    }

    /// Row i of a against some rows of b.
    fn row(&self, i: usize, rows: Range<usize>, out: &mut [Agreement]) {
        let scheme = self.a.params.scheme;
        match (&self.a.values, &self.b.values) {
            (Values::U32(a), Values::U32(b)) if scheme == Scheme::Oph => self.by(a, b, i, rows, out, equal_bins),
            (Values::U32(a), Values::U32(b)) => self.by(a, b, i, rows, out, equal_values),
            (Values::U64(a), Values::U64(b)) if scheme.is_simhash() => self.by(a, b, i, rows, out, equal_bits),
            (Values::U64(a), Values::U64(b)) => self.by(a, b, i, rows, out, equal_values),
            // One fingerprint has one width; were it not so, nothing would be comparable.
            _ => out.fill(Agreement::default()),
        }
    }

    fn by<T>(
        &self,
        a: &[T],
        b: &[T],
        i: usize,
        rows: Range<usize>,
        out: &mut [Agreement],
        compare: impl Fn(&[T], &[T]) -> Agreement,
    ) {
        let k = self.a.k;
        let x = &a[i * k..(i + 1) * k];
        let ys = b[rows.start * k..rows.end * k].chunks_exact(k);
        for ((j, y), found) in rows.zip(ys).zip(out) {
            *found = if self.a.missing[i] || self.b.missing[j] {
                Agreement::default()
            } else {
                match (self.a.empty[i], self.b.empty[j]) {
                    (false, false) => compare(x, y),
                    // An empty set shares nothing with one that is not: no value of a MinHash is equal.
                    (true, false) | (false, true) if self.a.params.scheme.is_minhash() => {
                        Agreement { equal: 0, of: k as u32 }
                    }
                    _ => Agreement::default(),
                }
            };
        }
    }
}

/// How row i of a agrees with row i of b.
pub fn agreements(job: &Job<'_>, a: &SketchArray, b: &SketchArray) -> Result<Vec<Agreement>> {
    let comparison = Comparison::new(a, b)?;
    check_rows(a.len(), b.len())?;
    let block = |rows: Range<usize>| {
        let mut out = vec![Agreement::default(); rows.len()];
        for (i, found) in rows.zip(&mut out) {
            comparison.row(i, i..i + 1, std::slice::from_mut(found));
        }
        Ok(out)
    };
    Ok(job.chunks(a.len(), |_| a.k, block)?.concat())
}

/// Row i of a against row i of b; NaN where nothing can be compared.
pub fn rowwise(job: &Job<'_>, metric: SketchMetric, a: &SketchArray, b: &SketchArray) -> Result<Vec<f64>> {
    Ok(agreements(job, a, b)?.into_iter().map(|found| metric.score(found)).collect())
}

/// Hamming distance of row i of a and row i of b.
///
/// A row without shingles has no bits: integers have no NaN, so such rows are refused.
pub fn hamming(job: &Job<'_>, a: &SketchArray, b: &SketchArray) -> Result<Vec<u32>> {
    check_rows(a.len(), b.len())?;
    for (side, rows) in [("a", a), ("b", b)] {
        if let Some(row) = rows.empty.iter().position(|empty| *empty) {
            return Err(Error::input(format!(
                "row {row} of {side} has no SimHash: its text is {}; leave out such rows ({} of {side}; see .empty), or \
                 use cdist, which gives NaN for them",
                if rows.missing[row] { "missing" } else { "without shingles" },
                rows.empty.iter().filter(|empty| **empty).count()
            )));
        }
    }
    Ok(agreements(job, a, b)?.into_iter().map(|found| found.of - found.equal).collect())
}

/// Every row of a against every row of b, as a matrix by rows of a; the values of [`rowwise`], rounded once.
///
/// Cost O(n m k).
pub fn cdist<T: Value>(job: &Job<'_>, metric: SketchMetric, a: &SketchArray, b: &SketchArray) -> Result<Vec<T>> {
    let comparison = Comparison::new(a, b)?;
    let block = |rows: Range<usize>, part: Part<'_, T>| {
        let (out, mut found) = (part.fill(T::default()), [Agreement::default(); TILE]);
        for from in (0..b.len()).step_by(TILE) {
            let tile = from..b.len().min(from + TILE);
            for (i, scores) in rows.clone().zip(out.chunks_exact_mut(b.len())) {
                let found = &mut found[..tile.len()];
                comparison.row(i, tile.clone(), found);
                for (score, found) in scores[tile.clone()].iter_mut().zip(found) {
                    *score = T::from_f64(metric.score(*found));
                }
            }
        }
        Ok(())
    };
    job.fill(a.len(), b.len(), |_| b.len() * (a.k / 4 + 1), block).map(|(matrix, _)| matrix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{HashSource, SketchParams};
    use proptest::prelude::*;

    fn fail(e: Error) -> TestCaseError {
        TestCaseError::fail(e.to_string())
    }

    /// Sketches of `scheme`; each row is its values, whether it is empty, whether it is missing.
    fn sketches(scheme: Scheme, size: u64, rows: &[(Vec<u32>, u8)]) -> Result<SketchArray> {
        let params = SketchParams::new(scheme, size, 1, HashSource::described("test".to_owned()))?;
        let k = params.row_len();
        let flat = rows.iter().flat_map(|row| row.0[..k].iter().copied());
        let values = if scheme.is_wide() {
            Values::U64(flat.map(|v| u64::from(v) << 32 | u64::from(v)).collect())
        } else {
            Values::U32(flat.collect())
        };
        let empty = rows.iter().map(|row| row.1 < 2).collect();
        SketchArray::new(params, values, empty, rows.iter().map(|row| row.1 == 0).collect())
    }

    fn rows(n: Range<usize>) -> impl Strategy<Value = Vec<(Vec<u32>, u8)>> {
        let value = prop_oneof![0u32..3, Just(EMPTY_BIN)];
        proptest::collection::vec((proptest::collection::vec(value, 8), 0u8..8), n)
    }

    /// The estimate by its definition, on one pair of rows.
    fn by_hand(scheme: Scheme, x: &(Vec<u32>, u8), y: &(Vec<u32>, u8), k: usize) -> f64 {
        let pairs: Vec<(u32, u32)> = x.0[..k].iter().copied().zip(y.0[..k].iter().copied()).collect();
        match (x.1.min(y.1), x.1.max(y.1)) {
            (0, _) | (1, 1) => f64::NAN,
            (1, _) if scheme == Scheme::SimHash => f64::NAN,
            (1, _) => 0.0,
            _ if scheme == Scheme::SimHash => pairs.iter().map(|(x, y)| 2.0 * f64::from((x ^ y).count_ones())).sum(),
            _ if scheme == Scheme::Oph => {
                let used: Vec<_> = pairs.iter().filter(|(x, y)| *x != EMPTY_BIN || *y != EMPTY_BIN).collect();
                used.iter().filter(|(x, y)| x == y).count() as f64 / used.len() as f64
            }
            _ => pairs.iter().filter(|(x, y)| x == y).count() as f64 / k as f64,
        }
    }

    proptest! {
        #[test]
        fn scores_equal_their_definition(a in rows(0..5), b in rows(1..90)) {
            let job = Job::inline();
            for (scheme, size) in [
                (Scheme::Affine32Op1, 7), (Scheme::Oph, 8), (Scheme::DatasketchLegacy, 5), (Scheme::SimHash, 64),
                (Scheme::SimHash, 128),
            ] {
                let (x, y) = (sketches(scheme, size, &a).map_err(fail)?, sketches(scheme, size, &b).map_err(fail)?);
                let metric = if scheme.is_simhash() { SketchMetric::Hamming } else { SketchMetric::Jaccard };
                let matrix = cdist::<f64>(&job, metric, &x, &y).map_err(fail)?;
                prop_assert_eq!(matrix.len(), a.len() * b.len());
                for (i, row) in a.iter().enumerate() {
                    let alone = sketches(scheme, size, &vec![row.clone(); b.len()]).map_err(fail)?;
                    let scores = rowwise(&job, metric, &alone, &y).map_err(fail)?;
                    for (j, score) in scores.iter().enumerate() {
                        let expected = by_hand(scheme, row, &b[j], x.k);
                        prop_assert!(score.to_bits() == expected.to_bits() || (score.is_nan() && expected.is_nan()));
                        let of_matrix = matrix[i * b.len() + j];
                        prop_assert!(of_matrix.to_bits() == score.to_bits() || (score.is_nan() && of_matrix.is_nan()));
                    }
                }
            }
        }
    }

    #[test]
    fn a_score_that_the_sketch_does_not_hold_is_refused() -> Result<()> {
        for (name, scheme) in [
            ("containment", Scheme::Oph),
            ("dice", Scheme::Affine32Op1),
            ("hamming", Scheme::Oph),
            ("jaccard", Scheme::SimHash),
            ("cosine", Scheme::SimHash),
        ] {
            assert!(matches!(SketchMetric::parse(name, scheme), Err(Error::Input(_))), "{name}");
        }
        let whole = sketches(Scheme::SimHash, 64, &[(vec![1; 8], 5), (vec![2; 8], 5)])?;
        let holed = sketches(Scheme::SimHash, 64, &[(vec![1; 8], 5), (vec![0; 8], 1)])?;
        let job = Job::inline();
        assert_eq!(hamming(&job, &whole, &whole)?, [0, 0]);
        assert!(matches!(hamming(&job, &whole, &holed), Err(Error::Input(m)) if m.contains("row 1 of b")));
        let other = sketches(Scheme::SimHash, 128, &[(vec![1; 8], 5)])?;
        assert!(matches!(agreements(&job, &whole, &other), Err(Error::Incompatible(m)) if m.contains("bits=128")));
        Ok(())
    }
}
