//! Rows that agree on a key, such as a band of their sketch.
//!
//! Signatures are read once, row by row; their keys are parted by their top bits, so that those that can be equal meet in
//! the cache. Most keys stand alone and are dropped there, by two bits for each: what is left is small, and is turned back
//! to rows.

use crate::error::Result;
use crate::exec::{self, Job};
use crate::kernel::memory::prefetch;
use crate::partition::{CHUNK, Chunks, Filling};

/// Keys of a part: their sieve stays in the second cache. Few parts are written to side by side in the first one.
const PART: usize = 1 << 17;

/// Most parts: beyond, parting is slower than larger parts.
const MOST_PARTS: usize = 1 << 12;

/// Blocks that few keys are cut into, for threads to share; keys of a block at least, and at most.
const FEW: usize = 8;
const LEAST: usize = 1 << 19;
const MOST: usize = 1 << 22;

/// A key and its row, in 12 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Key {
    low: u32,
    high: u32,
    row: u32,
}

impl Key {
    pub(super) fn new(value: u64, row: usize) -> Self {
        Key { low: value as u32, high: (value >> 32) as u32, row: row as u32 }
    }

    #[inline(always)]
    fn value(&self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }
}

/// How many parts suit so many keys; a power of 2.
pub(super) fn parts_for(keys: usize) -> usize {
    (keys / PART).next_power_of_two().min(MOST_PARTS)
}

/// The keys of some rows, parted.
pub(super) struct Keys {
    rows: usize,
    parts: usize,
    blocks: Vec<Chunks<Key>>,
}

impl Keys {
    /// `keys` adds those of a range of rows; a row has about `each` of them, and each is mixed in its top bits. Less than
    /// 2^31 in all.
    pub(super) fn new(
        job: &Job<'_>,
        (rows, each, parts): (usize, usize, usize),
        keys: impl Fn(usize, &mut Vec<Key>) + Sync,
    ) -> Result<Self> {
        // Large blocks: each has a chunk for each part that is not full, and pages of its own, huge from end to end, only
        // where it is large.
        let block = (rows * each / FEW).clamp(LEAST, MOST);
        let blocks = job.chunks(
            rows,
            |_| each * exec::BLOCK / block,
            |range| {
                let (mut made, mut of_row) = (Filling::new(range.len() * each, parts), Vec::with_capacity(each));
                for row in range {
                    keys(row, &mut of_row);
                    of_row.drain(..).for_each(|key: Key| made.push(slot(key.value(), 0, parts), key));
                }
                Ok(made.end())
            },
        )?;
        Ok(Keys { rows, parts, blocks })
    }
}

/// A number below `slots`, a power of 2, by the bits of a key after the first `skip`.
#[inline(always)]
fn slot(key: u64, skip: u32, slots: usize) -> usize {
    // In two steps: one slot takes no bit, and nothing can be shifted by 64.
    (key << skip >> 1 >> (63 - slots.trailing_zeros())) as usize
}

/// Groups of rows that agree on a key, by row of the left side.
pub(super) struct Groups {
    /// Rows of all groups, ascending within each; right ones come after the left ones.
    members: Vec<u32>,
    /// Where the spans of each left row end.
    row_ends: Vec<u32>,
    /// From where to where in `members` a left row finds others.
    spans: Vec<[u32; 2]>,
    /// What a right row's number is raised by in `members`.
    raised: u32,
}

/// A group of `rows`, of which the first `finders` find others: those after them or, with a right side, the right ones.
struct Size {
    finders: u32,
    rows: u32,
}

impl Groups {
    /// `right` = None groups the left rows by themselves. Both were parted alike.
    pub(super) fn new(job: &Job<'_>, left: &Keys, right: Option<&Keys>) -> Result<Self> {
        let (shift, raised) = (left.parts.trailing_zeros(), left.rows as u32);
        let found = job.chunks(
            left.parts,
            |_| PART * 4,
            |parts| {
                let (mut table, mut members, mut sizes) = (Table::default(), Vec::new(), Vec::new());
                let mut pieces = Vec::new();
                for part in parts {
                    pieces.clear();
                    pieces.extend(left.blocks.iter().flat_map(|block| block.part(part)).map(|piece| (piece, 0)));
                    let of_right = right.iter().flat_map(|right| &right.blocks);
                    pieces.extend(of_right.flat_map(|block| block.part(part)).map(|piece| (piece, raised)));
                    table.sift(shift, &pieces);
                    table.groups(shift, |group| {
                        let finders = match right {
                            Some(_) => group.partition_point(|key| key.row < raised),
                            None => group.len() - 1,
                        };
                        if finders > 0 && finders < group.len() {
                            members.extend(group.iter().map(|key| key.row));
                            sizes.push(Size { finders: finders as u32, rows: group.len() as u32 });
                        }
                    });
                }
                Ok((members, sizes))
            },
        )?;
        let mut made = Groups {
            members: found.iter().map(|(members, _)| &members[..]).collect::<Vec<_>>().concat(),
            row_ends: vec![0; left.rows],
            spans: Vec::new(),
            raised: if right.is_some() { raised } else { 0 },
        };
        made.by_row(found.iter().flat_map(|(_, sizes)| sizes), right.is_none());
        Ok(made)
    }

    /// Turn groups of rows into spans of each left row.
    fn by_row<'a>(&mut self, sizes: impl Iterator<Item = &'a Size> + Clone, itself: bool) {
        let mut from = 0;
        for size in sizes.clone() {
            let finders = &self.members[from..from + size.finders as usize];
            finders.iter().for_each(|row| self.row_ends[*row as usize] += 1);
            from += size.rows as usize;
        }
        let mut start = 0;
        for end in &mut self.row_ends {
            (start, *end) = (start + *end, start);
        }
        self.spans = vec![[0; 2]; start as usize];
        let mut from = 0;
        for size in sizes {
            let end = from + size.rows;
            for at in from..from + size.finders {
                let to = &mut self.row_ends[self.members[at as usize] as usize];
                self.spans[*to as usize] = [if itself { at + 1 } else { from + size.finders }, end];
                *to += 1;
            }
            from = end;
        }
    }

    fn spans(&self, i: usize) -> &[[u32; 2]] {
        let start = if i == 0 { 0 } else { self.row_ends[i - 1] };
        &self.spans[start as usize..self.row_ends[i] as usize]
    }

    /// Number of groups in which left row `i` finds others.
    pub(super) fn count(&self, i: usize) -> usize {
        self.spans(i).len()
    }

    /// Add the right rows that share a key with left row `i`, once for each key; without a right side the rows after i.
    pub(super) fn others(&self, i: usize, out: &mut Vec<u32>) {
        for [from, end] in self.spans(i) {
            out.extend(self.members[*from as usize..*end as usize].iter().map(|row| row - self.raised));
        }
    }
}

/// Slots of a sieve for each key: the more there are, the fewer keys stay that stand alone.
const SPARSE: usize = 8;

/// Pieces between the asking for one and its reading.
const AHEAD: usize = 2;

/// Keys of a cache line.
const LINE: usize = 64 / size_of::<Key>();

/// Which slots were met, and which more than once: two bits each.
#[derive(Default)]
struct Sieve(Vec<u64>);

impl Sieve {
    /// No slot was met; returns how many there are, for so many keys.
    fn clear(&mut self, keys: usize) -> usize {
        let slots = (SPARSE * keys).next_power_of_two().max(32);
        self.0.clear();
        self.0.resize(slots / 32, 0);
        slots
    }

    #[inline(always)]
    fn meet(&mut self, slot: usize) {
        let (word, at) = (&mut self.0[slot / 32], slot % 32 * 2);
        *word |= (*word >> at & 1) << at << 1 | 1 << at;
    }

    #[inline(always)]
    fn twice(&self, slot: usize) -> bool {
        self.0[slot / 32] >> (slot % 32 * 2) & 2 != 0
    }
}

/// Finds equal keys of a part.
#[derive(Default)]
struct Table {
    sieve: Sieve,
    keys: Vec<Key>,
    ends: Vec<u32>,
    sorted: Vec<Key>,
}

impl Table {
    /// Take those of `pieces` that may have an equal one, in their order: all that have one, and few others. What comes
    /// with a piece is added to its rows.
    fn sift(&mut self, skip: u32, pieces: &[(&[Key], u32)]) {
        let Table { sieve, keys: kept, .. } = self;
        let slots = sieve.clear(pieces.iter().map(|(keys, _)| keys.len()).sum());
        for (i, (keys, _)) in pieces.iter().enumerate() {
            // Pieces are too short for the processor to see where they lead.
            if let Some((next, _)) = pieces.get(i + AHEAD) {
                next.iter().step_by(LINE).for_each(prefetch);
            }
            keys.iter().for_each(|key| sieve.meet(slot(key.value(), skip, slots)));
        }
        kept.clear();
        let mut some = [Key::default(); CHUNK];
        for (keys, from) in pieces {
            for keys in keys.chunks(CHUNK) {
                let mut count = 0;
                // No branch: which ones stay cannot be guessed.
                for key in keys {
                    some[count] = Key { row: key.row + from, ..*key };
                    count += usize::from(sieve.twice(slot(key.value(), skip, slots)));
                }
                kept.extend_from_slice(&some[..count]);
            }
        }
        // Once more by other bits: what met another key by chance hardly does so again.
        let slots = sieve.clear(kept.len());
        let low = |key: &Key| key.low as usize & (slots - 1);
        kept.iter().for_each(|key| sieve.meet(low(key)));
        kept.retain(|key| sieve.twice(low(key)));
    }

    /// Hand each group of two or more equal keys to `take`, in their order; keys differ only after the first `skip` bits.
    fn groups(&mut self, skip: u32, mut take: impl FnMut(&[Key])) {
        let slots = (2 * self.keys.len()).next_power_of_two();
        self.ends.clear();
        self.ends.resize(slots, 0);
        self.keys.iter().for_each(|key| self.ends[slot(key.value(), skip, slots)] += 1);
        let mut start = 0;
        for end in &mut self.ends {
            (start, *end) = (start + *end, start);
        }
        self.sorted.resize(self.keys.len(), Key::default());
        for key in &self.keys {
            let end = &mut self.ends[slot(key.value(), skip, slots)];
            self.sorted[*end as usize] = *key;
            *end += 1;
        }
        let mut start = 0;
        for end in &self.ends {
            let together = start..*end as usize;
            start = together.end;
            if together.len() > 1 {
                let together = &mut self.sorted[together];
                together.sort_by_key(Key::value);
                together.chunk_by(|a, b| a.value() == b.value()).filter(|group| group.len() > 1).for_each(&mut take);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shingle::hash::fin;
    use proptest::prelude::*;

    type Rows = Vec<Vec<u64>>;

    fn rows() -> impl Strategy<Value = Rows> {
        proptest::collection::vec(proptest::collection::vec(0u64..12, 0..5), 0..40)
    }

    proptest! {
        #[test]
        fn a_sieve_keeps_every_key_that_has_an_equal_one(
            values in proptest::collection::vec(0u64..3000, 0..2000), cut in 0usize..2000, from in 0u32..9, skip in 0u32..3, mixed: bool,
        ) {
            // Keys of a part agree in the bits that are skipped.
            let key = |(row, value): (usize, &u64)| Key::new(if mixed { fin(*value) >> skip } else { *value }, row);
            let keys: Vec<Key> = values.iter().enumerate().map(key).collect();
            let (left, right) = keys.split_at(cut.min(keys.len()));
            let (mut table, mut found) = (Table::default(), Vec::new());
            table.sift(skip, &[(left, 0), (right, from)]);
            table.groups(skip, |group| found.push((group[0].value(), group.iter().map(|key| key.row).collect::<Vec<u32>>())));
            found.sort_unstable();
            let mut want = std::collections::BTreeMap::<u64, Vec<u32>>::new();
            for (i, key) in keys.iter().enumerate() {
                want.entry(key.value()).or_default().push(key.row + if i < cut { 0 } else { from });
            }
            want.retain(|_, rows| rows.len() > 1);
            prop_assert_eq!(found, want.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn rows_meet_once_for_each_shared_key(a in rows(), b in rows(), parts in 0u32..4, high: bool) {
            let job = Job::inline();
            let distinct = |rows: &Rows| rows.iter().map(|row| row.iter().copied().collect::<std::collections::BTreeSet<u64>>()).collect::<Vec<_>>();
            let (a, b) = (distinct(&a), distinct(&b));
            // Keys that differ in their first bits only, or everywhere.
            let value = |key: u64| if high { key << 60 } else { fin(key) };
            let keys = |rows: &[std::collections::BTreeSet<u64>]| Keys::new(&job, (rows.len(), 5, 1 << parts), |i, out| out.extend(rows[i].iter().map(|key| Key::new(value(*key), i))));
            for (right, rights) in [(Some(keys(&b)?), &b), (None, &a)] {
                let groups = Groups::new(&job, &keys(&a)?, right.as_ref())?;
                for (i, row) in a.iter().enumerate() {
                    let mut found = Vec::new();
                    groups.others(i, &mut found);
                    found.sort_unstable();
                    let agree = |j: &usize| row.iter().filter(|key| rights[*j].iter().any(|other| value(**key) == value(*other))).count();
                    let from = if right.is_some() { 0 } else { i + 1 };
                    let want: Vec<u32> = (from..rights.len()).flat_map(|j| vec![j as u32; agree(&j)]).collect();
                    prop_assert_eq!(found, want);
                }
            }
        }
    }
}
