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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_are_the_items_in_order(items in proptest::collection::vec(any::<u16>(), 0..200), parts in 1usize..9) {
            let of = |item: &u16| usize::from(*item) % parts;
            let parted = Partitioned::new(&items, parts, of);
            prop_assert_eq!(parted.len(), items.len());
            for p in 0..parts {
                prop_assert_eq!(parted.part(p), items.iter().copied().filter(|item| of(item) == p).collect::<Vec<_>>());
            }
        }
    }
}
