//! What two texts share in n-grams, on the exact tokens: no hash takes part in the comparison of two n-grams.

use super::ratio;
use super::spans::{MASKED, TokenHasher, longest_run};
use std::collections::HashSet;
use std::hash::BuildHasherDefault;

/// The n-grams of a token sequence, in order; of a shorter one, the whole sequence once.
pub fn windows(ids: &[u32], n: usize) -> impl Iterator<Item = &[u32]> {
    let width = n.min(ids.len()).max(1);
    ids.windows(width)
}

/// A set of n-grams by their exact ids.
pub type Grams<'a> = HashSet<&'a [u32], BuildHasherDefault<TokenHasher>>;

/// The distinct n-grams of exactly n tokens of a text: what it masks elsewhere.
pub fn masks(ids: &[u32], n: usize) -> Grams<'_> {
    ids.windows(n.max(1)).collect()
}

/// Where the n-grams of `hidden` stand in `ids`, as (start, length), ordered by where they end.
fn occurrences<'a>(ids: &'a [u32], hidden: &'a Grams<'_>) -> impl Iterator<Item = (usize, usize)> + 'a {
    let mut lengths: Vec<usize> = hidden.iter().map(|gram| gram.len()).filter(|n| *n > 0).collect();
    lengths.sort_unstable();
    lengths.dedup();
    (1..=ids.len()).flat_map(move |end| {
        let found = |n: &usize| end.checked_sub(*n).filter(|start| hidden.contains(&ids[*start..end])).map(|s| (s, *n));
        lengths.iter().filter_map(found).collect::<Vec<_>>()
    })
}

/// The lowest start of a run that ends at each token (inclusive) and holds no n-gram of `hidden`.
pub fn floor(ids: &[u32], hidden: &Grams<'_>) -> Vec<u32> {
    let mut floor = vec![0u32; ids.len()];
    for (start, n) in occurrences(ids, hidden) {
        let last = start + n - 1;
        floor[last] = floor[last].max(start as u32 + 1);
    }
    let mut highest = 0;
    for value in &mut floor {
        highest = highest.max(*value);
        *value = highest;
    }
    floor
}

/// `ids` with every token inside an n-gram of `hidden` masked.
pub fn mask_tokens(ids: &[u32], hidden: &Grams<'_>) -> Vec<u32> {
    let mut out = ids.to_vec();
    for (start, n) in occurrences(ids, hidden) {
        out[start..start + n].fill(MASKED);
    }
    out
}

/// What a suspect text shares with one served text.
///
/// With S and T the sets of n-grams of suspect and served that are not hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NgramMatch {
    /// |S & T|.
    pub ngrams: usize,
    /// |S|.
    pub suspect_ngrams: usize,
    /// |T|.
    pub served_ngrams: usize,
    /// Suspect tokens inside an occurrence of an n-gram of S & T.
    pub covered: usize,
    /// Suspect tokens inside an occurrence of an n-gram of S.
    pub coverable: usize,
    /// Tokens of the longest run of suspect that stands in served and holds no hidden n-gram.
    pub longest_run: u32,
}

impl NgramMatch {
    /// |S & T| / |S|; NaN if S is empty.
    pub fn containment_of_suspect(&self) -> f64 {
        ratio(self.ngrams, self.suspect_ngrams)
    }

    /// |S & T| / |T|; NaN if T is empty.
    pub fn containment_of_served(&self) -> f64 {
        ratio(self.ngrams, self.served_ngrams)
    }

    /// `covered / coverable`; NaN if nothing can be covered.
    pub fn coverage(&self) -> f64 {
        ratio(self.covered, self.coverable)
    }
}

/// Compare two texts of interned tokens. Cost O((len(suspect) + len(served)) n).
///
/// `hidden` n-grams (of the prompt, of the background) are left out of numerators and denominators alike.
pub fn ngram_match(suspect: &[u32], served: &[u32], n: usize, hidden: &Grams<'_>) -> NgramMatch {
    let open = |gram: &&[u32]| !hidden.contains(gram);
    let right: Grams<'_> = windows(served, n).filter(open).collect();
    let mut left = Grams::default();
    let (mut ngrams, mut covered, mut coverable) = (0, 0, 0);
    // One past the last token already counted as covered, and as coverable.
    let (mut covered_to, mut coverable_to) = (0, 0);
    for (start, gram) in windows(suspect, n).enumerate().filter(|(_, gram)| open(gram)) {
        let end = start + gram.len();
        coverable += end - start.max(coverable_to);
        coverable_to = end;
        let shared = right.contains(gram);
        if shared {
            covered += end - start.max(covered_to);
            covered_to = end;
        }
        if left.insert(gram) && shared {
            ngrams += 1;
        }
    }
    let floor = (!hidden.is_empty()).then(|| floor(suspect, hidden));
    NgramMatch {
        ngrams,
        suspect_ngrams: left.len(),
        served_ngrams: right.len(),
        covered,
        coverable,
        longest_run: longest_run(suspect, served, floor.as_deref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn ids() -> impl Strategy<Value = Vec<u32>> {
        proptest::collection::vec(0u32..3, 0..30)
    }

    /// Positions inside the n-grams for which `keep` holds.
    fn positions(ids: &[u32], n: usize, keep: impl Fn(&[u32]) -> bool) -> BTreeSet<usize> {
        let found = windows(ids, n).enumerate().filter(|(_, gram)| keep(gram));
        found.flat_map(|(start, gram)| start..start + gram.len()).collect()
    }

    proptest! {
        #[test]
        fn match_equals_its_definition(a in ids(), b in ids(), prompt in ids(), n in 1usize..7) {
            let hidden = masks(&prompt, n);
            let set = |ids| windows(ids, n).filter(|g| !hidden.contains(g)).map(<[u32]>::to_vec).collect::<BTreeSet<_>>();
            let (left, right) = (set(&a), set(&b));
            let found = ngram_match(&a, &b, n, &hidden);
            prop_assert_eq!(found.ngrams, left.intersection(&right).count());
            prop_assert_eq!((found.suspect_ngrams, found.served_ngrams), (left.len(), right.len()));
            prop_assert_eq!(found.coverable, positions(&a, n, |g| left.contains(g)).len());
            prop_assert_eq!(found.covered, positions(&a, n, |g| left.contains(g) && right.contains(g)).len());
            let runs = (0..a.len()).flat_map(|s| (s + 1..=a.len()).map(move |e| (s, e)));
            let longest = runs
                .map(|(s, e)| &a[s..e])
                .filter(|run| b.windows(run.len()).any(|w| w == *run))
                .filter(|run| !run.windows(n).any(|w| hidden.contains(w)))
                .map(<[u32]>::len)
                .max();
            prop_assert_eq!(found.longest_run as usize, longest.unwrap_or(0));
        }

        #[test]
        fn masked_tokens_are_those_inside_an_ngram_of_the_mask(a in ids(), prompt in ids(), n in 1usize..7) {
            let masked = mask_tokens(&a, &masks(&prompt, n));
            for (i, id) in masked.iter().enumerate() {
                let inside = (0..a.len()).any(|s| {
                    s <= i && i < s + n && s + n <= a.len() && prompt.windows(n).any(|w| *w == a[s..s + n])
                });
                prop_assert_eq!(*id, if inside { MASKED } else { a[i] });
            }
        }
    }

    #[test]
    fn a_short_text_is_one_ngram() {
        let found = ngram_match(&[1, 2], &[1, 2], 5, &Grams::default());
        assert_eq!((found.ngrams, found.covered, found.longest_run), (1, 2, 2));
        assert_eq!(ngram_match(&[1, 2], &[1, 2, 3, 4, 5, 6], 5, &Grams::default()).ngrams, 0);
        let nothing = ngram_match(&[], &[1], 5, &Grams::default());
        assert!(nothing.containment_of_suspect().is_nan() && nothing.coverage().is_nan());
    }
}
