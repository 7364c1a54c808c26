//! The runs of tokens that two texts share, from n-gram to n-gram or by the automaton.

use crate::score::ngrams::{Grams, floor};
use crate::score::spans::{Span, common_spans, longest_run};

/// Steps of the comparison per token before texts count as repetitive and the automaton takes over.
const STEPS: usize = 8;

/// Follows the runs of one pair after the other; keeps its buffers.
#[derive(Default)]
pub(super) struct Runs {
    /// For each n-gram its last place in the served form, and for each place the one before; from 1, 0 is none.
    last: Vec<u32>,
    before: Vec<u32>,
    /// For each place in the served form where it was met last in the suspect form (from 1), and the n-grams of that run.
    runs: Vec<(u32, u32)>,
}

impl Runs {
    /// Spans and the longest run from n-gram to n-gram; `None` where the texts share none or repeat themselves.
    ///
    /// A run of at least n tokens is a run of its n-grams, so runs of n-grams that stand in both texts, each followed along
    /// all its places in the served one, are the runs of tokens that `common_spans` finds.
    ///
    /// The n-grams have the numbers `0..grams`; `common` says which of them stand in both texts and count.
    pub(super) fn walk(
        &mut self,
        n: usize,
        grams: usize,
        [ours, theirs]: [&[u32]; 2],
        common: impl Fn(u32) -> bool,
    ) -> Option<(Vec<Span>, u32)> {
        self.last.clear();
        self.last.resize(grams, 0);
        self.before.clear();
        for (place, gram) in (1u32..).zip(theirs) {
            self.before.push(std::mem::replace(&mut self.last[*gram as usize], place));
        }
        self.runs.clear();
        self.runs.resize(theirs.len() + 1, (0, 0));
        let most = STEPS * (ours.len() + theirs.len());
        let (mut steps, mut longest, mut spans) = (0, 0, Vec::new());
        let mut now: Option<Span> = None;
        for (i, gram) in (1u32..).zip(ours) {
            let mut best = (0, 0);
            if common(*gram) {
                // From the last place to the first: the run that ended one place before is not yet overwritten, and of
                // equally long runs the lowest stays.
                let mut place = self.last[*gram as usize];
                while place != 0 {
                    let (met, run) = self.runs[place as usize - 1];
                    let run = if met == i - 1 { run + 1 } else { 1 };
                    self.runs[place as usize] = (i, run);
                    if run >= best.0 {
                        best = (run, place);
                    }
                    place = self.before[place as usize - 1];
                    steps += 1;
                }
                if steps > most {
                    return None;
                }
            }
            let (run, place) = best;
            let len = run + n as u32 - 1;
            let span = Span { a_start: i - run, b_start: place - run, len };
            if let Some(before) = now
                && (run == 0 || span.a_start != before.a_start)
            {
                spans.push(before);
            }
            now = (run > 0).then_some(span);
            longest = longest.max(run);
        }
        spans.extend(now);
        (longest > 0).then_some((spans, longest + n as u32 - 1))
    }
}

/// Spans and the longest run by the automaton, through n-grams that are not `hidden`.
pub(super) fn by_automaton(n: usize, ours: &[u32], theirs: &[u32], hidden: &Grams<'_>) -> (Vec<Span>, u32) {
    let floor = (!hidden.is_empty()).then(|| floor(ours, hidden));
    let whole = n.min(ours.len()) as u32;
    let spans = common_spans(ours, theirs, &[], whole, floor.as_deref());
    (spans, longest_run(ours, theirs, floor.as_deref()))
}
