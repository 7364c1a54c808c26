//! Which texts of one corpus hold texts of another: the matcher behind `compare`.
//!
//! An n-gram may be masked by one of three layers: it echoes a prompt, stands in a background corpus, or is boilerplate
//! (held by many units). Masked n-grams leave numerators and denominators; the waterfall counts what each layer took.

use super::candidates::Candidates;
use super::masked::Masked;
use super::masks::{Masks, Mixed, STAGES, Side, check_prompts, echo, layer};
use super::overlap::Rarity;
use super::places::BLOCK;
use super::postings::Postings;
use crate::error::{Error, Result};
use crate::exec::{Job, lock};
use crate::params::ShingleParams;
use crate::score::spans::TokenHasher;
use crate::shingle::ShingleSets;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex};

/// For each row the first with the same hashes and the same `marks`, which are those of all hashes, or nothing.
fn first_rows(sets: &ShingleSets, marks: &[u8]) -> Vec<u32> {
    let rows = sets.len();
    let row = |i: usize| (sets.row(i), marks.get(sets.range(i)).unwrap_or_default());
    let mask = (2 * rows).next_power_of_two() - 1;
    // Open addressing; `rows` stands for a free place.
    let mut table = vec![rows as u32; mask + 1];
    (0..rows)
        .map(|i| {
            let mut hasher = TokenHasher::default();
            hasher.write(row(i).1);
            hasher.write_u64(sets.sum(i));
            let mut at = hasher.finish() as usize & mask;
            let same = |j: usize| sets.sum(i) == sets.sum(j) && row(i) == row(j);
            while table[at] as usize != rows && !same(table[at] as usize) {
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
    let first = first_rows(sets, &[]);
    let itself = |row: usize| sets.row(row).is_empty();
    first.into_iter().enumerate().map(|(row, first)| if itself(row) { row as i64 } else { i64::from(first) }).collect()
}

/// Hashes that more than `cap` units hold, ascending, and how many hold them. Row i belongs to unit `units[i]`.
///
/// A small table in which several hashes share a counter says which can be meant at all; only those are counted exactly,
/// one part of the hash space after another, so that memory stays near 1 GiB whatever the corpus.
pub fn frequent(sets: &ShingleSets, units: &[i64], cap: usize, job: &Job<'_>) -> Result<(Vec<u64>, Vec<u32>)> {
    check_units(sets.len(), units)?;
    const KEYS: u64 = 1 << 25;
    const ROWS: usize = 1 << 12;
    // Some four hashes in `cap` a counter, so that few pass for frequent that are not.
    let rarity = Rarity::new(sets, 4 * sets.hashes.len() / cap.max(1));
    job.check()?;
    let (common, total) = rarity.above(cap);
    let parts = (total / KEYS + 1).next_power_of_two();
    // Rows of one unit side by side: a hash meets its units one after another.
    let mut order: Vec<(i64, usize)> = units.iter().copied().zip(0..).collect();
    order.sort_unstable();
    let (mut keys, mut counts, mut maybe) = (Vec::new(), Vec::new(), [0; BLOCK]);
    for part in 0..parts {
        // Of each hash the number of its units, and the last of them, by its number from 1.
        let mut held: HashMap<u64, (u32, u32), BuildHasherDefault<Mixed>> = HashMap::default();
        let part_of = |h: u64| ((u128::from(h) * u128::from(parts)) >> 64) as u64;
        let (mut number, mut before) = (0, None);
        for rows in order.chunks(ROWS) {
            for (unit, row) in rows {
                number += u32::from(before != Some(unit));
                before = Some(unit);
                let mut set = sets.row(*row);
                if parts > 1 {
                    // Rows are sorted, so the part is a stretch of each.
                    let from = set.partition_point(|h| part_of(*h) < part);
                    let to = set.partition_point(|h| part_of(*h) <= part);
                    set = &set[from..to];
                }
                for hashes in set.chunks(BLOCK) {
                    for i in common.which(hashes, |hash| rarity.place(hash), &mut maybe) {
                        let (count, last) = held.entry(hashes[usize::from(*i)]).or_default();
                        *count += u32::from(*last != number);
                        *last = number;
                    }
                }
            }
            job.check()?;
        }
        let mut found: Vec<(u64, u32)> = held.into_iter().map(|(hash, (count, _))| (hash, count)).collect();
        found.retain(|(_, count)| *count as usize > cap);
        found.sort_unstable();
        keys.extend(found.iter().map(|(hash, _)| hash));
        counts.extend(found.iter().map(|(_, count)| count));
    }
    Ok((keys, counts))
}

fn check_units(rows: usize, units: &[i64]) -> Result<()> {
    if units.len() == rows {
        return Ok(());
    }
    Err(Error::input(format!("units has {} values for {rows} rows", units.len())))
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
        let first = first_rows(&sets, &echoes);
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
        for (key, holders) in self.postings.held_by_more_than(caps[0] as usize) {
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
    answers: Arc<Answers>,
    masks: Masks,
    masked: Masked,
    /// Rows that are looked at for one masked n-gram, the lowest first.
    limit: usize,
}

/// A pair is compared in full once it shares this many n-grams, or as many as the rule asks for where those are fewer.
const CANDIDATE: u32 = 4;

/// N-grams of texts that are looked up at once; in tests those of a text or two.
const AT_ONCE: usize = if cfg!(test) { 1 << 4 } else { 1 << 10 };

/// From as many n-grams on that a match needs, postings are skipped.
const SKIPPING: u32 = 4;

impl CopyIndex {
    /// Mask `answers`.
    ///
    /// An unmasked n-gram leads to all its rows. A masked one leads to its first `limit`: it can make no match, and the
    /// rows kept only let the earlier stages show what it would have matched.
    pub fn new(answers: Arc<Answers>, masks: Masks, limit: usize) -> Result<Self> {
        let Answers { sets, prompts, first, postings } = &*answers;
        let masked = Masked::new(sets, prompts.as_deref(), &masks, postings, first)?;
        Ok(CopyIndex { answers, masks, masked, limit: limit.max(1) })
    }

    /// The n-grams of the served rows.
    pub(super) fn served(&self) -> &ShingleSets {
        &self.answers.sets
    }

    /// The n-grams of a served row; their layers go to `layers`.
    pub(super) fn served_row<'s>(&'s self, row: usize, layers: &'s mut Vec<u8>) -> (&'s [u64], &'s [u8]) {
        let Answers { sets, prompts, .. } = &*self.answers;
        let prompt = prompts.as_ref().map_or(&[][..], |prompts| prompts.row(row));
        self.masks.of_row(sets.row(row), prompt, layers);
        (sets.row(row), layers)
    }

    /// Number of served rows.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether there is no served row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Compare every row of `suspect` with the served texts; at most `top` pairs a row are kept.
    pub fn find(&self, suspect: &Side, rule: Rule, top: usize, job: &Job<'_>) -> Result<Matches> {
        if suspect.sets.fingerprint != self.answers.sets.fingerprint {
            return Err(Error::Incompatible(format!(
                "suspect and served texts were shingled with different parameters: {:?} against {:?}",
                suspect.sets.params.as_ref().map(ShingleParams::canonical),
                self.answers.sets.params.as_ref().map(ShingleParams::canonical)
            )));
        }
        let weight = |row: usize| 32 * suspect.sets.row(row).len();
        let spare = Mutex::new(Vec::new());
        let parts = job.chunks(suspect.sets.len(), weight, |rows| {
            let mut part = Part::default();
            let kept = lock(&spare).pop();
            let (mut work, mut stages) =
                kept.unwrap_or_else(|| (Candidates::new(self.len(), &self.masked), vec![0u8; self.len()]));
            let mut held = Vec::new();
            let mut rows = rows.peekable();
            while let Some(first) = rows.peek().copied() {
                let from = suspect.sets.range(first).start;
                let few = |row: &usize| suspect.sets.range(*row).start < from + AT_ONCE;
                let few = std::iter::from_fn(|| rows.next_if(few)).last().map_or(first, |last| last + 1);
                held.clear();
                suspect.ask_for(first..few);
                self.answers.postings.find(&suspect.sets.hashes[from..suspect.sets.range(few - 1).end], &mut held);
                let mut held = held.as_slice();
                for row in first..few {
                    let end = suspect.sets.range(row).end - from;
                    let (of_row, others) =
                        held.split_at(held.iter().take_while(|(at, _)| (*at as usize) < end).count());
                    work.take_up(&self.masked, suspect, from, of_row);
                    part.push(row, self.row(suspect, row, rule, &mut work, &mut stages), top);
                    held = others;
                }
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
    fn row(&self, suspect: &Side, row: usize, rule: Rule, work: &mut Candidates<'_>, stages: &mut [u8]) -> Found {
        let masked = work.masked();
        let enough = (rule.min_ngrams.ceil() as u32).clamp(1, CANDIDATE);
        let (open, weight) = (suspect.open[row], suspect.weight(row));
        let fresh = || Found { rule, open, weight, enough, best: [(0, -1); STAGES], most: 0, pairs: Vec::new() };
        let mut found = fresh();
        let least = enough.saturating_sub(masked).max(1);
        // A text that a row can match: rows that share too little for that are skipped, and can raise no score that reaches it.
        let needed = found.needed(work.open(), masked);
        let skipped = needed.filter(|needed| *needed >= SKIPPING.max(least));
        if let Some(needed) = skipped {
            let level = work.count_open_by_skipping(&self.masked, needed);
            self.levels(level, masked, &mut found, work, stages);
        }
        if work.open() >= least && skipped.is_none_or(|needed| found.most + 1 < needed) {
            found = fresh();
            let level = work.count_open(&self.masked, least);
            self.levels(level, masked, &mut found, work, stages);
        }
        // Rows that share masked n-grams alone can match at the earlier stages. (The others were looked at, if it matters.)
        if let Some(needed) = found.needed(masked, 0) {
            let cut = work.count_masked(&self.masked, self.limit, enough);
            work.choose_masked(&self.masked, cut, needed);
            for (right, at_most) in work.chosen() {
                let reached = &mut stages[*right as usize];
                if found.accepts(*at_most, self.masked.open[*right as usize])
                    && (usize::from(*reached) < STAGES - 1 || found.may_beat(*at_most, *right))
                {
                    found.look(self, work, *right, 0, reached);
                }
            }
        }
        found
    }

    /// Look at the rows that were counted, those first that share more n-grams that the text does not mask, `level` at the
    /// most: the rest can soon neither match nor raise the score.
    fn levels(&self, mut level: u32, masked: u32, found: &mut Found, work: &mut Candidates<'_>, stages: &mut [u8]) {
        while level > 0 && found.may_matter(level, level + masked, 0) {
            let mut from = Some(0);
            while let Some(at) = from.filter(|_| found.may_matter(level, level + masked, 0)) {
                from = work.choose(&self.masked, level, found.enough, at);
                for (right, at_most) in work.chosen() {
                    if found.may_matter(level, *at_most, self.masked.open[*right as usize]) {
                        found.look(self, work, *right, level, &mut stages[*right as usize]);
                    }
                }
            }
            level = work.most_below(level);
        }
    }
}

/// What was found for one suspect text.
struct Found {
    rule: Rule,
    /// Of the text: its unmasked n-grams, and the share of a token that a token counts as.
    open: u32,
    weight: f64,
    /// Fewest shared n-grams at which a pair counts as compared.
    enough: u32,
    /// By stage the most shared n-grams that are a match, and the first row that has them.
    best: [(u32, i64); STAGES],
    /// The most n-grams that the last stage still counts.
    most: u32,
    /// The matches at the last stage.
    pairs: Vec<(u32, i64)>,
}

impl Found {
    fn accepts(&self, hits: u32, served_open: u32) -> bool {
        self.rule.accepts(hits, self.weight, self.open, served_open)
    }

    /// As few unmasked n-grams as a row can share and match, if it shares all `masked` ones; `None` where `most` are too few.
    fn needed(&self, most: u32, masked: u32) -> Option<u32> {
        if !self.accepts(most + masked, 0) {
            return None;
        }
        let (mut low, mut high) = (0, most);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.accepts(middle + masked, 0) { high = middle } else { low = middle + 1 }
        }
        Some(low)
    }

    /// Whether a row of `served_open` unmasked n-grams can match or raise the score, if it shares `at_most` n-grams, of
    /// which the text does not mask `level`.
    fn may_matter(&self, level: u32, at_most: u32, served_open: u32) -> bool {
        at_most >= self.enough && (level > self.most || self.accepts(at_most, served_open))
    }

    /// Whether row `right` can be the best of a stage before the last, if it shares `at_most` n-grams.
    fn may_beat(&self, at_most: u32, right: u32) -> bool {
        self.best[..STAGES - 1].iter().any(|best| (best.0, -best.1) <= (at_most, -i64::from(right)))
    }

    /// Take in served row `right`, which shares `level` n-grams that the text does not mask; without any it cannot match at
    /// the last stage. `reached` is the number of stages at which any text matched it.
    fn look(&mut self, index: &CopyIndex, work: &Candidates<'_>, right: u32, level: u32, reached: &mut u8) {
        let hits = work.shared(&index.masked, right, level);
        if hits[0] < self.enough {
            return;
        }
        let served_open = index.masked.open[right as usize];
        for (stage, hits) in hits.into_iter().enumerate() {
            if self.accepts(hits, served_open) {
                *reached = (stage as u8 + 1).max(*reached);
                if (hits, -i64::from(right)) > (self.best[stage].0, -self.best[stage].1) {
                    self.best[stage] = (hits, i64::from(right));
                }
                if stage == STAGES - 1 && level > 0 {
                    self.pairs.push((hits, i64::from(right)));
                }
            }
        }
        self.most = self.most.max(hits[STAGES - 1]);
    }
}

#[derive(Default)]
struct Part {
    best: Vec<[i64; STAGES]>,
    score: Vec<f64>,
    pairs: Vec<(i64, i64, u32)>,
}

impl Part {
    /// Add what was found for `row`; at most `top` pairs are kept.
    fn push(&mut self, row: usize, mut found: Found, top: usize) {
        let most = f64::from(found.most);
        let reached = (most * found.weight / found.rule.min_ngrams).min(1.0);
        self.score.push(if found.open > 0 { most / f64::from(found.open) * reached } else { 0.0 });
        self.best.push(found.best.map(|best| best.1));
        found.pairs.sort_unstable_by_key(|(hits, right)| (u32::MAX - hits, *right));
        found.pairs.truncate(top);
        self.pairs.extend(found.pairs.into_iter().map(|(hits, right)| (row as i64, right, hits)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn sets(rows: &[BTreeSet<u64>]) -> ShingleSets {
        ShingleSets::of_rows(rows.iter().map(|r| r.iter().copied().collect()).collect())
    }

    fn hash_sets(hashes: usize, rows: usize) -> impl Strategy<Value = Vec<BTreeSet<u64>>> {
        proptest::collection::vec(proptest::collection::btree_set(0u64..40, 0..hashes), 0..rows)
    }

    proptest! {
        #[test]
        fn frequent_is_counted_in_units(
            rows in proptest::collection::vec(proptest::collection::btree_set(0u64..12, 0..8), 0..12),
            cap in 0usize..4,
        ) {
            let units: Vec<i64> = (0..rows.len() as i64).map(|i| i / 2).collect();
            let mut holders: BTreeMap<u64, BTreeSet<i64>> = BTreeMap::new();
            for (row, set) in rows.iter().enumerate() {
                set.iter().for_each(|h| { holders.entry(*h).or_default().insert(units[row]); });
            }
            let want: (Vec<u64>, Vec<u32>) = holders.into_iter().filter(|(_, u)| u.len() > cap).map(|(h, u)| (h, u.len() as u32)).unzip();
            prop_assert_eq!(frequent(&sets(&rows), &units, cap, &Job::inline())?, want);
        }

        #[test]
        fn matcher_is_brute_force(
            rows in [hash_sets(30, 8), hash_sets(30, 8)],
            prompts in proptest::option::of([hash_sets(8, 8), hash_sets(8, 8)]),
            masks in proptest::collection::vec(proptest::collection::btree_set(0u64..40, 0..6), 4),
            limit in proptest::sample::select(vec![1, 8]),
        ) {
            let rule = Rule { min_ngrams: 5.0, min_containment: 0.4, min_embedded: 9.0 };
            let keys = |i: usize| masks[i].iter().copied().collect::<Vec<_>>();
            let prompt = |side: usize, row: usize| {
                prompts.as_ref().and_then(|p| p[side].get(row).cloned()).unwrap_or_default()
            };
            let [served, suspect] = &rows;
            let prompts_of = |side: usize| {
                let all: Vec<_> = (0..rows[side].len()).map(|row| prompt(side, row)).collect();
                prompts.as_ref().map(|_| Arc::new(sets(&all)))
            };
            let answers = Answers::new(Arc::new(sets(served)), prompts_of(0), &Job::inline())?;
            let index = CopyIndex::new(Arc::new(answers), Masks::new(&keys(0), &keys(1))?, limit)?;
            let of_suspect = Masks::new(&keys(2), &keys(3))?;
            let suspects = Side::new(Arc::new(sets(suspect)), prompts_of(1).as_deref(), &of_suspect)?;
            let found = index.find(&suspects, rule, usize::MAX, &Job::inline())?;

            // Earlier layers first; n-grams that a stage still counts are in none of the first layers on either side.
            let is_masked = |side: usize, row: usize, hash: &u64, stage: usize| {
                let layers = [&prompt(side, row), &masks[2 * side], &masks[2 * side + 1]];
                layers[..stage].iter().any(|layer| layer.contains(hash))
            };
            let open = |side: usize, row: usize| {
                rows[side][row].iter().filter(|hash| !is_masked(side, row, hash, 3)).count()
            };
            let echoes = |row: usize| served[row].intersection(&prompt(0, row)).copied().collect::<Vec<_>>();
            let first = |j: usize| (0..j).find(|k| (&served[*k], echoes(*k)) == (&served[j], echoes(j))).unwrap_or(j);
            let (mut want, mut reached) = (Vec::new(), vec![0u8; served.len()]);
            for (i, q) in suspect.iter().enumerate() {
                let (mut of_row, mut best, mut score) = (Vec::new(), [(0, -1); STAGES], 0.0f64);
                for (j, s) in served.iter().enumerate().filter(|(j, _)| first(*j) == *j) {
                    let counts = |stage: usize| {
                        let counted = |hash: &&u64| !is_masked(1, i, hash, stage) && !is_masked(0, j, hash, stage);
                        q.intersection(s).filter(counted).count()
                    };
                    let hits = [0, 1, 2, 3].map(counts);
                    let accepts = |hits: usize| {
                        let embedded = hits >= 9 && hits as f64 >= 0.4 * open(0, j) as f64;
                        hits >= 5 && (hits as f64 >= 0.4 * open(1, i) as f64 || embedded)
                    };
                    for (stage, (hits, best)) in hits.into_iter().zip(&mut best).enumerate() {
                        if accepts(hits) {
                            *best = if hits > best.0 { (hits, j as i64) } else { *best };
                            reached[j] = reached[j].max(stage as u8 + 1);
                        }
                    }
                    if accepts(hits[3]) {
                        of_row.push((std::cmp::Reverse(hits[3] as u32), j as i64));
                    }
                    if hits[0] >= 4 && open(1, i) > 0 {
                        score = score.max(hits[3] as f64 / open(1, i) as f64 * (hits[3] as f64 / 5.0).min(1.0));
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
            if limit >= served.len() {
                prop_assert_eq!(found.served, (0..served.len()).map(|j| reached[first(j)]).collect::<Vec<_>>());
            }
            for best in &found.best {
                // What a stage still counts, the stage before counted too.
                prop_assert!(best.windows(2).all(|w| w[0] >= 0 || w[1] < 0));
            }
        }
    }
}
