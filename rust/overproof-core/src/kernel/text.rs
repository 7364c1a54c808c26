//! Inner loops of the text stage.

use crate::shingle::hash::{KP, Seeds, fin};

/// Bytes looked at together.
pub const BLOCK: usize = 64;

/// Values past the last edge that may be written over.
pub const SPARE: usize = BLOCK + 8;

/// Where the bits of the two bytes of a number of 16 bits stand, lowest first; the rest is filled with zeros.
pub static PLACES: [[[u8; 8]; 256]; 2] = {
    let mut places = [[[0; 8]; 256]; 2];
    let mut at = 0;
    while at < 2 * 256 {
        let (half, byte) = (at / 256, at % 256);
        let (mut bit, mut count) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                places[half][byte][count] = (8 * half + bit) as u8;
                count += 1;
            }
            bit += 1;
        }
        at += 1;
    }
    places
};

/// How many bits of a byte are set.
pub static ONES: [u8; 256] = {
    let (mut ones, mut byte) = ([0; 256], 0);
    while byte < 256 {
        ones[byte] = byte.count_ones() as u8;
        byte += 1;
    }
    ones
};

/// See `kernel::edges`.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline(always)]
pub fn edges(text: &[u8], inside: bool, out: &mut [u16]) -> usize {
    let (mut count, mut inside) = (0, u64::from(inside));
    for (at, block) in text.as_chunks::<BLOCK>().0.iter().enumerate() {
        let word = not_space(block);
        let left = word ^ (word << 1 | inside);
        inside = word >> 63;
        // Eight places are written for each byte of the mask, and the next byte's are written over what was too many:
        // no branch depends on the text.
        let Some(room) = out[count..].first_chunk_mut::<SPARE>() else { break };
        let (mut base, mut from) = ((at * BLOCK) as u16, 0);
        for pair in left.to_le_bytes().as_chunks::<2>().0 {
            for (byte, places) in pair.iter().zip(&PLACES) {
                // At most 56 edges stand before the last byte; the mask says so to the compiler.
                let eight = &mut room[from & (BLOCK - 1)..][..8];
                for (to, place) in eight.iter_mut().zip(places[usize::from(*byte)]) {
                    *to = u16::from(place) + base;
                }
                from += usize::from(ONES[usize::from(*byte)]);
            }
            base += 16;
        }
        count += from;
    }
    count
}

/// Bytes of each length that a 16-byte load must keep: of its first eight, and of the others.
static KEEP: [[u64; 17]; 2] = {
    let mut keep = [[0u64; 17]; 2];
    let mut len = 1;
    while len <= 16 {
        keep[0][len] = if len <= 8 { u64::MAX >> (64 - 8 * len) } else { u64::MAX };
        keep[1][len] = if len <= 8 { 0 } else { u64::MAX >> (128 - 8 * len) };
        len += 1;
    }
    keep
};

/// The first `len <= 16` bytes of `sixteen` as two words, zeros past the end.
#[inline(always)]
pub fn first_bytes(sixteen: &[u8; 16], len: usize) -> (u64, u64) {
    let wide = u128::from_le_bytes(*sixteen);
    (wide as u64 & KEEP[0][len.min(16)], (wide >> 64) as u64 & KEEP[1][len.min(16)])
}

/// What becomes of ASCII characters.
#[derive(Clone, Copy, Debug)]
pub struct AsciiFold {
    /// Everything but letters and digits becomes a space.
    pub words: bool,
    /// Letters become lower-case.
    pub lower: bool,
    /// Digits become 0.
    pub zero_digits: bool,
}

/// Bytes that the portable body folds together.
const FOLDED: usize = 32;

/// The body for one kind of folding, so that no block is asked which one it is.
macro_rules! of_kind {
    ($how:ident, $body:ident($($given:expr),*)) => {
        match ($how.words, $how.lower) {
            (true, true) => $body::<true, true>($($given),*),
            (true, false) => $body::<true, false>($($given),*),
            (false, true) => $body::<false, true>($($given),*),
            (false, false) => $body::<false, false>($($given),*),
        }
    };
}
#[cfg(target_arch = "x86_64")]
pub(super) use of_kind;

/// See `kernel::ascii`.
#[inline(always)]
pub fn ascii(source: &[u8], how: AsciiFold, out: &mut Vec<u8>) -> usize {
    of_kind!(how, folded(source, how.zero_digits, out))
}

#[inline(always)]
fn folded<const WORDS: bool, const LOWER: bool>(source: &[u8], zero_digits: bool, out: &mut Vec<u8>) -> usize {
    let mut done = 0;
    while let Some(block) = source[done..].first_chunk() {
        if !block.is_ascii() {
            break;
        }
        out.extend_from_slice(&folded_block::<WORDS, LOWER>(block, zero_digits));
        done += FOLDED;
    }
    let mut block = [0x80u8; FOLDED];
    let left = source.len().min(done + FOLDED) - done;
    block[..left].copy_from_slice(&source[done..done + left]);
    let rest = leading_ascii(&block);
    out.extend_from_slice(&folded_block::<WORDS, LOWER>(&block, zero_digits)[..rest]);
    done + rest
}

/// How many bytes come before the first one beyond ASCII.
#[inline(always)]
pub fn leading_ascii(bytes: &[u8]) -> usize {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let beyond = |eight: &[u8; 8]| u64::from_le_bytes(*eight) & HIGH;
    // Most texts are long and of ASCII alone.
    let blocks = bytes.as_chunks::<BLOCK>().0.iter();
    let plain = |block: &&[u8; BLOCK]| block.as_chunks::<8>().0.iter().fold(0, |all, eight| all | beyond(eight)) == 0;
    let done = BLOCK * blocks.take_while(plain).count();
    let (eights, rest) = bytes[done..].as_chunks::<8>();
    for (at, eight) in (done..).step_by(8).zip(eights) {
        if beyond(eight) != 0 {
            return at + beyond(eight).trailing_zeros() as usize / 8;
        }
    }
    bytes.len() - rest.len() + rest.iter().take_while(|byte| byte.is_ascii()).count()
}

#[inline(always)]
fn folded_block<const WORDS: bool, const LOWER: bool>(block: &[u8; FOLDED], zero_digits: bool) -> [u8; FOLDED] {
    let keep_digit = if zero_digits { 0 } else { 0x0F };
    let mut made = [0u8; FOLDED];
    for (to, &b) in made.iter_mut().zip(block) {
        let lower = b | 0x20;
        let letter = lower.wrapping_sub(b'a') < 26;
        let digit = b.wrapping_sub(b'0') < 10;
        let kept = if LOWER && letter { lower } else { b };
        let kept = if digit { b'0' | (kept & keep_digit) } else { kept };
        *to = if !WORDS || letter || digit { kept } else { b' ' };
    }
    made
}

/// Characters of three bytes, from the first to the last; each is its bytes as one number, the first byte on top, by which
/// characters are in order.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The first character.
    pub first: u32,
    /// The last one, less the first.
    pub more: u32,
}

impl Range {
    /// No character: UTF-8 has no byte 0xFF.
    pub const NONE: Range = Range { first: 0xFF_FFFF, more: 0 };

    /// From one character of three bytes to another.
    pub fn new(first: char, last: char) -> Self {
        let number = |c: char| {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes);
            u32::from_be_bytes(bytes) >> 8
        };
        Range { first: number(first), more: number(last) - number(first) }
    }
}

/// What is known of the characters of most texts of ideographs.
#[derive(Clone, Copy, Debug)]
pub struct Common {
    /// Tokens each.
    pub single: [Range; 3],
    /// Between tokens.
    pub space: [Range; 5],
}

/// Leading characters of three bytes that [`Common`] knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// How many characters.
    pub chars: usize,
    /// How many of them are tokens.
    pub singles: u32,
    /// Whether the last one is.
    pub last: bool,
    /// Whether the one before the last is.
    pub before_last: bool,
}

impl Run {
    /// With characters behind, of which those are single whose bit is set, the first one lowest.
    #[inline(always)]
    pub fn and(self, chars: usize, single: u32) -> Run {
        let bits = u64::from(single & ((1u64 << chars) - 1) as u32) << 2
            | u64::from(self.last) << 1
            | u64::from(self.before_last);
        Run {
            chars: self.chars + chars,
            singles: self.singles + (bits >> 2).count_ones(),
            last: bits >> (chars + 1) & 1 == 1,
            before_last: bits >> chars & 1 == 1,
        }
    }

    /// With another run behind.
    #[inline(always)]
    pub fn then(self, next: Run) -> Run {
        let lasts = u32::from(next.before_last) | u32::from(next.last) << 1;
        let ended = match next.chars {
            0 => self,
            1 => self.and(1, lasts >> 1),
            _ => self.and(2, lasts),
        };
        Run { chars: self.chars + next.chars, singles: self.singles + next.singles, ..ended }
    }
}

/// See `kernel::common`.
#[inline(always)]
pub fn common(source: &[u8], of: &Common, out: &mut Vec<u8>) -> Run {
    let mut run = Run::default();
    for &[a, b, c] in source.as_chunks().0 {
        let number = u32::from_be_bytes([0, a, b, c]);
        let among = |ranges: &[Range]| ranges.iter().any(|range| number.wrapping_sub(range.first) <= range.more);
        let single = among(&of.single);
        if !single && !among(&of.space) {
            break;
        }
        out.extend_from_slice(&if single { [a, b, c, b' '] } else { [b' '; 4] });
        run = run.and(1, u32::from(single));
    }
    run
}

/// See `kernel::token_values`.
#[inline(always)]
#[allow(unsafe_code)]
pub fn token_values(seeds: &Seeds, text: &[u8], tokens: &[[u16; 2]], out: &mut Vec<u64>) {
    const LONGEST: usize = 16;
    /// Kept apart, so that nothing is jumped over for the words of nearly all texts.
    #[cold]
    #[inline(never)]
    fn long(seeds: &Seeds, text: &[u8], from: usize, to: usize) -> u64 {
        seeds.token(&text[from..to])
    }
    let last = usize::from(tokens.as_flattened().iter().fold(0, |last, edge| last.max(*edge)));
    if last + LONGEST > text.len() {
        out.extend(tokens.iter().map(|[from, to]| long(seeds, text, usize::from(*from), usize::from(*to))));
        return;
    }
    let value = |[from, to]: &[u16; 2]| {
        let (from, to) = (usize::from(*from), usize::from(*to));
        let len = to.wrapping_sub(from);
        if len > LONGEST {
            return long(seeds, text, from, to);
        }
        // SAFETY: 16 bytes stand behind each edge, `last` being the greatest.
        let sixteen = unsafe { &*text.as_ptr().add(from).cast::<[u8; LONGEST]>() };
        let (low, high) = first_bytes(sixteen, len);
        seeds.token16(low, high, len as u64)
    };
    out.reserve(tokens.len());
    // By fours: what a loop counts is a tenth of what a token takes. The last four end with the row; what they share with
    // those before is made twice, since how many are left is what no processor guesses.
    let room = &mut out.spare_capacity_mut()[..tokens.len()];
    if let (Some(last), Some(room_last)) = (tokens.last_chunk::<4>(), room.len().checked_sub(4)) {
        for (to, four) in room.as_chunks_mut::<4>().0.iter_mut().zip(tokens.as_chunks::<4>().0) {
            for (to, token) in to.iter_mut().zip(four) {
                to.write(value(token));
            }
        }
        for (to, token) in room[room_last..].iter_mut().zip(last) {
            to.write(value(token));
        }
    } else {
        for (to, token) in room.iter_mut().zip(tokens) {
            to.write(value(token));
        }
    }
    // SAFETY: as many were written.
    unsafe { out.set_len(out.len() + tokens.len()) };
}

/// See `kernel::byte_windows`.
#[inline(always)]
pub fn byte_windows(text: &[u8], n: usize, term: u64, out: &mut [u64]) {
    if n < EIGHT {
        let mask = KEEP[0][n];
        byte_windows_masked(text, term, out, |low| low & mask);
    } else {
        byte_windows_masked(text, term, out, |low| low);
    }
}

const EIGHT: usize = 8;

#[inline(always)]
fn byte_windows_masked(text: &[u8], term: u64, out: &mut [u64], keep: impl Fn(u64) -> u64) {
    let hash = |eight: Option<&[u8; EIGHT]>| {
        let low = eight.map_or(0, |eight| u64::from_le_bytes(*eight));
        fin(keep(low).wrapping_mul(KP).wrapping_add(term))
    };
    let (full, rest) = out.as_chunks_mut::<EIGHT>();
    let done = EIGHT * full.len();
    for (at, out) in (0..).step_by(EIGHT).zip(full) {
        let Some(here) = text[at..].first_chunk::<{ 2 * EIGHT }>() else { break };
        for (i, out) in out.iter_mut().enumerate() {
            *out = hash(here[i..].first_chunk());
        }
    }
    for (out, from) in rest.iter_mut().zip(text[done..].windows(2 * EIGHT)) {
        *out = hash(from.first_chunk());
    }
}

/// One bit for each of 64 bytes: set where the byte is not a space.
#[inline(always)]
pub fn not_space(block: &[u8; BLOCK]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        not_space_sse2(block)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        not_space_naive(block)
    }
}

/// The definition of [`not_space`].
#[cfg(any(test, not(target_arch = "x86_64")))]
fn not_space_naive(block: &[u8; BLOCK]) -> u64 {
    block.iter().enumerate().fold(0, |mask, (i, b)| mask | u64::from(*b != b' ') << i)
}

/// SSE2 is part of every x86-64, so there is nothing to detect.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code)]
fn not_space_sse2(block: &[u8; BLOCK]) -> u64 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};
    let mut mask = 0u64;
    for (i, sixteen) in block.as_chunks::<16>().0.iter().enumerate() {
        // SAFETY: `sixteen` is 16 readable bytes, the load needs no alignment, and SSE2 is always there on x86-64.
        let spaces = unsafe {
            let bytes = _mm_loadu_si128(sixteen.as_ptr().cast());
            _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(b' ' as i8)))
        };
        mask |= u64::from(!spaces as u16) << (16 * i);
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ascii_ends_where_it_ends(plain in "[ -~]{0,200}", rest in "(é.{0,100})?") {
            prop_assert_eq!(leading_ascii((plain.clone() + &rest).as_bytes()), plain.len());
        }
    }

    proptest! {
        #[test]
        fn masks_are_the_definition(block in proptest::collection::vec(proptest::sample::select(vec![b' ', b'a', 0, 0xFF, 0x9F]), BLOCK)) {
            let block: &[u8; BLOCK] = block.first_chunk().expect("a block");
            prop_assert_eq!(not_space(block), not_space_naive(block));
        }
    }
}
