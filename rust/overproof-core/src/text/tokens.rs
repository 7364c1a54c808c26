//! The tokens of many texts, as flat columns.

use super::batch::{TextColumn, Texts};
use super::normalize::normalize;
use super::tokenize::mapped;
use crate::error::Result;
use crate::exec::Job;
use crate::params::{Analyzer, Normalization};

/// Tokens of a batch: the tokens of text i are `indptr[i]..indptr[i + 1]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenTable {
    /// Row boundaries.
    pub indptr: Vec<i64>,
    /// Normalised bytes of all tokens, one after the other.
    pub data: Vec<u8>,
    /// Boundaries of the tokens in `data`, one more than tokens.
    pub offsets: Vec<i64>,
    /// First byte of each token in its original text.
    pub start: Vec<u32>,
    /// One past the last byte of each token in its original text.
    pub end: Vec<u32>,
    /// Single characters of scripts without spaces.
    pub single: Vec<bool>,
}

/// Tokens of `texts` with their places in the original; missing texts have none.
pub fn tokenize(texts: Texts<'_>, analyzer: &Analyzer, how: Normalization, job: &Job<'_>) -> Result<TokenTable> {
    let parts = job.chunks(
        texts.len(),
        |i| texts[i].map_or(0, str::len),
        |rows| Ok(texts[rows].iter().map(|t| mapped(t.unwrap_or_default(), analyzer, how)).collect::<Vec<_>>()),
    )?;
    let mut out = TokenTable { indptr: vec![0], offsets: vec![0], ..TokenTable::default() };
    for text in parts.into_iter().flatten() {
        for i in 0..text.len() {
            out.data.extend_from_slice(text.token(i));
            out.offsets.push(out.data.len() as i64);
            out.start.push(text.source[i].0);
            out.end.push(text.source[i].1);
        }
        out.single.extend_from_slice(&text.single);
        out.indptr.push(out.start.len() as i64);
    }
    Ok(out)
}

/// The normalised texts; missing ones stay missing.
pub fn normalize_texts(texts: Texts<'_>, how: Normalization, job: &Job<'_>) -> Result<TextColumn> {
    let parts = job.chunks(
        texts.len(),
        |i| texts[i].map_or(0, str::len),
        |rows| {
            let mut part = TextColumn::new();
            for text in &texts[rows] {
                let normal = text.map(|t| normalize(t, how, 0).iter().map(|p| p.c).collect::<String>());
                part.push(normal.as_deref())?;
            }
            Ok(part)
        },
    )?;
    let mut out = TextColumn::new();
    parts.iter().try_for_each(|part| out.extend(part))?;
    Ok(out)
}
