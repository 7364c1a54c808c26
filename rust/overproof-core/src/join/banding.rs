//! Pairs of similar rows by locality-sensitive hashing: MinHash rows are cut into bands, rows that agree on a band are
//! candidates, candidates are verified.
//!
//! Indyk & Motwani, "Approximate nearest neighbors", STOC 1998; Leskovec, Rajaraman & Ullman, "Mining of Massive
//! Datasets", chapter 3. Bands and rows come from [`lsh_params`].

use super::groups::{Groups, Key, Keys, parts_for};
use super::overlap::{check_threshold, verified};
use super::pairs::{Joined, Pair, Which, probe};
use super::side::{Cost, Side, blocks, by_blocks};
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::params::{Scheme, SketchParams};
use crate::score::lsh::{LshParams, lsh_params};
use crate::score::sketches::Comparison;
use crate::score::{SetMetric, ratio};
use crate::shingle::ShingleSets;
use crate::shingle::hash::{KP, fin};
use crate::sketch::{SketchArray, Values, oph, sketch};
use std::ops::Range;

/// Seed of the MinHash by which texts and sets are banded; the default of `MinHash`.
const SEED: u64 = 1;
/// Bytes of a band of one row while it is grouped.
const BAND: usize = 28;
/// Bytes of one row: boundaries and flags.
const ROW: usize = 72;
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
/// Bands of one number that differ meet with a probability of about 2^-64; such a pair is a candidate like any other, and
/// is verified.
#[inline(always)]
fn band_key(band: u64, values: impl Iterator<Item = u64>) -> u64 {
    fin(values.fold(band + 1, |sum, v| sum.wrapping_mul(KP).wrapping_add(v)))
}

/// As [`band_key`], of two values at a time: as good, and half of the work.
#[inline(always)]
fn band_key_of_4(band: u64, [a, b, c, d]: [u32; 4]) -> u64 {
    band_key(band, [[a, b], [c, d]].into_iter().map(|[low, high]| u64::from(low) | u64::from(high) << 32))
}

/// The band keys of `rows`, numbered from 0 and parted. Empty rows have none.
fn band_keys(job: &Job<'_>, sketches: &SketchArray, lsh: LshParams, rows: Range<usize>, parts: usize) -> Result<Keys> {
    let (k, width, bands) = (sketches.k, lsh.rows as usize, lsh.bands as usize);
    let oph = sketches.params.scheme == Scheme::Oph;
    Keys::new(job, (rows.len(), bands, parts), |row, out| {
        let i = rows.start + row;
        if sketches.empty[i] {
            return;
        }
        match &sketches.values {
            Values::U32(values) => {
                let (mut row_of, mut dense) = (&values[i * k..(i + 1) * k], Vec::new());
                if oph {
                    dense.resize(k, 0);
                    oph::densify(row_of, &mut dense);
                    row_of = &dense;
                }
                let values = &row_of[..bands * width];
                if let (4, (fours, [])) = (width, values.as_chunks()) {
                    out.extend((0..).zip(fours).map(|(band, v)| Key::new(band_key_of_4(band, *v), row)));
                } else {
                    let bands = (0..).zip(values.chunks_exact(width));
                    out.extend(bands.map(|(band, v)| Key::new(band_key(band, v.iter().map(|v| u64::from(*v))), row)));
                }
            }
            Values::U64(values) => {
                let bands = (0..).zip(values[i * k..][..bands * width].chunks_exact(width));
                out.extend(bands.map(|(band, v)| Key::new(band_key(band, v.iter().copied()), row)));
            }
        }
    })
}

/// Work on one row's candidates, in bytes of text: they are met in memory at random.
fn weight(groups: &Groups, i: usize) -> usize {
    128 * (groups.count(i) + 1)
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
    let (k, bands) = (num_perm as usize, lsh.bands as usize);
    let parts = parts_for((left.len() + right.map_or(0, |right| right.len())) * bands);
    let keys = |sets: &ShingleSets| {
        let sketches = sketch(job, sets, params.clone(), None)?;
        band_keys(job, &sketches, lsh, 0..sets.len(), parts)
    };
    let cost = Cost { row: ROW + 8 * k + BAND * bands, keys: bands, hash: HASH };
    let mut pairs: Vec<Pair> = Vec::new();
    let empty = by_blocks(job, (left, right), which == Which::Upper, memory, (cost, cost), keys, |of_right, block| {
        let groups = if std::ptr::eq(block.a, block.b) {
            Groups::new(job, of_right, None)?
        } else {
            Groups::new(job, &keys(block.a)?, Some(of_right))?
        };
        probe(
            job,
            (block.left, block.right),
            which,
            |i| weight(&groups, i),
            |i, out| groups.others(i, out),
            |i, j, _| verified(SetMetric::Jaccard, threshold, block.a.row(i), block.b.row(j)),
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

/// Pairs of MinHash rows that agree on a band, by left, then right row. What `score` makes of two rows and of the number
/// of bands that they agree on decides which stay.
fn banded(
    job: &Job<'_>,
    lsh: LshParams,
    (left, right): (&SketchArray, Option<&SketchArray>),
    memory: Option<usize>,
    score: impl Fn(usize, usize, usize) -> Option<f64> + Sync,
) -> Result<Joined> {
    let which = if right.is_some() { Which::All } else { Which::Upper };
    let both = right.map_or(left.len(), |right| left.len() + right.len());
    let right = right.unwrap_or(left);
    check_bandable(left.params.scheme)?;
    if lsh.bands == 0 || lsh.rows == 0 || (lsh.bands as usize).saturating_mul(lsh.rows as usize) > left.k {
        return Err(Error::input(format!(
            "{} bands of {} values: give at least one of each, and no more than {} in all",
            lsh.bands, lsh.rows, left.k
        )));
    }
    let (budget, bands) = (memory.map_or(usize::MAX, |bytes| bytes / 2), lsh.bands as usize);
    let cut = |sketches: &SketchArray| blocks(sketches.len(), budget, |_| (bands, ROW + BAND * bands));
    let (lefts, rights) = (cut(left), cut(right));
    // Each part takes a chunk, so there are no more than for what is in memory together.
    let most = |blocks: &[Range<usize>]| blocks.iter().map(Range::len).max().unwrap_or(0);
    let parts = parts_for(both.min(most(&lefts) + most(&rights)) * bands);
    let mut pairs: Vec<Pair> = Vec::new();
    for r in rights {
        let of_right = band_keys(job, right, lsh, r.clone(), parts)?;
        for l in lefts.iter().filter(|l| which == Which::All || l.start < r.end) {
            let groups = if which == Which::Upper && *l == r {
                Groups::new(job, &of_right, None)?
            } else {
                Groups::new(job, &band_keys(job, left, lsh, l.clone(), parts)?, Some(&of_right))?
            };
            probe(
                job,
                (l.clone(), r.clone()),
                which,
                |i| weight(&groups, i),
                |i, out| groups.others(i, out),
                |i, j, agree| score(l.start + i, r.start + j, agree),
                &mut pairs,
            )?;
        }
    }
    pairs.sort_unstable_by_key(|p| (p.left, p.right));
    let empty = [left, right].map(|s| s.empty.iter().filter(|e| **e).count());
    Ok(Joined { pairs, rows: [left.len(), right.len()], empty })
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
    let comparison = Comparison::new(left, right.unwrap_or(left))?;
    banded(job, lsh, (left, right), memory, |i, j, _| {
        Some(comparison.jaccard(i, j)).filter(|score| *score >= threshold)
    })
}

/// All pairs of MinHash rows that agree on a band, by left, then right row; their score is the share of bands that they
/// agree on.
pub fn candidate_pairs(
    job: &Job<'_>,
    lsh: LshParams,
    left: &SketchArray,
    right: Option<&SketchArray>,
    memory: Option<usize>,
) -> Result<Joined> {
    Comparison::new(left, right.unwrap_or(left))?;
    banded(job, lsh, (left, right), memory, |_, _, agree| Some(ratio(agree, lsh.bands as usize)))
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
            a in batch(), b in batch(), threshold in threshold(), bands in 1u32..5, rows in 1u32..7,
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
                let lsh = LshParams { bands: 5, rows: 3 };
                let some = sketch_join(&job, threshold, lsh, &x, Some(&y), memory)?;
                prop_assert!(some.pairs.iter().all(|p| want.contains(p)));
                let candidates = candidate_pairs(&job, lsh, &x, Some(&y), memory)?;
                let bands = |sketches: &SketchArray, row: i64| -> Vec<Vec<u32>> {
                    let Values::U32(values) = &sketches.values else { unreachable!() };
                    let mut dense = values[row as usize * k as usize..][..k as usize].to_vec();
                    if scheme == Scheme::Oph {
                        oph::densify(&dense.clone(), &mut dense);
                    }
                    dense.chunks_exact(3).take(5).map(<[u32]>::to_vec).collect()
                };
                let mut want = Vec::new();
                for (i, j) in (0..a.len() as i64).flat_map(|i| (0..b.len() as i64).map(move |j| (i, j))) {
                    let agree = bands(&x, i).iter().zip(bands(&y, j)).filter(|(p, q)| **p == *q).count();
                    if agree > 0 && !x.empty[i as usize] && !y.empty[j as usize] {
                        want.push(Pair { left: i, right: j, score: agree as f64 / 5.0 });
                    }
                }
                prop_assert_eq!(candidates.pairs, want);
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
