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

/// N-grams that are left out wherever they stand.
pub struct Masks {
    /// Of each the layer.
    layers: HashMap<u64, u8, BuildHasherDefault<Mixed>>,
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
        let mut made = HashMap::with_capacity_and_hasher(count, BuildHasherDefault::default());
        for (layer, hashes) in layers {
            for hash in hashes {
                made.entry(*hash).or_insert(layer);
            }
        }
        let places = Places::of_keys(made.len(), made.keys());
        Ok(Masks { layers: made, places })
    }

    /// Each n-gram and its layer, in no order that means anything.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u8)> {
        self.layers.iter().map(|(hash, layer)| (*hash, *layer))
    }

    /// Write the layer of each of `hashes` that is masked to its place in `layers`.
    fn lay(&self, hashes: &[u64], layers: &mut [u8]) {
        let mut maybe = [0; BLOCK];
        for (hashes, layers) in hashes.chunks(BLOCK).zip(layers.chunks_mut(BLOCK)) {
            let maybe = self.places.which(hashes, |hash| self.places.place(hash), &mut maybe);
            for i in maybe.iter().map(|i| usize::from(*i)) {
                if let Some(layer) = self.layers.get(&hashes[i]) {
                    layers[i] = *layer;
                }
            }
        }
    }

    /// The layers of the n-grams of one row, of which its prompt masks some too.
    pub(super) fn of_row(&self, hashes: &[u64], prompt: &[u64], layers: &mut Vec<u8>) {
        layers.clear();
        layers.resize(hashes.len(), layer::NONE);
        self.lay(hashes, layers);
        echo_row(hashes, prompt, layers);
    }
}

/// Lay [`layer::ECHO`] over the hashes of a row that stand in its prompt.
fn echo_row(hashes: &[u64], prompt: &[u64], layers: &mut [u8]) {
    if prompt.is_empty() {
        return;
    }
    for (hash, layer) in hashes.iter().zip(layers) {
        if prompt.binary_search(hash).is_ok() {
            *layer = layer::ECHO;
        }
    }
}

/// Lay [`layer::ECHO`] over the hashes that stand in the row's own prompt.
pub(super) fn echo(sets: &ShingleSets, prompts: &ShingleSets, layers: &mut [u8]) {
    for row in 0..sets.len() {
        echo_row(sets.row(row), prompts.row(row), &mut layers[sets.range(row)]);
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
        check_prompts(&sets, prompts)?;
        let mut layers = zeros(sets.hashes.len());
        masks.lay(&sets.hashes, &mut layers);
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
