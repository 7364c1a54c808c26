//! Normalised text without a map, fast: ASCII in blocks that the compiler vectorises, other scripts by one table
//! look-up a character, and the plain normaliser only for the characters that need it.
//!
//! Two shapes of output:
//! * words: the bytes of each token, tokens parted by one or more spaces (a space is never part of a token);
//! * full: the whole normalised text.
//!
//! `tokenize` and `normalize` say what is right; tests hold this file to them.

use super::normalize::{Piece, normalize};
use super::unicode::{CODE_POINTS, Trie, flag, tables};
use crate::kernel::{self, AsciiFold, Common, Level, Range, Run};
use crate::params::{Form, Normalization};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

/// What the fast path does with a character, in the top bits of a table entry; below stands how far from it the code
/// point to emit is, so that most blocks of the table are equal.
mod class {
    pub const SEPARATOR: u32 = 0;
    pub const WORD: u32 = 1;
    pub const SINGLE: u32 = 2;
    pub const MARK: u32 = 3;
    pub const COMPLEX: u32 = 4;
}
const CLASS_SHIFT: u32 = 29;
const CODE: u32 = (1 << 21) - 1;

/// Room beyond the text's own length: spaces round single characters.
const RESERVE: usize = 32;

/// The class of a character that emits as it is.
fn class_of(flags: u8) -> u32 {
    match flags {
        f if f & flag::WORD == 0 => class::SEPARATOR,
        f if f & flag::SINGLE != 0 => class::SINGLE,
        f if f & flag::MARK != 0 => class::MARK,
        _ => class::WORD,
    }
}

const WORD_AS_IS: u32 = class::WORD << CLASS_SHIFT;
const SINGLE_AS_IS: u32 = class::SINGLE << CLASS_SHIFT;

/// Whether a character comes out as it is, with nothing round it.
#[inline(always)]
fn stays<const WORDS: bool>(entry: u32) -> bool {
    if WORDS { entry == WORD_AS_IS } else { entry & CODE == 0 && entry >> CLASS_SHIFT != class::COMPLEX }
}

/// What a simple character becomes: its entry holds the distance.
#[inline(always)]
fn moved(c: char, entry: u32) -> char {
    char::from_u32((c as u32).wrapping_add(entry) & CODE).unwrap_or(c)
}

/// The tables of one normalisation.
pub struct Canonicalizer {
    how: Normalization,
    map: Trie<u32>,
    ascii_fold: bool,
    ascii_digits: bool,
    /// Ideographs and kana, and what stands between them.
    common: Common,
    level: Level,
}

impl Canonicalizer {
    /// The canonicalizer of `how`, made at its first use.
    pub fn of(how: Normalization) -> Arc<Self> {
        type Made = Mutex<HashMap<String, Arc<Canonicalizer>>>;
        static MADE: LazyLock<Made> = LazyLock::new(Mutex::default);
        let mut made = MADE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        Arc::clone(made.entry(how.to_string()).or_insert_with(|| Arc::new(Self::new(how))))
    }

    fn new(how: Normalization) -> Self {
        let t = tables();
        let composes = how.form != Form::None || how.accents;
        let listed = t.listed();
        let entry = |code: usize| {
            let Some(c) = char::from_u32(code as u32) else { return class::COMPLEX << CLASS_SHIFT };
            let flags = t.flags(c);
            let optional = (how.digits && flags & flag::DIGIT != 0)
                || (how.punctuation && flags & flag::PUNCT != 0)
                || (how.whitespace && flags & flag::WHITE != 0);
            if !optional && (!composes || !listed[code]) {
                return class_of(flags) << CLASS_SHIFT;
            }
            let mut text = [0u8; 4];
            let alone = normalize(c.encode_utf8(&mut text), Normalization { whitespace: false, ..how }, 0);
            match alone[..] {
                [one] if !composes || (t.is_boundary(c) && t.is_boundary(one.c)) => {
                    class_of(t.flags(one.c)) << CLASS_SHIFT | ((one.c as u32).wrapping_sub(c as u32) & CODE)
                }
                _ => class::COMPLEX << CLASS_SHIFT,
            }
        };
        let values: Vec<u32> = (0..CODE_POINTS).map(entry).collect();
        let range = |(from, to): (char, char), holds: fn(u32) -> bool| {
            let all = values[from as usize..=to as usize].iter().all(|entry| holds(*entry));
            if all { Range::new(from, to) } else { Range::NONE }
        };
        let single = [('\u{4E00}', '\u{9FFF}'), ('\u{3041}', '\u{3096}'), ('\u{30A1}', '\u{30FA}')];
        let space = [
            ('\u{2018}', '\u{201F}'),
            ('\u{3000}', '\u{3004}'),
            ('\u{3008}', '\u{3020}'),
            ('\u{FF01}', '\u{FF0F}'),
            ('\u{FF1A}', '\u{FF20}'),
        ];
        let common = Common {
            single: single.map(|ends| range(ends, |entry| entry == SINGLE_AS_IS)),
            space: space.map(|ends| range(ends, |entry| entry >> CLASS_SHIFT == class::SEPARATOR)),
        };
        Canonicalizer {
            how,
            common,
            map: Trie::new(&values),
            ascii_fold: how.form == Form::NfkcCasefold,
            ascii_digits: how.digits,
            level: kernel::any_level(),
        }
    }

    /// Append the tokens of `text`, parted by spaces, to `out`; the number of single-character tokens among them.
    pub fn words(&self, text: &str, out: &mut Vec<u8>) -> u32 {
        if self.ascii_fold { self.run::<true, true>(text, out) } else { self.run::<true, false>(text, out) }
    }

    /// Append the normalised text to `out`.
    pub fn full(&self, text: &str, out: &mut Vec<u8>) {
        // Folding white space looks at runs, and punctuation would need an ASCII table of its own: rare, so plain.
        if self.how.whitespace || self.how.punctuation {
            for piece in normalize(text, self.how, 0) {
                push(out, piece.c);
            }
        } else if self.ascii_fold {
            self.run::<false, true>(text, out);
        } else {
            self.run::<false, false>(text, out);
        }
    }

    /// Call `emit` with the code points that the words of `text` are made of, each with the bytes that it stands for;
    /// everything between words may come as any separator.
    pub fn pieces(&self, text: &str, mut emit: impl FnMut(Piece)) {
        let bytes = text.as_bytes();
        let complex = |c: char| !c.is_ascii() && self.map.get(c) >> CLASS_SHIFT == class::COMPLEX;
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let end = at + c.len_utf8();
            let next = bytes.get(end).filter(|b| **b >= 0x80).and_then(|_| text[end..].chars().next());
            if complex(c) || next.is_some_and(complex) {
                // A mark may change the character before it, so the plain normaliser starts there.
                let to = self.complex_end(text, next.filter(|n| complex(*n)).map_or(end, |n| end + n.len_utf8()));
                let how = Normalization { whitespace: false, ..self.how };
                normalize(&text[at..to], how, at as u32).into_iter().for_each(&mut emit);
                at = to;
                continue;
            }
            let c = moved(c, self.map.get(c));
            emit(Piece { c, start: at as u32, end: end as u32 });
            at = end;
        }
    }

    fn run<const WORDS: bool, const FOLD: bool>(&self, text: &str, out: &mut Vec<u8>) -> u32 {
        let bytes = text.as_bytes();
        let how = AsciiFold { words: WORDS, lower: FOLD, zero_digits: self.ascii_digits };
        out.reserve(bytes.len() + RESERVE);
        let mut at = 0;
        // Where the character before `at` starts in the text and in `out`: a mark may still change it.
        let mut before = (0, out.len(), Singles::default());
        let mut singles = Singles::default();
        while at < bytes.len() {
            if bytes[at] < 0x80 {
                let from = out.len();
                let ascii = kernel::ascii(self.level, &bytes[at..], how, out);
                at += ascii;
                singles.open = false;
                before = (at - 1, from + ascii - 1, singles);
                continue;
            }
            let Some(c) = text[at..].chars().next() else { break };
            let entry = self.map.get(c);
            if entry >> CLASS_SHIFT == class::COMPLEX {
                let (from, keep, singles_before) = before;
                out.truncate(keep);
                singles = singles_before;
                let to = self.complex_end(text, at + c.len_utf8());
                for piece in normalize(&text[from..to], Normalization { whitespace: false, ..self.how }, 0) {
                    emit::<WORDS>(out, &mut singles, class_of(tables().flags(piece.c)), piece.c);
                }
                at = to;
                before = (at, out.len(), singles);
                continue;
            }
            if WORDS && entry == SINGLE_AS_IS && c.len_utf8() == THREE {
                // What follows stands apart from a word before it.
                out.push(b' ');
                let run = self.single_run(&bytes[at..], out);
                at += THREE * run.chars;
                let (last, open) = (u32::from(run.last), run.before_last);
                singles = Singles { count: singles.count + run.singles, open: run.last };
                before = (at - THREE, out.len() - (THREE + 1), Singles { count: singles.count - last, open });
                continue;
            }
            if stays::<WORDS>(entry) {
                let (len, last) = self.run_that_stays::<WORDS>(&text[at..]);
                out.extend_from_slice(&bytes[at..at + len]);
                at += len;
                // One character alone may follow a single one; in a longer run the one before the last does not.
                let open = singles.open && len == last;
                before = (at - last, out.len() - last, Singles { open, ..singles });
                singles.open = false;
                continue;
            }
            before = (at, out.len(), singles);
            emit::<WORDS>(out, &mut singles, entry >> CLASS_SHIFT, moved(c, entry));
            at += c.len_utf8();
        }
        singles.count
    }

    /// Append four bytes for each of the leading characters of three bytes that are single tokens as they are, or
    /// separators: the character and a space, or spaces.
    fn single_run(&self, bytes: &[u8], out: &mut Vec<u8>) -> Run {
        let mut run = Run::default();
        loop {
            run = run.then(kernel::common(self.level, &bytes[THREE * run.chars..], &self.common, out));
            // What stopped the kernel may be a rarer one.
            let Some(&[a, b, c]) = bytes[THREE * run.chars..].first_chunk::<THREE>() else { return run };
            let bits = |byte: u8| usize::from(byte & 0x3F);
            let entry = self.map.at(usize::from(a & 0x0F) << 12 | bits(b) << 6 | bits(c));
            let single = entry == SINGLE_AS_IS;
            if a & 0xF0 != 0xE0 || !(single || entry >> CLASS_SHIFT == class::SEPARATOR) {
                return run;
            }
            out.extend_from_slice(&if single { [a, b, c, b' '] } else { [b' '; 4] });
            run = run.and(1, u32::from(single));
        }
    }

    /// The bytes of the leading characters of `text` that stay as they are, and those of the last of them.
    fn run_that_stays<const WORDS: bool>(&self, text: &str) -> (usize, usize) {
        let (mut len, mut last) = (0, 0);
        for c in text.chars().take_while(|c| !c.is_ascii() && stays::<WORDS>(self.map.get(*c))) {
            last = c.len_utf8();
            len += last;
        }
        (len, last)
    }

    /// Where the stretch that needs the plain normaliser ends: before a simple character that a simple one follows.
    fn complex_end(&self, text: &str, from: usize) -> usize {
        let simple = |c: char| c.is_ascii() || self.map.get(c) >> CLASS_SHIFT != class::COMPLEX;
        let mut candidate: Option<usize> = None;
        for (at, c) in text[from..].char_indices() {
            match (simple(c), candidate) {
                (true, Some(end)) => return end,
                (true, None) => candidate = Some(from + at),
                (false, _) => candidate = None,
            }
        }
        candidate.unwrap_or(text.len())
    }
}

/// Bytes of a character from U+0800 to U+FFFF.
const THREE: usize = 3;

fn push(out: &mut Vec<u8>, c: char) {
    let mut buffer = [0u8; 4];
    out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
}

/// Single-character tokens so far.
#[derive(Clone, Copy, Default)]
struct Singles {
    count: u32,
    /// The last character belongs to one: behind it stands a space, which only a mark takes back.
    open: bool,
}

/// Append one character.
#[inline(always)]
fn emit<const WORDS: bool>(out: &mut Vec<u8>, singles: &mut Singles, class: u32, c: char) {
    if !WORDS {
        push(out, c);
        return;
    }
    match class {
        class::SEPARATOR => {
            out.push(b' ');
            singles.open = false;
        }
        class::SINGLE => {
            out.push(b' ');
            push(out, c);
            out.push(b' ');
            *singles = Singles { count: singles.count + 1, open: true };
        }
        class::MARK if singles.open => {
            out.pop();
            push(out, c);
            out.push(b' ');
        }
        _ => {
            push(out, c);
            singles.open = false;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::params::Analyzer;
    use crate::text::tokenize::{mapped, words_naive};
    use proptest::prelude::*;

    /// Text that mixes everything that normalisation and tokens treat differently.
    pub fn nasty() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[a-zA-Z0-9 ,.'_-]{0,40}",
            1 => any::<char>().prop_map(String::from),
            1 => proptest::sample::select(vec![
                "e\u{301}", "\u{301}", "\u{327}\u{301}", "a\u{327}\u{301}", "ß", "İ", "ŉ", "ﬃ", "=\u{338}", "\u{338}", "か\u{3099}", "ｶﾞ",
                "漢字", "ไทย", "ที่", "हिन्दी", "한국어", "\u{1112}\u{1161}\u{11AB}", "하\u{11AB}", "\u{AD}", "\u{200D}", "👩\u{200D}💻", "\u{2028}",
                "\u{85}", "\0", "\u{202E}", "Ω", "Å", "１２", "٣", "①", "\u{1E9B}\u{323}", "ー", "\u{E0001}", "𝒳", "\u{0345}", "ᾳ",
            ]).prop_map(String::from),
            1 => "[À-ÿ]{0,5}",
            1 => "[α-ωΑ-Ω ]{0,8}",
            1 => "[Ѐ-ӿ ]{0,8}",
            1 => "[ぁ-ヿ]{0,4}",
            1 => "([一-龥ぁ-んァ-ヶ]{0,12}[、。，々ー㐀]?){0,4}",
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|v| v.concat())
    }

    fn all_forms() -> Vec<Normalization> {
        let bases = ["none", "nfc", "nfkc_casefold"];
        let options = [
            "",
            "+accents",
            "+digits",
            "+punctuation",
            "+accents+digits",
            "+whitespace",
            "+digits+punctuation+whitespace",
        ];
        bases
            .iter()
            .flat_map(|b| options.iter().map(move |o| format!("{b}{o}")))
            .map(|n| Normalization::parse(&n).expect("known"))
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn fast_is_plain(text in nasty()) {
            for how in all_forms() {
                let fast = Canonicalizer::of(how);
                let mut full = Vec::new();
                fast.full(&text, &mut full);
                let plain: String = normalize(&text, how, 0).iter().map(|p| p.c).collect();
                prop_assert_eq!(String::from_utf8(full).expect("UTF-8"), plain, "{} {:?}", how, text);

                let mut words = Vec::new();
                let singles = fast.words(&text, &mut words);
                let split: Vec<&[u8]> = words.split(|b| *b == b' ').filter(|w| !w.is_empty()).collect();
                let tokens = words_naive(&text, how);
                let with_map = mapped(&text, &Analyzer::Word, how);
                prop_assert_eq!((&with_map.source, &with_map.single), (&tokens.source, &tokens.single), "{} {:?}", how, text);
                prop_assert!((0..tokens.len()).all(|i| with_map.token(i) == tokens.token(i)), "{} {:?}", how, text);
                prop_assert_eq!(singles as usize, tokens.single.iter().filter(|s| **s).count());
                let plain: Vec<&[u8]> = (0..tokens.len()).map(|i| tokens.token(i)).collect();
                prop_assert_eq!(split, plain, "{} {:?}", how, text);
            }
        }
    }
}
