//! Tokens with a map back to the original: the plain version, for spans and for checks on exact text.

use super::fast::Canonicalizer;
use super::normalize::{Piece, normalize};
use super::unicode::{flag, tables};
use crate::kernel;
use crate::params::{Analyzer, Normalization};

/// The tokens of one text. Token i is `canon[bounds[i]]` and stands for the bytes `source[i]` of the original.
#[derive(Clone, Debug, Default)]
pub struct MappedTokens {
    /// Normalised text that the tokens stand in, in order.
    pub canon: String,
    /// Start and end of each token in `canon`.
    pub bounds: Vec<(u32, u32)>,
    /// Start and end of each token in the original text, in bytes.
    pub source: Vec<(u32, u32)>,
    /// Whether the token is a single character of a script without spaces: half a token to thresholds.
    pub single: Vec<bool>,
}

impl MappedTokens {
    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.bounds.len()
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.bounds.is_empty()
    }

    /// The normalised bytes of token `i`.
    pub fn token(&self, i: usize) -> &[u8] {
        let (start, end) = self.bounds[i];
        &self.canon.as_bytes()[start as usize..end as usize]
    }

    /// Whether token `i` is token `j` of `other`. Most are short, and compared in words.
    #[inline]
    pub fn is_same(&self, i: usize, other: &MappedTokens, j: usize) -> bool {
        let bytes = |tokens: &Self, (start, end): (u32, u32)| {
            let sixteen = tokens.canon.as_bytes().get(start as usize..)?.first_chunk::<16>().copied();
            sixteen.map(|sixteen| (sixteen, (end - start) as usize))
        };
        match (bytes(self, self.bounds[i]), bytes(other, other.bounds[j])) {
            (Some((a, a_len)), Some((b, b_len))) if a_len <= a.len() => {
                a_len == b_len && kernel::first_bytes(&a, a_len) == kernel::first_bytes(&b, b_len)
            }
            _ => self.token(i) == other.token(j),
        }
    }

    fn open(&mut self, piece: Piece, single: bool) {
        let at = self.canon.len() as u32;
        self.canon.push(piece.c);
        self.bounds.push((at, self.canon.len() as u32));
        self.source.push((piece.start, piece.end));
        self.single.push(single);
    }

    fn extend(&mut self, piece: Piece) {
        self.canon.push(piece.c);
        let end = self.canon.len() as u32;
        if let (Some(bounds), Some(source)) = (self.bounds.last_mut(), self.source.last_mut()) {
            bounds.1 = end;
            *source = (source.0.min(piece.start), source.1.max(piece.end));
        }
    }
}

/// The tokens of `text` under a built-in analyzer; `Tokens` and `Named` have no text and give none.
pub fn mapped(text: &str, analyzer: &Analyzer, normalization: Normalization) -> MappedTokens {
    let mut out = MappedTokens::default();
    if *analyzer == Analyzer::Word && text.is_ascii() {
        return ascii_words(text, normalization);
    }
    if *analyzer == Analyzer::Word {
        let mut words = Words { after: After::Gap, out: &mut out };
        Canonicalizer::of(normalization).pieces(text, |piece| words.add(piece));
        return out;
    }
    let pieces = normalize(text, normalization, 0);
    match analyzer {
        Analyzer::Char => pieces.iter().for_each(|p| out.open(*p, false)),
        Analyzer::Byte => {
            for piece in pieces {
                out.canon.push(piece.c);
                for at in out.canon.len() - piece.c.len_utf8()..out.canon.len() {
                    out.bounds.push((at as u32, at as u32 + 1));
                    out.source.push((piece.start, piece.end));
                    out.single.push(false);
                }
            }
        }
        Analyzer::Word | Analyzer::Tokens | Analyzer::Named(_) => {}
    }
    out
}

/// Bytes of an ASCII text that are split at once.
const STRETCH: usize = 1 << 12;

/// The words of an ASCII text: each byte becomes one byte, so places in the normalised text are places in the original.
fn ascii_words(text: &str, normalization: Normalization) -> MappedTokens {
    let mut canon = Vec::new();
    Canonicalizer::of(normalization).words(text, &mut canon);
    // Whole blocks, the last of them with spaces, so that the last word ends and vectors can be read where it starts.
    canon.resize((text.len() + 16).next_multiple_of(64), b' ');
    let level = kernel::any_level();
    let mut found = [0; STRETCH + kernel::SPARE];
    let mut edges: Vec<u32> = Vec::with_capacity(text.len() / 2);
    for (at, stretch) in (0u32..).step_by(STRETCH).zip(canon.chunks(STRETCH)) {
        let count = kernel::edges(level, stretch, edges.len() % 2 == 1, &mut found);
        edges.extend(found[..count].iter().map(|edge| at + u32::from(*edge)));
    }
    let words: Vec<(u32, u32)> = edges.as_chunks::<2>().0.iter().map(|word| (word[0], word[1])).collect();
    let single = vec![false; words.len()];
    MappedTokens { canon: String::from_utf8(canon).unwrap_or_default(), source: words.clone(), bounds: words, single }
}

#[derive(PartialEq)]
enum After {
    Gap,
    Word,
    Single,
}

/// Puts code points together to words.
struct Words<'t> {
    after: After,
    out: &'t mut MappedTokens,
}

impl Words<'_> {
    #[inline]
    fn add(&mut self, piece: Piece) {
        let flags = tables().flags(piece.c);
        if flags & flag::WORD == 0 {
            self.after = After::Gap;
        } else if flags & flag::SINGLE != 0 {
            self.out.open(piece, true);
            self.after = After::Single;
        } else if self.after == After::Word || (self.after == After::Single && flags & flag::MARK != 0) {
            self.out.extend(piece);
        } else {
            self.out.open(piece, false);
            self.after = After::Word;
        }
    }
}

/// The words of a text that is normalised as a whole first: the definition, which tests hold [`mapped`] to.
#[cfg(test)]
pub(crate) fn words_naive(text: &str, normalization: Normalization) -> MappedTokens {
    let mut out = MappedTokens::default();
    let mut words = Words { after: After::Gap, out: &mut out };
    normalize(text, normalization, 0).into_iter().for_each(|piece| words.add(piece));
    out
}

/// Byte offsets of one text to code-point offsets; `bytes` ascending is fastest, any order is right.
pub fn code_points(text: &str, bytes: &[u32]) -> Vec<u32> {
    let raw = text.as_bytes();
    let starts = |range: &[u8]| range.iter().filter(|b| (**b & 0xC0) != 0x80).count() as u32;
    let (mut at, mut count) = (0usize, 0u32);
    bytes
        .iter()
        .map(|&to| {
            let to = (to as usize).min(raw.len());
            if to >= at {
                count += starts(&raw[at..to]);
            } else {
                count -= starts(&raw[to..at]);
            }
            at = to;
            count
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str, how: &str) -> Vec<(String, u32, u32)> {
        let how = Normalization::parse(how).expect("known");
        let m = mapped(text, &Analyzer::Word, how);
        (0..m.len()).map(|i| (String::from_utf8_lossy(m.token(i)).into_owned(), m.source[i].0, m.source[i].1)).collect()
    }

    #[test]
    fn words_of_the_spec() {
        let words = |t: &str| tokens(t, "nfkc_casefold").into_iter().map(|t| t.0).collect::<Vec<_>>();
        assert_eq!(words("_x_ don't 3.14 gpt4"), ["x", "don", "t", "3", "14", "gpt4"]);
        assert_eq!(words("हिन्दी में"), ["हिन्दी", "में"]);
        assert_eq!(words("がぎabc한국어"), ["が", "ぎ", "abc한국어"]);
        assert_eq!(words("か\u{3099}x"), ["が", "x"]);
        assert_eq!(tokens("か\u{3099}x", "none"), [("か\u{3099}".into(), 0, 6), ("x".into(), 6, 7)]);
        assert_eq!(words("=\u{338}a"), ["a"]);
        assert_eq!(words("\u{338}a"), ["\u{338}a"]);
        assert!(words("🙂 — …").is_empty());
    }

    #[test]
    fn code_points_in_any_order() {
        assert_eq!(code_points("aé中b", &[0, 1, 3, 6, 7, 3, 0]), [0, 1, 2, 3, 4, 2, 0]);
    }
}
