//! Which n-grams of a corpus no longer count, and why.

use super::places::{BLOCK, Places};
use crate::error::{Error, Result};
use crate::kernel::memory::{prefetch, zeros};
use crate::shingle::ShingleSets;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::sync::Arc;

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

/// The earlier of two layers, where 0 is none.
pub(super) const fn first_layer(a: u8, b: u8) -> u8 {
    match (a, b) {
        (0, other) | (other, 0) => other,
        _ if a < b => a,
        _ => b,
    }
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

/// N-grams that are left out wherever they stand, each with a number.
pub struct Masks {
    /// Of each the number, and the layer in the two low bits.
    numbers: HashMap<u64, u32, BuildHasherDefault<Mixed>>,
    places: Places,
}

impl Masks {
    /// The n-grams of the background and of the boilerplate.
    pub fn new(background: &[u64], boilerplate: &[u64]) -> Result<Self> {
        let layers = [(layer::BACKGROUND, background), (layer::BOILERPLATE, boilerplate)];
        let count = background.len() + boilerplate.len();
        if count > 1 << 30 {
            return Err(Error::input(format!("{count} n-grams are too many to mask: give fewer texts")));
        }
        let mut numbers = HashMap::with_capacity_and_hasher(count, BuildHasherDefault::default());
        for (layer, hashes) in layers {
            for hash in hashes {
                let next = (numbers.len() as u32) << 2 | u32::from(layer);
                numbers.entry(*hash).or_insert(next);
            }
        }
        let places = Places::of_keys(numbers.len(), numbers.keys());
        Ok(Masks { numbers, places })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Each n-gram and its number, in no order that means anything.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u32)> {
        self.numbers.iter().map(|(hash, number)| (*hash, number >> 2))
    }

    /// The layer of each of `hashes`, wherever it stands; `masked` gets the number of each that is masked, in turn.
    fn layers(&self, hashes: &[u64], mut masked: impl FnMut(u32)) -> Vec<u8> {
        let (mut layers, mut maybe) = (zeros(hashes.len()), [0; BLOCK]);
        for (hashes, layers) in hashes.chunks(BLOCK).zip(layers.chunks_mut(BLOCK)) {
            let maybe = self.places.which(hashes, |hash| self.places.place(hash), &mut maybe);
            for i in maybe.iter().map(|i| usize::from(*i)) {
                if let Some(number) = self.numbers.get(&hashes[i]) {
                    layers[i] = (number & 3) as u8;
                    masked(number >> 2);
                }
            }
        }
        layers
    }

    /// The number of `hash` among those that are masked wherever they stand.
    #[inline]
    pub(super) fn number(&self, hash: u64) -> Option<u32> {
        if !self.places.has(self.places.place(hash)) {
            return None;
        }
        self.numbers.get(&hash).map(|number| number >> 2)
    }
}

/// Lay [`layer::ECHO`] over the hashes that stand in the row's own prompt.
pub(super) fn echo(sets: &ShingleSets, prompts: &ShingleSets, layers: &mut [u8]) {
    for row in 0..sets.len() {
        let prompt = prompts.row(row);
        for (hash, layer) in sets.row(row).iter().zip(&mut layers[sets.range(row)]) {
            if prompt.binary_search(hash).is_ok() {
                *layer = layer::ECHO;
            }
        }
    }
}

pub(super) fn check_prompts(sets: &ShingleSets, prompts: Option<&ShingleSets>) -> Result<()> {
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
        Self::numbered(sets, prompts, masks, |_| ())
    }

    /// The same; `masked` gets the number of each n-gram that `masks` mask, in turn.
    pub(super) fn numbered(
        sets: Arc<ShingleSets>,
        prompts: Option<&ShingleSets>,
        masks: &Masks,
        masked: impl FnMut(u32),
    ) -> Result<Self> {
        check_prompts(&sets, prompts)?;
        let mut layers = masks.layers(&sets.hashes, masked);
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

    /// Ask for the layers of some rows, of which few are read and not in one go.
    pub(super) fn ask_for(&self, rows: Range<usize>) {
        let layers = &self.layers[self.sets.range(rows.start).start..self.sets.range(rows.end - 1).end];
        layers.iter().step_by(64).for_each(prefetch);
    }

    /// The n-gram at place `at` of all rows, and its layer.
    #[inline]
    pub(super) fn ngram(&self, at: usize) -> (u64, u8) {
        (self.sets.hashes[at], self.layers[at])
    }

    /// Share of a token that a token of row `i` counts as: single characters of scripts without spaces count half.
    pub(super) fn weight(&self, i: usize) -> f64 {
        let (tokens, singles) = (f64::from(self.sets.tokens[i]), f64::from(self.sets.singles[i]));
        if tokens == 0.0 { 1.0 } else { (tokens - singles / 2.0) / tokens }
    }
}
