//! Inner loops, and the one choice per process of the instruction set they run with.

mod bins;
pub mod memory;
pub mod naive;
mod portable;
mod scan;
mod sets;
mod sort;
pub mod table;
mod text;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use crate::error::{Error, Result};
use crate::shingle::hash::Seeds;
pub use portable::WIDEST;
pub use scan::{count_bytes, escaped};
pub use sort::Room;
use std::sync::OnceLock;
use table::{Bucket, Table};
pub use text::{AsciiFold, Common, Range, Run, SPARE, first_bytes, leading_ascii};

/// The environment variable that forces a level, for tests. A level never changes a value.
pub const ENV: &str = "OVERPROOF_KERNEL";

/// What the plain bodies are compiled for on this architecture.
const BASELINE: &str = if cfg!(target_arch = "x86_64") {
    "sse2"
} else if cfg!(target_arch = "aarch64") {
    "neon"
} else {
    "portable"
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rung {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Sse41,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// An instruction set that this machine has: the holder of a `Level` may run its kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(Rung);

impl Level {
    /// The level that every machine of this architecture has.
    pub const BASELINE: Level = Level(Rung::Baseline);

    /// `sse2`, `sse4.1`, `avx2` or `avx512` on x86-64; `neon` on aarch64; `portable` elsewhere.
    pub fn name(self) -> &'static str {
        match self.0 {
            Rung::Baseline => BASELINE,
            #[cfg(target_arch = "x86_64")]
            Rung::Sse41 => "sse4.1",
            #[cfg(target_arch = "x86_64")]
            Rung::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Rung::Avx512 => "avx512",
        }
    }
}

/// The levels of this machine, lowest first.
pub fn available() -> Vec<Level> {
    #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "there is one level"))]
    let mut levels = vec![Level::BASELINE];
    #[cfg(target_arch = "x86_64")]
    {
        let mut add = |has: bool, rung| {
            if has {
                levels.push(Level(rung));
            }
            has
        };
        let _ = add(is_x86_feature_detected!("sse4.1"), Rung::Sse41)
            && add(
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("bmi2")
                    && is_x86_feature_detected!("popcnt"),
                Rung::Avx2,
            )
            && add(
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vbmi")
                    && is_x86_feature_detected!("avx512vbmi2")
                    && is_x86_feature_detected!("avx512vpopcntdq"),
                Rung::Avx512,
            );
    }
    levels
}

fn choose(forced: Option<&str>) -> Result<Level> {
    let levels = available();
    let Some(name) = forced else {
        return Ok(levels.into_iter().max().unwrap_or(Level::BASELINE));
    };
    levels.iter().copied().find(|level| level.name() == name).ok_or_else(|| {
        let names: Vec<&str> = levels.iter().map(|level| level.name()).collect();
        Error::input(format!("{ENV}={name:?} is not a level of this machine; it has {}", names.join(", ")))
    })
}

/// The level of this process: the highest of the machine, or the one that [`ENV`] names.
///
/// Chosen at the first call. An unknown or unavailable name is an error at every call.
pub fn level() -> Result<Level> {
    static CHOSEN: OnceLock<std::result::Result<Level, String>> = OnceLock::new();
    let forced = || match std::env::var(ENV) {
        Ok(name) if !name.is_empty() => choose(Some(&name)).map_err(|e| e.to_string()),
        Ok(_) | Err(std::env::VarError::NotPresent) => choose(None).map_err(|e| e.to_string()),
        Err(e) => Err(format!("{ENV}: {e}")),
    };
    CHOSEN.get_or_init(forced).clone().map_err(Error::Input)
}

/// The same for what cannot fail: the bindings refuse a forced level that is none before they begin, and no level changes a
/// value.
pub fn any_level() -> Level {
    level().unwrap_or(Level::BASELINE)
}

/// The portable bodies that have one form for all levels, compiled under `$feature`.
macro_rules! bodies {
    ($(#[$feature:meta])?) => {
        $(#[$feature])?
        pub fn sum_bits(hashes: &[u64], weights: &[i32], sums: &mut [i64; 64]) {
            $crate::kernel::portable::sum_bits(hashes, weights, sums);
        }
        $(#[$feature])?
        pub fn count_marks(marks: &[u128], sought: [u128; 2], rows: &[(u32, u32)], out: &mut Vec<u32>) {
            $crate::kernel::naive::count_marks(marks, sought, rows, out);
        }
        $(#[$feature])?
        pub fn contains(table: &$crate::kernel::Table<'_>, keys: &[u64], out: &mut [bool]) {
            $crate::kernel::table::contains(table, keys, out);
        }
        $(#[$feature])?
        pub fn insert(buckets: &mut [$crate::kernel::Bucket], keys: &[u64], aside: &mut Vec<u64>) -> usize {
            $crate::kernel::table::insert(buckets, keys, aside)
        }
    };
}

/// The portable body that counts bits, in `$lanes` words side by side.
macro_rules! bodies_bits {
    ($lanes:literal $(, #[$feature:meta])?) => {
        $(#[$feature])?
        pub fn count_bits(hashes: &[u64], ones: &mut [i64; 64]) {
            $crate::kernel::portable::count_bits::<$lanes>(hashes, ones);
        }
    };
}

/// The portable bodies that AVX-512 has others for.
macro_rules! bodies_narrow {
    ($(#[$feature:meta])?) => {
        $(#[$feature])?
        pub fn least_in_bins(hashes: &[u64], bins: &mut [u32]) {
            $crate::kernel::bins::least_in_bins(hashes, bins);
        }
        $(#[$feature])?
        pub fn sort(from: &[u64], sorted: &mut Vec<u64>, room: &mut $crate::kernel::Room) {
            $crate::kernel::sort::sort(from, sorted, room);
        }
        $(#[$feature])?
        pub fn append_set(from: &[u64], sorted: &mut Vec<u64>, room: &mut $crate::kernel::Room, out: &mut Vec<u64>) {
            $crate::kernel::sort::append_set(from, sorted, room, out);
        }
        $(#[$feature])?
        pub fn may_hold_numbers(words: &[u8], n: usize) -> bool {
            $crate::kernel::scan::may_hold_numbers(words, n)
        }
        $(#[$feature])?
        pub fn next_marker(text: &[u8], from: usize) -> usize {
            $crate::kernel::scan::next_marker(text, from)
        }
        $(#[$feature])?
        pub fn line_starts(text: &[u8], starts: &mut Vec<usize>) {
            $crate::kernel::scan::line_starts(text, starts);
        }
        $(#[$feature])?
        pub fn unescape_bytes(text: &[u8], from: usize, out: &mut Vec<u8>) -> usize {
            $crate::kernel::scan::unescape_bytes(text, from, out)
        }
        $(#[$feature])?
        pub fn is_ascii(text: &[u8]) -> bool {
            text.is_ascii()
        }
    };
}

/// The portable body with 64-bit lanes, `$lanes` at once.
macro_rules! bodies64 {
    ($lanes:literal $(, #[$feature:meta])?) => {
        $(#[$feature])?
        pub fn min_affine64(a: &[u64], b: &[u64], xs: &[u64], out: &mut [u64]) {
            $crate::kernel::portable::min_affine64::<$lanes>(a, b, xs, out);
        }
    };
}

#[cfg(target_arch = "x86_64")]
use {bodies, bodies_bits, bodies_narrow, bodies64};

mod baseline {
    bodies!();
    bodies_bits!(2);
    bodies_narrow!();
    pub use super::text::{common, token_values};
    bodies64!(8);
    #[cfg(target_arch = "x86_64")]
    pub use super::sets::{intersection_sse2 as intersection, near_sse2 as near};
    #[cfg(not(target_arch = "x86_64"))]
    pub use super::sets::{merge as intersection, near};
    #[cfg(not(target_arch = "x86_64"))]
    pub use super::{
        portable::{gram_hashes, min_affine32, min_legacy61},
        text::{ascii, byte_windows, edges},
    };

    #[cfg(target_arch = "x86_64")]
    pub use super::x86_64::affine::min_affine32_sse2 as min_affine32;
    #[cfg(target_arch = "x86_64")]
    pub use super::x86_64::sketches::min_legacy61_sse2 as min_legacy61;
    #[cfg(target_arch = "x86_64")]
    pub use super::x86_64::text::{ascii_sse2 as ascii, edges_sse2 as edges};
    #[cfg(target_arch = "x86_64")]
    pub use super::x86_64::windows::{byte_windows_sse2 as byte_windows, gram_hashes_sse2 as gram_hashes};
}

/// One function per kernel, which runs the body of a level. Every level gives what `naive` gives, bit for bit.
macro_rules! dispatch {
    ($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) $(-> $made:ty)?) => {
        $(#[$doc])*
        #[allow(unsafe_code, unused_unsafe)] // unused: some bodies of SSE4.1 are the plain ones
        pub fn $name(level: Level, $($arg: $type),*) $(-> $made)? {
            match level.0 {
                Rung::Baseline => baseline::$name($($arg),*),
                // SAFETY: a `Level` comes from `available` alone, which found these features on this machine.
                #[cfg(target_arch = "x86_64")]
                Rung::Sse41 => unsafe { x86_64::sse41::$name($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Rung::Avx2 => unsafe { x86_64::avx2::$name($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Rung::Avx512 => unsafe { x86_64::avx512::$name($($arg),*) },
            }
        }
    };
}

dispatch! {
    /// Write to `out` where runs of other bytes than spaces start and end, in turn, and return how many edges there are.
    ///
    /// `text` is whole blocks of 64 bytes, 2^15 bytes at most, and a run reaches into it if `inside`; `out` has room for
    /// one edge per byte and [`SPARE`] more.
    edges(text: &[u8], inside: bool, out: &mut [u16]) -> usize
}
dispatch! {
    /// Append the leading ASCII bytes of `source`, one byte for each, and return how many there were.
    ascii(source: &[u8], how: AsciiFold, out: &mut Vec<u8>) -> usize
}
dispatch! {
    /// Whether all bytes are ASCII.
    is_ascii(text: &[u8]) -> bool
}
dispatch! {
    /// Whether words of these bytes may make `n` > 0 numbers in a row: whether so many stretches of digits follow each
    /// other without a letter in between, or there is no letter at all; letters and digits are those of ASCII.
    may_hold_numbers(words: &[u8], n: usize) -> bool
}
dispatch! {
    /// The first place from `from` on of `.` or `)` behind a digit, behind which the text ends or a byte up to the space
    /// stands; the end of the text where there is none.
    next_marker(text: &[u8], from: usize) -> usize
}
dispatch! {
    /// Append the places behind line feeds.
    line_starts(text: &[u8], starts: &mut Vec<usize>)
}
dispatch! {
    /// See [`unescape`].
    unescape_bytes(text: &[u8], from: usize, out: &mut Vec<u8>) -> usize
}
dispatch! {
    /// Append four bytes for each of the leading characters of `source` that are in `of`: it and a space, or spaces.
    /// `source` is UTF-8.
    common(source: &[u8], of: &Common, out: &mut Vec<u8>) -> Run
}
dispatch! {
    /// Append the value of each token, `text[from..to]`; 16 bytes of text stand behind the last one's start.
    token_values(seeds: &Seeds, text: &[u8], tokens: &[[u16; 2]], out: &mut Vec<u64>)
}
dispatch! {
    /// `out[i] = fin(term + KP * (the n <= 8 bytes at i, little-endian))`; 16 bytes of text stand behind the last start.
    byte_windows(text: &[u8], n: usize, term: u64, out: &mut [u64])
}
dispatch! {
    /// `out[i] = fin(term + w[i] * KP^(n-1) + ... + w[i + n - 1])`: the hash of each window of n token values, quick up to
    /// n = [`WIDEST`].
    ///
    /// `out` has n - 1 values less than `w`, and n is not 0.
    gram_hashes(w: &[u64], n: usize, term: u64, out: &mut [u64])
}
dispatch! {
    /// `out[i] = min(out[i], a[i] * x + b[i] mod 2^32)` over all x, the `fmix32` of the high, or low, halves of `hashes`.
    min_affine32(a: &[u32], b: &[u32], hashes: &[u64], high: bool, out: &mut [u32])
}
dispatch! {
    /// `out[i] = min(out[i], a[i] * x + b[i] mod 2^64)` over all `xs`.
    min_affine64(a: &[u64], b: &[u64], xs: &[u64], out: &mut [u64])
}
dispatch! {
    /// `out[i] = min(out[i], low 32 bits of ((a[i] * x + b[i] mod 2^64) mod (2^61 - 1)))` over all `xs`.
    min_legacy61(a: &[u64], b: &[u64], xs: &[u32], out: &mut [u64])
}
dispatch! {
    /// Add to `ones[j]` how many of `hashes` have bit j.
    count_bits(hashes: &[u64], ones: &mut [i64; 64])
}
dispatch! {
    /// Make `out` how many bits `marks[row]` shares with both of `sought` together, for the row of each of `rows`.
    count_marks(marks: &[u128], sought: [u128; 2], rows: &[(u32, u32)], out: &mut Vec<u32>)
}
dispatch! {
    /// `bins[(h >> 32) * k >> 32] = min(.., h mod 2^32)` over all `hashes`, for k bins; 2^32 - 1 counts as 2^32 - 2.
    least_in_bins(hashes: &[u64], bins: &mut [u32])
}
dispatch! {
    /// Make `sorted` the values of `from` in ascending order, quick where they are hashes.
    sort(from: &[u64], sorted: &mut Vec<u64>, room: &mut Room)
}
dispatch! {
    /// Append the values of `from` to `out` in ascending order and each once; `sorted` is for what lies between.
    append_set(from: &[u64], sorted: &mut Vec<u64>, room: &mut Room, out: &mut Vec<u64>)
}
dispatch! {
    /// How many elements two sets share; both ascend, without repeats.
    intersection(a: &[u64], b: &[u64]) -> usize
}
dispatch! {
    /// Add to `out`, ascending, the rows that differ from `x` in at most `limit` bits; word w of row j is `planes[w][j]`.
    near(x: &[u64], planes: &[&[u64]], limit: u32, out: &mut Vec<u32>)
}
dispatch! {
    /// Write to `out[i]` whether `keys[i]` is in the table.
    contains(table: &Table<'_>, keys: &[u64], out: &mut [bool])
}
dispatch! {
    /// Put those of `keys`, none of which is 0, that are not there yet into the buckets of a table, and return how many;
    /// those that find their buckets full are added to `aside`, again where they come again.
    insert(buckets: &mut [Bucket], keys: &[u64], aside: &mut Vec<u64>) -> usize
}
dispatch! {
    /// Add to `sums[j]` the weights of the `hashes` that have bit j.
    sum_bits(hashes: &[u64], weights: &[i32], sums: &mut [i64; 64])
}

/// [`std::str::from_utf8`], quick where all bytes are ASCII.
#[allow(unsafe_code)]
pub fn utf8(level: Level, text: &[u8]) -> std::result::Result<&str, std::str::Utf8Error> {
    if is_ascii(level, text) {
        // SAFETY: ASCII is UTF-8.
        return Ok(unsafe { std::str::from_utf8_unchecked(text) });
    }
    std::str::from_utf8(text)
}

/// Append what a string of JSON holds that stands in `text` from `from` on, and return where that ends: at its quote, at a
/// control character, at the end of the text, or at a backslash whose escape is not of one byte, or that stands beside
/// another one.
#[allow(unsafe_code)]
pub fn unescape(level: Level, text: &str, from: usize, out: &mut String) -> usize {
    assert!(text.is_char_boundary(from), "a string starts at a character");
    // SAFETY: whole characters of the text are appended, since all ends are at ASCII; a pair of ASCII characters may
    // become one.
    unescape_bytes(level, text.as_bytes(), from, unsafe { out.as_mut_vec() })
}

#[cfg(test)]
mod tests;
