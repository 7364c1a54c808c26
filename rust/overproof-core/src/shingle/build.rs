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
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tokens that the user brings: row i is `offsets[i]..offsets[i + 1]`.
pub enum Tokens<'a> {
    /// 64-bit ids.
    Ids(&'a [u64]),
    /// Strings.
    Strings(Texts<'a>),
}

/// The hashes of the rows that one thread took, in the order in which it took them.
#[derive(Default)]
struct Part {
    number: usize,
    hashes: Vec<u64>,
    counts: Vec<u32>,
    sorter: HashSorter,
    sorted: Vec<u64>,
}

impl Part {
    /// Append the set of a row; its size.
    fn push(&mut self, hashes: &[u64], counts: bool) -> usize {
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
        self.hashes.len() - before
    }
}

/// Rows that one thread took at once.
struct Block {
    /// The part that holds their hashes, and where.
    part: usize,
    hashes: Range<usize>,
    /// The size of each row's set, and the row's shape.
    rows: Vec<(usize, Shape)>,
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
    let (idle, started) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    let lock = || idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let blocks = job.chunks(missing.len(), weight, |rows| {
        let taken = lock().pop();
        let (mut part, mut shingler) = taken.unwrap_or_else(|| {
            let hashes = with_huge_pages(about / job.threads());
            let number = started.fetch_add(1, Ordering::Relaxed);
            (Part { number, hashes, ..Part::default() }, Shingler::new(params))
        });
        let from = part.hashes.len();
        let one = |row| {
            let (hashes, shape) = shingle(row, &mut shingler);
            (part.push(hashes, counts), shape)
        };
        let rows = rows.map(one).collect();
        let block = Block { part: part.number, hashes: from..part.hashes.len(), rows };
        lock().push((part, shingler));
        Ok(block)
    })?;
    let parts = idle.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut parts: Vec<Part> = parts.into_iter().map(|(part, _)| part).collect();
    parts.sort_unstable_by_key(|part| part.number);
    join(parts, &blocks, missing, params, counts, job)
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
    blocks: &[Block],
    missing: Vec<bool>,
    params: &ShingleParams,
    counts: bool,
    job: &Job<'_>,
) -> Result<ShingleSets> {
    let rows = || blocks.iter().flat_map(|block| &block.rows);
    let ends = rows().scan(0, |end, (size, _)| {
        *end += *size as i64;
        Some(*end)
    });
    let indptr: Vec<i64> = std::iter::once(0).chain(ends).collect();
    let shapes = || rows().map(|(_, shape)| shape);
    let (hashes, counts) = if parts.len() == 1 && blocks.is_sorted_by_key(|block| block.hashes.start) {
        let mut part = parts.swap_remove(0);
        // Room that was never touched costs little, and memory given back whole comes back without new pages.
        if part.hashes.len() < part.hashes.capacity() / 2 {
            part.hashes.shrink_to_fit();
        }
        (part.hashes, counts.then_some(part.counts))
    } else {
        let mut hashes = zeros(parts.iter().map(|part| part.hashes.len()).sum());
        let (mut copies, mut rest) = (Vec::new(), hashes.as_mut_slice());
        for block in blocks {
            let (to, after) = rest.split_at_mut(block.hashes.len());
            copies.push((to, &parts[block.part].hashes[block.hashes.clone()]));
            rest = after;
        }
        job.each(copies, |(to, from)| {
            to.copy_from_slice(from);
            Ok(())
        })?;
        let counted = blocks.iter().flat_map(|b| parts[b.part].counts.get(b.hashes.clone()).unwrap_or_default());
        (hashes, counts.then(|| counted.copied().collect()))
    };
    Ok(ShingleSets {
        indptr,
        hashes,
        counts,
        short: shapes().map(|s| s.short).collect(),
        missing,
        tokens: shapes().map(|s| s.tokens).collect(),
        singles: shapes().map(|s| s.singles).collect(),
        params: Some(params.clone()),
        fingerprint: params.fingerprint(),
    })
}
