//! Shingle sets of a batch of texts.

use super::set::ShingleSets;
use super::sort::HashSorter;
use super::window::{Shape, Shingler};
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::params::ShingleParams;
use crate::text::Texts;
use crate::text::batch::MAX_TEXT;

/// Tokens that the user brings: row i is `offsets[i]..offsets[i + 1]`.
pub enum Tokens<'a> {
    /// 64-bit ids.
    Ids(&'a [u64]),
    /// Strings.
    Strings(Texts<'a>),
}

/// The sets of some rows, before they are joined with the others'.
struct Part {
    lengths: Vec<usize>,
    hashes: Vec<u64>,
    counts: Vec<u32>,
    shapes: Vec<Shape>,
    sorter: HashSorter,
    sorted: Vec<u64>,
}

impl Part {
    fn new() -> Self {
        Part {
            lengths: Vec::new(),
            hashes: Vec::new(),
            counts: Vec::new(),
            shapes: Vec::new(),
            sorter: HashSorter::default(),
            sorted: Vec::new(),
        }
    }

    fn push(&mut self, hashes: &[u64], shape: Shape, counts: bool) {
        let sorted = &mut self.sorted;
        let before = self.hashes.len();
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
}

/// The sets of `texts`; missing texts give empty rows that are marked. O(bytes + shingles log shingles).
pub fn from_texts(texts: Texts<'_>, params: &ShingleParams, counts: bool, job: &Job<'_>) -> Result<ShingleSets> {
    if let Some(row) = texts.iter().position(|t| t.is_some_and(|t| t.len() > MAX_TEXT)) {
        return Err(Error::input(format!("row {row}: a text may not exceed {MAX_TEXT} bytes")));
    }
    let parts = job.chunks(
        texts.len(),
        |i| texts[i].map_or(0, str::len),
        |rows| {
            let (mut part, mut shingler) = (Part::new(), Shingler::new(params));
            for text in &texts[rows] {
                let (hashes, shape) = shingler.text(text.unwrap_or_default());
                part.push(hashes, shape, counts);
            }
            Ok(part)
        },
    )?;
    Ok(join(parts, texts.iter().map(Option::is_none).collect(), params, counts))
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
    let rows = offsets.len() - 1;
    let parts = job.chunks(
        rows,
        |i| 8 * (offsets[i + 1] - offsets[i]) as usize,
        |rows| {
            let (mut part, mut shingler) = (Part::new(), Shingler::new(params));
            for row in rows {
                let range = offsets[row] as usize..offsets[row + 1] as usize;
                let (hashes, shape) = match tokens {
                    Tokens::Ids(ids) => shingler.ids(&ids[range]),
                    Tokens::Strings(texts) => shingler.tokens(texts[range].iter().flatten().map(|t| t.as_bytes())),
                };
                part.push(hashes, shape, counts);
            }
            Ok(part)
        },
    )?;
    Ok(join(parts, missing, params, counts))
}

fn join(parts: Vec<Part>, missing: Vec<bool>, params: &ShingleParams, counts: bool) -> ShingleSets {
    let total = parts.iter().map(|p| p.hashes.len()).sum();
    let mut out = ShingleSets {
        indptr: Vec::with_capacity(missing.len() + 1),
        hashes: Vec::with_capacity(total),
        counts: counts.then(|| Vec::with_capacity(total)),
        short: Vec::with_capacity(missing.len()),
        missing,
        tokens: Vec::new(),
        singles: Vec::new(),
        params: Some(params.clone()),
        fingerprint: params.fingerprint(),
    };
    out.indptr.push(0);
    let mut end = 0;
    for part in parts {
        for length in part.lengths {
            end += length as i64;
            out.indptr.push(end);
        }
        out.hashes.extend_from_slice(&part.hashes);
        if let Some(counts) = &mut out.counts {
            counts.extend_from_slice(&part.counts);
        }
        out.short.extend(part.shapes.iter().map(|s| s.short));
        out.tokens.extend(part.shapes.iter().map(|s| s.tokens));
        out.singles.extend(part.shapes.iter().map(|s| s.singles));
    }
    out
}
