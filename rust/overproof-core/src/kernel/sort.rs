//! Sorting hashes: their top bits say nearly where each belongs.

/// More hashes than this in one bin are no accident: they are alike, or are no hashes, or are too many for the bins.
const CROWDED: u32 = 24;
const MOST_BINS: u32 = 16;

/// What sorting needs besides; kept from row to row.
#[derive(Debug, Default)]
pub struct Room {
    bins: Vec<u32>,
    #[cfg(target_arch = "x86_64")]
    pub(super) spare: Vec<u64>,
}

/// See `kernel::sort`: as many bins as values, taken by the top bits, then insertion among neighbours.
#[inline(always)]
pub fn sort(from: &[u64], sorted: &mut Vec<u64>, room: &mut Room) {
    sorted.clear();
    sorted.extend_from_slice(from);
    if from.len() < 16 {
        return sorted.sort_unstable();
    }
    let bits = from.len().next_power_of_two().ilog2().min(MOST_BINS);
    let bin = |h: u64| (h >> (64 - bits)) as usize;
    let bins = &mut room.bins;
    bins.clear();
    bins.resize(1 << bits, 0);
    for h in from {
        bins[bin(*h)] += 1;
    }
    let (mut start, mut most) = (0, 0);
    for count in bins.iter_mut() {
        most = most.max(*count);
        start += std::mem::replace(count, start);
    }
    for h in from {
        let at = &mut bins[bin(*h)];
        sorted[*at as usize] = *h;
        *at += 1;
    }
    if most > CROWDED {
        let mut start = 0;
        for end in bins.iter().map(|end| *end as usize) {
            if end - start > CROWDED as usize {
                sorted[start..end].sort_unstable();
            }
            start = end;
        }
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

/// See `kernel::append_set`.
#[inline(always)]
pub fn append_set(from: &[u64], sorted: &mut Vec<u64>, room: &mut Room, out: &mut Vec<u64>) {
    sort(from, sorted, room);
    let before = out.len();
    out.extend_from_slice(sorted);
    // Which repeat cannot be guessed, so each is moved.
    let made = &mut out[before..];
    let Some(mut last) = made.first().copied() else { return };
    let mut len = 1;
    for i in 1..made.len() {
        let next = made[i];
        made[len] = next;
        len += usize::from(next != last);
        last = next;
    }
    out.truncate(before + len);
}
