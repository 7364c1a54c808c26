//! Items parted by a few bits of their keys, so that what is done next to each part stays within the cache.

use crate::kernel::memory::with_huge_pages;

/// Items of one block, those of a part together and in their old order.
#[derive(Clone, Debug)]
pub struct Partitioned<T> {
    items: Vec<T>,
    ends: Vec<u32>,
}

impl<T: Copy + Default> Partitioned<T> {
    /// Less than 2^32 `items` into `parts` parts; `part` gives numbers below `parts`. O(items + parts).
    pub fn new(items: &[T], parts: usize, part: impl Fn(&T) -> usize) -> Self {
        let mut ends = vec![0u32; parts];
        items.iter().for_each(|item| ends[part(item)] += 1);
        let mut start = 0;
        for end in &mut ends {
            (start, *end) = (start + *end, start);
        }
        // A part's end moves from its start as items come in.
        let mut out = with_huge_pages(items.len());
        out.resize(items.len(), T::default());
        for item in items {
            let end = &mut ends[part(item)];
            out[*end as usize] = *item;
            *end += 1;
        }
        Partitioned { items: out, ends }
    }

    /// Number of items in all parts.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The items of part `p`.
    pub fn part(&self, p: usize) -> &[T] {
        let start = if p == 0 { 0 } else { self.ends[p - 1] };
        &self.items[start as usize..self.ends[p] as usize]
    }
}

/// Items of a chunk: so few that the chunks which are being filled stay in the second cache.
pub const CHUNK: usize = 64;

/// Items that come one by one, those of a part in chunks and in their old order: none is moved twice.
#[derive(Clone, Debug)]
pub struct Filling<T> {
    /// Chunk after chunk, as they were begun.
    items: Vec<T>,
    /// The part of each chunk.
    part_of: Vec<u32>,
    /// Where the next item of each part goes; a multiple of `CHUNK` where it needs a chunk.
    next: Vec<u32>,
}

impl<T: Copy + Default> Filling<T> {
    /// Room for about `items`, less than 2^31, in `parts` parts.
    pub fn new(items: usize, parts: usize) -> Self {
        Filling { items: with_huge_pages(items + parts * CHUNK), part_of: Vec::new(), next: vec![0; parts] }
    }

    /// Add an item to a part.
    #[inline(always)]
    pub fn push(&mut self, part: usize, item: T) {
        let next = &mut self.next[part];
        if (*next as usize).is_multiple_of(CHUNK) {
            *next = self.items.len() as u32;
            self.part_of.push(part as u32);
            // Zeros, one chunk after the other, bring to the cache what is then written to here and there.
            self.items.resize(self.items.len() + CHUNK, T::default());
        }
        self.items[*next as usize] = item;
        *next += 1;
    }

    /// What was added. O(chunks + parts).
    pub fn end(self) -> Chunks<T> {
        let all: Vec<u32> = (0..self.part_of.len() as u32).collect();
        let chunks = Partitioned::new(&all, self.next.len(), |chunk| self.part_of[*chunk as usize] as usize);
        Chunks { items: self.items, chunks, ends: self.next }
    }
}

/// What a [`Filling`] took.
#[derive(Clone, Debug)]
pub struct Chunks<T> {
    items: Vec<T>,
    /// The chunks of each part.
    chunks: Partitioned<u32>,
    /// Where the last one ends.
    ends: Vec<u32>,
}

impl<T> Chunks<T> {
    /// The items of part `p`, chunk by chunk.
    pub fn part(&self, p: usize) -> impl Iterator<Item = &[T]> {
        let (chunks, end) = (self.chunks.part(p), self.ends[p] as usize);
        chunks.iter().enumerate().map(move |(i, chunk)| {
            let start = *chunk as usize * CHUNK;
            &self.items[start..if i + 1 == chunks.len() { end } else { start + CHUNK }]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_are_the_items_in_order(items in proptest::collection::vec(any::<u16>(), 0..600), parts in 1usize..9) {
            let of = |item: &u16| usize::from(*item) % parts;
            let parted = Partitioned::new(&items, parts, of);
            prop_assert_eq!(parted.len(), items.len());
            let mut filling = Filling::new(items.len() / 2, parts);
            items.iter().for_each(|item| filling.push(of(item), *item));
            let filled = filling.end();
            for p in 0..parts {
                let want: Vec<u16> = items.iter().copied().filter(|item| of(item) == p).collect();
                prop_assert_eq!(parted.part(p), &want[..]);
                prop_assert_eq!(filled.part(p).collect::<Vec<_>>().concat(), want);
                prop_assert!(filled.part(p).all(|chunk| !chunk.is_empty() && chunk.len() <= CHUNK));
            }
        }
    }
}
