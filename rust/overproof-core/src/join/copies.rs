//! Which texts of one corpus hold texts of another: the matcher behind `compare`.
//!
//! An n-gram may be masked by one of three layers: it echoes a prompt, stands in a background corpus, or is boilerplate
//! (held by many units). Masked n-grams leave numerators and denominators; the waterfall counts what each layer took.

use super::overlap::Rarity;
use super::postings::Postings;
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::params::ShingleParams;
use crate::score::spans::TokenHasher;
use crate::shingle::ShingleSets;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// For each row the first with the same hashes and the same marks.
fn first_rows<'a>(rows: usize, row: impl Fn(usize) -> (&'a [u64], &'a [u8])) -> Vec<u32> {
    let mask = (2 * rows).next_power_of_two() - 1;
    // Open addressing; `rows` stands for a free place.
    let mut table = vec![rows as u32; mask + 1];
    (0..rows)
        .map(|i| {
            let (hashes, marks) = row(i);
            let sum = hashes.iter().fold(hashes.len() as u64, |sum, hash| sum.wrapping_add(*hash));
            let mut hasher = TokenHasher::default();
            hasher.write(marks);
            hasher.write_u64(sum);
            let mut at = hasher.finish() as usize & mask;
            while table[at] as usize != rows && row(table[at] as usize) != (hashes, marks) {
                at = (at + 1) & mask;
            }
            if table[at] as usize == rows {
                table[at] = i as u32;
            }
            table[at]
        })
        .collect()
}

/// For each row the first row with the same set; empty rows stand for themselves.
pub fn representatives(sets: &ShingleSets) -> Vec<i64> {
    let first = first_rows(sets.len(), |row| (sets.row(row), &[]));
    let itself = |row: usize| sets.row(row).is_empty();
    first.into_iter().enumerate().map(|(row, first)| if itself(row) { row as i64 } else { i64::from(first) }).collect()
}

/// Hashes that more than `cap` units hold, ascending, and how many hold them. Row i belongs to unit `units[i]`.
///
/// A small table in which several hashes share a counter says which can be meant at all; only those are counted exactly,
/// one part of the hash space after another, so that memory stays near 1 GiB whatever the corpus.
pub fn frequent(sets: &ShingleSets, units: &[i64], cap: usize, job: &Job<'_>) -> Result<(Vec<u64>, Vec<u32>)> {
    check_units(sets.len(), units)?;
    const PAIRS: usize = 1 << 26;
    // Some four hashes in `cap` a counter, so that few pass for frequent that are not.
    let rarity = Rarity::new(sets, 4 * sets.hashes.len() / cap.max(1));
    job.check()?;
    let maybe = |h: &&u64| rarity.count(**h) as usize > cap;
    let parts = (sets.hashes.iter().filter(maybe).count() / PAIRS + 1).next_power_of_two() as u64;
    let (mut keys, mut counts) = (Vec::new(), Vec::new());
    for part in 0..parts {
        let mut pairs: Vec<(u64, i64)> = Vec::new();
        let part_of = |h: u64| ((u128::from(h) * u128::from(parts)) >> 64) as u64;
        for (row, unit) in units.iter().enumerate() {
            let set = sets.row(row);
            // Rows are sorted, so the part is a stretch of each.
            let from = set.partition_point(|h| part_of(*h) < part);
            let to = set.partition_point(|h| part_of(*h) <= part);
            pairs.extend(set[from..to].iter().filter(maybe).map(|h| (*h, *unit)));
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

fn check_units(rows: usize, units: &[i64]) -> Result<()> {
    if units.len() == rows {
        return Ok(());
    }
    Err(Error::input(format!("units has {} values for {rows} rows", units.len())))
}

/// N-grams that are left out wherever they stand.
pub struct Masks {
    background: Keys,
    boilerplate: Keys,
    /// A bit for each of some 16 places a key: most n-grams are in neither set, and this is small.
    places: Vec<u64>,
    shift: u32,
}

impl Masks {
    /// The n-grams of the background and of the boilerplate.
    pub fn new(background: Keys, boilerplate: Keys) -> Self {
        let bits = (16 * (background.len() + boilerplate.len())).next_power_of_two().trailing_zeros().max(6);
        let mut masks = Masks { background, boilerplate, places: vec![0; 1 << (bits - 6)], shift: 64 - bits };
        for key in masks.background.iter().chain(&masks.boilerplate) {
            let place = key >> masks.shift;
            masks.places[(place / 64) as usize] |= 1 << (place % 64);
        }
        masks
    }

    #[inline]
    fn layer(&self, hash: u64) -> u8 {
        let place = hash >> self.shift;
        if self.places[(place / 64) as usize] >> (place % 64) & 1 == 0 {
            layer::NONE
        } else if self.background.contains(&hash) {
            layer::BACKGROUND
        } else if self.boilerplate.contains(&hash) {
            layer::BOILERPLATE
        } else {
            layer::NONE
        }
    }
}

/// Lay [`layer::ECHO`] over the hashes that stand in the row's own prompt.
fn echo(sets: &ShingleSets, prompts: &ShingleSets, layers: &mut [u8]) {
    for row in 0..sets.len() {
        let prompt = prompts.row(row);
        for (hash, layer) in sets.row(row).iter().zip(&mut layers[sets.range(row)]) {
            if prompt.binary_search(hash).is_ok() {
                *layer = layer::ECHO;
            }
        }
    }
}

fn check_prompts(sets: &ShingleSets, prompts: Option<&ShingleSets>) -> Result<()> {
    match prompts.filter(|p| p.len() != sets.len() || p.fingerprint != sets.fingerprint) {
        None => Ok(()),
        Some(p) => {
            Err(Error::input(format!("prompts: {} rows for {} texts, or other parameters", p.len(), sets.len())))
        }
    }
}

/// A corpus with the layer of each of its n-grams.
pub struct Side {
    /// The n-grams.
    pub sets: Arc<ShingleSets>,
    layers: Vec<u8>,
    /// Number of unmasked n-grams of each row.
    pub open: Vec<u32>,
}

impl Side {
    /// Mask `sets`; `prompts` are the n-grams of each row's own prompt.
    pub fn new(sets: Arc<ShingleSets>, prompts: Option<&ShingleSets>, masks: &Masks) -> Result<Self> {
        check_prompts(&sets, prompts)?;
        let mut layers: Vec<u8> = sets.hashes.iter().map(|hash| masks.layer(*hash)).collect();
        if let Some(prompts) = prompts {
            echo(&sets, prompts, &mut layers);
        }
        let open = (0..sets.len())
            .map(|row| layers[sets.range(row)].iter().filter(|l| **l == layer::NONE).count() as u32)
            .collect();
        Ok(Side { sets, layers, open })
    }

    pub(super) fn row(&self, i: usize) -> (&[u64], &[u8]) {
        let range = self.sets.range(i);
        (&self.sets.hashes[range.clone()], &self.layers[range])
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

/// The n-grams of the served texts and the rows that hold them.
pub struct Answers {
    sets: Arc<ShingleSets>,
    prompts: Option<Arc<ShingleSets>>,
    /// For each row the first with the same n-grams and the same echoes: only that one is looked for.
    first: Vec<u32>,
    postings: Postings,
}

/// How common the n-grams of the served texts are.
#[derive(Clone, Debug, PartialEq)]
pub struct Frequencies {
    /// N-grams that more than the lowest cap of units hold, ascending.
    pub keys: Vec<u64>,
    /// Number of units that hold each.
    pub counts: Vec<u32>,
    /// For each row the number of caps, lowest first, at which it loses over half of its n-grams.
    pub losing: Vec<u8>,
}

impl Answers {
    /// Index `sets`; of rows with the same n-grams and the same echoes of their `prompts` only the first.
    pub fn new(sets: Arc<ShingleSets>, prompts: Option<Arc<ShingleSets>>, job: &Job<'_>) -> Result<Self> {
        check_prompts(&sets, prompts.as_deref())?;
        let mut echoes = Vec::new();
        if let Some(prompts) = &prompts {
            echoes = vec![layer::NONE; sets.hashes.len()];
            echo(&sets, prompts, &mut echoes);
        }
        // Other layers depend on the n-gram alone: where the echoes are the same, all layers are.
        let first = first_rows(sets.len(), |row| (sets.row(row), echoes.get(sets.range(row)).unwrap_or_default()));
        drop(echoes);
        let postings = Postings::new(&sets, |row| first[row] as usize == row, job)?;
        Ok(Answers { sets, prompts, first, postings })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// N-grams that more than `caps[0]` units hold, and what each of the ascending `caps` would cost the rows.
    ///
    /// Row i belongs to unit `units[i]`, the number of one of its rows; rows with the same n-grams are of one unit.
    pub fn frequencies(&self, units: &[i64], caps: &[u32], job: &Job<'_>) -> Result<Frequencies> {
        check_units(self.len(), units)?;
        let rows = self.len();
        if units.iter().any(|unit| !(0..rows as i64).contains(unit)) || caps.is_empty() || !caps.is_sorted() {
            return Err(Error::input("units must be row numbers, and caps must ascend"));
        }
        let mut frequent: Vec<(u64, u32)> = Vec::new();
        // The key at which a unit was counted last, from 1.
        let mut seen = vec![0u32; rows];
        // Of each row the n-grams that a cap masks and the next one does not.
        let mut levels = vec![0u32; rows * caps.len()];
        for (key, holders) in self.postings.iter().filter(|(_, holders)| holders.len() > caps[0] as usize) {
            let number = frequent.len() as u32 + 1;
            let mut count = 0u32;
            for row in holders {
                let last = &mut seen[units[*row as usize] as usize];
                count += u32::from(*last != number);
                *last = number;
            }
            frequent.push((key, count));
            if let Some(level) = caps.partition_point(|cap| *cap < count).checked_sub(1) {
                holders.iter().for_each(|row| levels[*row as usize * caps.len() + level] += 1);
            }
        }
        job.check()?;
        frequent.retain(|(_, count)| *count > caps[0]);
        frequent.sort_unstable();
        let losing = |row: &u32| {
            let row = *row as usize;
            let size = self.sets.row(row).len() as u32;
            let levels = levels[row * caps.len()..][..caps.len()].iter().rev();
            let masked = levels.scan(0, |masked, level| {
                *masked += level;
                Some(*masked)
            });
            masked.filter(|masked| 2 * masked > size).count() as u8
        };
        let losing = self.first.iter().map(losing).collect();
        let (keys, counts) = frequent.into_iter().unzip();
        Ok(Frequencies { keys, counts, losing })
    }
}

/// Served texts, ready to be looked for.
pub struct CopyIndex {
    pub(super) served: Side,
    answers: Arc<Answers>,
    /// For each row the places of its masked n-grams among 128: what else it may share with a text.
    marks: Vec<u128>,
    masks: Masks,
    /// Rows that are looked at for one masked n-gram, the lowest first.
    limit: usize,
}

/// One of 128 places.
fn mark(hash: u64) -> u128 {
    1 << (hash >> 57)
}

/// A pair is compared in full once it shares this many n-grams, or as many as the rule asks for where those are fewer.
const CANDIDATE: u32 = 4;

impl CopyIndex {
    /// Mask `answers`.
    ///
    /// An unmasked n-gram leads to all its rows. A masked one leads to its first `limit`: it can make no match, and the
    /// rows kept only let the earlier stages show what it would have matched.
    pub fn new(answers: Arc<Answers>, masks: Masks, limit: usize) -> Result<Self> {
        let served = Side::new(Arc::clone(&answers.sets), answers.prompts.as_deref(), &masks)?;
        let marks = (0..served.sets.len()).map(|row| {
            let (hashes, layers) = served.row(row);
            hashes
                .iter()
                .zip(layers)
                .filter(|(_, layer)| **layer != layer::NONE)
                .fold(0, |all, (hash, _)| all | mark(*hash))
        });
        Ok(CopyIndex { marks: marks.collect(), served, answers, masks, limit: limit.max(1) })
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
        let weight = |row: usize| 32 * suspect.sets.row(row).len();
        let spare = Mutex::new(Vec::new());
        let parts = job.chunks(suspect.sets.len(), weight, |rows| {
            let mut part = Part::default();
            let kept = lock(&spare).pop();
            let (mut work, mut stages) = kept.unwrap_or_else(|| (Work::new(self.len()), vec![0u8; self.len()]));
            let (from, to) = (suspect.sets.range(rows.start).start, suspect.sets.range(rows.end - 1).end);
            let mut held = Vec::new();
            self.answers.postings.find(&suspect.sets.hashes[from..to], &mut held);
            let mut held = held.as_slice();
            for row in rows {
                let end = suspect.sets.range(row).end - from;
                let (of_row, others) = held.split_at(held.iter().take_while(|(at, _)| (*at as usize) < end).count());
                work.take_up(suspect, from, of_row, &self.masks);
                self.row(suspect, row, rule, top, &mut work, &mut stages, &mut part);
                held = others;
            }
            lock(&spare).push((work, stages));
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
        }
        for (_, stages) in lock(&spare).drain(..) {
            out.served.iter_mut().zip(stages).for_each(|(all, of_thread)| *all = of_thread.max(*all));
        }
        for (row, first) in self.answers.first.iter().enumerate() {
            out.served[row] = out.served[*first as usize];
        }
        Ok(out)
    }

    /// Look for row `row` of `suspect`, which `work` has taken up; `stages` holds, for each served row, at how many stages
    /// a text matched it so far.
    #[allow(clippy::too_many_arguments)] // what is looked for, by what rule, and where to
    fn row(
        &self,
        suspect: &Side,
        row: usize,
        rule: Rule,
        top: usize,
        work: &mut Work<'_>,
        stages: &mut [u8],
        part: &mut Part,
    ) {
        let (hashes, layers) = suspect.row(row);
        let (open, weight) = (suspect.open[row], suspect.weight(row));
        let masked = (work.own.len() + work.both.len()) as u32;
        let own = work.own.len() as u32;
        let enough = (rule.min_ngrams.ceil() as u32).clamp(1, CANDIDATE);
        let mut best = [(0u32, -1i64); STAGES];
        let mut most = 0;
        let mut pairs: Vec<(u32, i64)> = Vec::new();
        // `at_most`: the n-grams that the row may share; `alone`: only masked ones, so that it cannot match at the last stage.
        let mut look = |right: u32, at_most: u32, alone: bool, most: &mut u32| {
            let reached = &mut stages[right as usize];
            let beaten = |best: &(u32, i64)| (best.0, -best.1) > (at_most, -i64::from(right));
            if alone && usize::from(*reached) >= STAGES - 1 && best[..STAGES - 1].iter().all(beaten) {
                return;
            }
            let hits = self.shared(hashes, layers, right as usize);
            if hits[0] < enough {
                return;
            }
            let served_open = self.served.open[right as usize];
            let mut accepted = 0;
            for (stage, best) in best.iter_mut().enumerate() {
                if rule.accepts(hits[stage], weight, open, served_open) {
                    accepted = stage + 1;
                    if (hits[stage], -i64::from(right)) > (best.0, -best.1) {
                        *best = (hits[stage], i64::from(right));
                    }
                }
            }
            let left = hits[STAGES - 1];
            if accepted == STAGES && !alone {
                pairs.push((left, i64::from(right)));
            }
            *reached = (accepted as u8).max(*reached);
            *most = left.max(*most);
        };
        // Rows that share more unmasked n-grams first: the rest can soon neither match nor raise the score.
        let mut level = work.open.len() as u32;
        if level + masked >= enough {
            level = work.count_open();
        }
        while level > 0 && level + masked >= enough && (level > most || rule.accepts(level + masked, weight, open, 0)) {
            let mut next = 0;
            for (right, hits) in &work.rows {
                if *hits == level {
                    let hits = level + own + work.masked_too(self.marks[*right as usize]);
                    if hits >= enough
                        && (level > most || rule.accepts(hits, weight, open, self.served.open[*right as usize]))
                    {
                        look(*right, hits, false, &mut most);
                    }
                } else if *hits < level {
                    next = next.max(*hits);
                }
            }
            level = next;
        }
        // Rows that share masked n-grams alone can match at the earlier stages. (The others were looked at, if it matters.)
        if rule.accepts(masked, weight, open, 0) {
            let cut = work.count_masked(self.limit);
            for (right, hits) in work.rows.iter().filter(|(_, hits)| *hits >= enough) {
                let hits = (hits + cut).min(own + work.masked_too(self.marks[*right as usize]));
                if rule.accepts(hits, weight, open, self.served.open[*right as usize]) {
                    look(*right, hits, true, &mut most);
                }
            }
        }
        let reached = (f64::from(most) * weight / rule.min_ngrams).min(1.0);
        let score = if open > 0 { f64::from(most) / f64::from(open) * reached } else { 0.0 };
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
}

/// The earlier of two layers, where 0 is none.
pub(super) fn first_layer(a: u8, b: u8) -> u8 {
    match (a, b) {
        (0, other) | (other, 0) => other,
        _ => a.min(b),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The n-grams of a suspect text that served rows hold, and how many of them each row holds.
struct Work<'s> {
    /// The rows of each n-gram that is not masked, of each that the suspect side alone masks, of each that both mask.
    open: Vec<&'s [u32]>,
    own: Vec<&'s [u32]>,
    both: Vec<&'s [u32]>,
    /// Of the n-grams that both mask: the places of one, those of a second one, and the n-grams beyond.
    once: u128,
    twice: u128,
    more: u32,
    /// By served row; all 0 between texts.
    counts: Vec<u32>,
    /// The rows that hold any of the n-grams counted last, and how many.
    rows: Vec<(u32, u32)>,
}

impl<'s> Work<'s> {
    fn new(rows: usize) -> Self {
        Work {
            open: Vec::new(),
            own: Vec::new(),
            both: Vec::new(),
            once: 0,
            twice: 0,
            more: 0,
            counts: vec![0; rows],
            rows: Vec::new(),
        }
    }

    /// Take up a text of `suspect`, whose n-grams are `held` by the rows there; `from` is the place of place 0.
    fn take_up(&mut self, suspect: &Side, from: usize, held: &[(u32, &'s [u32])], masks: &Masks) {
        [&mut self.open, &mut self.own, &mut self.both].into_iter().for_each(Vec::clear);
        (self.once, self.twice, self.more) = (0, 0, 0);
        for (at, rows) in held {
            let at = from + *at as usize;
            if suspect.layers[at] == layer::NONE {
                self.open.push(rows);
            } else if masks.layer(suspect.sets.hashes[at]) == layer::NONE {
                self.own.push(rows);
            } else {
                let mark = mark(suspect.sets.hashes[at]);
                self.more += u32::from(self.twice & mark != 0);
                self.twice |= self.once & mark;
                self.once |= mark;
                self.both.push(rows);
            }
        }
    }

    /// How many n-grams that both sides mask a served row with these `marks` may share with the text, at most.
    fn masked_too(&self, marks: u128) -> u32 {
        self.more + (marks & self.once).count_ones() + (marks & self.twice).count_ones()
    }

    /// Count the n-grams that are not masked; the most that a row holds.
    fn count_open(&mut self) -> u32 {
        count(&self.open, usize::MAX, &mut self.counts, &mut self.rows);
        self.rows.iter().map(|(_, hits)| *hits).max().unwrap_or(0)
    }

    /// Count masked n-grams in the first `limit` rows of each; the number of n-grams that more rows hold.
    fn count_masked(&mut self, limit: usize) -> u32 {
        self.own.append(&mut self.both);
        count(&self.own, limit, &mut self.counts, &mut self.rows);
        self.own.iter().filter(|rows| rows.len() > limit).count() as u32
    }
}

/// Fill `rows` from the first `limit` rows of each list; `counts` is all 0 before and after.
fn count(lists: &[&[u32]], limit: usize, counts: &mut [u32], rows: &mut Vec<(u32, u32)>) {
    rows.clear();
    for row in lists.iter().flat_map(|list| &list[..list.len().min(limit)]) {
        let count = &mut counts[*row as usize];
        if *count == 0 {
            rows.push((*row, 0));
        }
        *count += 1;
    }
    rows.iter_mut().for_each(|(row, hits)| *hits = std::mem::take(&mut counts[*row as usize]));
}

#[derive(Default)]
struct Part {
    best: Vec<[i64; STAGES]>,
    score: Vec<f64>,
    pairs: Vec<(i64, i64, u32)>,
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
            own in proptest::collection::btree_set(0u64..40, 0..6),
            limit in proptest::sample::select(vec![1, 8]),
        ) {
            let rule = Rule { min_ngrams: 5.0, min_containment: 0.4, min_embedded: 9.0 };
            let keys = |set: &std::collections::BTreeSet<u64>| set.iter().copied().collect::<Keys>();
            let all: std::collections::BTreeSet<u64> = boilerplate.union(&own).copied().collect();
            let reps = representatives(&sets(&served));
            let answers = Answers::new(Arc::new(sets(&served)), None, &Job::inline())?;
            let index = CopyIndex::new(Arc::new(answers), Masks::new(keys(&background), keys(&boilerplate)), limit)?;
            let suspects = Side::new(Arc::new(sets(&suspect)), None, &Masks::new(keys(&background), keys(&all)))?;
            let found = index.find(&suspects, rule, usize::MAX, &Job::inline())?;
            let count = |set: &std::collections::BTreeSet<u64>, masks: [&std::collections::BTreeSet<u64>; 2]| {
                set.iter().filter(|h| masks.iter().all(|mask| !mask.contains(h))).count()
            };
            let none = std::collections::BTreeSet::new();
            let mut want = Vec::new();
            for (i, q) in suspect.iter().enumerate() {
                let (mut of_row, mut best, mut score) = (Vec::new(), [(0, -1); STAGES], 0.0f64);
                let open = count(q, [&background, &all]);
                for (j, s) in served.iter().enumerate().filter(|(j, _)| reps[*j] == *j as i64) {
                    let shared = q.intersection(s).copied().collect();
                    let raw = count(&shared, [&none, &none]);
                    let hits = [raw, raw, count(&shared, [&background, &none]), count(&shared, [&background, &all])];
                    let accepts = |hits: usize| {
                        let of_served = hits as f64 >= 0.4 * count(s, [&background, &boilerplate]) as f64;
                        hits >= 5 && (hits as f64 >= 0.4 * open as f64 || (hits >= 9 && of_served))
                    };
                    for (hits, best) in hits.into_iter().zip(&mut best).filter(|(hits, _)| accepts(*hits)) {
                        *best = if hits > best.0 { (hits, j as i64) } else { *best };
                    }
                    if accepts(hits[3]) {
                        of_row.push((std::cmp::Reverse(hits[3] as u32), j as i64));
                    }
                    if raw >= 4 && open > 0 {
                        score = score.max(hits[3] as f64 / open as f64 * (hits[3] as f64 / 5.0).min(1.0));
                    }
                }
                prop_assert_eq!(found.score[i], score);
                if limit >= served.len() {
                    prop_assert_eq!(found.best[i], best.map(|best| best.1));
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
