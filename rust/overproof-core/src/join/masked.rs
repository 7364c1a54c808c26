//! The masked n-grams of each row of an index, by number: what a text and a row share of them is told without their sets.

use super::masks::{Masks, Mixed, layer};
use super::places::Places;
use super::postings::Postings;
use crate::error::{Error, Result};
use crate::shingle::ShingleSets;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

/// The number of a masked n-gram, and whether it is masked in every row that holds it.
type Numbers = HashMap<u64, (u32, bool), BuildHasherDefault<Mixed>>;

/// The masked n-grams of each row that has postings; the other rows have none here.
pub(super) struct Masked {
    numbers: Numbers,
    places: Places,
    /// The places of each row's masked n-grams among 128: what it cannot share with a text is seen here at a glance.
    pub marks: Vec<u128>,
    /// Of the masked n-grams of all rows the layer in the two low bits, the number above.
    entries: Vec<u32>,
    /// Where each row's start, and where the last one's end.
    starts: Vec<u32>,
    /// Number of unmasked n-grams of each row.
    pub open: Vec<u32>,
}

/// One of 128 places.
pub(super) fn mark(number: u32) -> u128 {
    1 << (number % 128)
}

impl Masked {
    /// Of the rows of `sets` that `first` gives for themselves, which are those in `postings`; `prompts` are the n-grams of
    /// each row's own prompt. O(postings of the masked n-grams + n-grams of the prompts).
    pub fn new(
        sets: &ShingleSets,
        prompts: Option<&ShingleSets>,
        masks: &Masks,
        postings: &Postings,
        first: &[u32],
    ) -> Result<Self> {
        // By first appearance, so that n-grams of one phrase have marks of their own.
        let mut everywhere: Vec<(u32, u64, u8, &[u32])> = masks
            .iter()
            .map(|(hash, layer)| (hash, layer, postings.get(hash)))
            .filter_map(|(hash, layer, rows)| Some((*rows.first()?, hash, layer, rows)))
            .collect();
        everywhere.sort_unstable();
        let mut numbers = Numbers::default();
        for (_, hash, _, _) in &everywhere {
            numbers.insert(*hash, (numbers.len() as u32, true));
        }
        // What echoes a prompt is masked in this row only, unless another layer masks it too.
        let mut echoes = Vec::new();
        if let Some(prompts) = prompts {
            for row in (0..sets.len()).filter(|row| first[*row] as usize == *row) {
                let hashes = sets.row(row);
                for hash in prompts.row(row).iter().filter(|hash| hashes.binary_search(hash).is_ok()) {
                    let new = (numbers.len() as u32, false);
                    let (number, everywhere) = *numbers.entry(*hash).or_insert(new);
                    echoes.push((row, number, everywhere));
                }
            }
        }
        if numbers.len() > 1 << 30 {
            return Err(Error::input(format!("{} n-grams are too many to mask: give fewer texts", numbers.len())));
        }
        let alone = || echoes.iter().filter(|(_, _, everywhere)| !everywhere);
        // Where the next entry of each row goes: from its start to its end. There are as many as postings at the most.
        let mut ends = vec![0u32; sets.len() + 1];
        everywhere.iter().flat_map(|(_, _, _, rows)| *rows).for_each(|row| ends[*row as usize] += 1);
        alone().for_each(|(row, _, _)| ends[*row] += 1);
        let open = (0..sets.len()).map(|row| sets.row(row).len() as u32 - ends[row]).collect();
        let mut all = 0;
        for end in &mut ends {
            all += std::mem::replace(end, all);
        }
        let starts = ends.clone();
        let (mut entries, mut marks) = (vec![0u32; all as usize], vec![0u128; sets.len()]);
        let mut add = |row: usize, number: u32, layer: u8| {
            entries[ends[row] as usize] = number << 2 | u32::from(layer);
            ends[row] += 1;
            marks[row] |= mark(number);
        };
        for (number, (_, _, layer, rows)) in (0..).zip(&everywhere) {
            rows.iter().for_each(|row| add(*row as usize, number, *layer));
        }
        alone().for_each(|(row, number, _)| add(*row, *number, layer::ECHO));
        // The prompt is the first layer: it masks what others mask too.
        for (row, number, _) in echoes.iter().filter(|(_, _, everywhere)| *everywhere) {
            let own = &mut entries[starts[*row] as usize..starts[row + 1] as usize];
            own.iter_mut().filter(|entry| **entry >> 2 == *number).for_each(|entry| {
                *entry = number << 2 | u32::from(layer::ECHO);
            });
        }
        let places = Places::of_keys(numbers.len(), numbers.keys());
        Ok(Masked { numbers, places, marks, entries, starts, open })
    }

    /// How many masked n-grams there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The number of `hash`, and whether it is masked in every row that holds it.
    #[inline]
    pub fn number(&self, hash: u64) -> Option<(u32, bool)> {
        if self.places.has(self.places.place(hash)) { self.numbers.get(&hash).copied() } else { None }
    }

    /// The masked n-grams of a row: the layer in the two low bits, the number above.
    pub fn row(&self, row: u32) -> &[u32] {
        let row = row as usize;
        &self.entries[self.starts[row] as usize..self.starts[row + 1] as usize]
    }
}
