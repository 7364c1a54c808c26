//! MinHash by k affine permutations (Broder 1997; docs/spec/sketches.md).

use super::mapped;
use crate::error::{Error, Result};
use crate::kernel::{self, Level, naive};
use crate::shingle::hash::splitmix64;

/// Values of 32 bits: `affine32-op1`, `datasketch-affine32`.
#[derive(Clone, Debug)]
pub struct Sketcher32 {
    level: Level,
    /// Multipliers, odd.
    a: Vec<u32>,
    /// Offsets.
    b: Vec<u32>,
    /// Whether the high half of a hash is used, or the low one.
    high: bool,
}

impl Sketcher32 {
    /// `affine32-op1`: x = fmix32(h >> 32).
    pub fn op1(k: usize, seed: u64) -> Result<Self> {
        let state = seed ^ u64::from_le_bytes(*b"MINHASH1");
        let outputs = || (0..k as u64).map(|i| splitmix64(state, i));
        Ok(Sketcher32 {
            level: kernel::level()?,
            a: outputs().map(|o| o as u32 | 1).collect(),
            b: outputs().map(|o| (o >> 32) as u32).collect(),
            high: true,
        })
    }

    /// `datasketch-affine32`: x = fmix32(h), with multipliers and offsets drawn by NumPy.
    pub fn datasketch((a, b): (&[u64], &[u64])) -> Result<Self> {
        let narrow = |values: &[u64]| values.iter().map(|v| u32::try_from(*v)).collect::<std::result::Result<_, _>>();
        let wide = |_| Error::input("datasketch-affine32 has multipliers and offsets of 32 bits");
        Ok(Sketcher32 {
            level: kernel::level()?,
            a: narrow(a).map_err(wide)?,
            b: narrow(b).map_err(wide)?,
            high: false,
        })
    }

    /// Take hashes into a row, which starts at `u32::MAX`. Order and repeats do not matter.
    pub fn add(&self, hashes: &[u64], out: &mut [u32]) {
        kernel::min_affine32(self.level, &self.a, &self.b, hashes, self.high, out);
    }
}

impl super::Sketcher for Sketcher32 {
    type Value = u32;
    type State = ();
    fn empty(&self) -> u32 {
        u32::MAX
    }
    fn start(&self) {}
    fn eat(&self, hashes: &[u64], (): &mut (), row: &mut [u32]) {
        self.add(hashes, row);
    }
}

/// Values of 64 bits: `datasketch-affine64`, `datasketch-legacy`.
#[derive(Clone, Debug)]
pub struct Sketcher64 {
    level: Level,
    a: Vec<u64>,
    b: Vec<u64>,
    legacy: bool,
}

impl Sketcher64 {
    /// `datasketch-affine64`: x = fmix64(h).
    pub fn affine((a, b): (&[u64], &[u64])) -> Result<Self> {
        Ok(Sketcher64 { level: kernel::level()?, a: a.to_vec(), b: b.to_vec(), legacy: false })
    }

    /// `datasketch-legacy`: x = h, of 32 bits.
    pub fn legacy((a, b): (&[u64], &[u64])) -> Result<Self> {
        Ok(Sketcher64 { level: kernel::level()?, a: a.to_vec(), b: b.to_vec(), legacy: true })
    }

    /// The value of a row without hashes.
    fn most(&self) -> u64 {
        if self.legacy { u64::from(u32::MAX) } else { u64::MAX }
    }

    /// Take hashes into a row, which starts at the largest value of the scheme. Order and repeats do not matter.
    pub fn add(&self, hashes: &[u64], out: &mut [u64]) {
        if self.legacy {
            mapped(hashes, |h| h as u32, |xs: &[u32]| kernel::min_legacy61(self.level, &self.a, &self.b, xs, out));
        } else {
            mapped(hashes, naive::fmix64, |xs: &[u64]| kernel::min_affine64(self.level, &self.a, &self.b, xs, out));
        }
    }
}

impl super::Sketcher for Sketcher64 {
    type Value = u64;
    type State = ();
    fn empty(&self) -> u64 {
        self.most()
    }
    fn start(&self) {}
    fn eat(&self, hashes: &[u64], (): &mut (), row: &mut [u64]) {
        self.add(hashes, row);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hashes, sketched};
    use super::*;
    use crate::params::Scheme;
    use crate::sketch::Values;
    use proptest::prelude::*;

    #[test]
    fn frozen_vector() -> Result<()> {
        let made = sketched(Scheme::Affine32Op1, 2, 1, &[&[0x209C_9FCC_CFFB_55B1]])?;
        assert_eq!(made.values, Values::U32(vec![2_053_527_662, 2_615_243_775]));
        Ok(())
    }

    proptest! {
        #[test]
        fn blocks_are_the_definition(hs in hashes(700), k in 1usize..200, seed in any::<u64>()) {
            let made = sketched(Scheme::Affine32Op1, k as u64, seed, &[&hs])?;
            let state = seed ^ u64::from_le_bytes(*b"MINHASH1");
            let expected: Vec<u32> = (0..k as u64).map(|i| {
                let o = splitmix64(state, i);
                let value = |h: &u64| (o as u32 | 1).wrapping_mul(naive::fmix32((h >> 32) as u32)).wrapping_add((o >> 32) as u32);
                hs.iter().map(value).min().unwrap_or(u32::MAX)
            }).collect();
            prop_assert_eq!(made.values, Values::U32(expected));
            prop_assert_eq!(made.empty, vec![hs.is_empty()]);
        }

        #[test]
        fn datasketch_formulas(hs in hashes(300), drawn in proptest::collection::vec((1u64..(1 << 61) - 1, 0u64..(1 << 61) - 1), 1..40)) {
            let (a, b): (Vec<u64>, Vec<u64>) = drawn.into_iter().unzip();
            let row = |f: &dyn Fn(u64, u64, u64) -> u64, most: u64| -> Vec<u64> {
                a.iter().zip(&b).map(|(a, b)| hs.iter().map(|h| f(*a, *b, *h)).min().unwrap_or(most)).collect()
            };
            let legacy = |a: u64, b: u64, h: u64| {
                (a.wrapping_mul(h & 0xFFFF_FFFF).wrapping_add(b) % ((1 << 61) - 1)) & 0xFFFF_FFFF
            };
            let mut out = vec![u64::from(u32::MAX); a.len()];
            Sketcher64::legacy((&a, &b))?.add(&hs, &mut out);
            prop_assert_eq!(out, row(&legacy, u64::from(u32::MAX)));
            let mut out = vec![u64::MAX; a.len()];
            Sketcher64::affine((&a, &b))?.add(&hs, &mut out);
            prop_assert_eq!(out, row(&|a, b, h| a.wrapping_mul(naive::fmix64(h)).wrapping_add(b), u64::MAX));
        }
    }
}
