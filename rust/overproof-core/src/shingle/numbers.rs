//! Shingles of numbers only: series, tables and lists of figures that anybody writes alike.

use super::hash::{Seeds, fin, polynomial};
use crate::error::Result;
use crate::exec::Job;
use crate::params::{Analyzer, ShingleParams};
use crate::text::Texts;
use crate::text::fast::Canonicalizer;
use crate::text::lists::without_markers;

/// The hashes of all shingles of `texts` whose tokens are ASCII digits after normalisation, ascending, each once.
///
/// With `both_lists` of both forms of a text. Tokens that the user brings are never numbers. O(bytes).
pub fn number_shingles(texts: Texts<'_>, params: &ShingleParams, job: &Job<'_>) -> Result<Vec<u64>> {
    let parts = job.chunks(
        texts.len(),
        |i| texts[i].map_or(0, str::len),
        |rows| {
            let mut finder = Finder::new(params);
            texts[rows].iter().flatten().for_each(|text| finder.text(text));
            Ok(finder.found)
        },
    )?;
    let mut out = parts.concat();
    out.sort_unstable();
    out.dedup();
    Ok(out)
}

struct Finder<'p> {
    params: &'p ShingleParams,
    seeds: Seeds,
    canonicalizer: std::sync::Arc<Canonicalizer>,
    canon: Vec<u8>,
    found: Vec<u64>,
}

impl<'p> Finder<'p> {
    fn new(params: &'p ShingleParams) -> Self {
        Finder {
            params,
            seeds: Seeds::new(params.seed),
            canonicalizer: Canonicalizer::of(params.normalization),
            canon: Vec::new(),
            found: Vec::new(),
        }
    }

    fn text(&mut self, text: &str) {
        if self.params.analyzer == Analyzer::Word && text.is_ascii() && self.is_without(text.as_bytes()) {
            return;
        }
        self.form(text);
        if self.params.both_lists
            && let Some(plain) = without_markers(text)
        {
            self.form(&plain);
        }
    }

    /// Whether words of these bytes can hold no shingle of digits: too few digits for a whole one, and letters, so that the
    /// text itself is no short one.
    fn is_without(&self, words: &[u8]) -> bool {
        words.iter().map(|b| usize::from(b.is_ascii_digit())).sum::<usize>() < self.params.smallest()
            && words.iter().any(u8::is_ascii_alphabetic)
    }

    fn form(&mut self, text: &str) {
        self.canon.clear();
        let digits = |token: &[u8]| token.iter().all(u8::is_ascii_digit);
        match self.params.analyzer {
            Analyzer::Word => {
                self.canonicalizer.words(text, &mut self.canon);
                if self.is_without(&self.canon) {
                    return;
                }
                let tokens: Vec<&[u8]> = self.canon.split(|b| *b == b' ').filter(|t| !t.is_empty()).collect();
                for run in tokens.chunk_by(|a, b| digits(a) == digits(b)).filter(|run| digits(run[0])) {
                    let values: Vec<u64> = run.iter().map(|t| self.seeds.token(t)).collect();
                    let hash = |w: &[u64], term: u64| fin(polynomial(w).wrapping_add(term));
                    add(self.params, &self.seeds, &values, tokens.len(), hash, &mut self.found);
                }
            }
            Analyzer::Char | Analyzer::Byte => {
                self.canonicalizer.full(text, &mut self.canon);
                // A run that is not the whole text is never taken for a short one, so bytes may stand for code points.
                for run in
                    self.canon.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()).filter(|run| digits(run))
                {
                    let hash = |w: &[u8], term: u64| fin(self.seeds.window_bytes(w).wrapping_add(term));
                    add(self.params, &self.seeds, run, self.canon.len(), hash, &mut self.found);
                }
            }
            Analyzer::Tokens | Analyzer::Named(_) => {}
        }
    }
}

/// Append the shingles that lie inside `run`, a part of a text of `tokens` tokens.
fn add<T>(
    params: &ShingleParams,
    seeds: &Seeds,
    run: &[T],
    tokens: usize,
    hash: impl Fn(&[T], u64) -> u64,
    found: &mut Vec<u64>,
) {
    if tokens < params.smallest() && run.len() == tokens {
        found.push(hash(run, seeds.short_term(tokens)));
    }
    for n in params.n.iter().map(|n| usize::from(*n)).filter(|n| *n <= run.len()) {
        found.extend(run.windows(n).map(|w| hash(w, seeds.window_term(n))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Normalization;
    use crate::shingle::window::{mapped_windows, values};
    use crate::text::tokenize::mapped;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn numbers_are_windows_of_digits(
            text in proptest::collection::vec(
                prop_oneof![Just("1. "), Just("2) "), Just("33 "), Just("４ "), Just("5"), Just("x "), Just("é3 "), Just("\n")], 0..24,
            ),
            n in 1u8..5,
            both in any::<bool>(),
        ) {
            let text = text.concat();
            let how = Normalization::parse("nfkc_casefold")?;
            for analyzer in [Analyzer::Word, Analyzer::Char, Analyzer::Byte] {
                let mut params = ShingleParams::new(vec![n], analyzer.clone(), how, 3)?;
                params.both_lists = both;
                let mut want = BTreeSet::new();
                let plain = if both { without_markers(&text) } else { None };
                for form in std::iter::once(text.as_str()).chain(plain.as_deref()) {
                    let tokens = mapped(form, &analyzer, how);
                    let width = usize::from(n).min(tokens.len());
                    let hashes = mapped_windows(&Seeds::new(3), &analyzer, &tokens, &values(&Seeds::new(3), &tokens), usize::from(n));
                    want.extend(hashes.iter().enumerate().filter(|(i, _)| {
                        (*i..i + width).all(|j| tokens.token(j).iter().all(u8::is_ascii_digit))
                    }).map(|(_, h)| *h));
                }
                let found = number_shingles(&[Some(text.as_str()), None], &params, &Job::inline())?;
                prop_assert_eq!(found, want.into_iter().collect::<Vec<_>>(), "{:?} {:?}", analyzer, text);
            }
        }
    }
}
