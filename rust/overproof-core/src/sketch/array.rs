//! Sketches of many texts: dense rows (MinHash, SimHash) and sets (FracMinHash), and their unions.

use crate::error::{Error, Result};
use crate::exec::Job;
use crate::params::{Scheme, SketchParams};
use std::ops::Range;

/// 32-bit MinHash values stand for at most so many distinct hashes (for `oph`: in each bin), 2^32 / 1000: beyond,
/// hashes that meet in 32 bits by chance would bias the estimate.
pub const MAX_CARDINALITY: u64 = (1 << 32) / 1000;

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

/// CSR boundaries from row lengths.
pub(super) fn boundaries(lengths: impl Iterator<Item = usize>) -> Vec<i64> {
    let mut end = 0;
    std::iter::once(0)
        .chain(lengths.map(|length| {
            end += length as i64;
            end
        }))
        .collect()
}

fn check_rows(rows: &[usize], n: usize) -> Result<()> {
    match rows.iter().find(|row| **row >= n) {
        Some(row) => Err(Error::input(format!("row {row} is outside the {n} rows"))),
        None => Ok(()),
    }
}

fn check_lengths(a: usize, b: usize) -> Result<()> {
    if a == b { Ok(()) } else { Err(Error::input(format!("a union is row by row: {a} rows and {b} rows"))) }
}

fn both(a: &[bool], b: &[bool]) -> Vec<bool> {
    a.iter().zip(b).map(|(a, b)| *a && *b).collect()
}

/// The distinct groups, ascending, and the rows of each.
fn grouped(groups: &[i64], n: usize) -> Result<(Vec<i64>, Vec<Vec<usize>>)> {
    if groups.len() != n {
        return Err(Error::input(format!("{} groups for {n} rows; give one group a row", groups.len())));
    }
    let mut rows = std::collections::BTreeMap::<i64, Vec<usize>>::new();
    for (row, group) in groups.iter().enumerate() {
        rows.entry(*group).or_default().push(row);
    }
    Ok(rows.into_iter().unzip())
}

fn minima<T: Copy + Ord>(into: &mut [T], from: &[T]) {
    for (a, b) in into.iter_mut().zip(from) {
        *a = (*a).min(*b);
    }
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

    /// Rows of MinHash values that another program made or kept; one of largest values only is that of no hash.
    pub fn of_values(params: SketchParams, values: &[u64]) -> Result<Self> {
        let k = params.row_len();
        if !params.scheme.is_minhash() || !values.len().is_multiple_of(k) {
            return Err(Error::input(format!("{} values are no rows of MinHash of {k} values", values.len())));
        }
        let most = if params.scheme == Scheme::DatasketchAffine64 { u64::MAX } else { u64::from(u32::MAX) };
        if let Some(at) = values.iter().position(|v| *v > most) {
            let (scheme, row) = (params.scheme.name(), at / k);
            return Err(Error::input(format!(
                "values: {} in row {row} is above {most}, the most of {scheme}",
                values[at]
            )));
        }
        let empty: Vec<bool> = values.chunks_exact(k).map(|row| row.iter().all(|v| *v == most)).collect();
        let missing = vec![false; empty.len()];
        let values = if params.scheme.is_wide() {
            Values::U64(values.to_vec())
        } else {
            Values::U32(values.iter().map(|v| *v as u32).collect())
        };
        SketchArray::new(params, values, empty, missing)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Some rows, in the order given. O(rows * k).
    pub fn take(&self, rows: &[usize]) -> Result<Self> {
        check_rows(rows, self.n)?;
        let k = self.k;
        let values = match &self.values {
            Values::U32(v) => Values::U32(rows.iter().flat_map(|i| &v[i * k..(i + 1) * k]).copied().collect()),
            Values::U64(v) => Values::U64(rows.iter().flat_map(|i| &v[i * k..(i + 1) * k]).copied().collect()),
        };
        let of = |flags: &[bool]| rows.iter().map(|i| flags[*i]).collect();
        Self::new(self.params.clone(), values, of(&self.empty), of(&self.missing))
    }

    /// The rows of several arrays, one after the other.
    pub fn concat(parts: &[&SketchArray]) -> Result<Self> {
        let [first, rest @ ..] = parts else {
            return Err(Error::input("nothing to concatenate; give at least one sketch array"));
        };
        let mut all = (*first).clone();
        for part in rest {
            first.params.check_same(&part.params)?;
            match (&mut all.values, &part.values) {
                (Values::U32(all), Values::U32(part)) => all.extend_from_slice(part),
                (Values::U64(all), Values::U64(part)) => all.extend_from_slice(part),
                _ => return Err(Error::Internal("one scheme in two widths".to_owned())),
            }
            all.empty.extend_from_slice(&part.empty);
            all.missing.extend_from_slice(&part.missing);
        }
        Self::new(all.params, all.values, all.empty, all.missing)
    }

    /// Row i of the result is the sketch of the union of the texts behind row i of both. O(n * k).
    pub fn union(&self, other: &SketchArray) -> Result<Self> {
        self.check_mergeable()?;
        self.params.check_same(&other.params)?;
        check_lengths(self.n, other.n)?;
        let mut values = self.values.clone();
        match (&mut values, &other.values) {
            (Values::U32(into), Values::U32(from)) => minima(into, from),
            (Values::U64(into), Values::U64(from)) => minima(into, from),
            _ => return Err(Error::Internal("one scheme in two widths".to_owned())),
        }
        let (empty, missing) = (both(&self.empty, &other.empty), both(&self.missing, &other.missing));
        let made = Self::new(self.params.clone(), values, empty, missing)?;
        made.check_cardinality()?;
        Ok(made)
    }

    /// The union of all rows of each group: the distinct groups, ascending, and one row for each. O(n * k).
    pub fn reduce(&self, job: &Job<'_>, groups: &[i64]) -> Result<(Vec<i64>, Self)> {
        self.check_mergeable()?;
        let (groups, rows) = grouped(groups, self.n)?;
        let weight = |group: usize| 4 * self.k * rows[group].len();
        let values = match &self.values {
            Values::U32(v) => {
                Values::U32(job.chunks(rows.len(), weight, |g| Ok(self.minima_of(v, &rows[g])))?.concat())
            }
            Values::U64(v) => {
                Values::U64(job.chunks(rows.len(), weight, |g| Ok(self.minima_of(v, &rows[g])))?.concat())
            }
        };
        let all = |flags: &[bool]| rows.iter().map(|rows| rows.iter().all(|i| flags[*i])).collect();
        let made = Self::new(self.params.clone(), values, all(&self.empty), all(&self.missing))?;
        made.check_cardinality()?;
        Ok((groups, made))
    }

    fn minima_of<T: Copy + Ord>(&self, values: &[T], groups: &[Vec<usize>]) -> Vec<T> {
        let row = |i: usize| &values[i * self.k..(i + 1) * self.k];
        let mut out = Vec::with_capacity(groups.len() * self.k);
        for rows in groups {
            let from = out.len();
            for (at, i) in rows.iter().enumerate() {
                if at == 0 {
                    out.extend_from_slice(row(*i));
                } else {
                    minima(&mut out[from..], row(*i));
                }
            }
        }
        out
    }

    /// The first row that is marked empty and yet does not hold what a row of no hash holds.
    pub(super) fn first_false_empty(&self) -> Option<usize> {
        let none = match self.params.scheme {
            Scheme::DatasketchAffine64 => u64::MAX,
            scheme if scheme.is_minhash() => u64::from(u32::MAX),
            _ => 0,
        };
        let row = |i: usize| i * self.k..(i + 1) * self.k;
        let blank = |i: usize| match &self.values {
            Values::U32(v) => v[row(i)].iter().all(|v| u64::from(*v) == none),
            Values::U64(v) => v[row(i)].iter().all(|v| *v == none),
        };
        (0..self.n).find(|i| self.empty[*i] && !blank(*i))
    }

    fn check_mergeable(&self) -> Result<()> {
        if self.params.scheme.is_minhash() {
            return Ok(());
        }
        Err(Error::input(format!(
            "{} sketches have no union: a row does not tell the weights behind its bits. Sketch the joined texts, or \
             use MinHash",
            self.params.scheme.name()
        )))
    }

    /// Refuse rows whose estimated number of distinct hashes is too large for 32-bit values.
    pub(super) fn check_cardinality(&self) -> Result<()> {
        let row = match (&self.values, self.params.scheme) {
            // The estimate's relative error is 1 / sqrt(k): from fewer than four values it would refuse by chance.
            _ if self.k < 4 => None,
            (_, Scheme::DatasketchAffine64) => None,
            (Values::U32(v), _) => self.first_saturated(v),
            (Values::U64(v), _) => self.first_saturated(v),
        };
        let Some((row, estimate)) = row else { return Ok(()) };
        let (unit, way_out) = match self.params.scheme {
            Scheme::Oph => ("shingles a bin", "FracMinHash, or a larger num_perm"),
            Scheme::Affine32Op1 => {
                ("shingles", "scheme=\"oph\", FracMinHash, or datasketch-affine64 on your own tokens")
            }
            _ => ("tokens", "scheme=\"datasketch-affine64\""),
        };
        Err(Error::input(format!(
            "row {row} stands for about {estimate:.2e} distinct {unit}; 32-bit MinHash values serve up to 2^32 / 1000 = \
             {MAX_CARDINALITY} without bias. Use {way_out}, or smaller groups"
        )))
    }

    /// The first row whose estimate k * 2^32 / (sum of its values) passes the limit, and that estimate.
    fn first_saturated<T: Copy + Into<u64>>(&self, values: &[T]) -> Option<(usize, f64)> {
        let limit = 1000 * self.k as u64;
        values.chunks_exact(self.k).enumerate().find_map(|(i, row)| {
            let mut sum = 0;
            // Nearly always the first value is enough.
            let small = row.iter().all(|v| {
                sum += (*v).into();
                sum < limit
            });
            small.then(|| (i, self.k as f64 * 4_294_967_296.0 / sum.max(1) as f64))
        })
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

    /// Some rows, in the order given. O(hashes).
    pub fn take(&self, rows: &[usize]) -> Result<Self> {
        check_rows(rows, self.len())?;
        let of = |flags: &[bool]| rows.iter().map(|i| flags[*i]).collect();
        Ok(SetSketch {
            indptr: boundaries(rows.iter().map(|i| self.range(*i).len())),
            hashes: rows.iter().flat_map(|i| self.row(*i)).copied().collect(),
            sizes: self.sizes.as_ref().map(|sizes| rows.iter().map(|i| sizes[*i]).collect()),
            empty: of(&self.empty),
            missing: of(&self.missing),
            params: self.params.clone(),
            fingerprint: self.fingerprint,
        })
    }

    /// The rows of several sketches, one after the other.
    pub fn concat(parts: &[&SetSketch]) -> Result<Self> {
        let [first, rest @ ..] = parts else {
            return Err(Error::input("nothing to concatenate; give at least one sketch"));
        };
        let mut all = (*first).clone();
        for part in rest {
            first.params.check_same(&part.params)?;
            let end = all.hashes.len() as i64;
            all.indptr.extend(part.indptr.iter().skip(1).map(|at| at + end));
            all.hashes.extend_from_slice(&part.hashes);
            all.sizes = all.sizes.zip(part.sizes.as_ref()).map(|(all, part)| [&all[..], &part[..]].concat());
            all.empty.extend_from_slice(&part.empty);
            all.missing.extend_from_slice(&part.missing);
        }
        Ok(all)
    }

    /// Row i of the result is the sketch of the union of the texts behind row i of both. O(hashes log hashes).
    pub fn union(&self, other: &SetSketch) -> Result<Self> {
        self.params.check_same(&other.params)?;
        check_lengths(self.len(), other.len())?;
        let rows = (0..self.len()).map(|i| [self.row(i), other.row(i)].concat()).collect();
        let (empty, missing) = (both(&self.empty, &other.empty), both(&self.missing, &other.missing));
        Ok(self.merged(rows, empty, missing))
    }

    /// The union of all rows of each group: the distinct groups, ascending, and one row for each.
    pub fn reduce(&self, job: &Job<'_>, groups: &[i64]) -> Result<(Vec<i64>, Self)> {
        let (groups, members) = grouped(groups, self.len())?;
        let weight = |group: usize| members[group].iter().map(|i| 8 * self.range(*i).len()).sum();
        let gather = |groups: Range<usize>| {
            let gathered = members[groups].iter().map(|rows| {
                let mut hashes: Vec<u64> = rows.iter().flat_map(|i| self.row(*i)).copied().collect();
                hashes.sort_unstable();
                hashes
            });
            Ok(gathered.collect::<Vec<_>>())
        };
        let rows = job.chunks(members.len(), weight, gather)?.concat();
        let all = |flags: &[bool]| members.iter().map(|rows| rows.iter().all(|i| flags[*i])).collect();
        Ok((groups, self.merged(rows, all(&self.empty), all(&self.missing))))
    }

    /// Rows with this sketch's parameters, from hashes in any order with repeats.
    fn merged(&self, mut rows: Vec<Vec<u64>>, empty: Vec<bool>, missing: Vec<bool>) -> Self {
        for row in &mut rows {
            row.sort_unstable();
            row.dedup();
        }
        let lengths = || rows.iter().map(Vec::len);
        SetSketch {
            indptr: boundaries(lengths()),
            // Only where all is kept does the union's size show.
            sizes: (self.scaled() == 1).then(|| lengths().map(|length| length as u64).collect()),
            hashes: rows.concat(),
            empty,
            missing,
            params: self.params.clone(),
            fingerprint: self.fingerprint,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hashes, sets_of, sketched, source};
    use super::*;
    use crate::sketch::fracminhash;
    use proptest::prelude::*;

    #[test]
    fn large_unions_are_refused_by_32_bit_schemes() -> Result<()> {
        for (scheme, values, refused) in [
            (Scheme::Affine32Op1, Values::U32(vec![999; 4]), true),
            (Scheme::Affine32Op1, Values::U32(vec![1000; 4]), false),
            (Scheme::Oph, Values::U32(vec![999; 4]), true),
            (Scheme::DatasketchAffine32, Values::U32(vec![0; 4]), true),
            (Scheme::DatasketchLegacy, Values::U64(vec![999; 4]), true),
            (Scheme::DatasketchAffine64, Values::U64(vec![0; 4]), false),
        ] {
            let params = SketchParams::new(scheme, 4, 1, source())?;
            let one = SketchArray::new(params, values, vec![false], vec![false])?;
            let message = one.union(&one).map_err(|e| e.to_string());
            assert_eq!(message.is_err(), refused, "{scheme:?}");
            assert_eq!(one.reduce(&Job::inline(), &[0]).is_err(), refused, "{scheme:?}");
            let names_a_way_out = |m: String| m.contains("affine64") || m.contains("larger num_perm");
            assert!(message.err().is_none_or(names_a_way_out));
        }
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_refused() -> Result<()> {
        let one = sketched(Scheme::Affine32Op1, 4, 1, &[&[1], &[2]])?;
        let bits = sketched(Scheme::SimHash, 64, 1, &[&[1]])?;
        assert!(matches!(one.union(&one.take(&[0])?), Err(Error::Input(_))));
        assert!(matches!(bits.union(&bits), Err(Error::Input(_))));
        assert!(matches!(bits.reduce(&Job::inline(), &[0]), Err(Error::Input(_))));
        assert!(matches!(one.reduce(&Job::inline(), &[0]), Err(Error::Input(_))));
        assert!(matches!(one.take(&[2]), Err(Error::Input(_))));
        assert!(matches!(SketchArray::concat(&[]), Err(Error::Input(_))));
        for other in [
            sketched(Scheme::Oph, 4, 1, &[&[1], &[2]])?,
            sketched(Scheme::Affine32Op1, 5, 1, &[&[1], &[2]])?,
            sketched(Scheme::Affine32Op1, 4, 2, &[&[1], &[2]])?,
        ] {
            assert!(matches!(one.union(&other), Err(Error::Incompatible(_))));
            assert!(matches!(SketchArray::concat(&[&one, &other]), Err(Error::Incompatible(_))));
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn laws_of_set_sketches(a in hashes(80), b in hashes(80), scaled in 1u64..4) {
            let params = || SketchParams::new(Scheme::FracMinHash, scaled, 1, source());
            let of = |rows: &[&[u64]]| fracminhash::of_sets(&Job::inline(), &sets_of(rows), params()?);
            let known = |mut s: SetSketch| {
                if scaled > 1 {
                    s.sizes = None;
                }
                s
            };
            let both = [&a[..], &b[..]].concat();
            prop_assert_eq!(of(&[&a])?.union(&of(&[&b])?)?, known(of(&[&both])?));
            let rows = of(&[&a, &b, &[]])?;
            prop_assert_eq!(&rows.take(&[2, 0])?, &of(&[&[], &a])?);
            prop_assert_eq!(&SetSketch::concat(&[&rows.take(&[0])?, &rows.take(&[1, 2])?])?, &rows);
            let (groups, reduced) = rows.reduce(&Job::inline(), &[4, 4, 2])?;
            prop_assert_eq!(groups, vec![2, 4]);
            prop_assert_eq!(reduced, known(of(&[&[], &both])?));
        }
    }
}
