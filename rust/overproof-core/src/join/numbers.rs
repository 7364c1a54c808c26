//! Numbers for equal things.

/// Numbers equal things from 0, in order of first appearance, by open addressing.
#[derive(Default)]
pub(super) struct Numbers {
    /// 0 is free, else a number and 1.
    table: Vec<u32>,
    hashes: Vec<u64>,
}

impl Numbers {
    /// Forget all; there will be at most `most` things.
    pub fn clear(&mut self, most: usize) {
        self.hashes.clear();
        self.table.clear();
        // A quarter full at most: what is looked for mostly is not there, and a place that is taken is a branch missed.
        self.table.resize((4 * most).next_power_of_two(), 0);
    }

    /// The numbers of the things with `hash`, and the free place behind them.
    pub fn probe(&self, hash: u64, mut found: impl FnMut(u32) -> bool) -> usize {
        let mask = self.table.len() - 1;
        let mut at = hash as usize & mask;
        while self.table[at] != 0 {
            let number = self.table[at] - 1;
            if self.hashes[number as usize] == hash && found(number) {
                return at;
            }
            at = (at + 1) & mask;
        }
        at
    }

    /// The number of the thing with `hash` that is the `same`, or the next number.
    pub fn number(&mut self, hash: u64, same: impl Fn(u32) -> bool) -> u32 {
        let at = self.probe(hash, same);
        if self.table[at] == 0 {
            self.hashes.push(hash);
            self.table[at] = self.hashes.len() as u32;
        }
        self.table[at] - 1
    }
}
