//! Sorting the hashes of a text.

use crate::kernel::{self, Level, Room};

/// Sorts hashes; keeps its room from row to row.
pub struct HashSorter {
    level: Level,
    room: Room,
}

impl Default for HashSorter {
    fn default() -> Self {
        HashSorter { level: kernel::any_level(), room: Room::default() }
    }
}

impl HashSorter {
    /// The values of `from` in ascending order, repeats kept. O(n) for hashes, O(n log n) for other values.
    pub fn sort(&mut self, from: &[u64], sorted: &mut Vec<u64>) {
        kernel::sort(self.level, from, sorted, &mut self.room);
    }

    /// Append the values of `from` to `out`, in ascending order and each once; `sorted` is for what lies between.
    pub fn append_set(&mut self, from: &[u64], sorted: &mut Vec<u64>, out: &mut Vec<u64>) {
        kernel::append_set(self.level, from, sorted, &mut self.room, out);
    }
}
