//! Sketches: summaries of shingle sets, comparable row against row.
//!
//! A dense sketch eats the hashes of a text in blocks and in any order, so that texts go through without a set being
//! built: [`Rows`] feeds, a [`Sketcher`] eats, [`sketch`] puts the two together over threads. A new dense sketch is one
//! file here that implements [`Sketcher`], and one arm in [`sketch`].

pub mod array;
pub mod fracminhash;
pub mod minhash;
pub mod oph;
pub mod opsk;
pub mod simhash;

pub use array::{SetSketch, SketchArray, Values};

use crate::error::{Error, Result};
use crate::exec::Job;
use crate::kernel::memory::Part;
use crate::params::{HashSource, Scheme, ShingleParams, SketchParams};
use crate::shingle::hash::{fin, splitmix64};
use crate::shingle::{ShingleSets, Shingler};
use crate::text::Texts;
use crate::text::batch::MAX_TEXT;
use std::ops::Range;

/// Hashes worked on at once: as many as stay in the first cache.
const BLOCK: usize = 256;

/// Rows of hashes, whatever they come from.
pub trait Rows: Sync {
    /// Buffers of one thread.
    type Scratch;
    /// Number of rows.
    fn len(&self) -> usize;
    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// About how much work row `i` is, in bytes of text.
    fn weight(&self, i: usize) -> usize;
    /// Whether row `i` is missing.
    fn missing(&self, i: usize) -> bool;
    /// Fresh buffers.
    fn scratch(&self) -> Self::Scratch;
    /// Hand all hashes of row `i` to `eat`, in one or more blocks.
    fn feed(&self, i: usize, scratch: &mut Self::Scratch, eat: impl FnMut(&[u64]));
}

impl From<&ShingleSets> for HashSource {
    fn from(sets: &ShingleSets) -> Self {
        match &sets.params {
            Some(params) => HashSource::from(params),
            None => HashSource { description: String::new(), fingerprint: sets.fingerprint },
        }
    }
}

impl Rows for ShingleSets {
    type Scratch = ();
    fn len(&self) -> usize {
        self.len()
    }
    fn weight(&self, i: usize) -> usize {
        8 * self.range(i).len()
    }
    fn missing(&self, i: usize) -> bool {
        self.missing[i]
    }
    fn scratch(&self) {}
    fn feed(&self, i: usize, _: &mut (), mut eat: impl FnMut(&[u64])) {
        eat(self.row(i));
    }
}

/// Texts, shingled on the way.
pub struct TextRows<'a> {
    /// The texts.
    pub texts: Texts<'a>,
    /// How they are shingled; analyzers `word`, `char` and `byte`.
    pub params: &'a ShingleParams,
}

impl TextRows<'_> {
    /// Refuse texts that are too long for token offsets.
    pub fn check(&self) -> Result<()> {
        match self.texts.iter().position(|t| t.is_some_and(|t| t.len() > MAX_TEXT)) {
            Some(row) => Err(Error::input(format!("row {row}: a text may not exceed {MAX_TEXT} bytes"))),
            None => Ok(()),
        }
    }
}

impl Rows for TextRows<'_> {
    type Scratch = Shingler;
    fn len(&self) -> usize {
        self.texts.len()
    }
    fn weight(&self, i: usize) -> usize {
        self.texts[i].map_or(0, str::len)
    }
    fn missing(&self, i: usize) -> bool {
        self.texts[i].is_none()
    }
    fn scratch(&self) -> Shingler {
        Shingler::new(self.params)
    }
    fn feed(&self, i: usize, shingler: &mut Shingler, mut eat: impl FnMut(&[u64])) {
        if let Some(text) = self.texts[i] {
            eat(shingler.text(text).0);
        }
    }
}

/// Hashes that the user made: row i is `hashes[indptr[i]..indptr[i + 1]]`, in any order, repeats allowed.
pub struct HashRows<'a> {
    indptr: &'a [i64],
    hashes: &'a [u64],
}

impl<'a> HashRows<'a> {
    /// Check the boundaries.
    pub fn new(indptr: &'a [i64], hashes: &'a [u64]) -> Result<Self> {
        let whole = indptr.first() == Some(&0) && indptr.last() == Some(&(hashes.len() as i64));
        if !whole || indptr.windows(2).any(|w| w[0] > w[1]) {
            return Err(Error::input(format!("indptr must ascend from 0 to len(hashes) = {}", hashes.len())));
        }
        Ok(HashRows { indptr, hashes })
    }

    fn row(&self, i: usize) -> &[u64] {
        &self.hashes[self.indptr[i] as usize..self.indptr[i + 1] as usize]
    }
}

impl Rows for HashRows<'_> {
    type Scratch = ();
    fn len(&self) -> usize {
        self.indptr.len() - 1
    }
    fn weight(&self, i: usize) -> usize {
        8 * (self.indptr[i + 1] - self.indptr[i]) as usize
    }
    fn missing(&self, _: usize) -> bool {
        false
    }
    fn scratch(&self) {}
    fn feed(&self, i: usize, _: &mut (), mut eat: impl FnMut(&[u64])) {
        eat(self.row(i));
    }
}

/// Makes one dense row out of hashes that come in blocks.
pub trait Sketcher: Sync {
    /// A value of the row.
    type Value: Copy + Send;
    /// What there is of a row in the making beside its values.
    type State;
    /// What each value of a row of no hash is.
    fn empty(&self) -> Self::Value;
    /// Of a row of no hash.
    fn start(&self) -> Self::State;
    /// Back to a row of no hash.
    fn clear(&self, _: &mut Self::State) {}
    /// Take hashes in; where the sketch has weights, each occurrence weighs 1.
    fn eat(&self, hashes: &[u64], state: &mut Self::State, out: &mut [Self::Value]);
    /// End the row.
    fn finish(&self, _: &Self::State, _: &mut [Self::Value]) {}
}

/// A dense sketch with a seed of its own, other than MinHash's: seed 1 takes the hashes as they are.
#[derive(Clone, Copy, Debug)]
pub struct Remix(Option<u64>);

impl Remix {
    /// For one seed.
    pub fn new(seed: u64) -> Self {
        Remix((seed != 1).then(|| splitmix64(seed, 0)))
    }

    /// One hash.
    #[inline(always)]
    pub fn one(self, h: u64) -> u64 {
        self.0.map_or(h, |s| fin(h ^ s))
    }

    /// All hashes, in blocks.
    #[inline(always)]
    fn blocks(self, hashes: &[u64], mut eat: impl FnMut(&[u64])) {
        match self.0 {
            None => eat(hashes),
            Some(s) => mapped(hashes, |h| fin(h ^ s), eat),
        }
    }
}

/// Hand `f` of all hashes to `eat`, in blocks.
#[inline(always)]
fn mapped<T: Copy + Default>(hashes: &[u64], f: impl Fn(u64) -> T, mut eat: impl FnMut(&[T])) {
    let mut buffer = [T::default(); BLOCK];
    for block in hashes.chunks(BLOCK) {
        for (to, from) in buffer.iter_mut().zip(block) {
            *to = f(*from);
        }
        eat(&buffer[..block.len()]);
    }
}

/// What all rows gave together.
struct Made<V> {
    values: Vec<V>,
    empty: Vec<bool>,
    /// The most hashes that one row had.
    most: usize,
}

fn run<S: Sketcher>(job: &Job<'_>, rows: &impl Rows, sketcher: &S, k: usize) -> Result<Made<S::Value>> {
    let work = |range: Range<usize>, mut part: Part<'_, S::Value>| {
        let (mut empty, mut most) = (Vec::with_capacity(range.len()), 0);
        let (mut scratch, mut state) = (rows.scratch(), sketcher.start());
        for i in range {
            let (mut eaten, out) = (0, part.take(k, sketcher.empty()));
            sketcher.clear(&mut state);
            rows.feed(i, &mut scratch, |hashes| {
                eaten += hashes.len();
                sketcher.eat(hashes, &mut state, out);
            });
            empty.push(eaten == 0);
            most = most.max(eaten);
            sketcher.finish(&state, out);
        }
        Ok((empty, most))
    };
    let (values, parts) = job.fill(rows.len(), k, |i| rows.weight(i), work)?;
    let most = parts.iter().map(|(_, most)| *most).max().unwrap_or_default();
    Ok(Made { values, empty: parts.into_iter().flat_map(|(empty, _)| empty).collect(), most })
}

/// Dense sketches of rows of hashes, each occurrence of a hash weighing 1 where the scheme has weights.
///
/// `drawn` holds the multipliers and offsets of the datasketch schemes, whose generator is NumPy's; no other scheme has
/// them. O(hashes * k) for MinHash, O(hashes) for the others.
pub fn sketch(
    job: &Job<'_>,
    rows: &impl Rows,
    params: SketchParams,
    drawn: Option<(&[u64], &[u64])>,
) -> Result<SketchArray> {
    let k = params.row_len();
    let permutations = || match drawn {
        Some((a, b)) if a.len() == k && b.len() == k => Ok((a, b)),
        _ => Err(Error::input(format!("scheme {} needs {k} multipliers and offsets", params.scheme.name()))),
    };
    let narrow = |made: Made<u32>| (Values::U32(made.values), made.empty, made.most);
    let wide = |made: Made<u64>| (Values::U64(made.values), made.empty, made.most);
    let (values, empty, most) = match params.scheme {
        Scheme::Affine32Op1 => narrow(run(job, rows, &minhash::Sketcher32::op1(k, params.seed)?, k)?),
        Scheme::Oph => narrow(run(job, rows, &oph::Sketcher::new(k, params.seed)?, k)?),
        Scheme::DatasketchAffine32 => narrow(run(job, rows, &minhash::Sketcher32::datasketch(permutations()?)?, k)?),
        Scheme::DatasketchAffine64 => wide(run(job, rows, &minhash::Sketcher64::affine(permutations()?)?, k)?),
        Scheme::DatasketchLegacy => wide(run(job, rows, &minhash::Sketcher64::legacy(permutations()?)?, k)?),
        Scheme::SimHash => wide(run(job, rows, &simhash::Sketcher::new(k, params.seed)?, k)?),
        Scheme::SimHashWeighted | Scheme::FracMinHash => {
            return Err(Error::Internal(format!("{} is not a sketch of hashes alone", params.scheme.name())));
        }
    };
    let missing = (0..rows.len()).map(|i| rows.missing(i)).collect();
    let made = SketchArray::new(params, values, empty, missing)?;
    if most as u64 > array::MAX_CARDINALITY {
        made.check_cardinality()?;
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub fn hashes(max: usize) -> impl Strategy<Value = Vec<u64>> {
        let hash = prop_oneof![8 => any::<u64>(), 1 => 0u64..4, 1 => Just(u64::MAX), 1 => Just(u64::from(u32::MAX))];
        proptest::collection::vec(hash, 0..max)
    }

    pub fn source() -> HashSource {
        HashSource::described("test".to_owned())
    }

    pub fn sets_of(rows: &[&[u64]]) -> ShingleSets {
        let sorted: Vec<Vec<u64>> = rows
            .iter()
            .map(|row| row.iter().copied().collect::<std::collections::BTreeSet<u64>>().into_iter().collect())
            .collect();
        let indptr = array::boundaries(sorted.iter().map(Vec::len));
        ShingleSets::of_hashes(indptr, sorted.concat(), source().fingerprint)
    }

    pub fn sketched(scheme: Scheme, size: u64, seed: u64, rows: &[&[u64]]) -> Result<SketchArray> {
        let indptr = array::boundaries(rows.iter().map(|row| row.len()));
        let params = SketchParams::new(scheme, size, seed, source())?;
        sketch(&Job::inline(), &HashRows::new(&indptr, &rows.concat())?, params, None)
    }

    proptest! {
        /// The sketch of a union is the union of sketches; order, repeats and blocks do not matter.
        #[test]
        fn laws(a in hashes(300), b in hashes(300), k in 1u64..70, seed in 1u64..3) {
            for scheme in [Scheme::Affine32Op1, Scheme::Oph] {
                let both: Vec<u64> = a.iter().rev().chain(&b).chain(&a).copied().collect();
                let of = |row: &[u64]| sketched(scheme, k, seed, &[row]);
                let union = of(&a)?.union(&of(&b)?)?;
                prop_assert_eq!(&union, &of(&both)?);
                let rows = sketched(scheme, k, seed, &[&a, &b, &[]])?;
                prop_assert_eq!(&rows.take(&[0])?, &of(&a)?);
                prop_assert_eq!(&rows.take(&[2, 1, 0])?, &sketched(scheme, k, seed, &[&[], &b, &a])?);
                let (groups, reduced) = rows.reduce(&Job::inline(), &[7, 7, -1])?;
                prop_assert_eq!(groups, vec![-1, 7]);
                prop_assert_eq!(&reduced, &sketched(scheme, k, seed, &[&[], &both])?);
                prop_assert_eq!(&SketchArray::concat(&[&rows.take(&[0])?, &rows.take(&[1, 2])?])?, &rows);
            }
        }
    }

    #[test]
    fn texts_are_sketched_as_their_sets() -> Result<()> {
        let params = ShingleParams::new(
            vec![2],
            crate::params::Analyzer::Word,
            crate::params::Normalization::parse("nfkc_casefold")?,
            0,
        )?;
        let texts = [Some("to be or not to be"), None, Some(""), Some("be")];
        let sets = crate::shingle::build::from_texts(&texts, &params, true, &Job::inline())?;
        for (scheme, size) in [(Scheme::Affine32Op1, 16), (Scheme::Oph, 16), (Scheme::SimHash, 128)] {
            let how = SketchParams::new(scheme, size, 1, HashSource::from(&params))?;
            let fused = sketch(&Job::inline(), &TextRows { texts: &texts, params: &params }, how.clone(), None)?;
            let split = match scheme {
                Scheme::SimHash => simhash::of_sets(&Job::inline(), &sets, None, how)?,
                _ => sketch(&Job::inline(), &sets, how, None)?,
            };
            assert_eq!(fused, split);
            assert_eq!(fused.empty, [false, true, true, false]);
            assert_eq!(fused.missing, [false, true, false, false]);
        }
        Ok(())
    }
}
