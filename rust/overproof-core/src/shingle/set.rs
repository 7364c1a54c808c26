//! Sets of shingles of many texts, as one CSR array.

use crate::error::{Error, Result};
use crate::params::ShingleParams;
use std::ops::Range;

/// The sum of some hashes, modulo 2^64.
pub(super) fn sum(hashes: &[u64]) -> u64 {
    hashes.iter().fold(0, |sum, hash| sum.wrapping_add(*hash))
}

/// The shingle sets of a batch of texts: row i is text i, its hashes sorted and unique.
#[derive(Clone, Debug, PartialEq)]
pub struct ShingleSets {
    /// Row boundaries, `len + 1` values.
    pub indptr: Vec<i64>,
    /// Hashes of all rows, one after the other.
    pub hashes: Vec<u64>,
    /// How often each hash occurs in its text, where asked for.
    pub counts: Option<Vec<u32>>,
    /// Rows whose text has fewer tokens than the smallest n: one shingle of the whole text.
    pub short: Vec<bool>,
    /// Rows that had no text (null), which is not the same as an empty text.
    pub missing: Vec<bool>,
    /// Number of tokens of each text.
    pub tokens: Vec<u32>,
    /// Those of them that are single characters of scripts without spaces; thresholds count them half.
    pub singles: Vec<u32>,
    /// Rows with a shingle that may be of numbers only (`number_shingles`); empty where nobody looked.
    pub numbers: Vec<bool>,
    /// The sum of each row's hashes, modulo 2^64, by which equal rows are found; empty where nobody added them up.
    pub sums: Vec<u64>,
    /// How the hashes were made; `None` for hashes that the user brought.
    pub params: Option<ShingleParams>,
    /// Fingerprint of how the hashes were made.
    pub fingerprint: u64,
}

impl ShingleSets {
    /// Sets of hashes that came from elsewhere: rows sorted and unique, boundaries valid.
    pub fn of_hashes(indptr: Vec<i64>, hashes: Vec<u64>, fingerprint: u64) -> Self {
        let n = indptr.len() - 1;
        ShingleSets {
            tokens: indptr.windows(2).map(|w| (w[1] - w[0]) as u32).collect(),
            singles: vec![0; n],
            numbers: Vec::new(),
            sums: Vec::new(),
            short: vec![false; n],
            missing: vec![false; n],
            counts: None,
            params: None,
            indptr,
            hashes,
            fingerprint,
        }
    }

    /// Sets of hashes that the user brought; each row sorted and unique.
    pub fn of_rows(rows: Vec<Vec<u64>>) -> Self {
        let ends = rows.iter().scan(0, |end, row| {
            *end += row.len() as i64;
            Some(*end)
        });
        let indptr = std::iter::once(0).chain(ends).collect();
        Self::of_hashes(indptr, rows.concat(), crate::params::fingerprint("overproof;hashes=user"))
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where row `i` stands in `hashes`.
    pub fn range(&self, i: usize) -> Range<usize> {
        self.indptr[i] as usize..self.indptr[i + 1] as usize
    }

    /// The hashes of row `i`, sorted and unique.
    pub fn row(&self, i: usize) -> &[u64] {
        &self.hashes[self.range(i)]
    }

    /// The sum of the hashes of row `i`, modulo 2^64.
    pub fn sum(&self, i: usize) -> u64 {
        self.sums.get(i).copied().unwrap_or_else(|| sum(self.row(i)))
    }

    /// The counts of row `i`, if they were kept.
    pub fn row_counts(&self, i: usize) -> Option<&[u32]> {
        self.counts.as_ref().map(|c| &c[self.range(i)])
    }

    /// The rows at `rows`, which must exist, in that order.
    pub fn take(&self, rows: &[i64]) -> Self {
        let pick = |flags: &[bool]| rows.iter().filter_map(|r| flags.get(*r as usize).copied()).collect();
        let mut out = ShingleSets {
            indptr: Vec::with_capacity(rows.len() + 1),
            hashes: Vec::new(),
            counts: self.counts.as_ref().map(|_| Vec::new()),
            short: pick(&self.short),
            missing: pick(&self.missing),
            tokens: rows.iter().map(|r| self.tokens[*r as usize]).collect(),
            singles: rows.iter().map(|r| self.singles[*r as usize]).collect(),
            numbers: pick(&self.numbers),
            sums: rows.iter().filter_map(|r| self.sums.get(*r as usize).copied()).collect(),
            params: self.params.clone(),
            fingerprint: self.fingerprint,
        };
        out.indptr.push(0);
        for row in rows {
            out.hashes.extend_from_slice(self.row(*row as usize));
            if let (Some(to), Some(from)) = (&mut out.counts, self.row_counts(*row as usize)) {
                to.extend_from_slice(from);
            }
            out.indptr.push(out.hashes.len() as i64);
        }
        out
    }

    /// Check the CSR laws on arrays from outside: boundaries ascend, rows are sorted and unique.
    pub fn validate(indptr: &[i64], hashes: &[u64]) -> Result<()> {
        if indptr.is_empty() || indptr.first() != Some(&0) || indptr.last() != Some(&(hashes.len() as i64)) {
            return Err(Error::input(format!(
                "indptr must start at 0 and end at len(hashes) = {}; it has {:?} .. {:?}",
                hashes.len(),
                indptr.first(),
                indptr.last()
            )));
        }
        for (row, ends) in indptr.windows(2).enumerate() {
            if ends[0] > ends[1] || ends[1] > hashes.len() as i64 {
                return Err(Error::input(format!("indptr descends after row {row}: {} then {}", ends[0], ends[1])));
            }
            let set = &hashes[ends[0] as usize..ends[1] as usize];
            if set.windows(2).any(|w| w[0] >= w[1]) {
                return Err(Error::input(format!("row {row}: hashes must be sorted and unique (np.unique does both)")));
            }
        }
        Ok(())
    }
}
