//! SimHash of 64 and 128 bits (Charikar 2002).

use super::{Remix, SketchArray, Values, mapped};
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::kernel::{self, Level};
use crate::params::{Scheme, SketchParams};
use crate::shingle::ShingleSets;
use crate::shingle::hash::{KP, fin};

/// Bit j of a row is 1 when the weights of the hashes with bit j outweigh the others; a tie gives 0.
#[derive(Clone, Copy, Debug)]
pub struct Sketcher {
    level: Level,
    words: usize,
    remix: Remix,
}

/// A row in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Weight of the hashes that have each bit, for each word.
    ones: Vec<[i64; 64]>,
    /// Weight of all hashes.
    total: i64,
}

impl Sketcher {
    /// `words` words of 64 bits: 1 or 2.
    pub fn new(words: usize, seed: u64) -> Result<Self> {
        Ok(Sketcher { level: kernel::level()?, words, remix: Remix::new(seed) })
    }

    /// Take hashes in, each with weight 1.
    pub fn add(&self, hashes: &[u64], state: &mut State) {
        state.total += hashes.len() as i64;
        self.remix.blocks(hashes, |block| {
            if let [first, rest @ ..] = &mut state.ones[..] {
                kernel::count_bits(self.level, block, first);
                for ones in rest {
                    mapped(block, second, |block: &[u64]| kernel::count_bits(self.level, block, ones));
                }
            }
        });
    }

    /// Take hashes in, each with a weight of its own.
    pub fn add_weighted(&self, hashes: &[u64], weights: &[i32], state: &mut State) {
        state.total += weights.iter().map(|w| i64::from(*w)).sum::<i64>();
        for (block, weights) in hashes.chunks(super::BLOCK).zip(weights.chunks(super::BLOCK)) {
            self.remix.blocks(block, |block| {
                if let [first, rest @ ..] = &mut state.ones[..] {
                    kernel::sum_bits(self.level, block, weights, first);
                    for ones in rest {
                        mapped(block, second, |block: &[u64]| kernel::sum_bits(self.level, block, weights, ones));
                    }
                }
            });
        }
    }
}

/// What the second word looks at.
fn second(h: u64) -> u64 {
    fin(h ^ KP)
}

impl super::Sketcher for Sketcher {
    type Value = u64;
    type State = State;
    fn empty(&self) -> u64 {
        0
    }
    fn start(&self) -> State {
        State { ones: vec![[0; 64]; self.words], total: 0 }
    }
    fn clear(&self, state: &mut State) {
        state.ones.fill([0; 64]);
        state.total = 0;
    }
    fn eat(&self, hashes: &[u64], state: &mut State, _: &mut [u64]) {
        self.add(hashes, state);
    }
    fn finish(&self, state: &State, out: &mut [u64]) {
        // weight with the bit > weight without it: twice the one > total
        let bit = |one: &i64| u64::from(*one > state.total >> 1);
        for (out, ones) in out.iter_mut().zip(&state.ones) {
            *out = ones.iter().rev().fold(0, |word, one| word << 1 | bit(one));
        }
    }
}

/// SimHash of sets by their counts, or by `weights`: one for each hash of `sets`.
pub fn of_sets(
    job: &Job<'_>,
    sets: &ShingleSets,
    weights: Option<&[i32]>,
    params: SketchParams,
) -> Result<SketchArray> {
    let counted = sets.counts.as_deref();
    let wanted = match (params.scheme, weights, counted) {
        (Scheme::SimHashWeighted, Some(weights), _) if weights.len() == sets.hashes.len() => Weights::Given(weights),
        (Scheme::SimHashWeighted, Some(weights), _) => {
            return Err(Error::input(format!("{} weights for {} hashes", weights.len(), sets.hashes.len())));
        }
        (Scheme::SimHash, None, Some(counts)) => Weights::Counts(counts),
        (Scheme::SimHash, None, None) => {
            return Err(Error::input(
                "SimHash weighs by occurrence counts, which these sets do not hold: make them with \
                 Shingler.transform(..., counts=True), or pass weights=",
            ));
        }
        _ => return Err(Error::Internal(format!("scheme {} with these weights", params.scheme.name()))),
    };
    let sketcher = Sketcher::new(params.row_len(), params.seed)?;
    let k = params.row_len();
    let (values, _) = job.fill(
        sets.len(),
        k,
        |i| 8 * sets.range(i).len(),
        |rows, mut part| {
            use super::Sketcher as _;
            let (mut state, mut narrowed) = (sketcher.start(), Vec::new());
            for i in rows {
                let out = part.take(k, sketcher.empty());
                sketcher.clear(&mut state);
                let weights = match wanted {
                    Weights::Given(weights) => &weights[sets.range(i)],
                    Weights::Counts(counts) => {
                        narrowed.clear();
                        for count in &counts[sets.range(i)] {
                            narrowed.push(i32::try_from(*count).map_err(|_| {
                                Error::input(format!("row {i}: a count of {count} is beyond 2^31 - 1"))
                            })?);
                        }
                        &narrowed
                    }
                };
                sketcher.add_weighted(sets.row(i), weights, &mut state);
                sketcher.finish(&state, out);
            }
            Ok(())
        },
    )?;
    let empty = (0..sets.len()).map(|i| sets.range(i).is_empty()).collect();
    SketchArray::new(params, Values::U64(values), empty, sets.missing.clone())
}

#[derive(Clone, Copy)]
enum Weights<'a> {
    Counts(&'a [u32]),
    Given(&'a [i32]),
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hashes, sets_of, sketched, source};
    use super::*;
    use proptest::prelude::*;

    fn naive(hashes: &[u64], weights: &[i32], words: usize) -> Vec<u64> {
        (0..words)
            .map(|word| {
                (0..64).fold(0, |bits, j| {
                    let vote = |(h, w): (&u64, &i32)| {
                        let h = if word == 0 { *h } else { fin(h ^ KP) };
                        if h >> j & 1 == 1 { i64::from(*w) } else { -i64::from(*w) }
                    };
                    bits | u64::from(hashes.iter().zip(weights).map(vote).sum::<i64>() > 0) << j
                })
            })
            .collect()
    }

    proptest! {
        #[test]
        fn occurrences_counts_and_weights_agree(hs in hashes(600), words in 1usize..3, seed in 1u64..3) {
            let occurrences = sketched(Scheme::SimHash, 64 * words as u64, seed, &[&hs])?;
            let mut sets = sets_of(&[&hs]);
            let counts: Vec<u32> =
                sets.row(0).iter().map(|h| hs.iter().filter(|o| *o == h).count() as u32).collect();
            let weights: Vec<i32> = counts.iter().map(|c| *c as i32).collect();
            sets.counts = Some(counts);
            let by = |scheme, weights: Option<&[i32]>| {
                of_sets(&Job::inline(), &sets, weights, SketchParams::new(scheme, 64 * words as u64, seed, source())?)
            };
            let mixed: Vec<u64> = sets.row(0).iter().map(|h| Remix::new(seed).one(*h)).collect();
            let expected = Values::U64(naive(&mixed, &weights, words));
            prop_assert_eq!(&occurrences.values, &expected);
            prop_assert_eq!(&by(Scheme::SimHash, None)?.values, &expected);
            prop_assert_eq!(&by(Scheme::SimHashWeighted, Some(&weights))?.values, &expected);
            let negative: Vec<i32> = weights.iter().map(|w| -w).collect();
            prop_assert_eq!(by(Scheme::SimHashWeighted, Some(&negative))?.values, Values::U64(naive(&mixed, &negative, words)));
        }
    }
}
