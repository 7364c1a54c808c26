//! Pairs of similar rows by locality-sensitive hashing: MinHash rows are cut into bands, rows that agree on a band are
//! candidates, candidates are verified.
//!
//! Indyk & Motwani, "Approximate nearest neighbors", STOC 1998; Leskovec, Rajaraman & Ullman, "Mining of Massive
//! Datasets", chapter 3. Bands and rows come from [`lsh_params`].

use super::overlap::{check_threshold, verified};
use super::pairs::{Joined, Pair, Which, look_up, probe};
use super::postings::Postings;
use super::side::{Cost, Side, blocks, by_blocks};
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::params::{Scheme, SketchParams};
use crate::score::SetMetric;
use crate::score::lsh::{LshParams, lsh_params};
use crate::score::sketches::Comparison;
use crate::shingle::ShingleSets;
use crate::shingle::hash::fin;
use crate::sketch::{SketchArray, Values, oph, sketch};
use std::ops::Range;

/// Seed of the MinHash by which texts and sets are banded; the default of `MinHash`.
const SEED: u64 = 1;
/// Bytes of a posting while its index is built.
const POSTING: usize = 72;
/// Bytes of one row: boundaries and flags.
const ROW: usize = 64;
/// Bytes of one hash: its set, twice while it is shingled.
const HASH: usize = 24;

/// Refuse a recall that no join can have.
pub fn check_recall(recall: f64) -> Result<()> {
    // Written so that NaN is refused too.
    if recall > 0.0 && recall <= 1.0 {
        return Ok(());
    }
    Err(Error::input(format!("recall={recall}: give a share above 0 and up to 1; 1 finds every pair")))
}

/// The key of one band: 64 bits of all its values and its number.
///
/// Each step is a bijection of what was before, so two bands of one number that differ meet with probability 2^-64;
/// such a pair is a candidate like any other, and is verified.
fn band_key(band: u64, values: impl Iterator<Item = u64>) -> u64 {
    values.fold(fin(band + 1), |h, v| fin(h.wrapping_mul(0x9FB2_1C65_1E98_DF25) ^ v))
}

/// The band keys of `rows` as a CSR array, row by row: signatures are read once, in order. Empty rows have none.
fn band_keys(job: &Job<'_>, sketches: &SketchArray, lsh: LshParams, rows: Range<usize>) -> Result<ShingleSets> {
    let (k, width) = (sketches.k, lsh.rows as usize);
    let used = lsh.bands as usize * width;
    let parts = job.chunks(
        rows.len(),
        |_| 8 * k,
        |part| {
            let mut keys = Vec::with_capacity(part.len() * lsh.bands as usize);
            let mut dense = vec![0; k];
            for i in part.map(|i| rows.start + i).filter(|i| !sketches.empty[*i]) {
                match &sketches.values {
                    Values::U32(values) => {
                        let mut row = &values[i * k..(i + 1) * k];
                        if sketches.params.scheme == Scheme::Oph {
                            oph::densify(row, &mut dense);
                            row = &dense;
                        }
                        let bands = (0..).zip(row[..used].chunks_exact(width));
                        keys.extend(bands.map(|(band, v)| band_key(band, v.iter().map(|v| u64::from(*v)))));
                    }
                    Values::U64(values) => {
                        let bands = (0..).zip(values[i * k..][..used].chunks_exact(width));
                        keys.extend(bands.map(|(band, v)| band_key(band, v.iter().copied())));
                    }
                }
            }
            Ok(keys)
        },
    )?;
    let ends = rows.clone().scan(0, |end, i| {
        *end += if sketches.empty[i] { 0 } else { i64::from(lsh.bands) };
        Some(*end)
    });
    let indptr = std::iter::once(0).chain(ends).collect();
    Ok(ShingleSets::of_hashes(indptr, parts.concat(), sketches.fingerprint))
}

/// Work on one row's keys, in bytes of text: its postings are met in memory at random.
fn weight(keys: &ShingleSets, i: usize) -> usize {
    128 * keys.range(i).len()
}

/// Bands of one block of the right side.
struct Index {
    keys: ShingleSets,
    postings: Postings,
}

/// Pairs with a Jaccard of at least `threshold` among those that agree on a band of their MinHash (`affine32-op1`,
/// `num_perm` values, seed 1), verified exactly on the sets, by left, then right row.
///
/// `right` = None joins left with itself, each pair once. `memory` limits the bytes of everything but the input and the
/// pairs; no value depends on it.
pub fn banding_join(
    job: &Job<'_>,
    threshold: f64,
    (num_perm, lsh): (u32, LshParams),
    left: Side<'_>,
    right: Option<Side<'_>>,
    memory: Option<usize>,
) -> Result<Joined> {
    check_threshold(threshold)?;
    let which = if right.is_some() { Which::All } else { Which::Upper };
    let params = SketchParams::new(Scheme::Affine32Op1, u64::from(num_perm), SEED, left.source())?;
    let keys = |sets: &ShingleSets| {
        let sketches = sketch(job, sets, params.clone(), None)?;
        band_keys(job, &sketches, lsh, 0..sets.len())
    };
    let (k, bands) = (num_perm as usize, lsh.bands as usize);
    let left_cost = Cost { row: ROW + 8 * k + 16 * bands, keys: bands, hash: HASH };
    let right_cost = Cost { row: left_cost.row + POSTING * bands, ..left_cost };
    let build = |b: &ShingleSets| {
        let keys = keys(b)?;
        Ok(Index { postings: Postings::new(&keys, |_| true, job)?, keys })
    };
    let mut pairs: Vec<Pair> = Vec::new();
    let costs = (left_cost, right_cost);
    let empty = by_blocks(job, (left, right), which == Which::Upper, memory, costs, build, |index, block| {
        let made;
        let of_left = if std::ptr::eq(block.a, block.b) {
            &index.keys
        } else {
            made = keys(block.a)?;
            &made
        };
        probe(
            job,
            (block.left, block.right),
            which,
            |i| weight(of_left, i),
            |i, out| look_up(&index.postings, of_left.row(i), out),
            |i, j| verified(SetMetric::Jaccard, threshold, block.a.row(i), block.b.row(j)),
            &mut pairs,
        )
    })?;
    pairs.sort_unstable_by_key(|p| (p.left, p.right));
    Ok(Joined { pairs, rows: [left.len(), right.unwrap_or(left).len()], empty })
}

/// Refuse sketches that have no values which are equal with the probability of the Jaccard.
pub fn check_bandable(scheme: Scheme) -> Result<()> {
    if scheme.is_minhash() {
        return Ok(());
    }
    Err(Error::input(format!(
        "{} sketches have no bands of equal values; join MinHash sketches, sets or texts, or score all pairs with cdist",
        scheme.name()
    )))
}

/// Pairs of MinHash rows that agree on a band and whose *estimated* Jaccard is at least `threshold`, by left, then right
/// row.
///
/// With one row a band and as many bands as values every pair of such an estimate is found: it has an equal value.
pub fn sketch_join(
    job: &Job<'_>,
    threshold: f64,
    lsh: LshParams,
    left: &SketchArray,
    right: Option<&SketchArray>,
    memory: Option<usize>,
) -> Result<Joined> {
    check_threshold(threshold)?;
    let which = if right.is_some() { Which::All } else { Which::Upper };
    let right = right.unwrap_or(left);
    check_bandable(left.params.scheme)?;
    let comparison = Comparison::new(left, right)?;
    if (lsh.bands as usize).saturating_mul(lsh.rows as usize) > left.k {
        return Err(Error::input(format!("{} bands of {} values need more than {}", lsh.bands, lsh.rows, left.k)));
    }
    let (budget, bands) = (memory.map_or(usize::MAX, |bytes| bytes / 2), lsh.bands as usize);
    let cut = |sketches: &SketchArray, row| blocks(sketches.len(), budget, |_| (bands, row));
    let lefts = cut(left, ROW + 16 * bands);
    let mut pairs: Vec<Pair> = Vec::new();
    for r in cut(right, ROW + (16 + POSTING) * bands) {
        let keys = band_keys(job, right, lsh, r.clone())?;
        let postings = Postings::new(&keys, |_| true, job)?;
        drop(keys);
        for l in lefts.iter().filter(|l| which == Which::All || l.start < r.end) {
            let keys = band_keys(job, left, lsh, l.clone())?;
            probe(
                job,
                (l.clone(), r.clone()),
                which,
                |i| weight(&keys, i),
                |i, out| look_up(&postings, keys.row(i), out),
                |i, j| Some(comparison.jaccard(l.start + i, r.start + j)).filter(|score| *score >= threshold),
                &mut pairs,
            )?;
        }
    }
    pairs.sort_unstable_by_key(|p| (p.left, p.right));
    let empty = [left, right].map(|s| s.empty.iter().filter(|e| **e).count());
    Ok(Joined { pairs, rows: [left.len(), right.len()], empty })
}

/// Bands and rows for a join of `num_perm` values; recall 1 takes every value as a band.
pub fn bands_for(threshold: f64, num_perm: u32, recall: f64) -> Result<LshParams> {
    check_recall(recall)?;
    if recall == 1.0 {
        return Ok(LshParams { bands: num_perm, rows: 1 });
    }
    lsh_params(threshold, num_perm, recall)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::join::overlap::tests::{batch, brute, threshold};
    use crate::params::HashSource;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_agrees_on_a_band(
            a in batch(), b in batch(), threshold in threshold(), bands in 1u32..9, rows in 1u32..4,
            memory in proptest::option::of(0usize..40_000),
        ) {
            let (job, lsh) = (Job::inline(), LshParams { bands, rows });
            for b in [Some(&b), None] {
                let which = if b.is_some() { Which::All } else { Which::Upper };
                let other = b.unwrap_or(&a);
                let sketched = |sets: &ShingleSets| {
                    sketch(&job, sets, SketchParams::new(Scheme::Affine32Op1, 24, SEED, Side::Sets(sets).source())?, None)
                };
                let (Values::U32(x), Values::U32(y)) = (sketched(&a)?.values, sketched(other)?.values) else { unreachable!() };
                let agree = |i: i64, j: i64| (0..bands as usize).any(|band| {
                    let of = |values: &[u32], row: i64| values[row as usize * 24..][band * rows as usize..][..rows as usize].to_vec();
                    of(&x, i) == of(&y, j)
                });
                let mut want = brute(SetMetric::Jaccard, threshold, which, &a, other);
                want.retain(|p| agree(p.left, p.right));
                let found = banding_join(&job, threshold, (24, lsh), Side::Sets(&a), b.map(Side::Sets), memory)?;
                prop_assert_eq!(found.pairs, want);
            }
        }

        #[test]
        fn sketches_are_joined_by_their_estimate(
            a in batch(), b in batch(), threshold in threshold(), memory in proptest::option::of(0usize..4000),
        ) {
            let job = Job::inline();
            for (scheme, k) in [(Scheme::Affine32Op1, 16), (Scheme::Oph, 16)] {
                let sketched = |sets: &ShingleSets| {
                    sketch(&job, sets, SketchParams::new(scheme, k, SEED, HashSource::described("test".into()))?, None)
                };
                let (x, y) = (sketched(&a)?, sketched(&b)?);
                let all = Comparison::new(&x, &y)?;
                let mut want = Vec::new();
                for (i, j) in (0..a.len()).flat_map(|i| (0..b.len()).map(move |j| (i, j))) {
                    let score = all.jaccard(i, j);
                    if score >= threshold && !x.empty[i] && !y.empty[j] {
                        want.push(Pair { left: i as i64, right: j as i64, score });
                    }
                }
                let every = bands_for(threshold, k as u32, 1.0)?;
                let found = sketch_join(&job, threshold, every, &x, Some(&y), memory)?;
                prop_assert_eq!(&found.pairs, &want);
                let itself = sketch_join(&job, threshold, every, &x, None, memory)?;
                let both = sketch_join(&job, threshold, every, &x, Some(&x), memory)?;
                let upper: Vec<Pair> = both.pairs.into_iter().filter(|p| p.left < p.right).collect();
                prop_assert_eq!(itself.pairs, upper);
                let some = sketch_join(&job, threshold, LshParams { bands: 5, rows: 3 }, &x, Some(&y), memory)?;
                prop_assert!(some.pairs.iter().all(|p| want.contains(p)));
            }
        }
    }

    #[test]
    fn what_cannot_be_banded_is_refused() -> Result<()> {
        let job = Job::inline();
        let source = HashSource::described("test".into());
        let sets = ShingleSets::of_rows(vec![vec![1, 2]]);
        let simhash = sketch(&job, &sets, SketchParams::new(Scheme::SimHash, 64, 1, source.clone())?, None)?;
        let lsh = LshParams { bands: 4, rows: 4 };
        let refused = sketch_join(&job, 0.5, lsh, &simhash, None, None);
        assert!(matches!(refused, Err(Error::Input(m)) if m.contains("simhash")));
        let small = sketch(&job, &sets, SketchParams::new(Scheme::Oph, 8, 1, source)?, None)?;
        assert!(
            matches!(sketch_join(&job, 0.5, lsh, &small, None, None), Err(Error::Input(m)) if m.contains("4 bands"))
        );
        for recall in [0.0, 1.5, f64::NAN] {
            assert!(matches!(bands_for(0.5, 128, recall), Err(Error::Input(m)) if m.contains("recall")));
        }
        Ok(())
    }
}
