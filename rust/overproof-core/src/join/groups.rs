//! Rows that agree on a key, such as a band of their sketch.
//!
//! Signatures are read once, row by row; their keys are parted by their top bits, so that those that can be equal meet in
//! the cache. Most keys stand alone and are dropped there: what is left is small, and is turned back to rows.

use crate::error::Result;
use crate::exec::Job;
use crate::partition::Partitioned;

/// Keys of a part: they and their table stay in the second cache.
const PART: usize = 1 << 13;

/// Most parts: beyond, parting is slower than larger parts.
const MOST_PARTS: usize = 1 << 12;

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
    blocks: Vec<Partitioned<Key>>,
}

impl Keys {
    /// `keys` adds those of a range of rows; a row has about `each` of them, and each is mixed in its top bits. Less than
    /// 2^31 in all.
    pub(super) fn new(
        job: &Job<'_>,
        (rows, each, parts): (usize, usize, usize),
        keys: impl Fn(usize, &mut Vec<Key>) + Sync,
    ) -> Result<Self> {
        let blocks = job.chunks(
            rows,
            |_| each,
            |range| {
                let mut made = Vec::with_capacity(range.len() * each);
                range.for_each(|row| keys(row, &mut made));
                Ok(Partitioned::new(&made, parts, |key| slot(key.value(), 0, parts)))
            },
        )?;
        Ok(Keys { rows, parts, blocks })
    }
}

/// A number below `slots`, a power of 2, by the bits of a key after the first `skip`.
#[inline(always)]
fn slot(key: u64, skip: u32, slots: usize) -> usize {
    ((u128::from(key << skip) * slots as u128) >> 64) as usize
}

/// Groups of rows that agree on a key, by row of the left side.
pub(super) struct Groups {
    /// Rows of all groups, ascending within each; right ones come after the left ones.
    members: Vec<u32>,
    /// Where each group ends.
    ends: Vec<u32>,
    /// Where the groups of each left row end in `groups`.
    row_ends: Vec<u32>,
    groups: Vec<u32>,
    left: u32,
    itself: bool,
}

impl Groups {
    /// `right` = None groups the left rows by themselves. Both were parted alike.
    pub(super) fn new(job: &Job<'_>, left: &Keys, right: Option<&Keys>) -> Result<Self> {
        let shift = left.parts.trailing_zeros();
        let found = job.chunks(
            left.parts,
            |_| PART * 4,
            |parts| {
                let (mut table, mut members, mut sizes) = (Table::default(), Vec::new(), Vec::new());
                for part in parts {
                    table.keys.clear();
                    left.blocks.iter().for_each(|block| table.keys.extend_from_slice(block.part(part)));
                    if let Some(right) = right {
                        let later = |key: &Key| Key { row: key.row + left.rows as u32, ..*key };
                        right.blocks.iter().for_each(|block| table.keys.extend(block.part(part).iter().map(later)));
                    }
                    table.groups(shift, |group| {
                        let first = group[0].row as usize;
                        let last = group[group.len() - 1].row as usize;
                        if right.is_none() || (first < left.rows && last >= left.rows) {
                            members.extend(group.iter().map(|key| key.row));
                            sizes.push(group.len() as u32);
                        }
                    });
                }
                Ok((members, sizes))
            },
        )?;
        let mut made = Groups {
            members: Vec::with_capacity(found.iter().map(|(members, _)| members.len()).sum()),
            ends: Vec::with_capacity(found.iter().map(|(_, sizes)| sizes.len()).sum()),
            row_ends: vec![0; left.rows],
            groups: Vec::new(),
            left: left.rows as u32,
            itself: right.is_none(),
        };
        for (members, sizes) in found {
            made.members.extend_from_slice(&members);
            for size in sizes {
                made.ends.push(made.ends.last().unwrap_or(&0) + size);
            }
        }
        made.by_row();
        Ok(made)
    }

    /// Turn groups of rows into groups of each left row.
    fn by_row(&mut self) {
        let left = self.left;
        self.members.iter().filter(|row| **row < left).for_each(|row| self.row_ends[*row as usize] += 1);
        let mut start = 0;
        for end in &mut self.row_ends {
            (start, *end) = (start + *end, start);
        }
        self.groups = vec![0; start as usize];
        let mut from = 0;
        for (group, end) in (0..).zip(&self.ends) {
            for row in self.members[from..*end as usize].iter().filter(|row| **row < left) {
                let at = &mut self.row_ends[*row as usize];
                self.groups[*at as usize] = group;
                *at += 1;
            }
            from = *end as usize;
        }
    }

    fn group(&self, group: u32) -> &[u32] {
        let start = if group == 0 { 0 } else { self.ends[group as usize - 1] };
        &self.members[start as usize..self.ends[group as usize] as usize]
    }

    /// Number of groups that left row `i` is in.
    pub(super) fn count(&self, i: usize) -> usize {
        let start = if i == 0 { 0 } else { self.row_ends[i - 1] };
        (self.row_ends[i] - start) as usize
    }

    /// Add the right rows that share a key with left row `i`, once for each key; without a right side the rows after i.
    pub(super) fn others(&self, i: usize, out: &mut Vec<u32>) {
        let end = self.row_ends[i] as usize;
        for group in &self.groups[end - self.count(i)..end] {
            let rows = self.group(*group);
            if self.itself {
                out.extend_from_slice(&rows[rows.partition_point(|row| *row as usize <= i)..]);
            } else {
                let right = &rows[rows.partition_point(|row| *row < self.left)..];
                out.extend(right.iter().map(|row| row - self.left));
            }
        }
    }
}

/// Finds equal keys of a part.
#[derive(Default)]
struct Table {
    keys: Vec<Key>,
    ends: Vec<u32>,
    sorted: Vec<Key>,
}

impl Table {
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
