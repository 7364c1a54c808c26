//! From texts to shingle hashes, without a map and without sets: what every fused sketch eats.

use super::hash::{KP, Seeds, fin, polynomial};
use crate::kernel::{self, Level, count_bytes, first_bytes, leading_ascii};
use crate::params::{Analyzer, ShingleParams};
use crate::text::fast::Canonicalizer;
use crate::text::lists::{markers, without_markers};
use crate::text::tokenize::MappedTokens;
use std::sync::Arc;

/// What one text gave besides its hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Number of tokens.
    pub tokens: u32,
    /// Tokens that are single characters of scripts without spaces.
    pub singles: u32,
    /// Whether the text was shorter than the smallest width: one shingle of the whole text.
    pub short: bool,
    /// Whether shingles may be of numbers only: where not, somebody has looked.
    pub numbers: bool,
}

/// The hashes of one text. Room that was written once is not cleared before it is written again.
#[derive(Default)]
struct Hashes {
    room: Vec<u64>,
    len: usize,
}

impl Hashes {
    /// Room for `more` of them, to be filled.
    fn grow(&mut self, more: usize) -> &mut [u64] {
        let from = self.len;
        self.len += more;
        if self.room.len() < self.len {
            self.room.resize(self.len, 0);
        }
        &mut self.room[from..self.len]
    }

    fn push(&mut self, hash: u64) {
        self.grow(1).fill(hash);
    }

    fn as_slice(&self) -> &[u64] {
        &self.room[..self.len]
    }
}

/// Makes shingle hashes; keeps its buffers from text to text. One per thread.
pub struct Shingler {
    params: ShingleParams,
    seeds: Seeds,
    canonicalizer: Arc<Canonicalizer>,
    canon: Vec<u8>,
    tokens: Vec<u64>,
    edges: Vec<u16>,
    /// The values of the words that are no list markers, and how many of them come before each marker.
    kept: Vec<u64>,
    seams: Vec<usize>,
    hashes: Hashes,
    level: Level,
}

impl Shingler {
    /// For texts under `params`.
    pub fn new(params: &ShingleParams) -> Self {
        Shingler {
            params: params.clone(),
            seeds: Seeds::new(params.seed),
            canonicalizer: Canonicalizer::of(params.normalization),
            canon: Vec::new(),
            tokens: Vec::new(),
            edges: Vec::new(),
            kept: Vec::new(),
            seams: Vec::new(),
            hashes: Hashes::default(),
            level: kernel::any_level(),
        }
    }

    /// The shingle hashes of `text` in text order, repeats kept.
    pub fn text(&mut self, text: &str) -> (&[u64], Shape) {
        self.hashes.len = 0;
        let shape = self.append(text, false);
        if self.params.both_lists
            && let Some(plain) = without_markers(text)
        {
            self.append(&plain, false);
        }
        (self.hashes.as_slice(), shape)
    }

    /// What [`Self::text`] gives, in any order and with any repeats: for sets. Whether shingles may be of numbers only is
    /// looked at where `numbers` is asked for.
    pub fn set(&mut self, text: &str, numbers: bool) -> (&[u64], Shape) {
        self.hashes.len = 0;
        let shape = self.append(text, numbers);
        if self.params.both_lists
            && !self.append_across(text)
            && let Some(plain) = without_markers(text)
        {
            self.append(&plain, false);
        }
        (self.hashes.as_slice(), shape)
    }

    /// Append those shingles of `text` without its list markers that it has not as it is, which was appended last: windows
    /// of words on both sides of a marker. False, and nothing done, where it takes the whole text to know them.
    fn append_across(&mut self, text: &str) -> bool {
        let mut markers = markers(text).peekable();
        if markers.peek().is_none() {
            return true;
        }
        // The edges of the words are those of the original, all in one stretch.
        let by_edges = text.len() + 2 * kernel::SPARE <= STRETCH && kernel::is_ascii(self.level, text.as_bytes());
        if !by_edges
            || self.params.analyzer != Analyzer::Word
            || self.params.n.iter().any(|n| usize::from(*n) > kernel::WIDEST)
        {
            return false;
        }
        let words = &self.edges.as_chunks::<2>().0[..self.tokens.len()];
        self.kept.clear();
        self.seams.clear();
        let mut from = 0;
        for marker in markers {
            let at = from + words[from..].partition_point(|word| usize::from(word[0]) < marker.start);
            self.kept.extend_from_slice(&self.tokens[from..at]);
            self.seams.push(self.kept.len());
            from = at + 1;
        }
        self.kept.extend_from_slice(&self.tokens[from..]);
        if self.kept.len() < self.params.smallest() {
            return false;
        }
        for n in self.params.n.iter().map(|n| usize::from(*n)).filter(|n| *n <= self.kept.len()) {
            let mut done = 0;
            for seam in &self.seams {
                let (first, end) = (done.max((seam + 1).saturating_sub(n)), (*seam).min(self.kept.len() + 1 - n));
                if first < end {
                    let windows = &self.kept[first..end + n - 1];
                    let term = self.seeds.window_term(n);
                    kernel::gram_hashes(self.level, windows, n, term, self.hashes.grow(end - first));
                    done = end;
                }
            }
        }
        true
    }

    /// Append the shingles of a text. `numbers` costs below AVX-512 as much as a sketch.
    fn append(&mut self, text: &str, numbers: bool) -> Shape {
        self.canon.clear();
        match self.params.analyzer {
            Analyzer::Word => {
                let singles = self.canonicalizer.words(text, &mut self.canon);
                let numbers = !numbers || kernel::may_hold_numbers(self.level, &self.canon, self.params.smallest());
                self.tokens.clear();
                word_values(self.level, &self.seeds, &mut self.canon, &mut self.edges, &mut self.tokens);
                let shape = grams(self.level, &self.seeds, &self.params.n, &self.tokens, &mut self.hashes);
                Shape { singles, numbers, ..shape }
            }
            Analyzer::Char => {
                self.canonicalizer.full(text, &mut self.canon);
                windows(self.level, &self.seeds, &self.params.n, &mut self.canon, true, &mut self.hashes)
            }
            Analyzer::Byte => {
                self.canonicalizer.full(text, &mut self.canon);
                windows(self.level, &self.seeds, &self.params.n, &mut self.canon, false, &mut self.hashes)
            }
            Analyzer::Tokens | Analyzer::Named(_) => Shape::default(),
        }
    }

    /// The shingle hashes of tokens that the user brings, as bytes.
    pub fn tokens<'t>(&mut self, tokens: impl Iterator<Item = &'t [u8]>) -> (&[u64], Shape) {
        self.tokens.clear();
        self.tokens.extend(tokens.map(|t| self.seeds.token(t)));
        self.of_values()
    }

    /// The shingle hashes of tokens that the user brings, as ids.
    pub fn ids(&mut self, ids: &[u64]) -> (&[u64], Shape) {
        self.tokens.clear();
        self.tokens.extend(ids.iter().map(|id| self.seeds.token16(*id, 0, 8)));
        self.of_values()
    }

    fn of_values(&mut self) -> (&[u64], Shape) {
        self.hashes.len = 0;
        let shape = grams(self.level, &self.seeds, &self.params.n, &self.tokens, &mut self.hashes);
        (self.hashes.as_slice(), shape)
    }
}

/// The hash of every token of a mapped text.
pub fn values(seeds: &Seeds, tokens: &MappedTokens) -> Vec<u64> {
    (0..tokens.len()).map(|i| seeds.token(tokens.token(i))).collect()
}

/// The hash of every window of `n` tokens of a mapped text, in order; of the whole text where it is shorter.
///
/// The plain way to the same values as [`Shingler::text`], for spans and masks that must know where a shingle stands;
/// `values` are those of the tokens.
pub fn mapped_windows(seeds: &Seeds, analyzer: &Analyzer, tokens: &MappedTokens, values: &[u64], n: usize) -> Vec<u64> {
    let t = tokens.len();
    let (width, term) = if t < n { (t, seeds.short_term(t)) } else { (n, seeds.window_term(n)) };
    if t == 0 {
        return Vec::new();
    }
    let hash = |value: u64| fin(value.wrapping_add(term));
    match analyzer {
        Analyzer::Char | Analyzer::Byte => (0..=t - width)
            .map(|i| {
                let (from, to) = (tokens.bounds[i].0 as usize, tokens.bounds[i + width - 1].1 as usize);
                hash(seeds.window_bytes(&tokens.canon.as_bytes()[from..to]))
            })
            .collect(),
        _ => values.windows(width).map(|w| hash(polynomial(w))).collect(),
    }
}

/// The same hashes as [`mapped_windows`] gives of words, by the kernels.
pub fn mapped_words(level: Level, seeds: &Seeds, tokens: &MappedTokens, n: usize) -> Vec<u64> {
    let (canon, mut rest) = (tokens.canon.as_bytes(), tokens.bounds.as_slice());
    let (mut values, mut near) = (Vec::with_capacity(rest.len()), Vec::new());
    while let [(base, end), ..] = *rest {
        near.clear();
        let from_base = |(from, to): &(u32, u32)| Some([from - base, to - base]).filter(|[_, to]| *to <= FAR);
        near.extend(rest.iter().map_while(from_base).map(|edges| edges.map(|edge| edge as u16)));
        if near.is_empty() {
            values.push(seeds.token(&canon[base as usize..end as usize]));
        }
        kernel::token_values(level, seeds, &canon[base as usize..], &near, &mut values);
        rest = &rest[near.len().max(1)..];
    }
    let mut hashes = Hashes { room: Vec::new(), len: 0 };
    if !values.is_empty() {
        grams(level, seeds, &[n as u8], &values, &mut hashes);
    }
    hashes.room
}

/// The last place from the first token that the kernels take at once.
const FAR: u32 = i16::MAX as u32;

/// Bytes of canonical text that are split at once: they stay in the first cache.
const STRETCH: usize = 1 << 13;

/// The values of the tokens in `canon`, which spaces part.
fn word_values(level: Level, seeds: &Seeds, canon: &mut Vec<u8>, edges: &mut Vec<u16>, values: &mut Vec<u64>) {
    let len = canon.len();
    // 16 bytes of space: the last token ends, and a 16-byte load never leaves the buffer; more, so that blocks are whole.
    canon.resize((len + 16).next_multiple_of(64), b' ');
    edges.resize(STRETCH + kernel::SPARE, 0);
    // A token may reach from one stretch into the next.
    let mut open: Option<usize> = None;
    for at in (0..canon.len()).step_by(STRETCH) {
        let from_here = &canon[at..];
        let count = kernel::edges(level, &from_here[..STRETCH.min(from_here.len())], open.is_some(), edges);
        let mut found = &edges[..count];
        if let (Some(start), Some((end, rest))) = (open, found.split_first()) {
            values.push(seeds.token(&canon[start..at + usize::from(*end)]));
            found = rest;
            open = None;
        }
        let (tokens, last) = found.as_chunks::<2>();
        kernel::token_values(level, seeds, from_here, tokens, values);
        open = last.first().map(|start| at + usize::from(*start)).or(open);
    }
    canon.truncate(len);
}

/// Append the hashes of all windows of each width over token values.
fn grams(level: Level, seeds: &Seeds, widths: &[u8], w: &[u64], out: &mut Hashes) -> Shape {
    let shape = Shape { tokens: w.len() as u32, short: short(widths, w.len()), ..Shape::default() };
    if shape.short {
        out.push(fin(polynomial(w).wrapping_add(seeds.short_term(w.len()))));
        return shape;
    }
    for n in widths.iter().map(|n| usize::from(*n)).filter(|n| *n <= w.len()) {
        let term = seeds.window_term(n);
        if n > kernel::WIDEST {
            rolling(w, n, term, out);
            continue;
        }
        kernel::gram_hashes(level, w, n, term, out.grow(w.len() + 1 - n));
    }
    shape
}

fn short(widths: &[u8], tokens: usize) -> bool {
    tokens > 0 && widths.first().is_some_and(|n| tokens < usize::from(*n))
}

/// Windows of any width: each sum from the one before.
fn rolling(w: &[u64], n: usize, term: u64, out: &mut Hashes) {
    let top = (1..n).fold(1u64, |p, _| p.wrapping_mul(KP));
    let mut sum = polynomial(&w[..n]);
    out.push(fin(sum.wrapping_add(term)));
    for (old, new) in w.iter().zip(&w[n..]) {
        sum = sum.wrapping_sub(old.wrapping_mul(top)).wrapping_mul(KP).wrapping_add(*new);
        out.push(fin(sum.wrapping_add(term)));
    }
}

/// Bytes of the code point that starts with `byte`.
#[inline(always)]
fn code_point_len(byte: u8) -> usize {
    1 + usize::from(byte >= 0xC0) + usize::from(byte >= 0xE0) + usize::from(byte >= 0xF0)
}

/// Append the hashes of all windows of each width over the code points, or the bytes, of a text in UTF-8.
fn windows(
    level: Level,
    seeds: &Seeds,
    widths: &[u8],
    text: &mut Vec<u8>,
    code_points: bool,
    out: &mut Hashes,
) -> Shape {
    let len = text.len();
    // A code point is counted by its first byte: all bytes but those that continue one.
    let plain = if code_points { leading_ascii(text) } else { len };
    let tokens = plain + count_bytes(&text[plain..], |b| (b & 0xC0) != 0x80);
    let shape = Shape { tokens: tokens as u32, singles: 0, short: short(widths, tokens), numbers: true };
    if shape.short {
        out.push(fin(seeds.window_bytes(text).wrapping_add(seeds.short_term(tokens))));
        return shape;
    }
    text.resize(len + 16, 0);
    for n in widths.iter().map(|n| usize::from(*n)).filter(|n| *n <= tokens && tokens > 0) {
        let term = seeds.window_term(n);
        let hash = |from: usize, to: usize| {
            let value = match text[from..].first_chunk::<16>() {
                Some(sixteen) if to - from <= 8 => first_bytes(sixteen, to - from).0.wrapping_mul(KP),
                Some(sixteen) if to - from <= 16 => {
                    let (low, high) = first_bytes(sixteen, to - from);
                    seeds.token16(low, high, (to - from) as u64)
                }
                _ => seeds.token(&text[from..to]),
            };
            fin(value.wrapping_add(term))
        };
        let step = |at: usize| if code_points { code_point_len(text[at]) } else { 1 };
        // Where the next code point of several bytes stands: up to there, windows of code points are those of bytes.
        let wide = |from: usize| {
            if code_points { from + leading_ascii(&text[from..len]) } else { len }
        };
        let (mut from, mut to) = (0, (0..n).fold(0, |to, _| to + step(to)));
        let mut next_wide = plain;
        loop {
            if next_wide < from {
                next_wide = wide(from);
            }
            if n <= 8 && from + n <= next_wide {
                let count = next_wide + 1 - n - from;
                kernel::byte_windows(level, &text[from..], n, term, out.grow(count));
                from += count;
                to = next_wide;
            } else {
                out.push(hash(from, to));
                from += step(from);
            }
            if to == len {
                break;
            }
            to += step(to);
        }
    }
    text.truncate(len);
    shape
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Normalization;
    use crate::text::fast::tests::nasty;
    use crate::text::tokenize::mapped;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn fast_is_plain(text in nasty(), n in 1u8..20, form in 0usize..3) {
            let how = Normalization::parse(["none", "nfc", "nfkc_casefold"][form])?;
            for analyzer in [Analyzer::Word, Analyzer::Char, Analyzer::Byte] {
                let params = ShingleParams::new(vec![n, n + 3], analyzer.clone(), how, 7)?;
                let mut shingler = Shingler::new(&params);
                let (hashes, shape) = shingler.text(&text);
                let tokens = mapped(&text, &analyzer, how);
                let values = values(&Seeds::new(7), &tokens);
                prop_assert_eq!(shape.tokens as usize, tokens.len());
                let mut plain = mapped_windows(&Seeds::new(7), &analyzer, &tokens, &values, usize::from(n));
                if analyzer == Analyzer::Word {
                    prop_assert_eq!(&mapped_words(kernel::level()?, &Seeds::new(7), &tokens, usize::from(n)), &plain);
                }
                if tokens.len() >= usize::from(n) + 3 {
                    plain.extend(mapped_windows(&Seeds::new(7), &analyzer, &tokens, &values, usize::from(n) + 3));
                }
                prop_assert_eq!(hashes, plain, "{:?} {:?}", analyzer, text);
                prop_assert_eq!(shape.short, !tokens.is_empty() && tokens.len() < usize::from(n));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn sets_are_those_of_both_forms(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "1. ", "22) ", "333.\n", "4444. ", "5 ", "6.", "a ", "b, ", "long-word ", "c", "\t", "é ", "7.\r",
            ]), 0..30),
            (n, more) in (1u8..7, prop_oneof![4 => 1u8..4, 1 => Just(60)]),
            repeats in prop_oneof![20 => Just(1), 1 => Just(300)],
            analyzer in proptest::sample::select(vec![Analyzer::Word, Analyzer::Word, Analyzer::Char]),
        ) {
            let text = parts.concat().repeat(repeats);
            let params = ShingleParams::new(vec![n, n + more], analyzer, Normalization::parse("nfkc_casefold")?, 7)?;
            let params = ShingleParams { both_lists: true, ..params };
            let distinct = |hashes: &[u64]| hashes.iter().copied().collect::<std::collections::BTreeSet<_>>();
            let mut shingler = Shingler::new(&params);
            let (hashes, shape) = shingler.text(&text);
            let want = (distinct(hashes), shape);
            let (hashes, shape) = shingler.set(&text, false);
            prop_assert_eq!((distinct(hashes), shape), want, "{:?}", text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn long_texts_are_split_as_short_ones(text in nasty(), word in "[a-z]{1,200}", n in 1u8..20) {
            // A token longer than the kernels take, then many that end far from the first.
            let text = format!("{} {}", word.repeat(FAR as usize / word.len() + 1), format!("{text}{word}").repeat(2 * STRETCH / word.len()));
            let how = Normalization::parse("none")?;
            let params = ShingleParams::new(vec![n], Analyzer::Word, how, 7)?;
            let tokens = mapped(&text, &Analyzer::Word, how);
            let values = values(&Seeds::new(7), &tokens);
            let plain = mapped_windows(&Seeds::new(7), &Analyzer::Word, &tokens, &values, usize::from(n));
            let mut shingler = Shingler::new(&params);
            let (hashes, _) = shingler.text(&text);
            prop_assert_eq!(&mapped_words(kernel::level()?, &Seeds::new(7), &tokens, usize::from(n)), &plain);
            prop_assert_eq!(hashes, plain);
        }
    }
}
