//! Pairs of a suspect and a served text compared again on their exact tokens, with the spans that they share.
//!
//! Hashes lead to tokens and n-grams that may be equal; their bytes and ids decide. The plain way to the same figures is
//! `score::ngrams` and `score::spans`, which the tests hold this to.

use super::copies::CopyIndex;
use super::forms::{Form, Reader, Text};
use super::masks::{STAGES, Side, layer};
use super::numbers::Numbers;
use super::runs::{Runs, by_automaton};
use crate::error::{Error, Result};
use crate::exec::{Job, lock};
use crate::kernel::memory::{prefetch, prefetch_row};
use crate::params::ShingleParams;
use crate::score::ngrams::Grams;
use crate::score::ratio;
use crate::score::spans::{Interner, Span};
use crate::text::Texts;
use crate::text::tokenize::{MappedTokens, code_points};
use std::sync::Mutex;

/// Rows to compare in full.
pub struct Pairs<'a> {
    /// Suspect rows, ascending.
    pub left: &'a [i64],
    /// Served rows.
    pub right: &'a [i64],
    /// The best served row of each suspect row and stage, -1 for none: compared for the waterfall. It may be empty.
    pub best: &'a [[i64; STAGES]],
}

/// What pairs share on their exact tokens, in columns; spans are flat and name their pair.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verified {
    /// Shared n-grams.
    pub ngrams: Vec<u32>,
    /// Share of the suspect text's unmasked n-grams.
    pub containment_of_suspect: Vec<f64>,
    /// Share of the served text's unmasked n-grams.
    pub containment_of_served: Vec<f64>,
    /// Suspect tokens inside shared n-grams.
    pub covered: Vec<u32>,
    /// Tokens of the longest common run.
    pub longest_run: Vec<u32>,
    /// Pair of each span.
    pub span_pair: Vec<i64>,
    /// Suspect start and end in bytes and in code points, served likewise, and the number of tokens.
    pub spans: Vec<[u32; 9]>,
    /// Of the best pairs of each stage together: suspect tokens inside shared n-grams, and spans.
    pub waterfall: [[u64; 2]; STAGES],
}

impl Verified {
    fn append(&mut self, other: Verified) {
        self.ngrams.extend(other.ngrams);
        self.containment_of_suspect.extend(other.containment_of_suspect);
        self.containment_of_served.extend(other.containment_of_served);
        self.covered.extend(other.covered);
        self.longest_run.extend(other.longest_run);
        self.span_pair.extend(other.span_pair);
        self.spans.extend(other.spans);
        for (sum, of_part) in self.waterfall.as_flattened_mut().iter_mut().zip(other.waterfall.as_flattened()) {
            *sum += of_part;
        }
    }

    /// Add one pair.
    fn push(&mut self, pair: usize, found: &Figures, a: (&str, &Text), b: (&str, &Text)) {
        self.ngrams.push(found.shared as u32);
        self.containment_of_suspect.push(ratio(found.shared, found.open[0]));
        self.containment_of_served.push(ratio(found.shared, found.open[1]));
        self.covered.push(found.covered);
        self.longest_run.push(found.longest_run);
        let (of_a, chars_a) = places(a, found.forms[0], found.spans.iter().map(|s| (s.a_start, s.len)));
        let (of_b, chars_b) = places(b, found.forms[1], found.spans.iter().map(|s| (s.b_start, s.len)));
        for (k, span) in found.spans.iter().enumerate() {
            let (k, m) = (2 * k, 2 * k + 1);
            self.span_pair.push(pair as i64);
            self.spans
                .push([of_a[k], of_a[m], chars_a[k], chars_a[m], of_b[k], of_b[m], chars_b[k], chars_b[m], span.len]);
        }
    }
}

/// Ask for what will be read of a row: it lies anywhere.
fn ask_for(text: Option<&str>, (hashes, layers): (&[u64], &[u8])) {
    const MOST: usize = 1 << 11;
    let text = text.unwrap_or_default().as_bytes();
    text[..text.len().min(MOST)].chunks(64).for_each(|line| prefetch(&line[0]));
    layers[..layers.len().min(MOST)].chunks(64).for_each(|line| prefetch(&line[0]));
    prefetch_row(hashes);
}

/// Where the original starts and ends that runs of tokens of one form stand for, in turn: in bytes and in code points.
fn places(
    (original, text): (&str, &Text),
    form: usize,
    runs: impl Iterator<Item = (u32, u32)>,
) -> (Vec<u32>, Vec<u32>) {
    // Markers became spaces, byte for byte, so offsets stand in the original all the same.
    let tokens = &text.forms()[form].tokens;
    let of: Vec<u32> = runs.flat_map(|(start, len)| bytes(tokens, start, len)).collect();
    let chars = if text.ascii { of.clone() } else { code_points(original, &of) };
    (of, chars)
}

/// The bytes of the original that tokens `start..start + len` stand for.
fn bytes(tokens: &MappedTokens, start: u32, len: u32) -> [u32; 2] {
    let of = &tokens.source[start as usize..(start + len) as usize];
    [of.iter().map(|s| s.0).min().unwrap_or(0), of.iter().map(|s| s.1).max().unwrap_or(0)]
}

impl CopyIndex {
    /// Compare pairs again on their exact texts, counting what the last stage still counts, and the best pairs of each
    /// stage for the waterfall.
    pub fn verify(
        &self,
        suspect: &Side,
        pairs: &Pairs<'_>,
        suspect_texts: Texts<'_>,
        served_texts: Texts<'_>,
        job: &Job<'_>,
    ) -> Result<Verified> {
        let Some(params) = &suspect.sets.params else {
            return Err(Error::input("spans need texts, not hashes"));
        };
        let rows = suspect_texts.len();
        let inside = |row: &i64, rows: usize| (0..rows as i64).contains(row);
        if pairs.left.len() != pairs.right.len()
            || !pairs.left.is_sorted()
            || !pairs.left.iter().all(|row| inside(row, rows))
            || !pairs.right.iter().all(|row| inside(row, served_texts.len()))
            || !pairs.best.as_flattened().iter().all(|row| *row == -1 || inside(row, served_texts.len()))
            || (!pairs.best.is_empty() && pairs.best.len() != rows)
            || rows != suspect.sets.len()
            || served_texts.len() != self.len()
        {
            return Err(Error::input("pairs must name rows of both sides, and texts must be those of the sets"));
        }
        // Where the pairs of each row start.
        let mut starts = vec![0usize; rows + 1];
        pairs.left.iter().for_each(|row| starts[*row as usize + 1] += 1);
        (0..rows).for_each(|row| starts[row + 1] += starts[row]);
        let looked = |row: usize| pairs.best.get(row).is_some_and(|best| *best != [-1; STAGES]);
        let weight = |row: usize| {
            let size = suspect_texts[row].map_or(0, str::len);
            let others = starts[row + 1] - starts[row] + usize::from(looked(row));
            if others == 0 { 1 } else { 32 * size * (1 + others) }
        };
        // The served row that a row is compared with first.
        let first = |row: usize| {
            let best = || pairs.best.get(row)?.iter().find(|right| **right >= 0);
            pairs.right[starts[row]..starts[row + 1]].first().or_else(best).map(|right| *right as usize)
        };
        let spare = Mutex::new(Vec::new());
        let parts = job.chunks(rows, weight, |rows| {
            let (mut part, mut layers) = (Verified::default(), Vec::new());
            let kept = lock(&spare).pop();
            let (mut work, mut reader, mut a, mut b) =
                kept.unwrap_or_else(|| (Work::new(params), Reader::new(params), Text::default(), Text::default()));
            let rows: Vec<usize> = rows.filter(|row| starts[*row] < starts[row + 1] || looked(*row)).collect();
            for (i, row) in rows.iter().copied().enumerate() {
                let own = starts[row]..starts[row + 1];
                let best = pairs.best.get(row).copied().unwrap_or([-1; STAGES]);
                // On their way while this row is compared: what the next one reads, and where the one behind it has to.
                if let Some(next) = rows.get(i + 1) {
                    ask_for(suspect_texts[*next], suspect.row(*next));
                    first(*next).inspect(|right| ask_for(served_texts[*right], (self.served().row(*right), &[])));
                }
                if let Some(right) = rows.get(i + 2).and_then(|row| first(*row)) {
                    prefetch(&served_texts[right]);
                    prefetch(&self.served().indptr[right]);
                }
                let text_a = suspect_texts[row].unwrap_or_default();
                reader.read(text_a, &mut a);
                let mut waiting = best;
                for pair in own {
                    let right = pairs.right[pair];
                    if let Some(next) = pairs.right.get(pair + 1) {
                        ask_for(served_texts[*next as usize], (self.served().row(*next as usize), &[]));
                    }
                    let text_b = served_texts[right as usize].unwrap_or_default();
                    reader.read(text_b, &mut b);
                    work.pair(&a, &b, suspect.row(row), self.served_row(right as usize, &mut layers));
                    let found = work.figures(&a, &b, STAGES as u8 - 1, true);
                    part.push(pair, &found, (text_a, &a), (text_b, &b));
                    work.stages(&a, &b, &mut waiting, right, Some(&found), &mut part.waterfall);
                }
                for stage in 0..STAGES {
                    let right = waiting[stage];
                    if right >= 0 {
                        reader.read(served_texts[right as usize].unwrap_or_default(), &mut b);
                        work.pair(&a, &b, suspect.row(row), self.served_row(right as usize, &mut layers));
                        work.stages(&a, &b, &mut waiting, right, None, &mut part.waterfall);
                    }
                }
            }
            lock(&spare).push((work, reader, a, b));
            Ok(part)
        })?;
        let mut out = Verified::default();
        parts.into_iter().for_each(|part| out.append(part));
        Ok(out)
    }
}

/// What a pair shares at one stage.
struct Figures {
    /// Shared n-grams.
    shared: usize,
    /// Unmasked n-grams of both texts.
    open: [usize; 2],
    covered: u32,
    longest_run: u32,
    spans: Vec<Span>,
    /// The forms in which positions are given.
    forms: [usize; 2],
}

/// Forms of a pair: two of the suspect text, two of the served.
const FORMS: usize = 4;

/// One n-gram of a pair.
#[derive(Clone, Copy)]
struct Gram {
    /// The form and the token where it stood first.
    form: u8,
    start: u32,
    /// A bit for each form that it stands in: those of the suspect text at 0 and 1, those of the served at 2 and 3.
    held: u8,
    /// The first stage that no longer counts it, by the layers of either side; `u8::MAX` where none masks it.
    ends: u8,
}

impl Gram {
    fn is_open(&self, stage: u8) -> bool {
        self.ends > stage
    }
}

/// Compares one pair after the other; keeps its buffers.
struct Work {
    n: usize,
    numbers: Numbers,
    /// Of each form the numbers of its n-grams.
    grams_of: [Vec<u32>; FORMS],
    grams: Vec<Gram>,
    /// A bit for each stage that ends the counting of some n-gram.
    ending: u8,
    runs: Runs,
}

impl Work {
    fn new(params: &ShingleParams) -> Self {
        Work {
            n: params.smallest(),
            numbers: Numbers::default(),
            grams_of: Default::default(),
            grams: Vec::new(),
            ending: 0,
            runs: Runs::default(),
        }
    }

    /// Take up a pair: number the n-grams of all forms, and lay the rows' layers over them.
    fn pair(&mut self, a: &Text, b: &Text, suspect: (&[u64], &[u8]), served: (&[u64], &[u8])) {
        let all = [a.forms().first(), a.forms().get(1), b.forms().first(), b.forms().get(1)];
        let form = |f: usize| -> Option<&Form> { all[f] };
        self.numbers.clear((0..FORMS).filter_map(form).map(|form| form.hashes.len()).sum());
        self.grams_of.iter_mut().for_each(Vec::clear);
        self.grams.clear();
        for (f, own) in (0..FORMS).filter_map(|f| Some((f, form(f)?))) {
            let width = own.width(self.n);
            // Where the n-gram before was found: if this one stands right after it, their last tokens alone may differ.
            let mut before: Option<(u8, u32)> = None;
            for (start, hash) in own.hashes.iter().enumerate() {
                let follows = before.and_then(|(of, at)| {
                    let (of, at) = (usize::from(of), at as usize);
                    let (number, held) = (self.grams_of[of].get(at)?, form(of)?);
                    let same = |i: usize| own.tokens.is_same(start + i, &held.tokens, at + i);
                    (held.hashes[at] == *hash && held.width(self.n) == width && same(width - 1)).then_some(*number)
                });
                let number = follows.unwrap_or_else(|| {
                    self.numbers.number(*hash, |other| {
                        let gram = &self.grams[other as usize];
                        let (at, Some(held)) = (gram.start as usize, form(usize::from(gram.form))) else {
                            return false;
                        };
                        let same = |i: usize| own.tokens.is_same(start + i, &held.tokens, at + i);
                        held.width(self.n) == width && (0..width).all(same)
                    })
                });
                self.grams_of[f].push(number);
                let (mut first, own_bit) = ((f as u8, start as u32), 1 << f);
                if let Some(gram) = self.grams.get_mut(number as usize) {
                    gram.held |= own_bit;
                    first = (gram.form, gram.start);
                } else {
                    self.grams.push(Gram { form: first.0, start: first.1, held: own_bit, ends: u8::MAX });
                }
                before = Some((first.0, first.1 + 1));
            }
        }
        self.ending = 0;
        let mut lay = |(hash, layer): (&u64, &u8)| {
            if *layer != layer::NONE {
                self.numbers.probe(*hash, |gram| {
                    let ends = &mut self.grams[gram as usize].ends;
                    *ends = (*ends).min(*layer);
                    false
                });
            }
        };
        for (hashes, layers) in [suspect, served] {
            // By eights: few n-grams are masked.
            let ((eights, rest), (layer_eights, layer_rest)) = (hashes.as_chunks::<8>(), layers.as_chunks::<8>());
            for (hashes, layers) in eights.iter().zip(layer_eights) {
                if *layers != [layer::NONE; 8] {
                    hashes.iter().zip(layers).for_each(&mut lay);
                }
            }
            rest.iter().zip(layer_rest).for_each(&mut lay);
        }
        self.grams.iter().filter(|gram| gram.ends != u8::MAX).for_each(|gram| self.ending |= 1 << gram.ends);
    }

    /// Add up the stages that wait for the pair with `right`, which is the one taken up; `last` is what the last stage gave.
    fn stages(
        &mut self,
        a: &Text,
        b: &Text,
        waiting: &mut [i64; STAGES],
        right: i64,
        last: Option<&Figures>,
        sums: &mut [[u64; 2]; STAGES],
    ) {
        let figures = |found: &Figures| [u64::from(found.covered), found.spans.len() as u64];
        let mut known = last.map(|found| (STAGES as u8 - 1, figures(found)));
        for stage in (0..STAGES).rev().filter(|stage| waiting[*stage] == right) {
            // A stage that masks none of the pair's n-grams gives what the one before gives.
            let same = |above: u8| (stage as u8 + 1..=above).all(|stage| self.ending >> stage & 1 == 0);
            let found = match known {
                Some((above, found)) if same(above) => found,
                _ => figures(&self.figures(a, b, stage as u8, false)),
            };
            known = Some((stage as u8, found));
            sums[stage].iter_mut().zip(found).for_each(|(sum, value)| *sum += value);
        }
        waiting.iter_mut().filter(|waits| **waits == right).for_each(|waits| *waits = -1);
    }

    /// What the pair shares at `stage`; how many n-grams that is matters only where they are `counted`.
    fn figures(&mut self, a: &Text, b: &Text, stage: u8, counted: bool) -> Figures {
        let choice = a.forms().len() + b.forms().len() > 2;
        // How many n-grams stand in just these forms.
        let mut counts = [0usize; 1 << FORMS];
        if counted || choice {
            self.grams.iter().for_each(|gram| counts[usize::from(gram.held)] += usize::from(gram.is_open(stage)));
        }
        let both = |x: usize, y: usize| {
            (0..1 << FORMS).filter(|held| held & x != 0 && held & y != 0).map(|held| counts[held]).sum::<usize>()
        };
        // Positions are those of one form of each text: as they are, or without markers where that shares more.
        let mut forms = [0, 0];
        if choice {
            let other = [a.forms().len() - 1, b.forms().len() - 1];
            if both(1 << other[0], 4 << other[1]) > both(1, 4) {
                forms = other;
            }
        }
        let (shared, open) = (both(3, 12), [both(3, 15), both(12, 15)]);
        let (x, y) = (forms[0], 2 + forms[1]);
        let common = |gram: &Gram| gram.held >> y & 1 != 0 && gram.is_open(stage);
        let (mut covered, mut covered_to) = (0, 0);
        let width = a.forms()[forms[0]].width(self.n);
        for (start, gram) in self.grams_of[x].iter().enumerate() {
            if common(&self.grams[*gram as usize]) {
                covered += start + width - start.max(covered_to);
                covered_to = start + width;
            }
        }
        let short =
            a.forms().iter().chain(b.forms()).any(|form| form.width(self.n) < self.n && !form.hashes.is_empty());
        let walked = if short {
            None
        } else {
            let common = |gram: u32| common(&self.grams[gram as usize]);
            self.runs.walk(self.n, self.grams.len(), [&self.grams_of[x], &self.grams_of[y]], common)
        };
        let (spans, longest_run) = walked.unwrap_or_else(|| self.by_tokens(a, b, forms, stage));
        Figures { shared, open, covered: covered as u32, longest_run, spans, forms }
    }

    /// Spans and the longest run of these forms by their tokens.
    fn by_tokens(&self, a: &Text, b: &Text, forms: [usize; 2], stage: u8) -> (Vec<Span>, u32) {
        let mut interner = Interner::new();
        let mut ids: [Vec<u32>; FORMS] = Default::default();
        for (side, text) in [a, b].into_iter().enumerate() {
            for (form, ids) in text.forms().iter().zip(&mut ids[2 * side..]) {
                *ids = interner.ids((0..form.tokens.len()).map(|i| form.tokens.token(i)));
            }
        }
        let hidden: Grams<'_> = self
            .grams
            .iter()
            .filter(|gram| !gram.is_open(stage))
            .map(|gram| {
                let ids = &ids[usize::from(gram.form)];
                &ids[gram.start as usize..][..ids.len().min(self.n)]
            })
            .collect();
        let (ids_a, ids_b) = (&ids[forms[0]], &ids[2 + forms[1]]);
        by_automaton(self.n, ids_a, ids_b, &hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::join::copies::Answers;
    use crate::join::masks::Masks;
    use crate::join::masks::first_layer;
    use crate::params::Analyzer;
    use crate::params::Normalization;
    use crate::score::ngrams::{floor, ngram_match, windows};
    use crate::score::spans::common_spans;
    use crate::shingle::build::from_texts;
    use crate::shingle::hash::Seeds;
    use crate::shingle::window::mapped_windows;
    use crate::shingle::window::values;
    use crate::text::fast::tests::nasty;
    use crate::text::lists::without_markers;
    use crate::text::tokenize::mapped;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn layer_of((hashes, layers): (&[u64], &[u8]), hash: u64) -> u8 {
        hashes.binary_search(&hash).map_or(layer::NONE, |at| layers[at])
    }

    /// The definition: sets of n-grams by their ids, and the automaton.
    fn naive(
        index: &CopyIndex,
        suspect: &Side,
        (left, a): (usize, &str),
        (right, b): (usize, &str),
        stage: u8,
    ) -> Verified {
        let params = suspect.sets.params.as_ref().expect("texts");
        let n = params.smallest();
        let seeds = Seeds::new(params.seed);
        let forms = |text: &str| -> Vec<MappedTokens> {
            let tokens = |text: &str| mapped(text, &params.analyzer, params.normalization);
            let plain = if params.both_lists { without_markers(text) } else { None };
            std::iter::once(tokens(text)).chain(plain.as_deref().map(tokens)).collect()
        };
        let (at, bt) = (forms(a), forms(b));
        let mut interner = Interner::new();
        let mut ids = Vec::new();
        for tokens in at.iter().chain(&bt) {
            ids.push(interner.ids((0..tokens.len()).map(|i| tokens.token(i))));
        }
        let mut hidden = Grams::default();
        for (ids, tokens) in ids.iter().zip(at.iter().chain(&bt)) {
            let hashes = mapped_windows(&seeds, &params.analyzer, tokens, &values(&seeds, tokens), n);
            for (gram, hash) in windows(ids, n).zip(hashes) {
                let first = first_layer(
                    layer_of(suspect.row(left), hash),
                    layer_of(index.served_row(right, &mut Vec::new()), hash),
                );
                if first != layer::NONE && first <= stage {
                    hidden.insert(gram);
                }
            }
        }
        let (ids_a, ids_b) = ids.split_at(at.len());
        let open = |forms: &[Vec<u32>]| -> std::collections::BTreeSet<Vec<u32>> {
            forms.iter().flat_map(|ids| windows(ids, n)).filter(|g| !hidden.contains(g)).map(<[u32]>::to_vec).collect()
        };
        let (open_a, open_b) = (open(ids_a), open(ids_b));
        let shared = open_a.intersection(&open_b).count();
        let look = |i: usize, j: usize| (ngram_match(&ids_a[i], &ids_b[j], n, &hidden), i, j);
        let (mut found, mut i, mut j) = look(0, 0);
        let other = look(at.len() - 1, bt.len() - 1);
        if other.0.ngrams > found.ngrams {
            (found, i, j) = other;
        }
        let (ids_a, ids_b) = (&ids_a[i], &ids_b[j]);
        let floor = (!hidden.is_empty()).then(|| floor(ids_a, &hidden));
        let spans = common_spans(ids_a, ids_b, &[], n.min(ids_a.len()) as u32, floor.as_deref());
        let of_a: Vec<u32> = spans.iter().flat_map(|s| bytes(&at[i], s.a_start, s.len)).collect();
        let of_b: Vec<u32> = spans.iter().flat_map(|s| bytes(&bt[j], s.b_start, s.len)).collect();
        let (chars_a, chars_b) = (code_points(a, &of_a), code_points(b, &of_b));
        let row = |k: usize, len: u32| {
            let (k, m) = (2 * k, 2 * k + 1);
            [of_a[k], of_a[m], chars_a[k], chars_a[m], of_b[k], of_b[m], chars_b[k], chars_b[m], len]
        };
        Verified {
            ngrams: vec![shared as u32],
            containment_of_suspect: vec![ratio(shared, open_a.len())],
            containment_of_served: vec![ratio(shared, open_b.len())],
            covered: vec![found.covered as u32],
            longest_run: vec![found.longest_run],
            span_pair: vec![0; spans.len()],
            spans: spans.iter().enumerate().map(|(k, span)| row(k, span.len)).collect(),
            waterfall: Default::default(),
        }
    }

    /// Texts that repeat themselves and each other, with list markers.
    fn texts() -> impl Strategy<Value = Vec<String>> {
        let word =
            proptest::sample::select(vec!["a", "b", "a a", "b a", "\n1. ", " 2) ", "c d e", "a b c d", "É", "漢字"]);
        let words = proptest::collection::vec(word, 0..25).prop_map(|words| words.join(" "));
        proptest::collection::vec(prop_oneof![6 => words, 1 => nasty()], 1..4)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]
        #[test]
        fn pairs_are_their_definition(
            ours in texts(), theirs in texts(), prompts in texts(), n in 1u8..5, analyzer in 0usize..3,
            masked in proptest::collection::vec(any::<u16>(), 0..6),
        ) {
            let analyzer = [Analyzer::Word, Analyzer::Char, Analyzer::Byte][analyzer].clone();
            let params = ShingleParams::new(vec![n], analyzer, Normalization::parse("nfkc_casefold")?, 0)?.with_both_lists()?;
            let (a, b): (Vec<_>, Vec<_>) =
                (theirs.iter().map(|t| Some(&**t)).collect(), ours.iter().map(|t| Some(&**t)).collect());
            let sets = |texts: &[Option<&str>]| from_texts(texts, &params, false, &Job::inline()).map(Arc::new);
            let prompts: Vec<Option<&str>> = (0..a.len()).map(|row| prompts.get(row).map(String::as_str)).collect();
            let (served, suspect, prompts) = (sets(&b)?, sets(&a)?, sets(&prompts)?);
            let all: Vec<u64> = served.hashes.iter().chain(&suspect.hashes).copied().collect();
            let some = |from: usize| masked.iter().skip(from).step_by(2).filter_map(|i| all.get(usize::from(*i) % all.len().max(1)).copied());
            let masks = || Masks::new(&some(0).collect::<Vec<_>>(), &some(1).collect::<Vec<_>>());
            let side = Side::new(suspect, Some(&prompts), &masks()?)?;
            let index = CopyIndex::new(Arc::new(Answers::new(served, None, &Job::inline())?), masks()?, 9)?;
            let pairs: Vec<(i64, i64)> = (0..a.len() as i64).flat_map(|l| (0..b.len() as i64).map(move |r| (l, r))).collect();
            let (left, right): (Vec<i64>, Vec<i64>) = pairs.iter().copied().unzip();
            let last = b.len() as i64 - 1;
            let best: Vec<[i64; STAGES]> = (0..a.len() as i64).map(|row| [0, last, row.min(last), -1]).collect();
            let got = index.verify(&side, &Pairs { left: &left, right: &right, best: &best }, &a, &b, &Job::inline())?;
            let plain = |l: i64, r: i64, stage| {
                let text = |texts: &[Option<&str>], row: i64| texts[row as usize].unwrap_or_default().to_owned();
                naive(&index, &side, (l as usize, &text(&a, l)), (r as usize, &text(&b, r)), stage)
            };
            let mut want = Verified::default();
            for (pair, (l, r)) in pairs.iter().enumerate() {
                let mut one = plain(*l, *r, STAGES as u8 - 1);
                one.span_pair.fill(pair as i64);
                want.append(one);
            }
            for (row, best) in best.iter().enumerate() {
                for (stage, right) in best.iter().enumerate().filter(|(_, right)| **right >= 0) {
                    let one = plain(row as i64, *right, stage as u8);
                    want.waterfall[stage][0] += u64::from(one.covered[0]);
                    want.waterfall[stage][1] += one.spans.len() as u64;
                }
            }
            let alone = index.verify(&side, &Pairs { left: &[], right: &[], best: &best }, &a, &b, &Job::inline())?;
            prop_assert_eq!(alone.waterfall, want.waterfall);
            // NaN is not equal to itself.
            prop_assert_eq!(format!("{got:?}"), format!("{want:?}"));
        }
    }
}
