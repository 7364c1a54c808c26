//! How many n-grams a text shares with the rows of an index, by the layer that masks them.
//!
//! N-grams that are not masked are counted through the postings. A masked one has long postings, so each row has the
//! short list of its own: with both, what a text and a row share is known exactly, and their sets are never merged.

use super::masked::{Masked, mark};
use super::masks::{STAGES, Side, first_layer, layer};
use crate::kernel::memory::prefetch;
use crate::kernel::{self, Level};
use std::ops::AddAssign;

/// Rows that are chosen at once; in tests few, so that they stop among some.
const SOME: usize = if cfg!(test) { 2 } else { 16 };

/// Lists whose rows are counted in bytes; in tests few, so that some texts have more.
const NARROW: usize = if cfg!(test) { 4 } else { u8::MAX as usize };

/// What [`Candidates`] notes of an n-gram of the text that has a number: 0 is nothing, else the layer there, and whether
/// rows were counted for it as if it were not masked in any.
const fn note(layer: u8, counted: bool) -> u8 {
    1 + 2 * layer + counted as u8
}

/// What a masked n-gram of a row adds to the counts by layer, 32 bits each, where the text noted it: counts end at 0 or
/// above, so that a sum modulo 2^128 may take away what another layer counted.
const ADDED: [[u128; STAGES]; 1 + 2 * STAGES] = {
    let mut added = [[0u128; STAGES]; 1 + 2 * STAGES];
    let mut i = 0;
    while i < 2 * STAGES * STAGES {
        let (layer, counted, theirs) = ((i / (2 * STAGES)) as u8, i / STAGES % 2 == 1, i % STAGES);
        let taken = if counted { 1u128 << (32 * layer) } else { 0 };
        added[note(layer, counted) as usize][theirs] =
            (1u128 << (32 * first_layer(layer, theirs as u8))).wrapping_sub(taken);
        i += 1;
    }
    added
};

/// The n-grams of one text after the other that an index holds, and how many of them each row holds.
pub(super) struct Candidates<'s> {
    /// The rows of each n-gram that the text does not mask.
    open: Vec<&'s [u32]>,
    /// The rows of each n-gram that the text masks and not every row does, and its layer.
    own: Vec<(&'s [u32], u8)>,
    /// The rows of each n-gram that the text and every row mask.
    both: Vec<&'s [u32]>,
    /// Of these: the places of one, those of a second one, and the n-grams beyond.
    once: u128,
    twice: u128,
    more: u32,
    /// By number: what [`note`] tells of the n-grams of the text; all 0 between texts.
    notes: Vec<u8>,
    noted: Vec<u32>,
    /// By row of the index; all 0 between texts.
    counts: Vec<u8>,
    /// The same for texts with more lists than a byte can count, once there was one.
    wide_counts: Vec<u32>,
    /// Rows that hold enough of the n-grams counted last, and how many; what is behind `found` is of earlier texts.
    rows: Vec<(u32, u32)>,
    found: usize,
    /// Those of them that were chosen last, and how many n-grams of the text each may hold.
    chosen: Vec<(u32, u32)>,
    /// How many of the places that the text has each of them has.
    marked: Vec<u32>,
    level: Level,
}

impl<'s> Candidates<'s> {
    /// For an index of `rows` rows with these masked n-grams.
    pub fn new(rows: usize, masked: &Masked) -> Self {
        Candidates {
            open: Vec::new(),
            own: Vec::new(),
            both: Vec::new(),
            once: 0,
            twice: 0,
            more: 0,
            notes: vec![0; masked.len()],
            noted: Vec::new(),
            counts: vec![0; rows],
            wide_counts: Vec::new(),
            rows: Vec::new(),
            found: 0,
            chosen: Vec::new(),
            marked: Vec::new(),
            level: kernel::any_level(),
        }
    }

    /// Take up a text of `side`, whose n-grams are `held` by the rows there; `from` is the place of place 0.
    pub fn take_up(&mut self, masked: &Masked, side: &Side, from: usize, held: &[(u32, &'s [u32])]) {
        self.noted.drain(..).for_each(|number| self.notes[number as usize] = 0);
        self.open.clear();
        self.own.clear();
        self.both.clear();
        (self.once, self.twice, self.more) = (0, 0, 0);
        for (at, rows) in held {
            let (hash, layer) = side.ngram(from + *at as usize);
            let number = masked.number(hash);
            if let Some((number, everywhere)) = number {
                self.notes[number as usize] = note(layer, layer == layer::NONE || !everywhere);
                self.noted.push(number);
            }
            match (layer, number) {
                (layer::NONE, _) => self.open.push(rows),
                (_, Some((number, true))) => {
                    let mark = mark(number);
                    self.more += u32::from(self.twice & mark != 0);
                    self.twice |= self.once & mark;
                    self.once |= mark;
                    self.both.push(rows);
                }
                (layer, _) => self.own.push((rows, layer)),
            }
        }
    }

    /// Number of n-grams that the text does not mask.
    pub fn open(&self) -> u32 {
        self.open.len() as u32
    }

    /// Number of n-grams that the text masks.
    pub fn masked(&self) -> u32 {
        (self.own.len() + self.both.len()) as u32
    }

    /// Count for each row the n-grams that the text does not mask; the most that one holds. Rows with less than `least` are
    /// left out.
    pub fn count_open(&mut self, masked: &Masked, least: u32) -> u32 {
        let lists = std::mem::take(&mut self.open);
        let highest = self.count(masked, lists.iter().copied(), least);
        self.open = lists;
        highest
    }

    /// The same, for the price of the shorter half of the postings: those of the longest n-grams are asked only for the rows
    /// that may hold `least` yet.
    ///
    /// Li, Lu & Lu, "Efficient merging and filtering algorithms for approximate string searches", ICDE 2008 (DivideSkip).
    pub fn count_open_by_skipping(&mut self, masked: &Masked, least: u32) -> u32 {
        let long = (least / 2).min(self.open());
        self.open.sort_unstable_by_key(|rows| rows.len());
        let skipped = self.open.split_off(self.open.len() - long as usize);
        self.count_open(masked, least - long);
        let mut highest = 0;
        for (row, hits) in &mut self.rows[..self.found] {
            *hits += skipped.iter().filter(|rows| rows.binary_search(row).is_ok()).count() as u32;
            highest = highest.max(*hits);
        }
        self.open.extend(skipped);
        highest
    }

    /// Choose of the rows that were counted, from the `from`th on, some that hold just `level`, if with what the text masks
    /// they may hold `least`; where to go on, `None` after the last.
    pub fn choose(&mut self, masked: &Masked, level: u32, least: u32, from: usize) -> Option<usize> {
        self.chosen.clear();
        self.chosen.resize(2 * SOME, (0, 0));
        let (mut count, mut next) = (0, from);
        for few in self.rows[from..self.found].chunks(SOME) {
            for (row, hits) in few {
                // No branch: which rows these are cannot be guessed.
                self.chosen[count].0 = *row;
                count += usize::from(*hits == level);
            }
            next += few.len();
            if count >= SOME {
                break;
            }
        }
        self.chosen.truncate(count);
        self.keep_chosen(masked, |_, of_masked| level + of_masked, least);
        (next < self.found).then_some(next)
    }

    /// The most n-grams that a row which was counted holds below `level`.
    pub fn most_below(&self, level: u32) -> u32 {
        self.rows[..self.found].iter().map(|(_, hits)| if *hits < level { *hits } else { 0 }).max().unwrap_or(0)
    }

    /// Choose of the rows whose masked n-grams were counted, but for `cut` of the text's, those that may hold `least` of them.
    pub fn choose_masked(&mut self, masked: &Masked, cut: u32, least: u32) {
        self.chosen.clear();
        self.chosen.extend_from_slice(&self.rows[..self.found]);
        self.keep_chosen(masked, |hits, of_masked| of_masked.min(hits + cut), least);
    }

    /// Keep of the chosen rows those for which `at_most`, of what was noted of the row and of how many n-grams it holds at
    /// the most that the text masks, gives `least` or more. O(1) a row.
    fn keep_chosen(&mut self, masked: &Masked, at_most: impl Fn(u32, u32) -> u32, least: u32) {
        let of_all = self.own.len() as u32 + self.more;
        kernel::count_marks(self.level, &masked.marks, [self.once, self.twice], &self.chosen, &mut self.marked);
        let mut kept = 0;
        for i in 0..self.chosen.len() {
            let (row, hits) = self.chosen[i];
            let most = at_most(hits, of_all + self.marked[i]);
            self.chosen[kept] = (row, most);
            kept += usize::from(most >= least);
        }
        self.chosen.truncate(kept);
        // What is read next lies in memory larger than the cache.
        for (row, _) in &self.chosen {
            let ngrams = masked.row(*row);
            ngrams.first().inspect(|first| prefetch(*first));
            ngrams.last().inspect(|last| prefetch(*last));
        }
    }

    /// The rows that were chosen, and how many n-grams each may share with the text.
    pub fn chosen(&self) -> &[(u32, u32)] {
        &self.chosen
    }

    /// Count those that the text masks, in the first `limit` rows of each; the number of n-grams that more rows hold. What
    /// the text does not mask no longer counts. Rows with less than `least` are left out.
    pub fn count_masked(&mut self, masked: &Masked, limit: usize, least: u32) -> u32 {
        for number in &self.noted {
            let noted = &mut self.notes[*number as usize];
            if *noted == note(layer::NONE, true) {
                *noted = 0;
            }
        }
        let (both, own) = (std::mem::take(&mut self.both), std::mem::take(&mut self.own));
        let lists = || both.iter().copied().chain(own.iter().map(|(list, _)| *list));
        self.count(masked, lists().map(|list| &list[..list.len().min(limit)]), least);
        let cut = lists().filter(|list| list.len() > limit).count() as u32;
        (self.both, self.own) = (both, own);
        cut
    }

    fn count(&mut self, masked: &Masked, lists: impl Iterator<Item = &'s [u32]> + Clone, least: u32) -> u32 {
        let most = lists.clone().map(<[u32]>::len).sum::<usize>();
        self.rows.resize(self.rows.len().max(most), (0, 0));
        let rows = &mut self.rows[..];
        // Bytes, since as many words would not stay in the first cache.
        let (kept, highest) = if lists.clone().nth(NARROW).is_none() {
            count_rows(masked, lists, least, &mut self.counts, rows)
        } else {
            self.wide_counts.resize(self.counts.len(), 0);
            count_rows(masked, lists, least, &mut self.wide_counts, rows)
        };
        self.found = kept;
        highest
    }

    /// Shared n-grams of the text and `row` that each stage still counts; the row holds `open` that the text does not mask.
    /// O(masked n-grams of the row).
    pub fn shared(&self, masked: &Masked, row: u32, open: u32) -> [u32; STAGES] {
        let mut by_layer = u128::from(open);
        for (rows, layer) in &self.own {
            by_layer += u128::from(rows.binary_search(&row).is_ok()) << (32 * u32::from(*layer));
        }
        for entry in masked.row(row) {
            let noted = self.notes[(entry >> 2) as usize];
            by_layer = by_layer.wrapping_add(ADDED[usize::from(noted)][(entry & 3) as usize]);
        }
        let mut out = [0; STAGES];
        let mut left = 0;
        // A stage still counts what no layer masks, and what only later layers mask.
        for stage in (1..STAGES).rev() {
            out[stage] = by_layer as u32 + left;
            left += (by_layer >> (32 * stage)) as u32;
        }
        out[0] = by_layer as u32 + left;
        out
    }
}

/// Count the rows of `lists` in `counts`, which is all 0 before and after. Those with `least` or more, in the order of their
/// first appearance, go to `rows` with their counts: how many, and the highest count of all.
#[inline]
fn count_rows<'s, T: Copy + Default + PartialEq + From<u8> + Into<u32> + AddAssign>(
    masked: &Masked,
    lists: impl Iterator<Item = &'s [u32]>,
    least: u32,
    counts: &mut [T],
    rows: &mut [(u32, u32)],
) -> (usize, u32) {
    let mut found = 0;
    for list in lists {
        for row in list {
            let count = &mut counts[*row as usize];
            // No branch: whether the row was met before cannot be guessed.
            rows[found].0 = *row;
            found += usize::from(*count == T::default());
            *count += T::from(1);
        }
    }
    // Most texts are done with the first of them: what is looked at next is on its way by then.
    rows[..found.min(2 * SOME)].iter().for_each(|(row, _)| prefetch(&masked.marks[*row as usize]));
    let (mut highest, mut kept) = (0, 0);
    for at in 0..found {
        let row = rows[at].0;
        let hits = std::mem::take(&mut counts[row as usize]).into();
        rows[kept] = (row, hits);
        kept += usize::from(hits >= least);
        highest = highest.max(hits);
    }
    (kept, highest)
}
