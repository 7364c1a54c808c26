//! List markers: "1." and "2)", which edits of layout and order add, remove and move.

/// The text with its list markers written over by spaces, byte for byte; `None` where there is none.
///
/// A marker is one to three ASCII digits and `.` or `)`, with a space, tab, line feed, carriage return or an end of the
/// text on both sides. Sentences that end in such a number lose it too, which costs nothing: the text as it is stays.
pub fn without_markers(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if !may_have_markers(bytes) {
        return None;
    }
    let apart = |at: Option<&u8>| matches!(at, None | Some(b' ' | b'\t' | b'\n' | b'\r'));
    let mut out: Option<Vec<u8>> = None;
    for end in memchr::memchr2_iter(b'.', b')', bytes) {
        let digits = bytes[..end].iter().rev().take(4).take_while(|b| b.is_ascii_digit()).count();
        let start = end - digits;
        if (1..=3).contains(&digits) && apart(bytes.get(end + 1)) && apart(bytes[..start].last()) {
            out.get_or_insert_with(|| bytes.to_vec())[start..=end].fill(b' ');
        }
    }
    // Only ASCII bytes gave way to spaces, so this is still UTF-8.
    out.and_then(|bytes| String::from_utf8(bytes).ok())
}

/// Whether a digit stands before a point or a bracket anywhere. Without a branch, so that vectors look at many bytes at once.
fn may_have_markers(bytes: &[u8]) -> bool {
    let ends = bytes.get(1..).unwrap_or_default();
    let mark = |(digit, end): (&u8, &u8)| digit.is_ascii_digit() & ((*end == b'.') | (*end == b')'));
    bytes.iter().zip(ends).map(mark).fold(false, |any, mark| any | mark)
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
