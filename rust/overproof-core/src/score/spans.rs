//! Maximal common runs of tokens of two texts, in linear time by a suffix automaton.
//!
//! Tokens come as ids that stand for their exact text ([`Interner`]), so that a match is a match of bytes, never of
//! hashes. Call an interval of a *common* if its tokens stand somewhere in b one after another. A *maximal span* is a
//! common interval of a that no longer common interval of a contains; it is reported with its lowest place in b.
//!
//! The suffix automaton of b is that of Blumer et al. (1985), Theoretical Computer Science 40, 31-55; the walk over a
//! computes what Chang and Lawler (1994), Algorithmica 12, 327-344, call matching statistics, for ends in place of
//! starts.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The id of a token that matches nothing, not even itself.
pub const MASKED: u32 = u32::MAX;

/// A quick hasher for look-ups by tokens: the standard one costs more than all the rest of a comparison. Nothing is ever
/// iterated in its order, so it decides no result.
#[derive(Debug, Default)]
pub struct TokenHasher(u64);

impl Hasher for TokenHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for eight in bytes.chunks(8) {
            let mut word = [0u8; 8];
            word[..eight.len()].copy_from_slice(eight);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, x: u64) {
        let wide = u128::from(self.0 ^ x ^ 0xA076_1D64_78BD_642F) * u128::from(0xE703_7ED1_A0B4_28DB_u64);
        self.0 = (wide as u64) ^ (wide >> 64) as u64;
    }

    fn write_usize(&mut self, x: usize) {
        self.write_u64(x as u64);
    }
}

/// Gives equal tokens equal ids, in order of first appearance from 0.
#[derive(Debug, Default)]
pub struct Interner<'t> {
    ids: HashMap<&'t [u8], u32, BuildHasherDefault<TokenHasher>>,
}

impl<'t> Interner<'t> {
    /// No tokens yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The ids of the tokens of one text.
    pub fn ids(&mut self, tokens: impl IntoIterator<Item = &'t [u8]>) -> Vec<u32> {
        let give = |token| {
            let next = self.ids.len() as u32;
            *self.ids.entry(token).or_insert(next)
        };
        tokens.into_iter().map(give).collect()
    }
}

/// The ids of two texts' tokens.
pub fn intern(a: &[&[u8]], b: &[&[u8]]) -> (Vec<u32>, Vec<u32>) {
    let mut interner = Interner::new();
    (interner.ids(a.iter().copied()), interner.ids(b.iter().copied()))
}

/// Tokens `[a_start, a_start + len)` of a are tokens `[b_start, b_start + len)` of b.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First token in a.
    pub a_start: u32,
    /// First token in b: the lowest place where the run stands.
    pub b_start: u32,
    /// Number of tokens.
    pub len: u32,
}

impl Span {
    /// One past the last token in a.
    pub fn a_end(&self) -> u32 {
        self.a_start + self.len
    }
}

const ROOT: usize = 0;
const NO_EDGE: u32 = u32::MAX;

struct State {
    /// Length of the longest string of this state.
    len: u32,
    /// The state of the longest suffix that stands in more places; the root's own is the root.
    link: u32,
    /// Where the first occurrence of this state's strings ends (exclusive).
    first_end: u32,
    /// First of this state's edges.
    edges: u32,
}

struct Edge {
    token: u32,
    target: u32,
    /// Next edge of the same state.
    next: u32,
}

/// The smallest automaton of all substrings of a token sequence: at most 2n states and 3n edges.
struct Automaton {
    states: Vec<State>,
    edges: Vec<Edge>,
    /// (state, token) to edge: a scan of the list could cost O(n) where a token has many followers.
    index: HashMap<u64, u32, BuildHasherDefault<TokenHasher>>,
}

impl Automaton {
    /// The automaton of `tokens`; [`MASKED`] ones break every run.
    fn new(tokens: &[u32]) -> Self {
        let mut automaton = Automaton {
            states: Vec::with_capacity(2 * tokens.len() + 1),
            edges: Vec::with_capacity(2 * tokens.len()),
            index: HashMap::with_capacity_and_hasher(2 * tokens.len(), BuildHasherDefault::default()),
        };
        automaton.states.push(State { len: 0, link: 0, first_end: 0, edges: NO_EDGE });
        let mut last = ROOT;
        for (i, token) in tokens.iter().enumerate() {
            last = automaton.extend(last, *token, i as u32 + 1);
        }
        automaton
    }

    fn edge(&self, state: usize, token: u32) -> Option<usize> {
        self.index.get(&((state as u64) << 32 | u64::from(token))).map(|edge| *edge as usize)
    }

    fn add_state(&mut self, len: u32, link: usize, first_end: u32) -> usize {
        self.states.push(State { len, link: link as u32, first_end, edges: NO_EDGE });
        self.states.len() - 1
    }

    fn add_edge(&mut self, state: usize, token: u32, target: usize) {
        let edge = self.edges.len() as u32;
        self.edges.push(Edge { token, target: target as u32, next: self.states[state].edges });
        self.states[state].edges = edge;
        self.index.insert((state as u64) << 32 | u64::from(token), edge);
    }

    /// Append one token, the `end`-th, to the sequence whose whole is `last`; the state of the new whole.
    fn extend(&mut self, last: usize, token: u32, end: u32) -> usize {
        let whole = self.add_state(self.states[last].len + 1, ROOT, end);
        if token == MASKED {
            // As a token that stands nowhere else; nobody will look for its edges.
            return whole;
        }
        let mut state = last;
        let edge = loop {
            if let Some(edge) = self.edge(state, token) {
                break edge;
            }
            self.add_edge(state, token, whole);
            if state == ROOT {
                return whole;
            }
            state = self.states[state].link as usize;
        };
        let target = self.edges[edge].target as usize;
        let len = self.states[state].len + 1;
        if self.states[target].len == len {
            self.states[whole].link = target as u32;
            return whole;
        }
        let copy = self.add_state(len, self.states[target].link as usize, self.states[target].first_end);
        let mut next = self.states[target].edges;
        while next != NO_EDGE {
            let Edge { token, target, next: after } = self.edges[next as usize];
            self.add_edge(copy, token, target as usize);
            next = after;
        }
        self.states[target].link = copy as u32;
        self.states[whole].link = copy as u32;
        while let Some(edge) = self.edge(state, token) {
            if self.edges[edge].target as usize != target {
                break;
            }
            self.edges[edge].target = copy as u32;
            if state == ROOT {
                break;
            }
            state = self.states[state].link as usize;
        }
        whole
    }
}

/// For each end in a (exclusive, from 1 on) the longest run of a that ends there and stands in b, and its lowest place.
///
/// `floor` bounds the runs from below: the run that ends at `i + 1` starts at `floor[i]` or later; it may not descend.
pub fn matching_statistics(a: &[u32], b: &[u32], floor: Option<&[u32]>) -> Vec<Span> {
    let automaton = Automaton::new(&only_tokens_of(a, b));
    let (mut state, mut len) = (ROOT, 0u32);
    let mut out = Vec::with_capacity(a.len());
    for (i, token) in a.iter().enumerate() {
        let edge = loop {
            match automaton.edge(state, *token) {
                None if state != ROOT => {
                    state = automaton.states[state].link as usize;
                    len = automaton.states[state].len;
                }
                found => break found,
            }
        };
        (state, len) = edge.map_or((ROOT, 0), |edge| (automaton.edges[edge].target as usize, len + 1));
        let end = i as u32 + 1;
        if let Some(floor) = floor {
            len = len.min(end.saturating_sub(floor[i]));
            while state != ROOT && automaton.states[automaton.states[state].link as usize].len >= len {
                state = automaton.states[state].link as usize;
            }
        }
        out.push(Span { a_start: end - len, b_start: automaton.states[state].first_end - len, len });
    }
    out
}

/// b with every token that does not occur in a masked: it could not match, and the automaton need not know it.
fn only_tokens_of(a: &[u32], b: &[u32]) -> Vec<u32> {
    let size = a.iter().filter(|id| **id != MASKED).max().map_or(0, |id| *id as usize + 1);
    let mut known = vec![false; size];
    a.iter().filter(|id| **id != MASKED).for_each(|id| known[*id as usize] = true);
    b.iter().map(|id| if known.get(*id as usize).is_some_and(|known| *known) { *id } else { MASKED }).collect()
}

/// All maximal spans, of any length, in order of a. Cost O(len(a) + len(b)); `floor` as in [`matching_statistics`].
pub fn maximal_spans(a: &[u32], b: &[u32], floor: Option<&[u32]>) -> Vec<Span> {
    let ends = matching_statistics(a, b, floor);
    let grows = |i: usize| ends.get(i + 1).is_some_and(|next| next.a_start == ends[i].a_start);
    (0..ends.len()).filter(|i| ends[*i].len > 0 && !grows(*i)).map(|i| ends[i]).collect()
}

/// The maximal spans of at least `min_tokens` tokens, in order of a.
///
/// `single` marks the tokens of a that are one character of a script without spaces: they count 1/2.
pub fn common_spans(a: &[u32], b: &[u32], single: &[bool], min_tokens: u32, floor: Option<&[u32]>) -> Vec<Span> {
    let mut units = Vec::with_capacity(a.len() + 1);
    units.push(0u64);
    for i in 0..a.len() {
        let half = single.get(i).is_some_and(|single| *single);
        units.push(units[i] + if half { 1 } else { 2 });
    }
    let mut spans = maximal_spans(a, b, floor);
    spans.retain(|s| units[s.a_end() as usize] - units[s.a_start as usize] >= 2 * u64::from(min_tokens));
    spans
}

/// Tokens of the longest run of a that stands in b.
pub fn longest_run(a: &[u32], b: &[u32], floor: Option<&[u32]>) -> u32 {
    matching_statistics(a, b, floor).iter().map(|s| s.len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, word for word: try every interval at every place.
    fn naive(a: &[u32], b: &[u32], floor: &[u32]) -> Vec<Span> {
        let stands = |start: usize, end: usize| {
            let run = &a[start..end];
            let open = start as u32 >= floor[end - 1] && !run.contains(&MASKED);
            if open { b.windows(run.len()).position(|w| w == run) } else { None }
        };
        let common: Vec<(usize, usize, usize)> = (0..a.len())
            .flat_map(|start| (start + 1..=a.len()).map(move |end| (start, end)))
            .filter_map(|(start, end)| stands(start, end).map(|place| (start, end, place)))
            .collect();
        let inside =
            |x: &(usize, usize, usize), y: &(usize, usize, usize)| y.0 <= x.0 && x.1 <= y.1 && (x.0, x.1) != (y.0, y.1);
        common
            .iter()
            .filter(|x| !common.iter().any(|y| inside(x, y)))
            .map(|x| Span { a_start: x.0 as u32, b_start: x.2 as u32, len: (x.1 - x.0) as u32 })
            .collect()
    }

    fn ids(alphabet: u32, length: usize) -> impl Strategy<Value = Vec<u32>> {
        proptest::collection::vec(prop_oneof![9 => 0..alphabet, 1 => Just(MASKED)], 0..length)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn automaton_equals_definition(
            (a, b) in (1u32..5).prop_flat_map(|k| (ids(k, 24), ids(k, 24))),
            windows in proptest::collection::vec((0usize..20, 1usize..6), 0..4),
        ) {
            let mut floor = vec![0u32; a.len()];
            for (start, n) in windows {
                (start + n - 1..a.len()).for_each(|i| floor[i] = floor[i].max(start as u32 + 1));
            }
            let free = vec![0; a.len()];
            prop_assert_eq!(maximal_spans(&a, &b, None), naive(&a, &b, &free));
            let bounded = naive(&a, &b, &floor);
            prop_assert_eq!(longest_run(&a, &b, Some(&floor)), bounded.iter().map(|s| s.len).max().unwrap_or(0));
            prop_assert_eq!(maximal_spans(&a, &b, Some(&floor)), bounded);
        }

        #[test]
        fn length_counts_single_characters_half(
            a in proptest::collection::vec((0u32..3, any::<bool>()), 0..30),
            b in ids(3, 30),
            min_tokens in 0u32..6,
        ) {
            let (a, single): (Vec<u32>, Vec<bool>) = a.into_iter().unzip();
            let mut long = maximal_spans(&a, &b, None);
            long.retain(|s| {
                let inside = &single[s.a_start as usize..s.a_end() as usize];
                inside.iter().map(|half| if *half { 0.5 } else { 1.0 }).sum::<f64>() >= f64::from(min_tokens)
            });
            prop_assert_eq!(common_spans(&a, &b, &single, min_tokens, None), long);
        }
    }

    #[test]
    fn ids_follow_first_appearance() {
        assert_eq!(intern(&[b"the", b"cat", b"the"], &[b"a", b"cat"]), (vec![0, 1, 0], vec![2, 1]));
    }

    #[test]
    fn time_is_linear_where_one_token_has_many_followers() {
        // Token 0 is followed by 100,000 different tokens: a scan of its edges would take 5e9 steps.
        let a: Vec<u32> = (1..100_000).flat_map(|i| [0, i]).collect();
        let spans = maximal_spans(&a, &a, None);
        assert_eq!(spans, [Span { a_start: 0, b_start: 0, len: a.len() as u32 }]);
    }
}
