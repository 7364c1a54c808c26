//! Normalisation with a map: every code point of the result knows the bytes of the original that it came from.
//!
//! This is the plain version, one code point at a time over the whole text. `fast` skips it wherever it can.

use super::unicode::{flag, tables};
use crate::params::{Form, Normalization};

/// A code point of the normalised text and the bytes of the original that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The code point.
    pub c: char,
    /// First byte in the original.
    pub start: u32,
    /// One past the last byte in the original.
    pub end: u32,
}

impl Piece {
    fn with(self, c: char) -> Self {
        Piece { c, ..self }
    }

    fn join(&mut self, other: Piece) {
        self.start = self.start.min(other.start);
        self.end = self.end.max(other.end);
    }
}

/// Normalise `text`; ranges count bytes from its start plus `offset`.
pub fn normalize(text: &str, how: Normalization, offset: u32) -> Vec<Piece> {
    let t = tables();
    let source = text.char_indices().map(|(at, c)| {
        let start = offset + at as u32;
        Piece { c, start, end: start + c.len_utf8() as u32 }
    });
    let mut pieces: Vec<Piece> = match how.form {
        Form::None => source.collect(),
        Form::Nfc => nfc(source),
        Form::NfkcCasefold => {
            let mut folded = Vec::with_capacity(text.len());
            for piece in source {
                match t.casefold(piece.c) {
                    None => folded.push(piece),
                    Some(to) => folded.extend(to.iter().map(|c| piece.with(*c))),
                }
            }
            nfc(folded.into_iter())
        }
    };
    if how.accents {
        let parts = decompose(pieces.into_iter()).into_iter().filter(|p| t.flags(p.c) & flag::ACCENT == 0);
        pieces = compose(&parts.collect::<Vec<_>>());
    }
    if how.digits {
        pieces.iter_mut().filter(|p| t.flags(p.c) & flag::DIGIT != 0).for_each(|p| p.c = '0');
    }
    if how.punctuation {
        pieces.iter_mut().filter(|p| t.flags(p.c) & flag::PUNCT != 0).for_each(|p| p.c = ' ');
    }
    if how.whitespace {
        pieces = fold_spaces(&pieces);
    }
    pieces
}

fn nfc(source: impl Iterator<Item = Piece>) -> Vec<Piece> {
    compose(&decompose(source))
}

/// Full canonical decomposition, marks in canonical order.
fn decompose(source: impl Iterator<Item = Piece>) -> Vec<Piece> {
    let t = tables();
    let mut out: Vec<Piece> = Vec::new();
    for piece in source {
        t.decompose(piece.c, |c| out.push(piece.with(c)));
    }
    let mut i = 0;
    while i < out.len() {
        if t.ccc(out[i].c) == 0 {
            i += 1;
            continue;
        }
        let run = out[i..].iter().take_while(|p| t.ccc(p.c) != 0).count();
        out[i..i + run].sort_by_key(|p| t.ccc(p.c)); // stable, as the algorithm demands
        i += run;
    }
    out
}

/// Canonical composition of a decomposed sequence.
fn compose(source: &[Piece]) -> Vec<Piece> {
    let t = tables();
    let mut out: Vec<Piece> = Vec::with_capacity(source.len());
    let mut starter: Option<usize> = None;
    let mut last_class = 0u8;
    for &piece in source {
        let class = t.ccc(piece.c);
        if let Some(at) = starter {
            let adjacent = at + 1 == out.len();
            let blocked = !adjacent && (last_class >= class || class == 0);
            if !blocked && let Some(whole) = t.compose(out[at].c, piece.c) {
                out[at].c = whole;
                out[at].join(piece);
                continue;
            }
        }
        if class == 0 {
            starter = Some(out.len());
        }
        last_class = class;
        out.push(piece);
    }
    out
}

/// Each run of white space to one space, none at the ends.
fn fold_spaces(source: &[Piece]) -> Vec<Piece> {
    let t = tables();
    let mut out: Vec<Piece> = Vec::with_capacity(source.len());
    let mut gap: Option<Piece> = None;
    for &piece in source {
        if t.flags(piece.c) & flag::WHITE != 0 {
            match &mut gap {
                Some(open) => open.join(piece),
                None => gap = Some(piece.with(' ')),
            }
            continue;
        }
        if let Some(space) = gap.take()
            && !out.is_empty()
        {
            out.push(space);
        }
        out.push(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, how: &str) -> String {
        let how = Normalization::parse(how).expect("known");
        normalize(text, how, 0).iter().map(|p| p.c).collect()
    }

    #[test]
    fn known_forms() {
        assert_eq!(show("Stra\u{DF}e \u{FB03}", "nfkc_casefold"), "strasse ffi");
        assert_eq!(show("e\u{301}\u{327}", "nfc"), "\u{229}\u{301}");
        assert_eq!(show("co\u{AD}op", "nfkc_casefold"), "coop");
        assert_eq!(show("Crème Brûlée", "none+accents"), "Creme Brulee");
        assert_eq!(show("a  b\t c ", "none+whitespace"), "a b c");
        assert_eq!(show("3.14, ٣", "none+digits+punctuation+whitespace"), "0 00 0");
    }

    #[test]
    fn ranges_cover_what_was_composed() {
        let how = Normalization::parse("nfc").expect("known");
        let pieces = normalize("ae\u{301}b", how, 10);
        assert_eq!(pieces[1], Piece { c: 'é', start: 11, end: 14 });
    }
}
