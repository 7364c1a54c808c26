//! Sketches of many texts: dense rows (MinHash, SimHash) and sets (FracMinHash).

use crate::error::{Error, Result};
use crate::params::SketchParams;
use std::ops::Range;

/// The values of all rows, one row after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// MinHash by `affine32-op1`, `oph`, `datasketch-affine32`.
    U32(Vec<u32>),
    /// The other MinHash schemes and SimHash.
    U64(Vec<u64>),
}

impl Values {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Values::U32(v) => v.len(),
            Values::U64(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Sketches of one length: row i is text i.
///
/// A row that is `empty` was made of no hash; its values mean nothing (they are the largest value for MinHash, 0 for
/// SimHash) and are never compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SketchArray {
    /// Number of rows.
    pub n: usize,
    /// Values in a row: `num_perm`, or `bits / 64`.
    pub k: usize,
    /// `n * k` values.
    pub values: Values,
    /// Rows made of no hash; missing rows are among them.
    pub empty: Vec<bool>,
    /// Rows that had no text (null).
    pub missing: Vec<bool>,
    /// How the rows were made.
    pub params: SketchParams,
    /// Fingerprint of `params`.
    pub fingerprint: u64,
}

/// Kept hashes of FracMinHash, as CSR: row i is text i, its hashes sorted and unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetSketch {
    /// Row boundaries, `len + 1` values.
    pub indptr: Vec<i64>,
    /// Kept hashes of all rows, one after the other.
    pub hashes: Vec<u64>,
    /// Number of distinct hashes of each row before the selection; `None` once a union made that unknown.
    pub sizes: Option<Vec<u64>>,
    /// Rows made of no hash (not: rows of which no hash was kept); missing rows are among them.
    pub empty: Vec<bool>,
    /// Rows that had no text (null).
    pub missing: Vec<bool>,
    /// How the rows were made; `params.size` is `scaled`.
    pub params: SketchParams,
    /// Fingerprint of `params`.
    pub fingerprint: u64,
}

impl SketchArray {
    /// Rows in order, from their values and flags.
    pub fn new(params: SketchParams, values: Values, empty: Vec<bool>, missing: Vec<bool>) -> Result<Self> {
        let (n, k) = (empty.len(), params.row_len());
        let wide = matches!(values, Values::U64(_));
        if values.len() != n * k || missing.len() != n || wide != params.scheme.is_wide() {
            return Err(Error::Internal(format!("{} values in {n} rows of {k}", values.len())));
        }
        Ok(SketchArray { n, k, values, empty, missing, fingerprint: params.fingerprint(), params })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }
}

impl SetSketch {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.empty.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.empty.is_empty()
    }

    /// Where row `i` stands in `hashes`.
    pub fn range(&self, i: usize) -> Range<usize> {
        self.indptr[i] as usize..self.indptr[i + 1] as usize
    }

    /// The kept hashes of row `i`, sorted and unique.
    pub fn row(&self, i: usize) -> &[u64] {
        &self.hashes[self.range(i)]
    }

    /// `scaled`: about one hash of so many is kept.
    pub fn scaled(&self) -> u64 {
        self.params.size
    }
}
