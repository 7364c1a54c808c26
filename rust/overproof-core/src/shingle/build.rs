//! Shingle sets of a batch of texts.

use super::set::ShingleSets;
use super::sort::HashSorter;
use super::window::{Shape, Shingler};
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::kernel::memory::{ask_for_huge_pages, with_huge_pages, zeros};
use crate::params::{Analyzer, ShingleParams};
use crate::text::Texts;
use crate::text::batch::MAX_TEXT;
use std::ops::Range;
use std::sync::Mutex;

/// Tokens that the user brings: row i is `offsets[i]..offsets[i + 1]`.
pub enum Tokens<'a> {
    /// 64-bit ids.
    Ids(&'a [u64]),
    /// Strings.
    Strings(Texts<'a>),
}

/// The sets of the rows that one thread took: ranges of rows, one after the other.
#[derive(Default)]
struct Part {
    /// The first row of each range, and where its lengths and its hashes start.
    ranges: Vec<[usize; 3]>,
    lengths: Vec<usize>,
    hashes: Vec<u64>,
    counts: Vec<u32>,
    shapes: Vec<Shape>,
    sorter: HashSorter,
    sorted: Vec<u64>,
}

impl Part {
    fn push(&mut self, hashes: &[u64], shape: Shape, counts: bool) {
        let sorted = &mut self.sorted;
        let before = self.hashes.len();
        if self.hashes.capacity() - before < hashes.len() {
            self.hashes.reserve(hashes.len());
            ask_for_huge_pages(&mut self.hashes);
        }
        if counts {
            self.sorter.sort(hashes, sorted);
            for run in sorted.chunk_by(|a, b| a == b) {
                self.hashes.push(run[0]);
                self.counts.push(run.len() as u32);
            }
        } else {
            self.sorter.append_set(hashes, sorted, &mut self.hashes);
        }
        self.lengths.push(self.hashes.len() - before);
        self.shapes.push(shape);
    }

    /// Where range `i` lies in lengths and shapes, and in hashes and counts.
    fn range(&self, i: usize) -> (Range<usize>, Range<usize>) {
        let [_, row, hash] = self.ranges[i];
        let [_, rows, hashes] = self.ranges.get(i + 1).copied().unwrap_or([0, self.lengths.len(), self.hashes.len()]);
        (row..rows, hash..hashes)
    }
}

/// The sets of `missing.len()` rows, whose hashes `shingle` gives.
///
/// A thread keeps what it makes in one place, which is the result where there is one thread. It has room for its share of
/// `about` hashes from the start: memory that grows is paid for more than once.
fn sets(
    missing: Vec<bool>,
    params: &ShingleParams,
    counts: bool,
    job: &Job<'_>,
    about: usize,
    weight: impl Fn(usize) -> usize,
    shingle: impl for<'s> Fn(usize, &'s mut Shingler) -> (&'s [u64], Shape) + Sync,
) -> Result<ShingleSets> {
    let idle = Mutex::new(Vec::new());
    let lock = || idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    job.chunks(missing.len(), weight, |rows| {
        let taken = lock().pop();
        let (mut part, mut shingler) = taken.unwrap_or_else(|| {
            let hashes = with_huge_pages(about / job.threads());
            (Part { hashes, ..Part::default() }, Shingler::new(params))
        });
        part.ranges.push([rows.start, part.lengths.len(), part.hashes.len()]);
        for row in rows {
            let (hashes, shape) = shingle(row, &mut shingler);
            part.push(hashes, shape, counts);
        }
        lock().push((part, shingler));
        Ok(())
    })?;
    let parts = idle.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    join(parts.into_iter().map(|(part, _)| part).collect(), missing, params, counts, job)
}

/// The sets of `texts`; missing texts give empty rows that are marked. O(bytes + shingles log shingles).
pub fn from_texts(texts: Texts<'_>, params: &ShingleParams, counts: bool, job: &Job<'_>) -> Result<ShingleSets> {
    if let Some(row) = texts.iter().position(|t| t.is_some_and(|t| t.len() > MAX_TEXT)) {
        return Err(Error::input(format!("row {row}: a text may not exceed {MAX_TEXT} bytes")));
    }
    let missing = texts.iter().map(Option::is_none).collect();
    let weight = |i: usize| texts[i].map_or(0, str::len);
    // A word and what parts it from the next take some six bytes.
    let of_token = if params.analyzer == Analyzer::Word { 6 } else { 1 };
    let about = (0..texts.len()).map(weight).sum::<usize>() / of_token * params.n.len();
    sets(missing, params, counts, job, about, weight, |i, shingler| shingler.text(texts[i].unwrap_or_default()))
}

/// The sets of tokens that the user brings.
pub fn from_tokens(
    tokens: &Tokens<'_>,
    offsets: &[i64],
    missing: Vec<bool>,
    params: &ShingleParams,
    counts: bool,
    job: &Job<'_>,
) -> Result<ShingleSets> {
    let total = match tokens {
        Tokens::Ids(ids) => ids.len(),
        Tokens::Strings(texts) => texts.len(),
    };
    if offsets.first().is_none_or(|first| *first < 0)
        || offsets.last().is_none_or(|last| *last > total as i64)
        || offsets.windows(2).any(|w| w[0] > w[1])
    {
        return Err(Error::input(format!("offsets must ascend within 0..={total}, the number of tokens")));
    }
    if let Tokens::Strings(texts) = tokens
        && let Some(at) = texts.iter().position(Option::is_none)
    {
        let row = offsets.partition_point(|o| *o <= at as i64).saturating_sub(1);
        return Err(Error::input(format!("row {row}: token {} is null", at as i64 - offsets[row])));
    }
    if missing.len() != offsets.len() - 1 {
        return Err(Error::input(format!("missing has {} rows, offsets have {}", missing.len(), offsets.len() - 1)));
    }
    let weight = |i: usize| 8 * (offsets[i + 1] - offsets[i]) as usize;
    sets(missing, params, counts, job, total * params.n.len(), weight, |row, shingler| {
        let range = offsets[row] as usize..offsets[row + 1] as usize;
        match tokens {
            Tokens::Ids(ids) => shingler.ids(&ids[range]),
            Tokens::Strings(texts) => shingler.tokens(texts[range].iter().flatten().map(|t| t.as_bytes())),
        }
    })
}

fn join(
    mut parts: Vec<Part>,
    missing: Vec<bool>,
    params: &ShingleParams,
    counts: bool,
    job: &Job<'_>,
) -> Result<ShingleSets> {
    // Ranges in order of rows.
    let mut order: Vec<(usize, usize, usize)> = Vec::new();
    for (part, made) in parts.iter().enumerate() {
        order.extend(made.ranges.iter().enumerate().map(|(i, [row, ..])| (*row, part, i)));
    }
    order.sort_unstable();
    let ranges = || order.iter().map(|(_, part, i)| (&parts[*part], parts[*part].range(*i)));
    let lengths = ranges().flat_map(|(part, (rows, _))| &part.lengths[rows]);
    let ends = lengths.scan(0, |end, length| {
        *end += *length as i64;
        Some(*end)
    });
    let shapes: Vec<Shape> = ranges().flat_map(|(part, (rows, _))| part.shapes[rows].iter().copied()).collect();
    let indptr: Vec<i64> = std::iter::once(0).chain(ends).collect();
    let (hashes, counts) = if parts.len() == 1 && order.is_sorted_by_key(|(_, _, i)| *i) {
        let mut part = parts.swap_remove(0);
        // Room that was never touched costs little, and memory given back whole comes back without new pages.
        if part.hashes.len() < part.hashes.capacity() / 2 {
            part.hashes.shrink_to_fit();
        }
        (part.hashes, counts.then_some(part.counts))
    } else {
        let mut hashes = zeros(parts.iter().map(|part| part.hashes.len()).sum());
        let (mut copies, mut rest) = (Vec::new(), hashes.as_mut_slice());
        for (part, (_, range)) in ranges() {
            let (to, after) = rest.split_at_mut(range.len());
            copies.push((to, &part.hashes[range]));
            rest = after;
        }
        job.each(copies, |(to, from)| {
            to.copy_from_slice(from);
            Ok(())
        })?;
        let counted = ranges().flat_map(|(part, (_, range))| part.counts.get(range).unwrap_or_default());
        (hashes, counts.then(|| counted.copied().collect()))
    };
    Ok(ShingleSets {
        indptr,
        hashes,
        counts,
        short: shapes.iter().map(|s| s.short).collect(),
        missing,
        tokens: shapes.iter().map(|s| s.tokens).collect(),
        singles: shapes.iter().map(|s| s.singles).collect(),
        params: Some(params.clone()),
        fingerprint: params.fingerprint(),
    })
}
