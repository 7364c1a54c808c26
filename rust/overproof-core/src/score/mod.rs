//! How much two texts share: exact on sets and on tokens, estimated on sketches.
//!
//! | file | what |
//! | --- | --- |
//! | `sets` | Jaccard, containment, overlap coefficient, Dice of sets: row against row and all pairs |
//! | `sketches` | Jaccard of MinHash, Hamming distance of SimHash: row against row and all pairs |
//! | `bounds` | the counts behind the interval of an estimate |
//! | `spans` | maximal common runs of two sequences of tokens |
//! | `texts` | common spans of pairs of texts, with their places in the originals |
//! | `ngrams` | shared n-grams of two texts on the exact tokens, and masks |
//! | `lsh` | bands and rows from a recall target |

pub mod bounds;
pub mod lsh;
pub mod ngrams;
pub mod sets;
pub mod sketches;
pub mod spans;
pub mod texts;

use crate::error::{Error, Result};
use crate::params::SketchParams;

/// A similarity of two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetMetric {
    /// |A & B| / |A | B|.
    Jaccard,
    /// |A & B| / |A|.
    Containment,
    /// |A & B| / min(|A|, |B|).
    OverlapCoefficient,
    /// 2 |A & B| / (|A| + |B|).
    Dice,
}

impl SetMetric {
    /// All of them, by name.
    pub const NAMES: [(&'static str, SetMetric); 4] = [
        ("jaccard", SetMetric::Jaccard),
        ("containment", SetMetric::Containment),
        ("overlap_coefficient", SetMetric::OverlapCoefficient),
        ("dice", SetMetric::Dice),
    ];

    /// Read one of the names.
    pub fn parse(name: &str) -> Result<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, metric)| *metric).ok_or_else(|| {
            Error::input(format!(
                "metric={name:?} is unknown for sets; give jaccard, containment, overlap_coefficient or dice"
            ))
        })
    }

    /// The name.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize].0
    }

    /// Numerator and denominator of the score of two sets of `a` and `b` elements that share `shared`.
    pub fn fraction(self, shared: usize, a: usize, b: usize) -> (usize, usize) {
        match self {
            SetMetric::Jaccard => (shared, a + b - shared),
            SetMetric::Containment => (shared, a),
            SetMetric::OverlapCoefficient => (shared, a.min(b)),
            SetMetric::Dice => (2 * shared, a + b),
        }
    }

    /// The score; NaN where the denominator is 0.
    pub fn score(self, shared: usize, a: usize, b: usize) -> f64 {
        let (numerator, denominator) = self.fraction(shared, a, b);
        ratio(numerator, denominator)
    }
}

/// One division of two counts; NaN for a denominator of 0.
pub fn ratio(numerator: usize, denominator: usize) -> f64 {
    if denominator == 0 { f64::NAN } else { numerator as f64 / denominator as f64 }
}

/// A number that a matrix of scores may hold.
pub trait Value: Copy + Send + Sync + Default {
    /// Round once from float64.
    fn from_f64(x: f64) -> Self;
}

impl Value for f32 {
    fn from_f64(x: f64) -> Self {
        x as f32
    }
}

impl Value for f64 {
    fn from_f64(x: f64) -> Self {
        x
    }
}

/// Refuse batches that cannot be scored row against row.
pub(crate) fn check_rows(a: usize, b: usize) -> Result<()> {
    if a == b {
        return Ok(());
    }
    Err(Error::input(format!(
        "a has {a} rows and b has {b}: row i of a is scored against row i of b; give equal lengths, or use cdist for \
         all pairs"
    )))
}

/// How rows were made, as far as two batches must agree in it.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    fingerprint: u64,
    /// The canonical parameter string.
    how: String,
}

impl From<&SketchParams> for Made {
    fn from(params: &SketchParams) -> Self {
        let how = format!("{}, of hashes {:?}", params.canonical(), params.source.description);
        Made { fingerprint: params.fingerprint(), how }
    }
}

impl Made {
    /// Refuse batches that were made with different parameters; both are shown.
    fn check_same(a: &Made, b: &Made) -> Result<()> {
        if a.fingerprint == b.fingerprint {
            return Ok(());
        }
        Err(Error::Incompatible(format!(
            "a and b were made with different parameters and cannot be compared; make both with the same ones\n  a: {} \
             (fingerprint {:016x})\n  b: {} (fingerprint {:016x})",
            a.how, a.fingerprint, b.how, b.fingerprint
        )))
    }
}

/// `x^n` by squaring, from the lowest bit of `n` up: only products, so the same bits on every platform.
fn power(mut x: f64, mut n: u64) -> f64 {
    let mut result = 1.0;
    while n > 0 {
        if n & 1 == 1 {
            result *= x;
        }
        x *= x;
        n >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_only_where_a_denominator_is_zero() -> Result<()> {
        let at = |name: &str, shared, a, b| SetMetric::parse(name).map(|m| m.score(shared, a, b));
        assert_eq!(at("jaccard", 0, 0, 3)?, 0.0);
        assert!(at("jaccard", 0, 0, 0)?.is_nan());
        assert!(at("containment", 0, 0, 3)?.is_nan());
        assert_eq!(at("containment", 0, 3, 0)?, 0.0);
        assert!(at("overlap_coefficient", 0, 3, 0)?.is_nan());
        assert_eq!(at("dice", 0, 3, 0)?, 0.0);
        assert!(at("dice", 0, 0, 0)?.is_nan());
        assert!(SetMetric::parse("cosine").is_err());
        for (name, metric) in SetMetric::NAMES {
            assert_eq!(metric.name(), name);
        }
        Ok(())
    }
}
