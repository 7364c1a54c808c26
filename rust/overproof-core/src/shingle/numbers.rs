//! Shingles of numbers only: series, tables and lists of figures that anybody writes alike.

use super::hash::{Seeds, fin, polynomial};
use super::set::ShingleSets;
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::kernel::{self, Level};
use crate::params::{Analyzer, ShingleParams};
use crate::text::Texts;
use crate::text::fast::Canonicalizer;
use crate::text::lists::without_markers;

/// The hashes of all shingles of `texts` whose tokens are ASCII digits after normalisation, ascending, each once.
///
/// With `both_lists` of both forms of a text. Tokens that the user brings are never numbers. Of texts whose sets are given
/// only the rows that `ShingleSets::numbers` marks are looked at; sets that do not say change nothing. O(bytes).
pub fn number_shingles(
    texts: Texts<'_>,
    sets: Option<&ShingleSets>,
    params: &ShingleParams,
    job: &Job<'_>,
) -> Result<Vec<u64>> {
    if sets.is_some_and(|sets| sets.params.as_ref() != Some(params)) {
        return Err(Error::input("sets must be those of the texts, under the same parameters"));
    }
    if sets.is_some_and(|sets| sets.len() != texts.len()) {
        return Err(Error::input("there must be one set for each text"));
    }
    let marked = sets.map(|sets| sets.numbers.as_slice()).filter(|marked| !marked.is_empty());
    let text = |row: usize| texts[row].filter(|_| marked.is_none_or(|marked| marked[row]));
    let parts = job.chunks(
        texts.len(),
        |row| text(row).map_or(1, str::len),
        |rows| {
            let mut finder = Finder::new(params);
            rows.filter_map(text).for_each(|text| finder.text(text));
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
    level: Level,
    canonicalizer: std::sync::Arc<Canonicalizer>,
    canon: Vec<u8>,
    found: Vec<u64>,
}

impl<'p> Finder<'p> {
    fn new(params: &'p ShingleParams) -> Self {
        Finder {
            params,
            seeds: Seeds::new(params.seed),
            level: kernel::any_level(),
            canonicalizer: Canonicalizer::of(params.normalization),
            canon: Vec::new(),
            found: Vec::new(),
        }
    }

    fn text(&mut self, text: &str) {
        let words = self.params.analyzer == Analyzer::Word;
        if words && text.is_ascii() && !self.may_hold(text.as_bytes()) {
            return;
        }
        let before = self.found.len();
        self.form(text);
        // Markers are numbers too: words that stand in a row without them stand in a row with them.
        if self.params.both_lists
            && (!words || self.found.len() > before)
            && let Some(plain) = without_markers(text)
        {
            self.form(&plain);
        }
    }

    /// Whether there may be numbers enough in a row, or the text itself may be a short one.
    fn may_hold(&self, words: &[u8]) -> bool {
        kernel::may_hold_numbers(self.level, words, self.params.smallest())
    }

    fn form(&mut self, text: &str) {
        self.canon.clear();
        match self.params.analyzer {
            Analyzer::Word => {
                self.canonicalizer.words(text, &mut self.canon);
                if !self.may_hold(&self.canon) {
                    return;
                }
                let hash = |w: &[u64], term: u64| fin(polynomial(w).wrapping_add(term));
                let (mut run, mut tokens) = (Vec::new(), 0);
                for token in self.canon.split(|b| *b == b' ').filter(|token| !token.is_empty()) {
                    tokens += 1;
                    if number(token) {
                        run.push(self.seeds.token(token));
                    } else {
                        add(self.params, &self.seeds, &run, tokens, hash, &mut self.found);
                        run.clear();
                    }
                }
                add(self.params, &self.seeds, &run, tokens, hash, &mut self.found);
            }
            Analyzer::Char | Analyzer::Byte => {
                self.canonicalizer.full(text, &mut self.canon);
                // A run that is not the whole text is never taken for a short one, so bytes may stand for code points.
                for run in
                    self.canon.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()).filter(|run| number(run))
                {
                    let hash = |w: &[u8], term: u64| fin(self.seeds.window_bytes(w).wrapping_add(term));
                    add(self.params, &self.seeds, run, self.canon.len(), hash, &mut self.found);
                }
            }
            Analyzer::Tokens | Analyzer::Named(_) => {}
        }
    }
}

fn number(token: &[u8]) -> bool {
    token.iter().all(u8::is_ascii_digit)
}

/// Append the shingles that lie inside `run`, a part of a text of at least `tokens` tokens, or of just so many at its end.
fn add<T>(
    params: &ShingleParams,
    seeds: &Seeds,
    run: &[T],
    tokens: usize,
    hash: impl Fn(&[T], u64) -> u64,
    found: &mut Vec<u64>,
) {
    if (1..params.smallest()).contains(&tokens) && run.len() == tokens {
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
    use crate::shingle::build::from_texts_marking_numbers;
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
            how in proptest::sample::select(vec!["nfkc_casefold", "none+whitespace"]),
        ) {
            let text = text.concat();
            let how = Normalization::parse(how)?;
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
                let texts = [Some(text.as_str()), None];
                let found = number_shingles(&texts, None, &params, &Job::inline())?;
                prop_assert_eq!(&found, &want.into_iter().collect::<Vec<_>>(), "{:?} {:?}", analyzer, text);
                let sets = from_texts_marking_numbers(&texts, &params, &Job::inline())?;
                let of_marked = number_shingles(&texts, Some(&sets), &params, &Job::inline())?;
                prop_assert_eq!(of_marked, found, "{:?} {:?}", analyzer, text);
            }
        }
    }
}
