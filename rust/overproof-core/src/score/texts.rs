//! Common spans of pairs of texts, with their places in the original texts.

use super::check_rows;
use super::ngrams::{Grams, NgramMatch, mask_tokens, masks, ngram_match};
use super::spans::{Interner, common_spans};
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::params::{Analyzer, Normalization, fingerprint};
use crate::text::Texts;
use crate::text::tokenize::{MappedTokens, code_points, mapped};

/// What counts as a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanParams {
    /// Least length in tokens; single-character tokens count 1/2.
    pub min_tokens: u32,
    /// Tokens in an n-gram of so many tokens that the row's mask also holds match nothing.
    pub mask_n: usize,
    /// What a token is: `Word`, `Char` or `Byte`.
    pub analyzer: Analyzer,
    /// How texts are normalised first.
    pub normalization: Normalization,
}

impl SpanParams {
    /// Check and build.
    pub fn new(min_tokens: u32, mask_n: usize, analyzer: Analyzer, normalization: Normalization) -> Result<Self> {
        if min_tokens == 0 {
            return Err(Error::input("min_tokens=0: a span has at least one token"));
        }
        if mask_n == 0 {
            return Err(Error::input("mask_n=0: an n-gram has at least one token"));
        }
        if matches!(analyzer, Analyzer::Tokens | Analyzer::Named(_)) {
            return Err(Error::input(format!(
                "analyzer={:?}: spans have places in a text; give word, char or byte",
                analyzer.to_string()
            )));
        }
        Ok(SpanParams { min_tokens, mask_n, analyzer, normalization })
    }

    /// The canonical ASCII parameter string.
    pub fn canonical(&self) -> String {
        format!(
            "overproof;spans=maximal;min_tokens={};mask_n={};analyzer={};normalization={};unicode={}",
            self.min_tokens,
            self.mask_n,
            self.analyzer,
            self.normalization,
            crate::text::UNICODE_VERSION
        )
    }

    /// The fingerprint of [`SpanParams::canonical`].
    pub fn fingerprint(&self) -> u64 {
        fingerprint(&self.canonical())
    }
}

/// Where spans stand in the texts of one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// First byte.
    pub start: Vec<i64>,
    /// One past the last byte.
    pub end: Vec<i64>,
    /// First code point.
    pub start_char: Vec<i64>,
    /// One past the last code point.
    pub end_char: Vec<i64>,
}

impl Places {
    /// Add the bytes of tokens `[first, first + len)`: from their smallest start to their largest end.
    fn push(&mut self, tokens: &MappedTokens, first: u32, len: u32) {
        let source = &tokens.source[first as usize..(first + len) as usize];
        self.start.push(source.iter().map(|s| i64::from(s.0)).min().unwrap_or(0));
        self.end.push(source.iter().map(|s| i64::from(s.1)).max().unwrap_or(0));
    }

    /// Add the code-point offsets of all byte offsets that have none yet; they are of `text`.
    fn count(&mut self, text: &str) {
        let done = self.start_char.len();
        let (starts, ends) = (&self.start[done..], &self.end[done..]);
        let mut bytes: Vec<u32> = starts.iter().chain(ends).map(|at| *at as u32).collect();
        bytes.sort_unstable();
        bytes.dedup();
        let chars = code_points(text, &bytes);
        let char_at = |at: &i64| bytes.binary_search(&(*at as u32)).map_or(0, |i| i64::from(chars[i]));
        self.start_char.extend(starts.iter().map(char_at));
        self.end_char.extend(ends.iter().map(char_at));
    }

    fn append(&mut self, mut other: Places) {
        self.start.append(&mut other.start);
        self.end.append(&mut other.end);
        self.start_char.append(&mut other.start_char);
        self.end_char.append(&mut other.end_char);
    }
}

/// Spans of many pairs of texts as columns, in order of pairs, then of their places on the left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanColumns {
    /// Which pair.
    pub row: Vec<i64>,
    /// In the text of the left side.
    pub left: Places,
    /// In the text of the right side.
    pub right: Places,
    /// Length in tokens.
    pub tokens: Vec<i32>,
}

impl SpanColumns {
    /// Number of spans.
    pub fn len(&self) -> usize {
        self.row.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.row.is_empty()
    }

    /// All int64 columns, by name.
    pub fn wide(&self) -> [(&'static str, &Vec<i64>); 9] {
        [
            ("row", &self.row),
            ("left_start", &self.left.start),
            ("left_end", &self.left.end),
            ("right_start", &self.right.start),
            ("right_end", &self.right.end),
            ("left_start_char", &self.left.start_char),
            ("left_end_char", &self.left.end_char),
            ("right_start_char", &self.right.start_char),
            ("right_end_char", &self.right.end_char),
        ]
    }

    fn push_pair(&mut self, row: usize, a: &str, b: &str, mask: Option<&str>, params: &SpanParams) {
        let read = |text| mapped(text, &params.analyzer, params.normalization);
        let (left, right, mask) = (read(a), read(b), mask.map(read));
        let mut interner = Interner::new();
        let mut ids = [&left, &right].map(|tokens| interner.ids((0..tokens.len()).map(|i| tokens.token(i))));
        if let Some(mask) = &mask {
            let mask = interner.ids((0..mask.len()).map(|i| mask.token(i)));
            let hidden: Grams<'_> = masks(&mask, params.mask_n);
            ids = ids.map(|ids| mask_tokens(&ids, &hidden));
        }
        for span in common_spans(&ids[0], &ids[1], &left.single, params.min_tokens, None) {
            self.row.push(row as i64);
            self.left.push(&left, span.a_start, span.len);
            self.right.push(&right, span.b_start, span.len);
            self.tokens.push(span.len as i32);
        }
        self.left.count(a);
        self.right.count(b);
    }

    fn append(&mut self, mut other: SpanColumns) {
        self.row.append(&mut other.row);
        self.left.append(other.left);
        self.right.append(other.right);
        self.tokens.append(&mut other.tokens);
    }
}

/// The maximal common spans of text i of a and text i of b; pairs with a missing text have none.
///
/// Cost O(bytes of both texts, and of the mask). A missing mask masks nothing.
pub fn text_spans(
    job: &Job<'_>,
    a: Texts<'_>,
    b: Texts<'_>,
    masks: Option<Texts<'_>>,
    params: &SpanParams,
) -> Result<SpanColumns> {
    check_masks(a, b, masks)?;
    let mask = |i: usize| masks.and_then(|masks| masks[i]);
    let parts = job.chunks(a.len(), pair_weight(a, b, masks), |rows| {
        let mut columns = SpanColumns::default();
        for i in rows {
            if let (Some(left), Some(right)) = (a[i], b[i]) {
                columns.push_pair(i, left, right, mask(i), params);
            }
        }
        Ok(columns)
    })?;
    let mut columns = SpanColumns::default();
    parts.into_iter().for_each(|part| columns.append(part));
    Ok(columns)
}

/// What text i of a shares with text i of b in n-grams, on the exact tokens; `None` where a text is missing.
///
/// N-grams that row i of `masks` also holds are left out of both. Cost O(bytes of both texts and of the mask).
pub fn text_ngrams(
    job: &Job<'_>,
    a: Texts<'_>,
    b: Texts<'_>,
    masks: Option<Texts<'_>>,
    params: &SpanParams,
) -> Result<Vec<Option<NgramMatch>>> {
    check_masks(a, b, masks)?;
    let parts = job.chunks(a.len(), pair_weight(a, b, masks), |rows| {
        let of_row = |i: usize| Some(ngrams_of_pair(a[i]?, b[i]?, masks.and_then(|m| m[i]), params));
        Ok(rows.map(of_row).collect::<Vec<_>>())
    })?;
    Ok(parts.concat())
}

fn ngrams_of_pair(a: &str, b: &str, mask: Option<&str>, params: &SpanParams) -> NgramMatch {
    let read = |text| mapped(text, &params.analyzer, params.normalization);
    let (left, right, mask) = (read(a), read(b), mask.map(read).unwrap_or_default());
    let mut interner = Interner::new();
    let [left, right, mask] = [&left, &right, &mask].map(|t| interner.ids((0..t.len()).map(|i| t.token(i))));
    ngram_match(&left, &right, params.mask_n, &masks(&mask, params.mask_n))
}

fn check_masks(a: Texts<'_>, b: Texts<'_>, masks: Option<Texts<'_>>) -> Result<()> {
    check_rows(a.len(), b.len())?;
    match masks.filter(|masks| masks.len() != a.len()) {
        None => Ok(()),
        Some(masks) => {
            Err(Error::input(format!("masks has {} rows and a has {}: give one mask a pair", masks.len(), a.len())))
        }
    }
}

/// Work of a pair: a byte costs some 40 times what a byte of plain work costs.
fn pair_weight(a: Texts<'_>, b: Texts<'_>, masks: Option<Texts<'_>>) -> impl Fn(usize) -> usize {
    let size = |text: Option<&str>| text.map_or(0, str::len);
    move |i| 40 * (size(a[i]) + size(b[i]) + size(masks.and_then(|masks| masks[i])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(min_tokens: u32, mask_n: usize) -> Result<SpanParams> {
        SpanParams::new(min_tokens, mask_n, Analyzer::Word, Normalization::parse("nfkc_casefold")?)
    }

    #[test]
    fn spans_point_into_the_original_texts() -> Result<()> {
        let suspect = "So: the CAT sat on a mat, cafe\u{301} noir.";
        let served = "The cat sat on the mat. Caf\u{e9} noir!";
        let (a, b) = ([None, Some(suspect)], [Some(served), Some(served)]);
        let found = text_spans(&Job::inline(), &a, &b, None, &params(3, 5)?)?;
        assert_eq!((found.row, found.tokens), (vec![1, 1], vec![4, 3]));
        let slices = |text: &'static str, places: &Places| -> Vec<&str> {
            places.start.iter().zip(&places.end).map(|(s, e)| &text[*s as usize..*e as usize]).collect()
        };
        assert_eq!(slices(suspect, &found.left), ["the CAT sat on", "mat, cafe\u{301} noir"]);
        assert_eq!(slices(served, &found.right), ["The cat sat on", "mat. Caf\u{e9} noir"]);
        assert_eq!((found.left.start_char, found.left.end_char), (vec![4, 21], vec![18, 36]));
        Ok(())
    }

    #[test]
    fn a_masked_ngram_matches_on_neither_side() -> Result<()> {
        let (a, b) = ([Some("x one two three four")], [Some("one two three four")]);
        let run = |mask| -> Result<Vec<i32>> {
            Ok(text_spans(&Job::inline(), &a, &b, Some(&[mask]), &params(1, 2)?)?.tokens)
        };
        assert_eq!(run(None)?, [4]);
        assert_eq!(run(Some("say ONE, two"))?, [2]);
        assert_eq!(run(Some("one"))?, [4]);
        Ok(())
    }

    #[test]
    fn what_has_no_spans_is_refused() -> Result<()> {
        let (job, how) = (Job::inline(), params(1, 5)?);
        assert!(text_spans(&job, &[None], &[], None, &how).is_err());
        assert!(text_spans(&job, &[None], &[None], Some(&[]), &how).is_err());
        assert!(params(0, 5).is_err() && params(5, 0).is_err());
        assert!(SpanParams::new(1, 1, Analyzer::Tokens, Normalization::parse("none")?).is_err());
        Ok(())
    }
}
