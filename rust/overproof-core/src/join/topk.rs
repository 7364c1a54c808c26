//! For each left row the best right rows, exactly: overlaps are counted through an inverted index.

use super::pairs::{Joined, Pair, Which};
use super::postings::Postings;
use super::side::{Block, Cost, Side, by_blocks};
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::score::SetMetric;
use crate::shingle::ShingleSets;

/// Bytes of one hash on the right side: its set twice while it is shingled, its posting while the index is built.
const RIGHT_HASH: usize = 72;
/// Bytes of one hash on the left side: its set, twice while it is shingled.
const LEFT_HASH: usize = 24;
/// Bytes of one row: boundaries, flags and a counter for each thread.
const ROW: usize = 64;

/// Best first: higher score, then lower right row.
fn best_first(x: &Pair, y: &Pair) -> std::cmp::Ordering {
    y.score.total_cmp(&x.score).then(x.right.cmp(&y.right))
}

/// Keep the `k` best of `pairs`.
fn keep_best(pairs: &mut Vec<Pair>, k: usize) {
    if pairs.len() > k {
        pairs.select_nth_unstable_by(k - 1, best_first);
        pairs.truncate(k);
    }
    pairs.sort_unstable_by(best_first);
}

/// The `k` best rows of a right block for each row of a left block, by left row.
fn best_of_block(
    job: &Job<'_>,
    (metric, threshold, k, which): (SetMetric, f64, usize, Which),
    index: &Postings,
    block: &Block<'_>,
) -> Result<Vec<Pair>> {
    let found = job.chunks(
        block.left.len(),
        |i| 64 * block.a.range(i).len(),
        |rows| {
            let mut shared = vec![0u32; block.b.len()];
            let (mut met, mut out, mut row_pairs) = (Vec::new(), Vec::new(), Vec::new());
            for i in rows {
                job.check()?;
                let row = block.a.row(i);
                for j in row.iter().flat_map(|h| index.get(*h)) {
                    if shared[*j as usize] == 0 {
                        met.push(*j as usize);
                    }
                    shared[*j as usize] += 1;
                }
                for j in met.drain(..) {
                    let score = metric.score(shared[j] as usize, row.len(), block.b.range(j).len());
                    shared[j] = 0;
                    let (left, right) = (block.left.start + i, block.right.start + j);
                    if score >= threshold && which.takes(left, right) {
                        row_pairs.push(Pair { left: left as i64, right: right as i64, score });
                    }
                }
                keep_best(&mut row_pairs, k);
                out.append(&mut row_pairs);
            }
            Ok(out)
        },
    )?;
    Ok(found.concat())
}

/// For each left row the `k` right rows of the highest score, of those that share a hash and reach `threshold`; by left
/// row, then falling score, then right row.
///
/// `right` = None takes the other rows of left. O(postings met). `memory` limits the bytes of everything but the input
/// and the pairs; no value depends on it.
pub fn overlap_topk(
    job: &Job<'_>,
    metric: SetMetric,
    k: usize,
    threshold: f64,
    left: Side<'_>,
    right: Option<Side<'_>>,
    memory: Option<usize>,
) -> Result<Joined> {
    // Written so that NaN is refused too.
    if !(0.0..=1.0).contains(&threshold) {
        return Err(Error::input(format!("threshold={threshold}: give a number from 0 to 1")));
    }
    if k == 0 {
        return Err(Error::input("k=0: ask for at least one row"));
    }
    // Neighbours have no order: both ends of a pair may have the other among their best.
    let which = if right.is_some() { Which::All } else { Which::Distinct };
    let costs =
        (Cost { row: ROW, keys: 0, hash: LEFT_HASH }, Cost { row: ROW + 4 * job.threads(), keys: 0, hash: RIGHT_HASH });
    let mut best: Vec<Vec<Pair>> = vec![Vec::new(); left.len()];
    let build = |b: &ShingleSets| Postings::new(b, |_| true, job);
    let empty = by_blocks(job, (left, right), false, memory, costs, build, |index, block| {
        for pairs in best_of_block(job, (metric, threshold, k, which), index, &block)?.chunk_by(|p, q| p.left == q.left)
        {
            let row = &mut best[pairs[0].left as usize];
            row.extend_from_slice(pairs);
            keep_best(row, k);
        }
        Ok(())
    })?;
    Ok(Joined { pairs: best.concat(), rows: [left.len(), right.unwrap_or(left).len()], empty })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::join::overlap::tests::{batch, brute, threshold};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_brute_force(
            a in batch(), b in batch(), k in 1usize..6, floor in prop_oneof![Just(0.0), threshold()],
            memory in proptest::option::of(0usize..4000),
        ) {
            let job = Job::inline();
            for (_, metric) in SetMetric::NAMES {
                for b in [Some(&b), None] {
                    let which = if b.is_some() { Which::All } else { Which::Distinct };
                    let mut want = brute(metric, floor.max(f64::MIN_POSITIVE), which, &a, b.unwrap_or(&a));
                    want.sort_by(|x, y| x.left.cmp(&y.left).then(best_first(x, y)));
                    let want: Vec<Pair> = want.chunk_by(|x, y| x.left == y.left).flat_map(|row| &row[..row.len().min(k)]).copied().collect();
                    let found = overlap_topk(&job, metric, k, floor, Side::Sets(&a), b.map(Side::Sets), memory)?;
                    prop_assert_eq!(found.pairs, want);
                }
            }
        }
    }

    #[test]
    fn bad_arguments_are_refused() {
        let (job, none) = (Job::inline(), ShingleSets::of_rows(vec![]));
        let ask = |k, threshold| overlap_topk(&job, SetMetric::Dice, k, threshold, Side::Sets(&none), None, None);
        assert!(matches!(ask(0, 0.0), Err(Error::Input(m)) if m.contains("k=0")));
        assert!(matches!(ask(1, f64::NAN), Err(Error::Input(m)) if m.contains("threshold=NaN")));
    }
}
