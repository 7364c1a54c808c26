//! All pairs of sets whose score reaches a threshold, exactly, by prefix filtering.
//!
//! Let `least(n)` be the smallest overlap with which a set of n hashes can reach the threshold. Order all hashes from
//! rare to common. If A and B reach the threshold, their rarest shared hash is among the `|A| - least(|A|) + 1` rarest of
//! A, since `least(|A|) - 1` shared hashes come after it, and likewise in B. So only these prefixes are indexed and
//! probed; what they share is verified on the whole sets. Any one order is right, a rare-first one is fast.
//!
//! Chaudhuri, Ganti & Kaushik, "A primitive operator for similarity joins in data cleaning", ICDE 2006; Bayardo, Ma &
//! Srikant, "Scaling up all pairs similarity search", WWW 2007; Xiao et al., "Efficient similarity joins for near
//! duplicate detection", WWW 2008.

use super::pairs::{Joined, Pair, Which, look_up, probe};
use super::places::Places;
use super::postings::Postings;
use super::side::{Block, Cost, Side, by_blocks};
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::score::SetMetric;
use crate::score::sets::intersection_size;
use crate::shingle::ShingleSets;

/// Bytes of one hash on the right side: its set twice while it is shingled, its place in the rarity table.
const RIGHT_HASH: usize = 24;
/// Bytes of one posting while its index is built, and of its hash in the prefixes.
const POSTING: usize = 50;
/// Bytes of one hash on the left side: its set, twice while it is shingled.
const LEFT_HASH: usize = 24;
/// Bytes of one row: boundaries and flags.
const ROW: usize = 64;

/// A threshold must be above 0: every pair of rows would be asked for.
pub fn check_threshold(threshold: f64) -> Result<()> {
    // Written so that NaN is refused too.
    if threshold > 0.0 && threshold <= 1.0 {
        return Ok(());
    }
    Err(Error::input(format!("threshold={threshold}: give a number above 0 and up to 1")))
}

/// The smallest overlap with which a set of `n` > 0 hashes can reach the threshold; for the overlap coefficient only
/// with sets that are not smaller.
///
/// The best partner of A under `shared` common hashes is a subset of A, or, for the overlap coefficient, any set of n.
/// Scores are rounded once and rounding is monotone, so the bound holds for the float64 values too.
fn least(metric: SetMetric, n: usize, threshold: f64) -> usize {
    let best = |shared: usize| match metric {
        SetMetric::OverlapCoefficient => metric.score(shared, n, n),
        _ => metric.score(shared, n, shared),
    };
    let (mut low, mut high) = (1, n);
    while low < high {
        let mid = low + (high - low) / 2;
        if best(mid) >= threshold { high = mid } else { low = mid + 1 }
    }
    low
}

/// Which hashes of a row can be its rarest shared one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    All,
    Prefix,
}

/// One way in which a pair may be found: by these parts of its rows, if the sizes are as `sizes` says.
#[derive(Clone, Copy, Debug)]
struct Pass {
    left: Part,
    right: Part,
    sizes: fn(usize, usize) -> bool,
}

/// The passes that together find every pair.
///
/// Containment bounds the overlap by the left row alone. The overlap coefficient bounds it by the smaller row, whichever
/// side that is on.
fn passes(metric: SetMetric) -> Vec<Pass> {
    let any = |_, _| true;
    match metric {
        SetMetric::Jaccard | SetMetric::Dice => vec![Pass { left: Part::Prefix, right: Part::Prefix, sizes: any }],
        SetMetric::Containment => vec![Pass { left: Part::Prefix, right: Part::All, sizes: any }],
        SetMetric::OverlapCoefficient => vec![
            Pass { left: Part::Prefix, right: Part::All, sizes: |a, b| a <= b },
            Pass { left: Part::All, right: Part::Prefix, sizes: |a, b| a > b },
        ],
    }
}

/// How common hashes are: counts of a small table, in which several hashes may share a place. The order that comes of it
/// is a total order all the same, which is all that prefix filtering needs.
pub(super) struct Rarity {
    counts: Vec<u32>,
    shift: u32,
}

impl Rarity {
    /// Counts of all hashes of `sets` in `places` or some more.
    pub(super) fn new(sets: &ShingleSets, places: usize) -> Self {
        let bits = places.next_power_of_two().trailing_zeros().clamp(4, 30);
        let mut made = Rarity { counts: vec![0; 1 << bits], shift: 64 - bits };
        for h in &sets.hashes {
            let at = made.place(*h);
            made.counts[at] = made.counts[at].saturating_add(1);
        }
        made
    }

    /// The places that are counted more often than `cap`, and how many hashes they count.
    pub(super) fn above(&self, cap: usize) -> (Places, u64) {
        let (mut places, mut total) = (Places::new(self.counts.len()), 0);
        for (at, count) in self.counts.iter().enumerate().filter(|(_, count)| **count as usize > cap) {
            places.add(at);
            total += u64::from(*count);
        }
        (places, total)
    }

    /// Multiplied first (Fibonacci hashing): users' hashes may be small numbers.
    pub(super) fn place(&self, h: u64) -> usize {
        (h.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }

    /// The `length` rarest of `row` into `out`.
    fn rarest(&self, row: &[u64], length: usize, out: &mut Vec<u64>) {
        out.clear();
        out.extend_from_slice(row);
        if length < row.len() {
            out.select_nth_unstable_by_key(length, |h| (self.counts[self.place(*h)], *h));
            out.truncate(length);
        }
    }
}

/// An index of the right side for one metric and threshold.
struct Index {
    rarity: Rarity,
    passes: Vec<(Pass, Postings)>,
    metric: SetMetric,
    threshold: f64,
}

impl Index {
    fn new(job: &Job<'_>, metric: SetMetric, threshold: f64, b: &ShingleSets) -> Result<Self> {
        let rarity = Rarity::new(b, b.hashes.len());
        let mut made = Index { rarity, passes: Vec::new(), metric, threshold };
        for pass in passes(metric) {
            let postings = match pass.right {
                Part::All => Postings::new(b, |_| true, job)?,
                Part::Prefix => Postings::new(&made.prefixes(b), |_| true, job)?,
            };
            made.passes.push((pass, postings));
        }
        Ok(made)
    }

    /// The hashes of a row that `part` names, in `scratch` unless they are the row.
    fn part<'h>(&self, part: Part, row: &'h [u64], scratch: &'h mut Vec<u64>) -> &'h [u64] {
        if part == Part::All || row.is_empty() {
            return row;
        }
        let length = row.len() - least(self.metric, row.len(), self.threshold) + 1;
        self.rarity.rarest(row, length, scratch);
        scratch
    }

    fn prefixes(&self, b: &ShingleSets) -> ShingleSets {
        let (mut hashes, mut indptr, mut scratch) = (Vec::new(), vec![0], Vec::new());
        for j in 0..b.len() {
            hashes.extend_from_slice(self.part(Part::Prefix, b.row(j), &mut scratch));
            indptr.push(hashes.len() as i64);
        }
        ShingleSets::of_hashes(indptr, hashes, b.fingerprint)
    }

    fn candidates(&self, block: &Block<'_>, i: usize, out: &mut Vec<u32>) {
        let (row, mut scratch) = (block.a.row(i), Vec::new());
        for (pass, postings) in &self.passes {
            let before = out.len();
            look_up(postings, self.part(pass.left, row, &mut scratch), out);
            let mut kept = before;
            for at in before..out.len() {
                let size = block.b.range(out[at] as usize).len();
                // The most that the sizes allow: all of the smaller row is shared.
                let reachable = self.metric.score(row.len().min(size), row.len(), size) >= self.threshold;
                if reachable && (pass.sizes)(row.len(), size) {
                    out[kept] = out[at];
                    kept += 1;
                }
            }
            out.truncate(kept);
        }
    }
}

/// The score of two sets, if it reaches the threshold.
pub(super) fn verified(metric: SetMetric, threshold: f64, a: &[u64], b: &[u64]) -> Option<f64> {
    let score = metric.score(intersection_size(a, b), a.len(), b.len());
    (score >= threshold).then_some(score)
}

/// All pairs whose score is at least `threshold`, by left, then right row. Sets without hashes are in no pair.
///
/// `right` = None joins left with itself: each pair once by a symmetric metric, both ways by containment. `memory`
/// limits the bytes of everything but the input and the pairs; no value depends on it.
pub fn overlap_join(
    job: &Job<'_>,
    metric: SetMetric,
    threshold: f64,
    left: Side<'_>,
    right: Option<Side<'_>>,
    memory: Option<usize>,
) -> Result<Joined> {
    check_threshold(threshold)?;
    let which = which(metric, right.is_some());
    let indexes = passes(metric).len();
    let costs =
        (Cost { row: ROW, keys: 0, hash: LEFT_HASH }, Cost { row: ROW, keys: 0, hash: RIGHT_HASH + POSTING * indexes });
    let mut pairs: Vec<Pair> = Vec::new();
    let build = |b: &ShingleSets| Index::new(job, metric, threshold, b);
    let empty = by_blocks(job, (left, right), which == Which::Upper, memory, costs, build, |index, block| {
        probe(
            job,
            (block.left.clone(), block.right.clone()),
            which,
            |i| 64 * block.a.range(i).len(),
            |i, out| index.candidates(&block, i, out),
            |i, j, _| verified(metric, threshold, block.a.row(i), block.b.row(j)),
            &mut pairs,
        )
    })?;
    pairs.sort_unstable_by_key(|p| (p.left, p.right));
    Ok(Joined { pairs, rows: [left.len(), right.unwrap_or(left).len()], empty })
}

/// Which pairs a join by this metric looks at.
fn which(metric: SetMetric, two_sides: bool) -> Which {
    match (two_sides, metric) {
        (true, _) => Which::All,
        (false, SetMetric::Containment) => Which::Distinct,
        (false, _) => Which::Upper,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Every pair by its definition.
    pub fn brute(metric: SetMetric, threshold: f64, which: Which, a: &ShingleSets, b: &ShingleSets) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (i, j) in (0..a.len()).flat_map(|i| (0..b.len()).map(move |j| (i, j))) {
            let (x, y) = (a.row(i), b.row(j));
            let shared = x.iter().filter(|h| y.contains(h)).count();
            let score = metric.score(shared, x.len(), y.len());
            if which.takes(i, j) && !x.is_empty() && !y.is_empty() && score >= threshold {
                pairs.push(Pair { left: i as i64, right: j as i64, score });
            }
        }
        pairs
    }

    pub fn batch() -> impl Strategy<Value = ShingleSets> {
        let element = prop_oneof![0u64..25, (0u64..5).prop_map(|x| u64::MAX - x)];
        let row = proptest::collection::btree_set(element, 0..20);
        proptest::collection::vec(row, 0..12).prop_map(|rows: Vec<BTreeSet<u64>>| {
            ShingleSets::of_rows(rows.into_iter().map(|r| r.into_iter().collect()).collect())
        })
    }

    pub fn threshold() -> impl Strategy<Value = f64> {
        let fraction = (1u32..12, 1u32..12).prop_map(|(p, q)| f64::from(p.min(q)) / f64::from(p.max(q)));
        prop_oneof![fraction, 0.001f64..1.0]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn equals_brute_force(a in batch(), b in batch(), threshold in threshold(), memory in proptest::option::of(0usize..4000)) {
            let job = Job::inline();
            for (_, metric) in SetMetric::NAMES {
                let found = overlap_join(&job, metric, threshold, Side::Sets(&a), Some(Side::Sets(&b)), memory)?;
                prop_assert_eq!(&found.pairs, &brute(metric, threshold, Which::All, &a, &b));
                prop_assert_eq!(found.rows, [a.len(), b.len()]);
                prop_assert_eq!(found.empty, [&a, &b].map(|s| (0..s.len()).filter(|i| s.row(*i).is_empty()).count()));
                let found = overlap_join(&job, metric, threshold, Side::Sets(&a), None, memory)?;
                prop_assert_eq!(&found.pairs, &brute(metric, threshold, which(metric, false), &a, &a));
                prop_assert_eq!(found.empty[0], found.empty[1]);
            }
        }

        #[test]
        fn least_is_the_smallest_overlap_that_can_do(n in 1usize..40, threshold in threshold()) {
            for (_, metric) in SetMetric::NAMES {
                let smallest_partner = if metric == SetMetric::OverlapCoefficient { n } else { 1 };
                let reaches = |shared: usize| (smallest_partner.max(shared)..80).any(|b| metric.score(shared, n, b) >= threshold);
                prop_assert_eq!(Some(least(metric, n, threshold)), (1..=n).find(|s| reaches(*s)));
            }
        }
    }

    #[test]
    fn thresholds_out_of_range_are_refused() {
        for threshold in [0.0, -0.5, 1.0000001, f64::NAN] {
            assert!(matches!(check_threshold(threshold), Err(Error::Input(m)) if m.contains("above 0")));
        }
    }
}
