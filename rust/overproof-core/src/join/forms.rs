//! Texts as verification reads them: tokens with their places and the hashes of n-grams, in buffers that are kept.

use crate::kernel::{self, Level};
use crate::params::{Analyzer, ShingleParams};
use crate::shingle::hash::Seeds;
use crate::shingle::window::{mapped_windows, mapped_words};
use crate::text::fast::Canonicalizer;
use crate::text::lists::without_markers;
use crate::text::tokenize::{MappedTokens, mapped};
use std::sync::Arc;

/// Bytes of an ASCII text that the kernels take at once.
const SHORT: usize = 1 << 14;

/// A text as it is, and without its list markers where the parameters ask for both.
#[derive(Default)]
pub(super) struct Text {
    forms: [Form; 2],
    count: usize,
    /// Whether each byte is a code point.
    pub ascii: bool,
}

impl Text {
    /// One form or two.
    pub fn forms(&self) -> &[Form] {
        &self.forms[..self.count]
    }
}

/// One form of a text.
#[derive(Default)]
pub(super) struct Form {
    pub tokens: MappedTokens,
    /// The hash of each n-gram.
    pub hashes: Vec<u64>,
}

impl Form {
    /// Tokens of its n-grams: n, or all of a shorter text.
    pub fn width(&self, n: usize) -> usize {
        n.min(self.tokens.len())
    }
}

/// Reads one text after the other.
pub(super) struct Reader<'p> {
    params: &'p ShingleParams,
    n: usize,
    seeds: Seeds,
    level: Level,
    canonicalizer: Arc<Canonicalizer>,
    edges: Vec<u16>,
    values: Vec<u64>,
}

impl<'p> Reader<'p> {
    /// Of texts under `params`, with the n-grams of their smallest width.
    pub fn new(params: &'p ShingleParams) -> Self {
        Reader {
            params,
            n: params.smallest(),
            seeds: Seeds::new(params.seed),
            level: kernel::any_level(),
            canonicalizer: Canonicalizer::of(params.normalization),
            edges: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Read `text` in place of what `into` held.
    pub fn read(&mut self, text: &str, into: &mut Text) {
        (into.ascii, into.count) = (text.is_ascii(), 1);
        self.form(text, into.ascii, &mut into.forms[0]);
        if self.params.both_lists
            && let Some(plain) = without_markers(text)
        {
            self.form(&plain, into.ascii, &mut into.forms[1]);
            into.count = 2;
        }
    }

    fn form(&mut self, text: &str, ascii: bool, into: &mut Form) {
        let by_kernels = ascii && text.len() <= SHORT && self.params.analyzer == Analyzer::Word;
        if by_kernels && self.n <= kernel::WIDEST {
            self.words(text, into);
            if !into.hashes.is_empty() {
                return;
            }
        }
        into.tokens = mapped(text, &self.params.analyzer, self.params.normalization);
        into.hashes = match self.params.analyzer {
            Analyzer::Word => mapped_words(self.level, &self.seeds, &into.tokens, self.n),
            _ => mapped_windows(&self.seeds, &self.params.analyzer, &into.tokens, &[], self.n),
        };
    }

    /// The words of a short ASCII text and the hashes of their n-grams, none where there are fewer words. Each byte
    /// becomes one byte, so places in the normalised text are places in the original.
    fn words(&mut self, text: &str, into: &mut Form) {
        let tokens = &mut into.tokens;
        let mut canon = std::mem::take(&mut tokens.canon).into_bytes();
        canon.clear();
        self.canonicalizer.words(text, &mut canon);
        // Whole blocks, the last with spaces, so that the last word ends and vectors can be read where it starts.
        canon.resize((text.len() + 16).next_multiple_of(64), b' ');
        if self.edges.len() < canon.len() + kernel::SPARE {
            self.edges.resize(canon.len() + kernel::SPARE, 0);
        }
        let count = kernel::edges(self.level, &canon, false, &mut self.edges);
        let words = self.edges[..count].as_chunks::<2>().0;
        tokens.bounds.clear();
        tokens.bounds.extend(words.iter().map(|word| (u32::from(word[0]), u32::from(word[1]))));
        tokens.source.clone_from(&tokens.bounds);
        tokens.single.clear();
        tokens.single.resize(words.len(), false);
        self.values.clear();
        kernel::token_values(self.level, &self.seeds, &canon, words, &mut self.values);
        into.hashes.resize((words.len() + 1).saturating_sub(self.n), 0);
        if !into.hashes.is_empty() {
            let term = self.seeds.window_term(self.n);
            kernel::gram_hashes(self.level, &self.values, self.n, term, &mut into.hashes);
        }
        tokens.canon = String::from_utf8(canon).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Normalization;
    use crate::text::fast::tests::nasty;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn kept_buffers_change_nothing(
            texts in proptest::collection::vec(prop_oneof![nasty(), "([a-zA-Z]{1,20}[ ,.]{0,3}|[0-9]{1,3}[.)] ){0,40}"], 1..6),
            (n, how, analyzer) in (
                prop_oneof![1u8..8, Just(40)],
                proptest::sample::select(vec!["none", "nfkc_casefold", "nfc+digits+punctuation+whitespace"]),
                proptest::sample::select(vec![Analyzer::Word, Analyzer::Word, Analyzer::Char, Analyzer::Byte]),
            ),
            (both_lists, repeats) in (any::<bool>(), prop_oneof![9 => Just(1), 1 => Just(400)]),
        ) {
            let how = Normalization::parse(how)?;
            let params = ShingleParams { both_lists, ..ShingleParams::new(vec![n], analyzer.clone(), how, 7)? };
            let (mut reader, mut text) = (Reader::new(&params), Text::default());
            for given in texts {
                let given = given.repeat(repeats);
                reader.read(&given, &mut text);
                prop_assert_eq!(text.ascii, given.is_ascii());
                let plain = if both_lists { without_markers(&given) } else { None };
                let forms: Vec<&str> = std::iter::once(given.as_str()).chain(plain.as_deref()).collect();
                prop_assert_eq!(text.forms().len(), forms.len());
                for (form, given) in text.forms().iter().zip(forms) {
                    let tokens = mapped(given, &analyzer, how);
                    let values = crate::shingle::window::values(&reader.seeds, &tokens);
                    let hashes = mapped_windows(&reader.seeds, &analyzer, &tokens, &values, usize::from(n));
                    prop_assert_eq!(&form.hashes, &hashes);
                    prop_assert_eq!(&form.tokens.canon, &tokens.canon);
                    prop_assert_eq!(&form.tokens.bounds, &tokens.bounds);
                    prop_assert_eq!(&form.tokens.source, &tokens.source);
                    prop_assert_eq!(&form.tokens.single, &tokens.single);
                }
            }
        }
    }
}
