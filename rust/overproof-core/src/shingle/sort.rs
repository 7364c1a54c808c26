//! Sorting hashes: their top bits say nearly where each belongs.

/// More hashes than this in one bin are no accident: the values are not hashes, or too many for the bins.
const CROWDED: u32 = 24;
const MOST_BINS: u32 = 16;

/// Sorts hashes; keeps its bins from row to row.
#[derive(Default)]
pub struct HashSorter {
    bins: Vec<u32>,
}

impl HashSorter {
    /// The values of `from` in ascending order, repeats kept.
    ///
    /// As many bins as values, taken by the top bits, then insertion among neighbours. O(n) for hashes; other values
    /// are sorted by comparison.
    pub fn sort(&mut self, from: &[u64], sorted: &mut Vec<u64>) {
        sorted.clear();
        sorted.extend_from_slice(from);
        if from.len() < 16 {
            return sorted.sort_unstable();
        }
        let bits = from.len().next_power_of_two().ilog2().min(MOST_BINS);
        let bin = |h: u64| (h >> (64 - bits)) as usize;
        self.bins.clear();
        self.bins.resize(1 << bits, 0);
        for h in from {
            self.bins[bin(*h)] += 1;
        }
        let (mut start, mut most) = (0, 0);
        for count in &mut self.bins {
            most = most.max(*count);
            start += std::mem::replace(count, start);
        }
        if most > CROWDED {
            return sorted.sort_unstable();
        }
        for h in from {
            let at = &mut self.bins[bin(*h)];
            sorted[*at as usize] = *h;
            *at += 1;
        }
        // Most of what is out of order are two neighbours of one bin: exchanged without a branch on what they are.
        let mut greatest = sorted[0];
        for i in 1..sorted.len() {
            let next = sorted[i];
            sorted[i - 1] = greatest.min(next);
            greatest = greatest.max(next);
        }
        sorted[from.len() - 1] = greatest;
        for i in 1..sorted.len() {
            let (mut at, value) = (i, sorted[i]);
            while at > 0 && sorted[at - 1] > value {
                sorted[at] = sorted[at - 1];
                at -= 1;
            }
            sorted[at] = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shingle::hash::fin;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sorted_is_sorted(values in proptest::collection::vec(any::<u64>(), 0..300), kind in 0..4, len in 0usize..3000) {
            let mut from = match kind {
                0 => values,
                1 => values.iter().map(|v| v >> 40).collect(),
                2 => values.iter().map(|v| v % 3).collect(),
                _ => (0..len as u64).map(|i| fin(i % 1500)).collect(),
            };
            let mut sorted = vec![9; 5];
            let mut sorter = HashSorter::default();
            sorter.sort(&from, &mut sorted);
            from.sort_unstable();
            prop_assert_eq!(sorted, from);
        }
    }
}
