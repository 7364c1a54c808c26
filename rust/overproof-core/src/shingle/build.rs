//! Shingle sets of a batch of texts.

use super::set::{ShingleSets, sum};
use super::sort::HashSorter;
use super::window::{Shape, Shingler};
use crate::error::{Error, Result};
use crate::exec::{Job, lock};
use crate::kernel::memory::{Part, Parts, ask_for_huge_pages, in_parts, with_huge_pages};
use crate::params::{Analyzer, ShingleParams};
use crate::text::Texts;
use crate::text::batch::MAX_TEXT;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Tokens that the user brings: row i is `offsets[i]..offsets[i + 1]`.
pub enum Tokens<'a> {
    /// 64-bit ids.
    Ids(&'a [u64]),
    /// Strings.
    Strings(Texts<'a>),
}

/// Sets of rows that follow each other.
#[derive(Default)]
struct Made {
    hashes: Vec<u64>,
    counts: Vec<u32>,
    /// The size of each row's set, the sum of its hashes, and the row's shape.
    rows: Vec<(usize, u64, Shape)>,
}

/// What a thread keeps from row to row.
struct Maker {
    shingler: Shingler,
    counts: bool,
    sorter: HashSorter,
    sorted: Vec<u64>,
}

impl Maker {
    /// Append the set of a row, whose hashes `shingle` gives.
    fn append(&mut self, shingle: impl for<'s> FnOnce(&'s mut Shingler) -> (&'s [u64], Shape), to: &mut Made) {
        let (hashes, shape) = shingle(&mut self.shingler);
        let before = to.hashes.len();
        if to.hashes.capacity() - before < hashes.len() {
            to.hashes.reserve(hashes.len());
            ask_for_huge_pages(&mut to.hashes);
        }
        if self.counts {
            self.sorter.sort(hashes, &mut self.sorted);
            for run in self.sorted.chunk_by(|a, b| a == b) {
                to.hashes.push(run[0]);
                to.counts.push(run.len() as u32);
            }
        } else {
            self.sorter.append_set(hashes, &mut self.sorted, &mut to.hashes);
        }
        to.rows.push((to.hashes.len() - before, sum(&to.hashes[before..]), shape));
    }
}

/// Blocks of rows on their way to one place, in order of rows. Room is there for about as much as will come; who
/// brings the next block copies it, and those that waited for it, outside the lock.
struct Gathered<'r> {
    hashes: Parts<'r, u64>,
    counts: Parts<'r, u32>,
    rows: Vec<(usize, u64, Shape)>,
    /// By first row.
    waiting: BTreeMap<usize, Made>,
    /// From the first block on that found no room.
    late: Vec<Made>,
    idle: Vec<Made>,
}

/// The place of a block's hashes and counts, and the block.
type Placed<'r> = (Part<'r, u64>, Part<'r, u32>, Made);

impl<'r> Gathered<'r> {
    /// Take a block; what can be copied now.
    fn take(&mut self, first: usize, block: Made) -> Vec<Placed<'r>> {
        self.waiting.insert(first, block);
        let mut ready = Vec::new();
        while let Some(block) = self.waiting.remove(&self.rows.len()) {
            self.rows.extend_from_slice(&block.rows);
            let (hashes, counts) = (block.hashes.len(), block.counts.len());
            let fits = hashes <= self.hashes.left() && counts <= self.counts.left();
            let place = || self.hashes.part(hashes).zip(self.counts.part(counts));
            match (self.late.is_empty() && fits).then(place).flatten() {
                Some((hashes, counts)) => ready.push((hashes, counts, block)),
                None => self.late.push(block),
            }
        }
        ready
    }
}

/// The sets of `missing.len()` rows, whose hashes `shingle` gives.
///
/// One thread writes them where they stay; several make blocks that are copied there while they are in the cache. There is
/// room for `about` hashes from the start: memory that grows is paid for more than once.
fn sets(
    missing: Vec<bool>,
    params: &ShingleParams,
    counts: bool,
    job: &Job<'_>,
    about: usize,
    weight: impl Fn(usize) -> usize,
    shingle: impl for<'s> Fn(usize, &'s mut Shingler) -> (&'s [u64], Shape) + Sync,
) -> Result<ShingleSets> {
    let maker = || Maker { shingler: Shingler::new(params), counts, sorter: HashSorter::default(), sorted: Vec::new() };
    let make = |maker: &mut Maker, rows: Range<usize>, to: &mut Made| {
        for row in rows {
            maker.append(|shingler| shingle(row, shingler), to);
        }
    };
    let mut made = if job.threads() == 1 {
        let all = Mutex::new(Made { hashes: with_huge_pages(about), ..Made::default() });
        job.in_order(missing.len(), weight, maker, |maker, rows| make(maker, rows, &mut lock(&all)))?;
        all.into_inner().unwrap_or_else(PoisonError::into_inner)
    } else {
        let (mut hashes, mut counted) = (with_huge_pages(about), with_huge_pages(if counts { about } else { 0 }));
        let gather = |hashes: Parts<'_, u64>, counts: Parts<'_, u32>| {
            let gathered = Mutex::new(Gathered {
                hashes,
                counts,
                rows: Vec::with_capacity(missing.len()),
                waiting: BTreeMap::new(),
                late: Vec::new(),
                idle: Vec::new(),
            });
            job.in_order(missing.len(), &weight, maker, |maker, rows| {
                let mut block = lock(&gathered).idle.pop().unwrap_or_default();
                let first = rows.start;
                make(maker, rows, &mut block);
                let ready = lock(&gathered).take(first, block);
                for (hashes, counts, mut block) in ready {
                    hashes.copy(&block.hashes);
                    counts.copy(&block.counts);
                    block.hashes.clear();
                    block.counts.clear();
                    block.rows.clear();
                    lock(&gathered).idle.push(block);
                }
            })?;
            let Gathered { rows, late, .. } = gathered.into_inner().unwrap_or_else(PoisonError::into_inner);
            Ok((rows, late))
        };
        let (rows, late) = in_parts(&mut hashes, |hashes| in_parts(&mut counted, |counts| gather(hashes, counts)))?;
        hashes.reserve(late.iter().map(|block| block.hashes.len()).sum());
        for block in late {
            hashes.extend_from_slice(&block.hashes);
            counted.extend_from_slice(&block.counts);
        }
        Made { hashes, counts: counted, rows }
    };
    // Room that was never touched costs little, and memory given back whole comes back without new pages.
    if made.hashes.len() < made.hashes.capacity() / 2 {
        made.hashes.shrink_to_fit();
    }
    let ends = made.rows.iter().scan(0, |end, (size, _, _)| {
        *end += *size as i64;
        Some(*end)
    });
    let shapes = || made.rows.iter().map(|(_, _, shape)| shape);
    Ok(ShingleSets {
        indptr: std::iter::once(0).chain(ends).collect(),
        short: shapes().map(|s| s.short).collect(),
        tokens: shapes().map(|s| s.tokens).collect(),
        singles: shapes().map(|s| s.singles).collect(),
        numbers: shapes().map(|s| s.numbers).collect(),
        sums: made.rows.iter().map(|(_, sum, _)| *sum).collect(),
        hashes: made.hashes,
        counts: counts.then_some(made.counts),
        missing,
        params: Some(params.clone()),
        fingerprint: params.fingerprint(),
    })
}

/// The sets of `texts`; missing texts give empty rows that are marked. O(bytes + shingles log shingles).
pub fn from_texts(texts: Texts<'_>, params: &ShingleParams, counts: bool, job: &Job<'_>) -> Result<ShingleSets> {
    let made = of_texts(texts, params, counts, false, job)?;
    Ok(ShingleSets { numbers: Vec::new(), ..made })
}

/// [`from_texts`], and the rows are marked that `number_shingles` must look at.
pub fn from_texts_marking_numbers(texts: Texts<'_>, params: &ShingleParams, job: &Job<'_>) -> Result<ShingleSets> {
    of_texts(texts, params, false, true, job)
}

fn of_texts(
    texts: Texts<'_>,
    params: &ShingleParams,
    counts: bool,
    numbers: bool,
    job: &Job<'_>,
) -> Result<ShingleSets> {
    if let Some(row) = texts.iter().position(|t| t.is_some_and(|t| t.len() > MAX_TEXT)) {
        return Err(Error::input(format!("row {row}: a text may not exceed {MAX_TEXT} bytes")));
    }
    let missing = texts.iter().map(Option::is_none).collect();
    let weight = |i: usize| texts[i].map_or(0, str::len);
    // A word and what parts it from the next take some six bytes.
    let of_token = if params.analyzer == Analyzer::Word { 6 } else { 1 };
    let about = (0..texts.len()).map(weight).sum::<usize>() / of_token * params.n.len();
    sets(missing, params, counts, job, about, weight, |i, shingler| {
        let text = texts[i].unwrap_or_default();
        if counts { shingler.text(text) } else { shingler.set(text, numbers) }
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::pool;
    use crate::params::Normalization;
    use std::sync::atomic::AtomicBool;

    /// Blocks of many sizes, of one-letter words: several times as many hashes as there is room for.
    #[test]
    fn threads_gather_what_one_makes() -> Result<()> {
        let params = ShingleParams::new(vec![1, 2], Analyzer::Word, Normalization::parse("none")?, 0)?;
        let text = |i: usize| (0..i * 37 % 4001).map(|k| ['a', 'b', ' ', 'd', ' '][(i * k) % 5]).collect::<String>();
        for spread in [|text: String| text, |text: String| text.chars().flat_map(|c| [c, ' ']).collect()] {
            let texts: Vec<String> = (0..1000).map(|i| spread(text(i))).collect();
            let views: Vec<Option<&str>> = texts.iter().map(|text| Some(&**text)).collect();
            for counts in [false, true] {
                let alone = from_texts(&views, &params, counts, &Job::inline())?;
                let (three, cancel) = (pool(3)?, AtomicBool::new(false));
                let together = from_texts(&views, &params, counts, &Job::watched(Some(&three), &cancel, &|| ()))?;
                assert!(together.hashes == alone.hashes && together.counts == alone.counts);
                assert!(together.indptr == alone.indptr && together.tokens == alone.tokens);
                assert!(together.sums == alone.sums && together.numbers.is_empty());
            }
            let alone = from_texts_marking_numbers(&views, &params, &Job::inline())?;
            let (three, cancel) = (pool(3)?, AtomicBool::new(false));
            let together = from_texts_marking_numbers(&views, &params, &Job::watched(Some(&three), &cancel, &|| ()))?;
            assert!(together.numbers == alone.numbers && together.numbers.len() == views.len());
        }
        Ok(())
    }
}
