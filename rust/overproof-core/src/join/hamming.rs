//! Pairs of SimHash rows within a distance, exactly: through blocks of equal bits where that is less work, else by
//! comparing all.
//!
//! Two rows that differ in at most d bits agree on one of any d + 1 blocks of bits (pigeonhole). So rows are parted by each
//! block in turn and compared within parts: Manku, Jain & Das Sarma, "Detecting near-duplicates for web crawling", WWW
//! 2007; Norouzi, Punjani & Fleet, "Fast search in Hamming space with multi-index hashing", CVPR 2012.

use super::pairs::{Joined, Pair, Which};
use super::side::blocks;
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::kernel::{self, Level};
use crate::partition::Partitioned;
use crate::score::sketches::Comparison;
use crate::shingle::hash::fin;
use crate::sketch::{SketchArray, Values};
use std::ops::{Deref, Range};

/// Left rows that meet a tile of right rows while it is in the first cache.
const GROUP: usize = 256;

/// Right rows of a tile.
const TILE: usize = 2048;

/// Words of a cache line, of which a tile starts one.
const LINE: usize = 8;

/// Bytes of a row while it is parted.
const ROW: usize = 96;

/// Pairs compared in the time in which one row is put into a part.
const PARTED: usize = 400;

/// Pairs compared in the time of one where parts are too small for whole vectors.
const SINGLE: usize = 16;

/// A part below this is too small for whole vectors.
const SMALL: usize = 64;

/// Words from the start of a cache line on: vectors of a whole line that lie across two take twice the loads.
struct Plane {
    room: Vec<u64>,
    start: usize,
}

impl Plane {
    fn new(len: usize, words: impl Iterator<Item = u64>) -> Self {
        let mut room: Vec<u64> = Vec::with_capacity(len + LINE - 1);
        let start = room.as_ptr().align_offset(size_of::<[u64; LINE]>()).min(LINE - 1);
        room.resize(start, 0);
        room.extend(words);
        Plane { room, start }
    }
}

impl Deref for Plane {
    type Target = [u64];
    fn deref(&self) -> &[u64] {
        &self.room[self.start..]
    }
}

/// Rows of bits without the empty ones, word by word.
struct Bits {
    /// Row numbers in the array, ascending.
    rows: Vec<u32>,
    planes: Vec<Plane>,
}

impl Bits {
    fn new(sketches: &SketchArray, range: Range<usize>) -> Result<Self> {
        let Values::U64(values) = &sketches.values else {
            return Err(Error::Internal("a SimHash is not of 64-bit words".to_owned()));
        };
        let kept: Vec<usize> = range.clone().filter(|i| !sketches.empty[*i]).collect();
        let plane = |w: usize| Plane::new(kept.len(), kept.iter().map(|i| values[i * sketches.k + w]));
        Ok(Bits {
            rows: kept.iter().map(|i| (i - range.start) as u32).collect(),
            planes: (0..sketches.k).map(plane).collect(),
        })
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn row(&self, i: usize) -> [u64; 2] {
        [self.planes[0][i], self.planes.get(1).map_or(0, |plane| plane[i])]
    }

    fn planes(&self, rows: Range<usize>) -> Vec<&[u64]> {
        self.planes.iter().map(|plane| &plane[rows.clone()]).collect()
    }
}

fn distance(x: [u64; 2], y: [u64; 2]) -> u32 {
    (x[0] ^ y[0]).count_ones() + (x[1] ^ y[1]).count_ones()
}

/// One of the blocks of bits that rows within the distance cannot all differ in.
#[derive(Clone, Copy, Debug)]
struct Block {
    start: u32,
    width: u32,
    /// Bits that number a part.
    bits: u32,
}

impl Block {
    /// `distance + 1` blocks of rows of `words`; parts to suit `rows`.
    fn all(distance: u32, words: usize, rows: usize) -> Vec<Block> {
        let (total, count) = (64 * words as u32, distance + 1);
        let most = rows.max(2).ilog2().clamp(4, 20);
        let start = |b: u32| b * total / count;
        let block = |b: u32| {
            let width = start(b + 1) - start(b);
            Block { start: start(b), width, bits: width.min(most) }
        };
        (0..count).map(block).collect()
    }

    /// The part of a row. Rows that agree on the block have the same; so may others, where there are more values than
    /// parts.
    fn part(self, x: [u64; 2]) -> usize {
        let whole = (u128::from(x[1]) << 64 | u128::from(x[0])) >> self.start;
        let value = if self.width == 128 { whole } else { whole & ((1 << self.width) - 1) };
        if self.width == self.bits {
            return value as usize;
        }
        (fin(value as u64 ^ fin((value >> 64) as u64)) >> (64 - self.bits)) as usize
    }
}

/// Work of comparing all, and of going through blocks, in comparisons.
fn work(blocks: &[Block], left: usize, right: usize) -> (usize, usize) {
    let one = |block: &Block| {
        let part = right >> block.bits;
        let compare = if part < SMALL { SINGLE * part } else { part };
        PARTED.saturating_mul(left + right).saturating_add(left.saturating_mul(compare))
    };
    (left.saturating_mul(right), blocks.iter().map(one).fold(0, usize::saturating_add))
}

/// Rows parted by a block: their numbers and bits, part after part.
struct Parted {
    ends: Vec<usize>,
    bits: Bits,
}

impl Parted {
    fn new(bits: &Bits, block: Block) -> Self {
        let parts = 1 << block.bits;
        let items: Vec<(u32, u32)> = (0..bits.len()).map(|i| (i as u32, block.part(bits.row(i)) as u32)).collect();
        let parted = Partitioned::new(&items, parts, |item| item.1 as usize);
        let order = || (0..parts).flat_map(|p| parted.part(p)).map(|item| item.0 as usize);
        let ends = (0..parts).scan(0, |end, p| {
            *end += parted.part(p).len();
            Some(*end)
        });
        Parted {
            ends: ends.collect(),
            bits: Bits {
                rows: order().map(|i| bits.rows[i]).collect(),
                planes: bits.planes.iter().map(|plane| Plane::new(plane.len(), order().map(|i| plane[i]))).collect(),
            },
        }
    }

    fn part(&self, p: usize) -> Range<usize> {
        if p == 0 { 0..self.ends[0] } else { self.ends[p - 1]..self.ends[p] }
    }
}

/// A pair by its rows within their blocks.
type Near = (u32, u32, u32);

/// All pairs within `limit`, in some order; `right` = None: each pair of left once, the lower row first.
fn near(job: &Job<'_>, level: Level, limit: u32, left: &Bits, right: Option<&Bits>) -> Result<Vec<Near>> {
    let other = right.unwrap_or(left);
    let blocks = Block::all(limit, left.planes.len(), other.len());
    let (all, some) = work(&blocks, left.len(), other.len());
    if all <= some {
        by_all(job, level, limit, left, right)
    } else {
        by_blocks(job, level, limit, &blocks, left, right)
    }
}

fn by_all(job: &Job<'_>, level: Level, limit: u32, left: &Bits, right: Option<&Bits>) -> Result<Vec<Near>> {
    let other = right.unwrap_or(left);
    let groups = left.len().div_ceil(GROUP);
    let found = job.chunks(
        groups,
        |_| other.len() * (GROUP / 64),
        |groups| {
            let (mut out, mut met) = (Vec::new(), Vec::new());
            let group = groups.start * GROUP..left.len().min(groups.end * GROUP);
            let first = if right.is_none() { group.start } else { 0 };
            for from in (first..other.len()).step_by(TILE) {
                job.check()?;
                let tile = from..other.len().min(from + TILE);
                let planes = other.planes(tile);
                for i in group.clone() {
                    let x = left.row(i);
                    kernel::near(level, &x[..planes.len()], &planes, limit, &mut met);
                    let pairs = met.drain(..).map(|j| from + j as usize).filter(|j| right.is_some() || i < *j);
                    out.extend(pairs.map(|j| (left.rows[i], other.rows[j], distance(x, other.row(j)))));
                }
            }
            Ok(out)
        },
    )?;
    Ok(found.concat())
}

fn by_blocks(
    job: &Job<'_>,
    level: Level,
    limit: u32,
    blocks: &[Block],
    left: &Bits,
    right: Option<&Bits>,
) -> Result<Vec<Near>> {
    let mut out = Vec::new();
    for (nth, block) in blocks.iter().enumerate() {
        job.check()?;
        // What agrees on an earlier block was found there.
        let earlier = |x: [u64; 2], y: [u64; 2]| blocks[..nth].iter().any(|block| block.part(x) == block.part(y));
        let a = Parted::new(left, *block);
        let of_right = right.map(|right| Parted::new(right, *block));
        let b = of_right.as_ref().unwrap_or(&a);
        let found = job.chunks(
            1 << block.bits,
            |p| a.part(p).len() * b.part(p).len(),
            |parts| {
                let (mut pairs, mut met) = (Vec::new(), Vec::new());
                for p in parts {
                    for i in a.part(p) {
                        if i % GROUP == 0 {
                            job.check()?;
                        }
                        let (x, mut others) = (a.bits.row(i), b.part(p));
                        if right.is_none() {
                            others.start = i + 1;
                        }
                        let from = others.start;
                        let planes: [&[u64]; 2] = std::array::from_fn(|w| {
                            b.bits.planes.get(w).map_or(&[][..], |plane| &plane[others.clone()])
                        });
                        let words = b.bits.planes.len();
                        kernel::near(level, &x[..words], &planes[..words], limit, &mut met);
                        for j in met.drain(..).map(|j| from + j as usize) {
                            let y = b.bits.row(j);
                            if !earlier(x, y) {
                                pairs.push((a.bits.rows[i], b.bits.rows[j], distance(x, y)));
                            }
                        }
                    }
                }
                Ok(pairs)
            },
        )?;
        out.extend(found.into_iter().flatten());
    }
    Ok(out)
}

/// Read a largest distance: a whole number below the number of bits, at which every pair would be asked for.
fn check_distance(threshold: f64, sketches: &SketchArray) -> Result<u32> {
    let bits = sketches.params.size;
    // Written so that NaN is refused too.
    if threshold >= 0.0 && threshold < bits as f64 && threshold.fract() == 0.0 {
        return Ok(threshold as u32);
    }
    Err(Error::input(format!(
        "threshold={threshold}: give the most bits that may differ, an integer from 0 to {}",
        bits - 1
    )))
}

fn empty(left: &SketchArray, right: &SketchArray) -> [usize; 2] {
    [left, right].map(|s| s.empty.iter().filter(|e| **e).count())
}

/// Pairs of SimHash rows that differ in at most `threshold` bits, by left, then right row; their score is the distance.
///
/// `right` = None joins left with itself, each pair once. Exact. O(n m) comparisons of 64 bits, or O(d (n + m)) and those
/// within parts, whichever is estimated to be less; `memory` limits the bytes of everything but the input and the pairs.
pub fn hamming_join(
    job: &Job<'_>,
    threshold: f64,
    left: &SketchArray,
    right: Option<&SketchArray>,
    memory: Option<usize>,
) -> Result<Joined> {
    let which = if right.is_some() { Which::All } else { Which::Upper };
    let right = right.unwrap_or(left);
    Comparison::new(left, right)?;
    let (level, limit) = (kernel::level()?, check_distance(threshold, left)?);
    let cut =
        |sketches: &SketchArray| blocks(sketches.len(), memory.map_or(usize::MAX, |bytes| bytes / 2), |_| (1, ROW));
    let (lefts, rights) = (cut(left), cut(right));
    let mut pairs = Vec::new();
    for r in &rights {
        let b = Bits::new(right, r.clone())?;
        for l in lefts.iter().filter(|l| which == Which::All || l.start <= r.start) {
            let found = if which == Which::Upper && l == r {
                near(job, level, limit, &b, None)?
            } else {
                near(job, level, limit, &Bits::new(left, l.clone())?, Some(&b))?
            };
            pairs.extend(found.into_iter().map(|(i, j, bits)| Pair {
                left: (l.start + i as usize) as i64,
                right: (r.start + j as usize) as i64,
                score: f64::from(bits),
            }));
        }
    }
    pairs.sort_unstable_by_key(|p| (p.left, p.right));
    Ok(Joined { pairs, rows: [left.len(), right.len()], empty: empty(left, right) })
}

/// For each left row the `k` right rows that differ in the fewest bits, of those that differ in at most `threshold`; by
/// left row, then rising distance, then right row.
///
/// `right` = None takes the other rows of left. Exact, by comparing all: O(n m).
pub fn hamming_topk(
    job: &Job<'_>,
    k: usize,
    threshold: Option<f64>,
    left: &SketchArray,
    right: Option<&SketchArray>,
) -> Result<Joined> {
    if k == 0 {
        return Err(Error::input("k=0: ask for at least one row"));
    }
    let itself = right.is_none();
    let right = right.unwrap_or(left);
    Comparison::new(left, right)?;
    let level = kernel::level()?;
    let limit = threshold.map_or(Ok(left.params.size as u32), |threshold| check_distance(threshold, left))?;
    let (a, b) = (Bits::new(left, 0..left.len())?, Bits::new(right, 0..right.len())?);
    let best_of = |groups: Range<usize>| {
        let group = groups.start * GROUP..a.len().min(groups.end * GROUP);
        // Of each row the best so far as (distance, place), and what a place must not exceed to be among them.
        let mut best: Vec<(Vec<(u32, u32)>, Option<u32>)> = vec![(Vec::new(), Some(limit)); group.len()];
        let mut met = Vec::new();
        for from in (0..b.len()).step_by(TILE) {
            job.check()?;
            let planes = b.planes(from..b.len().min(from + TILE));
            for (i, (best, within)) in group.clone().zip(&mut best) {
                let (x, Some(most)) = (a.row(i), *within) else { continue };
                kernel::near(level, &x[..planes.len()], &planes, most, &mut met);
                let places = met.drain(..).map(|j| from + j as usize);
                let others = places.filter(|j| !itself || a.rows[i] != b.rows[*j]);
                best.extend(others.map(|j| (distance(x, b.row(j)), j as u32)));
                if best.len() >= k {
                    best.sort_unstable();
                    best.truncate(k);
                    // Places to come are higher, so they must be nearer than the last one.
                    *within = best.last().map_or(Some(limit), |last| last.0.checked_sub(1));
                }
            }
        }
        let pairs = group.zip(&mut best).flat_map(|(i, (best, _))| {
            best.sort_unstable();
            let pair = |found: &(u32, u32)| Pair {
                left: i64::from(a.rows[i]),
                right: i64::from(b.rows[found.1 as usize]),
                score: f64::from(found.0),
            };
            best.iter().map(pair).collect::<Vec<Pair>>()
        });
        Ok(pairs.collect::<Vec<Pair>>())
    };
    let found = job.chunks(a.len().div_ceil(GROUP), |_| b.len() * (GROUP / 64), best_of)?;
    Ok(Joined { pairs: found.concat(), rows: [left.len(), right.len()], empty: empty(left, right) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{HashSource, Scheme, SketchParams};
    use proptest::prelude::*;

    fn sketches(words: usize, rows: &[(u64, u64, bool)]) -> Result<SketchArray> {
        let params =
            SketchParams::new(Scheme::SimHash, 64 * words as u64, 1, HashSource::described("test".to_owned()))?;
        let values = rows.iter().flat_map(|row| [row.0, row.1].into_iter().take(words)).collect();
        let empty: Vec<bool> = rows.iter().map(|row| row.2).collect();
        SketchArray::new(params, Values::U64(values), empty.clone(), vec![false; empty.len()])
    }

    /// Rows near a few centres, so that blocks meet and distances are small.
    fn rows() -> impl Strategy<Value = Vec<(u64, u64, bool)>> {
        let word = || (prop_oneof![Just(0u64), Just(u64::MAX), Just(0x0123_4567_89AB_CDEF)], 0u32..64, 0u32..64);
        let word = move || word().prop_map(|(centre, a, b)| centre ^ 1 << a ^ 1 << b);
        proptest::collection::vec((word(), word(), proptest::bool::weighted(0.1)), 0..300)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn both_ways_are_the_definition(a in rows(), b in rows(), limit in 0u32..20, words in 1usize..3) {
            let (x, y) = (sketches(words, &a)?, sketches(words, &b)?);
            let job = Job::inline();
            for (right, of_right) in [(Some(&y), &b), (None, &a)] {
                let mut want = Vec::new();
                for (i, j) in (0..a.len()).flat_map(|i| (0..of_right.len()).map(move |j| (i, j))) {
                    let (p, q) = (a[i], of_right[j]);
                    let bits = (p.0 ^ q.0).count_ones() + if words == 2 { (p.1 ^ q.1).count_ones() } else { 0 };
                    if bits <= limit && !p.2 && !q.2 && (right.is_some() || i < j) {
                        want.push((i as u32, j as u32, bits));
                    }
                }
                let (left, right) = (Bits::new(&x, 0..a.len())?, right.map(|s| Bits::new(s, 0..s.len())).transpose()?);
                let cut = Block::all(limit, words, 1 << 12);
                for level in kernel::available() {
                    let ways = [by_all(&job, level, limit, &left, right.as_ref())?, by_blocks(&job, level, limit, &cut, &left, right.as_ref())?];
                    for mut found in ways {
                        found.sort_unstable();
                        prop_assert_eq!(&found, &want);
                    }
                }
            }
        }

        #[test]
        fn blocks_cut_all_bits(limit in 0u32..127, words in 1usize..3, rows in 0usize..1 << 30) {
            prop_assume!(limit < 64 * words as u32);
            let blocks = Block::all(limit, words, rows);
            prop_assert_eq!(blocks.len(), limit as usize + 1);
            prop_assert_eq!(blocks.iter().fold(0, |at, block| if block.start == at { at + block.width } else { 999 }), 64 * words as u32);
            prop_assert!(blocks.iter().all(|block| block.width > 0 && block.part([u64::MAX; 2]) < 1 << block.bits));
        }
    }

    #[test]
    fn few_bits_go_by_blocks_and_many_by_all() {
        let by_blocks = |limit, n, m| {
            let (all, some) = work(&Block::all(limit, 1, m), n, m);
            some < all
        };
        assert!(by_blocks(3, 1 << 20, 1 << 20) && by_blocks(7, 1 << 20, 1 << 20));
        assert!(!by_blocks(16, 1 << 20, 1 << 20) && !by_blocks(16, 8192, 1 << 20) && !by_blocks(3, 100, 100));
    }
}
