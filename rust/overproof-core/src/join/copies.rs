//! Which texts of one corpus hold texts of another: the matcher behind `compare`.
//!
//! An n-gram may be masked by one of three layers: it echoes a prompt, stands in a background corpus, or is boilerplate
//! (held by many units). Masked n-grams leave numerators and denominators; the waterfall counts what each layer took.

use super::postings::Postings;
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::params::ShingleParams;
use crate::score::ngrams::{Grams, floor, ngram_match, windows};
use crate::score::ratio;
use crate::score::spans::{Interner, common_spans};
use crate::shingle::ShingleSets;
use crate::shingle::hash::Seeds;
use crate::shingle::window::mapped_windows;
use crate::text::Texts;
use crate::text::lists::without_markers;
use crate::text::tokenize::{MappedTokens, code_points, mapped};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// Stages of the waterfall: all n-grams, then without echoes of prompts, without background, without boilerplate.
pub const STAGES: usize = 4;

/// Which layer masks an n-gram: 0 = none, else the first stage that no longer counts it.
pub mod layer {
    /// Not masked.
    pub const NONE: u8 = 0;
    /// Stands in the prompt.
    pub const ECHO: u8 = 1;
    /// Stands in the background corpus.
    pub const BACKGROUND: u8 = 2;
    /// Held by many units of a corpus.
    pub const BOILERPLATE: u8 = 3;
}

/// Hashes as their own hash values: they are mixed already.
#[derive(Default)]
pub struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.0 = self.0.rotate_left(8) ^ u64::from(*b));
    }

    fn write_u64(&mut self, x: u64) {
        self.0 = x;
    }
}

/// A set of shingle hashes.
pub type Keys = HashSet<u64, BuildHasherDefault<Mixed>>;

/// For each row the first row with the same set; empty rows stand for themselves.
pub fn representatives(sets: &ShingleSets) -> Vec<i64> {
    let mut first: HashMap<&[u64], i64> = HashMap::new();
    (0..sets.len())
        .map(|row| match sets.row(row) {
            [] => row as i64,
            set => *first.entry(set).or_insert(row as i64),
        })
        .collect()
}

/// Hashes that more than `cap` units hold, ascending, and how many hold them. Row i belongs to unit `units[i]`.
///
/// Passes over one part of the hash space after another, so that memory stays near 1 GiB whatever the corpus.
pub fn frequent(sets: &ShingleSets, units: &[i64], cap: usize, job: &Job<'_>) -> Result<(Vec<u64>, Vec<u32>)> {
    if units.len() != sets.len() {
        return Err(Error::input(format!("units has {} values for {} rows", units.len(), sets.len())));
    }
    const PAIRS: usize = 1 << 26;
    let parts = (sets.hashes.len() / PAIRS + 1).next_power_of_two() as u64;
    let (mut keys, mut counts) = (Vec::new(), Vec::new());
    for part in 0..parts {
        let mut pairs: Vec<(u64, i64)> = Vec::new();
        let part_of = |h: u64| ((u128::from(h) * u128::from(parts)) >> 64) as u64;
        for (row, unit) in units.iter().enumerate() {
            let set = sets.row(row);
            // Rows are sorted, so the part is a stretch of each.
            let from = set.partition_point(|h| part_of(*h) < part);
            let to = set.partition_point(|h| part_of(*h) <= part);
            pairs.extend(set[from..to].iter().map(|h| (*h, *unit)));
        }
        job.check()?;
        pairs.sort_unstable();
        pairs.dedup();
        for run in pairs.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > cap) {
            keys.push(run[0].0);
            counts.push(run.len() as u32);
        }
        job.check()?;
    }
    Ok((keys, counts))
}

/// The layer of each hash of `sets`.
fn layers(sets: &ShingleSets, prompts: Option<&ShingleSets>, background: &Keys, boilerplate: &Keys) -> Vec<u8> {
    let mut out = Vec::with_capacity(sets.hashes.len());
    for row in 0..sets.len() {
        let prompt = prompts.map_or(&[][..], |p| p.row(row));
        out.extend(sets.row(row).iter().map(|h| {
            if prompt.binary_search(h).is_ok() {
                layer::ECHO
            } else if background.contains(h) {
                layer::BACKGROUND
            } else if boilerplate.contains(h) {
                layer::BOILERPLATE
            } else {
                layer::NONE
            }
        }));
    }
    out
}

/// A corpus with the layer of each of its n-grams.
pub struct Side {
    /// The n-grams.
    pub sets: ShingleSets,
    layers: Vec<u8>,
    /// Number of unmasked n-grams of each row.
    pub open: Vec<u32>,
}

impl Side {
    /// Mask `sets`; `prompts` are the n-grams of each row's own prompt.
    pub fn new(
        sets: ShingleSets,
        prompts: Option<&ShingleSets>,
        background: &Keys,
        boilerplate: &Keys,
    ) -> Result<Self> {
        if let Some(p) = prompts
            && (p.len() != sets.len() || p.fingerprint != sets.fingerprint)
        {
            return Err(Error::input(format!(
                "prompts: {} rows for {} texts, or other parameters",
                p.len(),
                sets.len()
            )));
        }
        let layers = layers(&sets, prompts, background, boilerplate);
        let open = (0..sets.len())
            .map(|row| layers[sets.range(row)].iter().filter(|l| **l == layer::NONE).count() as u32)
            .collect();
        Ok(Side { sets, layers, open })
    }

    fn row(&self, i: usize) -> (&[u64], &[u8]) {
        let range = self.sets.range(i);
        (&self.sets.hashes[range.clone()], &self.layers[range])
    }

    /// The layer of a hash in row `i`; none where the row does not hold it.
    fn layer(&self, i: usize, hash: u64) -> u8 {
        let (hashes, layers) = self.row(i);
        hashes.binary_search(&hash).map_or(layer::NONE, |at| layers[at])
    }

    /// Share of a token that a token of row `i` counts as: single characters of scripts without spaces count half.
    fn weight(&self, i: usize) -> f64 {
        let (tokens, singles) = (f64::from(self.sets.tokens[i]), f64::from(self.sets.singles[i]));
        if tokens == 0.0 { 1.0 } else { (tokens - singles / 2.0) / tokens }
    }
}

/// When a pair counts as a match.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Fewest shared n-grams (weighted).
    pub min_ngrams: f64,
    /// Least share of the suspect text's unmasked n-grams.
    pub min_containment: f64,
    /// Fewest shared n-grams (weighted) at which a served text inside a longer suspect text counts.
    pub min_embedded: f64,
}

impl Rule {
    fn accepts(&self, hits: u32, weight: f64, open_suspect: u32, open_served: u32) -> bool {
        let (hits, weighted) = (f64::from(hits), f64::from(hits) * weight);
        weighted >= self.min_ngrams
            && (hits >= self.min_containment * f64::from(open_suspect)
                || (weighted >= self.min_embedded && hits >= self.min_containment * f64::from(open_served)))
    }
}

/// What the matcher found, in columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matches {
    /// Per suspect row and stage: the best accepted served row, -1 for none.
    pub best: Vec<[i64; STAGES]>,
    /// Per suspect row: the best share of its unmasked n-grams in one served text, scaled down below `min_ngrams`.
    pub score: Vec<f64>,
    /// Pairs accepted at the last stage, by suspect row, then by falling number of shared n-grams.
    pub left: Vec<i64>,
    /// Served row of each pair.
    pub right: Vec<i64>,
    /// Shared unmasked n-grams of each pair.
    pub hits: Vec<u32>,
    /// Per served row: the number of stages at which some suspect text matched it.
    pub served: Vec<u8>,
}

/// Served texts, ready to be looked for.
pub struct CopyIndex {
    served: Side,
    /// For each row the first with the same n-grams and the same masks: only that one is looked for.
    first: Vec<u32>,
    postings: Postings,
    /// Rows that are looked at for one masked n-gram, the lowest first.
    limit: usize,
}

/// A pair is compared in full once it shares this many n-grams, or as many as the rule asks for where those are fewer.
const CANDIDATE: usize = 4;

impl CopyIndex {
    /// Index the rows of `served`; of rows with the same n-grams and the same masks only the first is ever in a pair.
    ///
    /// An unmasked n-gram leads to all its rows. A masked one leads to its first `limit`: it can make no match, and the
    /// rows kept only let the earlier stages show what it would have matched.
    pub fn new(served: Side, limit: usize, job: &Job<'_>) -> Result<Self> {
        let mut known: HashMap<(&[u64], &[u8]), u32> = HashMap::new();
        let first: Vec<u32> =
            (0..served.sets.len()).map(|row| *known.entry(served.row(row)).or_insert(row as u32)).collect();
        drop(known);
        let postings = Postings::new(&served.sets, |row| first[row] as usize == row, job)?;
        Ok(CopyIndex { served, first, postings, limit: limit.max(1) })
    }

    /// Number of served rows.
    pub fn len(&self) -> usize {
        self.served.sets.len()
    }

    /// Whether there is no served row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Compare every row of `suspect` with the served texts; at most `top` pairs a row are kept.
    pub fn find(&self, suspect: &Side, rule: Rule, top: usize, job: &Job<'_>) -> Result<Matches> {
        if suspect.sets.fingerprint != self.served.sets.fingerprint {
            return Err(Error::Incompatible(format!(
                "suspect and served texts were shingled with different parameters: {:?} against {:?}",
                suspect.sets.params.as_ref().map(ShingleParams::canonical),
                self.served.sets.params.as_ref().map(ShingleParams::canonical)
            )));
        }
        let weight = |row: usize| 64 * suspect.sets.row(row).len();
        let parts = job.chunks(suspect.sets.len(), weight, |rows| {
            let mut part = Part::default();
            let mut seen: Vec<u32> = Vec::new();
            for row in rows {
                self.row(suspect, row, rule, top, &mut seen, &mut part);
            }
            Ok(part)
        })?;
        let mut out = Matches { served: vec![0; self.len()], ..Matches::default() };
        for part in parts {
            out.best.extend(part.best);
            out.score.extend(part.score);
            for (left, right, hits) in part.pairs {
                out.left.push(left);
                out.right.push(right);
                out.hits.push(hits);
            }
            for (row, stages) in part.served {
                out.served[row as usize] = out.served[row as usize].max(stages);
            }
        }
        for (row, first) in self.first.iter().enumerate() {
            out.served[row] = out.served[*first as usize];
        }
        Ok(out)
    }

    fn row(&self, suspect: &Side, row: usize, rule: Rule, top: usize, seen: &mut Vec<u32>, part: &mut Part) {
        let (hashes, layers) = suspect.row(row);
        seen.clear();
        for (hash, masked) in hashes.iter().zip(layers) {
            let rows = self.postings.get(*hash);
            let most = if *masked == layer::NONE { rows.len() } else { rows.len().min(self.limit) };
            seen.extend_from_slice(&rows[..most]);
        }
        seen.sort_unstable();
        let enough = (rule.min_ngrams.ceil() as usize).clamp(1, CANDIDATE);
        let (open, weight) = (suspect.open[row], suspect.weight(row));
        let mut best = [(0u32, -1i64); STAGES];
        let mut score = 0.0f64;
        let mut pairs: Vec<(u32, i64)> = Vec::new();
        for candidates in seen.chunk_by(|a, b| a == b).filter(|run| run.len() >= enough) {
            let right = candidates[0];
            let hits = self.shared(hashes, layers, right as usize);
            let served_open = self.served.open[right as usize];
            let mut stages = 0;
            for (stage, best) in best.iter_mut().enumerate() {
                if rule.accepts(hits[stage], weight, open, served_open) {
                    stages = stage as u8 + 1;
                    if hits[stage] > best.0 {
                        *best = (hits[stage], i64::from(right));
                    }
                }
            }
            let left = hits[STAGES - 1];
            if stages == STAGES as u8 {
                pairs.push((left, i64::from(right)));
            }
            if stages > 0 {
                part.served.push((right, stages));
            }
            if open > 0 {
                let reached = (f64::from(left) * weight / rule.min_ngrams).min(1.0);
                score = score.max(f64::from(left) / f64::from(open) * reached);
            }
        }
        pairs.sort_unstable_by_key(|(hits, right)| (u32::MAX - hits, *right));
        pairs.truncate(top);
        part.pairs.extend(pairs.into_iter().map(|(hits, right)| (row as i64, right, hits)));
        part.best.push(best.map(|b| b.1));
        part.score.push(score);
    }

    /// Shared n-grams that each stage still counts.
    fn shared(&self, hashes: &[u64], layers: &[u8], right: usize) -> [u32; STAGES] {
        let (others, their_layers) = self.served.row(right);
        let mut by_layer = [0u32; STAGES];
        let (mut i, mut j) = (0, 0);
        while i < hashes.len() && j < others.len() {
            let (x, y) = (hashes[i], others[j]);
            if x == y {
                by_layer[usize::from(first_layer(layers[i], their_layers[j]))] += 1;
            }
            i += usize::from(x <= y);
            j += usize::from(y <= x);
        }
        let mut left = by_layer.iter().sum::<u32>();
        let mut out = [left; STAGES];
        for stage in 1..STAGES {
            left -= by_layer[stage];
            out[stage] = left;
        }
        out
    }

    /// Compare pairs again on their exact texts, counting what stage `stage` still counts.
    pub fn verify(
        &self,
        suspect: &Side,
        pairs: &Pairs<'_>,
        suspect_texts: Texts<'_>,
        served_texts: Texts<'_>,
        stage: u8,
        job: &Job<'_>,
    ) -> Result<Verified> {
        let Some(params) = &suspect.sets.params else {
            return Err(Error::input("spans need texts, not hashes"));
        };
        let rows = pairs.left.len();
        if pairs.right.len() != rows
            || pairs.left.iter().any(|r| *r < 0 || *r as usize >= suspect_texts.len())
            || pairs.right.iter().any(|r| *r < 0 || *r as usize >= served_texts.len())
            || suspect_texts.len() != suspect.sets.len()
            || served_texts.len() != self.len()
        {
            return Err(Error::input("pairs must name rows of both sides, and texts must be those of the sets"));
        }
        let text = |texts: Texts<'_>, row: i64| texts[row as usize].map_or(0, str::len);
        let weight = |i: usize| 8 * (text(suspect_texts, pairs.left[i]) + text(served_texts, pairs.right[i]));
        let parts = job.chunks(rows, weight, |range| {
            let mut part = Verified::default();
            for i in range {
                let (left, right) = (pairs.left[i] as usize, pairs.right[i] as usize);
                let (a, b) = (suspect_texts[left].unwrap_or_default(), served_texts[right].unwrap_or_default());
                part.append(self.compare(params, (suspect, left, a), (right, b), stage, i as i64));
            }
            Ok(part)
        })?;
        let mut out = Verified::default();
        parts.into_iter().for_each(|part| out.append(part));
        Ok(out)
    }

    fn compare(
        &self,
        params: &ShingleParams,
        (suspect, left, a): (&Side, usize, &str),
        (right, b): (usize, &str),
        stage: u8,
        pair: i64,
    ) -> Verified {
        let n = params.smallest();
        let seeds = Seeds::new(params.seed);
        let (at, bt) = (forms(a, params), forms(b, params));
        let mut interner = Interner::new();
        let mut ids = Vec::new();
        for tokens in at.iter().chain(&bt) {
            ids.push(interner.ids((0..tokens.len()).map(|i| tokens.token(i))));
        }
        // The n-grams that a layer up to this stage masks, by their exact tokens.
        let mut hidden = Grams::default();
        for (ids, tokens) in ids.iter().zip(at.iter().chain(&bt)) {
            for (gram, hash) in windows(ids, n).zip(mapped_windows(&seeds, &params.analyzer, tokens, n)) {
                let first = first_layer(suspect.layer(left, hash), self.served.layer(right, hash));
                if first != layer::NONE && first <= stage {
                    hidden.insert(gram);
                }
            }
        }
        let (ids_a, ids_b) = ids.split_at(at.len());
        let (open_a, open_b) = (open(ids_a, n, &hidden), open(ids_b, n, &hidden));
        let shared = open_a.intersection(&open_b).count();
        // Positions are those of one form of each text: as they are, or without markers where that shares more.
        let look = |i: usize, j: usize| (ngram_match(&ids_a[i], &ids_b[j], n, &hidden), i, j);
        let (mut found, mut i, mut j) = look(0, 0);
        if ids.len() > 2 {
            let other = look(at.len() - 1, bt.len() - 1);
            if other.0.ngrams > found.ngrams {
                (found, i, j) = other;
            }
        }
        let (ids_a, ids_b) = (&ids_a[i], &ids_b[j]);
        let floor = (!hidden.is_empty()).then(|| floor(ids_a, &hidden));
        let whole = n.min(ids_a.len()) as u32;
        let spans = common_spans(ids_a, ids_b, &vec![false; ids_a.len()], whole, floor.as_deref());
        let of_a: Vec<u32> = spans.iter().flat_map(|s| bytes(&at[i], s.a_start, s.len)).collect();
        let of_b: Vec<u32> = spans.iter().flat_map(|s| bytes(&bt[j], s.b_start, s.len)).collect();
        // Markers became spaces, byte for byte, so offsets stand in the original all the same.
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
            span_pair: vec![pair; spans.len()],
            spans: spans.iter().enumerate().map(|(k, span)| row(k, span.len)).collect(),
        }
    }
}

/// The tokens of a text, and those of the text without its list markers where the parameters ask for both.
fn forms(text: &str, params: &ShingleParams) -> Vec<MappedTokens> {
    let tokens = |text: &str| mapped(text, &params.analyzer, params.normalization);
    let plain = if params.both_lists { without_markers(text) } else { None };
    std::iter::once(tokens(text)).chain(plain.as_deref().map(tokens)).collect()
}

/// The distinct n-grams of all forms of a text that are not hidden.
fn open<'a>(forms: &'a [Vec<u32>], n: usize, hidden: &Grams<'_>) -> Grams<'a> {
    forms.iter().flat_map(|ids| windows(ids, n)).filter(|gram| !hidden.contains(gram)).collect()
}

/// The bytes of the original that tokens `start..start + len` stand for.
fn bytes(tokens: &MappedTokens, start: u32, len: u32) -> [u32; 2] {
    let of = &tokens.source[start as usize..(start + len) as usize];
    [of.iter().map(|s| s.0).min().unwrap_or(0), of.iter().map(|s| s.1).max().unwrap_or(0)]
}

/// The earlier of two layers, where 0 is none.
fn first_layer(a: u8, b: u8) -> u8 {
    match (a, b) {
        (0, other) | (other, 0) => other,
        _ => a.min(b),
    }
}

#[derive(Default)]
struct Part {
    best: Vec<[i64; STAGES]>,
    score: Vec<f64>,
    pairs: Vec<(i64, i64, u32)>,
    served: Vec<(u32, u8)>,
}

/// Rows to compare in full.
pub struct Pairs<'a> {
    /// Suspect rows.
    pub left: &'a [i64],
    /// Served rows.
    pub right: &'a [i64],
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn sets(rows: &[std::collections::BTreeSet<u64>]) -> ShingleSets {
        ShingleSets::of_rows(rows.iter().map(|r| r.iter().copied().collect()).collect())
    }

    proptest! {
        #[test]
        fn frequent_is_counted_in_units(
            rows in proptest::collection::vec(proptest::collection::btree_set(0u64..12, 0..8), 0..12),
            cap in 0usize..4,
        ) {
            let units: Vec<i64> = (0..rows.len() as i64).map(|i| i / 2).collect();
            let mut holders: BTreeMap<u64, std::collections::BTreeSet<i64>> = BTreeMap::new();
            for (row, set) in rows.iter().enumerate() {
                set.iter().for_each(|h| { holders.entry(*h).or_default().insert(units[row]); });
            }
            let want: (Vec<u64>, Vec<u32>) = holders.into_iter().filter(|(_, u)| u.len() > cap).map(|(h, u)| (h, u.len() as u32)).unzip();
            prop_assert_eq!(frequent(&sets(&rows), &units, cap, &Job::inline())?, want);
        }

        #[test]
        fn matcher_is_brute_force(
            served in proptest::collection::vec(proptest::collection::btree_set(0u64..40, 0..30), 0..8),
            suspect in proptest::collection::vec(proptest::collection::btree_set(0u64..40, 0..30), 0..8),
            background in proptest::collection::btree_set(0u64..40, 0..6),
            boilerplate in proptest::collection::btree_set(0u64..40, 0..6),
        ) {
            let rule = Rule { min_ngrams: 5.0, min_containment: 0.4, min_embedded: 9.0 };
            let (bg, bp): (Keys, Keys) = (background.iter().copied().collect(), boilerplate.iter().copied().collect());
            let side = |rows: &[std::collections::BTreeSet<u64>]| Side::new(sets(rows), None, &bg, &bp);
            let reps = representatives(&sets(&served));
            let index = CopyIndex::new(side(&served)?, 1, &Job::inline())?;
            let found = index.find(&side(&suspect)?, rule, usize::MAX, &Job::inline())?;
            let open = |set: &std::collections::BTreeSet<u64>| {
                set.iter().filter(|h| !background.contains(h) && !boilerplate.contains(h)).count()
            };
            let mut want = Vec::new();
            for (i, q) in suspect.iter().enumerate() {
                let mut of_row = Vec::new();
                for (j, s) in served.iter().enumerate().filter(|(j, _)| reps[*j] == *j as i64) {
                    let shared = q.intersection(s).copied().collect();
                    let hits = open(&shared);
                    let enough = hits as f64 >= 0.4 * open(q) as f64 || (hits >= 9 && hits as f64 >= 0.4 * open(s) as f64);
                    if hits >= 5 && enough {
                        of_row.push((std::cmp::Reverse(hits as u32), j as i64));
                    }
                }
                of_row.sort_unstable();
                want.extend(of_row.into_iter().map(|(hits, j)| (i as i64, j, hits.0)));
            }
            let got: Vec<_> = found.left.iter().zip(&found.right).zip(&found.hits).map(|((a, b), h)| (*a, *b, *h)).collect();
            prop_assert_eq!(got, want);
            for best in &found.best {
                // What a stage still counts, the stage before counted too.
                prop_assert!(best.windows(2).all(|w| w[0] >= 0 || w[1] < 0));
            }
        }
    }
}
