//! A set of places in a table, one bit each: small, so that most keys that are not meant end there.

/// Keys that [`Places::which`] takes at once.
pub(super) const BLOCK: usize = 1024;

/// Some of the places of a table.
#[derive(Default)]
pub(super) struct Places {
    bits: Vec<u64>,
    shift: u32,
}

impl Places {
    /// None of `count` places or some more.
    pub fn new(count: usize) -> Self {
        let bits = count.next_power_of_two().trailing_zeros().max(6);
        Places { bits: vec![0; 1 << (bits - 6)], shift: 64 - bits }
    }

    /// Those of `count` keys, among some 16 a key.
    pub fn of_keys<'k>(count: usize, keys: impl Iterator<Item = &'k u64>) -> Self {
        let mut places = Places::new(16 * count);
        keys.for_each(|key| places.add(places.place(*key)));
        places
    }

    /// Where a key stands that is mixed already.
    #[inline]
    pub fn place(&self, key: u64) -> usize {
        (key >> self.shift) as usize
    }

    /// Take a place in.
    #[inline]
    pub fn add(&mut self, place: usize) {
        self.bits[place / 64] |= 1 << (place % 64);
    }

    /// Which of at most [`BLOCK`] `keys` stand at one of them, each at the place that `place` gives.
    #[inline]
    pub fn which<'m>(&self, keys: &[u64], place: impl Fn(u64) -> usize, which: &'m mut [u16; BLOCK]) -> &'m [u16] {
        let mut count = 0;
        for (i, key) in keys.iter().enumerate() {
            // No branch: which keys these are cannot be guessed.
            which[count] = i as u16;
            count += usize::from(self.has(place(*key)));
        }
        &which[..count]
    }

    /// Whether a place is among them.
    #[inline]
    pub fn has(&self, place: usize) -> bool {
        self.bits[place / 64] >> (place % 64) & 1 == 1
    }
}
