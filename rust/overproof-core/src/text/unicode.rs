//! The pinned Unicode tables, read once from the generated file.

use super::UNICODE_TABLE;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

/// Number of code points.
pub(crate) const CODE_POINTS: usize = 0x11_0000;

/// Properties of a code point, as bits.
pub mod flag {
    /// Alphabetic, a mark, a decimal digit or a letter number: part of a word.
    pub const WORD: u8 = 1;
    /// Base character of a script without spaces: a token of its own.
    pub const SINGLE: u8 = 2;
    /// General category M.
    pub const MARK: u8 = 4;
    /// A nonspacing mark of script Inherited: what the option `accents` drops.
    pub const ACCENT: u8 = 8;
    /// General category Nd.
    pub const DIGIT: u8 = 16;
    /// General category P or S.
    pub const PUNCT: u8 = 32;
    /// White_Space.
    pub const WHITE: u8 = 64;
    /// NFKC_Casefold maps it to nothing.
    pub const IGNORABLE: u8 = 128;
}

/// A value for every code point, equal blocks stored once.
pub(crate) struct Trie<T> {
    index: Vec<u16>,
    blocks: Vec<T>,
}

impl<T: Copy + Eq> Trie<T> {
    const SHIFT: usize = 7;
    const WIDTH: usize = 1 << Self::SHIFT;

    /// From one value per code point.
    pub(crate) fn new(values: &[T]) -> Self {
        let mut index = Vec::with_capacity(values.len() >> Self::SHIFT);
        let mut blocks: Vec<T> = Vec::new();
        for block in values.chunks(Self::WIDTH) {
            // Equal blocks stand next to each other as a rule (unassigned planes), so look at the last ones first.
            let known = blocks.chunks(Self::WIDTH).rev().position(|b| b == block);
            let at = match known {
                Some(back) => blocks.len() / Self::WIDTH - 1 - back,
                None => {
                    blocks.extend_from_slice(block);
                    blocks.len() / Self::WIDTH - 1
                }
            };
            index.push(at as u16);
        }
        Trie { index, blocks }
    }

    /// The value of `c`.
    #[inline]
    pub(crate) fn get(&self, c: char) -> T {
        self.at(c as usize)
    }

    /// The value of a code point.
    #[inline]
    pub(crate) fn at(&self, c: usize) -> T {
        self.blocks[(usize::from(self.index[c >> Self::SHIFT]) << Self::SHIFT) | (c & (Self::WIDTH - 1))]
    }
}

/// All tables.
pub(crate) struct Tables {
    flags: Trie<u8>,
    ccc: Trie<u8>,
    decompose: HashMap<char, Vec<char>>,
    compose: HashMap<(char, char), char>,
    casefold: HashMap<char, Vec<char>>,
    seconds: Vec<char>,
}

const S_BASE: u32 = 0xAC00;
const L_BASE: u32 = 0x1100;
const V_BASE: u32 = 0x1161;
const T_BASE: u32 = 0x11A7;
const L_COUNT: u32 = 19;
const V_COUNT: u32 = 21;
const T_COUNT: u32 = 28;

/// The tables; the first call reads them.
pub(crate) fn tables() -> &'static Tables {
    static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables::read(UNICODE_TABLE));
    &TABLES
}

fn number(hex: &str) -> u32 {
    // The file is part of the build and tests read all of it, so a digit that does not parse cannot reach a user.
    u32::from_str_radix(hex, 16).unwrap_or(0)
}

fn character(hex: &str) -> char {
    char::from_u32(number(hex)).unwrap_or('\0')
}

fn range(item: &str) -> RangeInclusive<usize> {
    let (first, last) = item.split_once('-').unwrap_or((item, item));
    number(first) as usize..=number(last) as usize
}

fn sequence(list: &str) -> Vec<char> {
    list.split(',').map(character).collect()
}

impl Tables {
    fn read(file: &str) -> Self {
        let mut flags = vec![0u8; CODE_POINTS];
        let mut ccc = vec![0u8; CODE_POINTS];
        let (mut decompose, mut compose, mut casefold) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut section = "";
        for line in file.lines().skip(1) {
            if let Some(head) = line.strip_prefix('@') {
                section = head.split(' ').next().unwrap_or_default();
                continue;
            }
            let bit = match section {
                "word" => flag::WORD,
                "single" => flag::SINGLE,
                "mark" => flag::MARK,
                "accent" => flag::ACCENT,
                "digit" => flag::DIGIT,
                "punct" => flag::PUNCT,
                "white" => flag::WHITE,
                "ignorable" => flag::IGNORABLE,
                _ => 0,
            };
            for item in line.split(' ').filter(|i| !i.is_empty()) {
                if bit != 0 {
                    flags[range(item)].iter_mut().for_each(|f| *f |= bit);
                    continue;
                }
                let Some((key, value)) = item.rsplit_once(':') else { continue };
                match section {
                    "ccc" => ccc[range(key)].fill(value.parse().unwrap_or(0)),
                    "decompose" => {
                        decompose.insert(character(key), sequence(value));
                    }
                    "casefold" => {
                        casefold.insert(character(key), sequence(value));
                    }
                    "compose" => {
                        if let Some((a, b)) = key.split_once(',') {
                            compose.insert((character(a), character(b)), character(value));
                        }
                    }
                    _ => {}
                }
            }
        }
        let mut seconds: Vec<char> = compose.keys().map(|(_, b)| *b).collect();
        seconds.sort_unstable();
        seconds.dedup();
        Tables { flags: Trie::new(&flags), ccc: Trie::new(&ccc), decompose, compose, casefold, seconds }
    }

    /// Property bits of `c`.
    #[inline]
    pub(crate) fn flags(&self, c: char) -> u8 {
        self.flags.get(c)
    }

    /// Canonical combining class of `c`.
    #[inline]
    pub(crate) fn ccc(&self, c: char) -> u8 {
        self.ccc.get(c)
    }

    /// What NFKC_Casefold maps `c` to, before NFC; `None` where it keeps `c`.
    pub(crate) fn casefold(&self, c: char) -> Option<&[char]> {
        if self.flags(c) & flag::IGNORABLE != 0 { Some(&[]) } else { self.casefold.get(&c).map(Vec::as_slice) }
    }

    /// Call `emit` for each code point of the full canonical decomposition of `c`.
    pub(crate) fn decompose(&self, c: char, mut emit: impl FnMut(char)) {
        let s = (c as u32).wrapping_sub(S_BASE);
        if s < L_COUNT * V_COUNT * T_COUNT {
            let (l, v, t) = (s / (V_COUNT * T_COUNT), s / T_COUNT % V_COUNT, s % T_COUNT);
            [L_BASE + l, V_BASE + v].into_iter().filter_map(char::from_u32).for_each(&mut emit);
            if t > 0 {
                char::from_u32(T_BASE + t).into_iter().for_each(emit);
            }
        } else if let Some(parts) = self.decompose.get(&c) {
            parts.iter().copied().for_each(emit);
        } else {
            emit(c);
        }
    }

    /// The primary composite of `a` and `b`, if there is one.
    pub(crate) fn compose(&self, a: char, b: char) -> Option<char> {
        let (x, y) = (a as u32, b as u32);
        if (L_BASE..L_BASE + L_COUNT).contains(&x) && (V_BASE..V_BASE + V_COUNT).contains(&y) {
            return char::from_u32(S_BASE + ((x - L_BASE) * V_COUNT + (y - V_BASE)) * T_COUNT);
        }
        let s = x.wrapping_sub(S_BASE);
        if s < L_COUNT * V_COUNT * T_COUNT && s % T_COUNT == 0 && (T_BASE + 1..T_BASE + T_COUNT).contains(&y) {
            return char::from_u32(x + y - T_BASE);
        }
        self.compose.get(&(a, b)).copied()
    }

    /// Whether `c` can never change or be changed by what stands before it under NFC.
    pub(crate) fn is_boundary(&self, c: char) -> bool {
        let jamo = (V_BASE..V_BASE + V_COUNT).contains(&(c as u32)) || (T_BASE..T_BASE + T_COUNT).contains(&(c as u32));
        self.ccc(c) == 0 && !jamo && self.seconds.binary_search(&c).is_err()
    }

    /// For each code point, whether it has an entry in any table, so that normalisation has to look at it.
    pub(crate) fn listed(&self) -> Vec<bool> {
        let alone = |c| self.flags(c) & flag::IGNORABLE != 0 || !self.is_boundary(c);
        let mut listed: Vec<bool> = (0..CODE_POINTS as u32).map(|c| char::from_u32(c).is_some_and(alone)).collect();
        for c in self.casefold.keys().chain(self.decompose.keys()) {
            listed[*c as usize] = true;
        }
        listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_of_the_file_parses() {
        let mut lines = UNICODE_TABLE.lines();
        assert_eq!(lines.next(), Some("overproof unicode table 15.0.0"));
        assert_eq!(super::super::UNICODE_VERSION, "15.0.0");
        let mut expected = 0;
        let mut seen = 0;
        for line in lines {
            if let Some(head) = line.strip_prefix('@') {
                assert_eq!(seen, expected, "before {line}");
                seen = 0;
                expected = head.split(' ').nth(1).map_or(0, |n| n.parse().expect("count"));
                continue;
            }
            for item in line.split(' ') {
                seen += 1;
                for hex in item.split(':').next().unwrap_or_default().split(['-', ',']) {
                    assert!(
                        u32::from_str_radix(hex, 16).is_ok_and(|c| char::from_u32(c).is_some() || c == 0xD800),
                        "{item}"
                    );
                }
            }
        }
        assert_eq!(seen, expected);
    }

    #[test]
    fn some_known_values() {
        let t = tables();
        assert_eq!(t.casefold('A'), Some(&['a'][..]));
        assert_eq!(t.casefold('\u{AD}'), Some(&[][..]));
        assert_eq!(t.casefold('a'), None);
        assert_eq!(t.compose('e', '\u{301}'), Some('é'));
        assert_eq!(t.compose('\u{1112}', '\u{1161}'), Some('하'));
        assert_eq!(t.compose('하', '\u{11AB}'), Some('한'));
        let mut parts = Vec::new();
        t.decompose('한', |c| parts.push(c));
        assert_eq!(parts, ['\u{1112}', '\u{1161}', '\u{11AB}']);
        assert!(t.flags('ー') & flag::SINGLE != 0 && t.flags('한') & flag::SINGLE == 0);
        assert!(t.flags('_') & flag::WORD == 0 && t.flags('\u{93F}') & flag::WORD != 0);
    }
}
