//! List markers: "1." and "2)", which edits of layout and order add, remove and move.

use crate::kernel;
use std::ops::Range;

/// Where the list markers of a text stand, in order.
///
/// A marker is one to three ASCII digits and `.` or `)`, with a space, tab, line feed, carriage return or an end of the
/// text on both sides.
pub fn markers(text: &str) -> impl Iterator<Item = Range<usize>> {
    let (bytes, level) = (text.as_bytes(), kernel::any_level());
    let apart = |at: Option<&u8>| matches!(at, None | Some(b' ' | b'\t' | b'\n' | b'\r'));
    let next = move |from: usize| Some(kernel::next_marker(level, bytes, from)).filter(|end| *end < bytes.len());
    std::iter::successors(next(0), move |end| next(end + 1)).filter_map(move |end| {
        let digits = bytes[..end].iter().rev().take(4).take_while(|b| b.is_ascii_digit()).count();
        let start = end - digits;
        let marks = (1..=3).contains(&digits) && apart(bytes.get(end + 1)) && apart(bytes[..start].last());
        marks.then_some(start..end + 1)
    })
}

/// The text with its list markers written over by spaces, byte for byte; `None` where there is none.
///
/// Sentences that end in a number like a marker lose it too, which costs nothing: the text as it is stays.
pub fn without_markers(text: &str) -> Option<String> {
    let mut out: Option<Vec<u8>> = None;
    for marker in markers(text) {
        out.get_or_insert_with(|| text.as_bytes().to_vec())[marker].fill(b' ');
    }
    // Only ASCII bytes gave way to spaces, so this is still UTF-8.
    out.and_then(|bytes| String::from_utf8(bytes).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_stand_apart() {
        let show = |t: &str| without_markers(t);
        assert_eq!(show("1. a\n 22) b\n333.\n4444. c").as_deref(), Some("   a\n     b\n    \n4444. c"));
        assert_eq!(show("a 1. b").as_deref(), Some("a    b"));
        assert_eq!(show("1.5 a\n2.b\n(3) x\n. y\n"), None);
        assert_eq!(show("é\n7.").as_deref(), Some("é\n  "));
        assert_eq!(show(""), None);
    }
}
