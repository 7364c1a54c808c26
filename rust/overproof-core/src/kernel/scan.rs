//! Portable bodies of what readers of files and texts look for: line ends, escapes, list markers, numbers.

/// How many of the bytes are `such`.
#[inline(always)]
pub fn count_bytes(bytes: &[u8], such: impl Fn(u8) -> bool) -> usize {
    // Sums of bytes are what vectors do best: as many whole vectors as a byte counts.
    const PART: usize = 224;
    let of_part = |part: &[u8]| part.iter().map(|b| u8::from(such(*b))).sum::<u8>();
    bytes.chunks(PART).map(|part| usize::from(of_part(part))).sum()
}

/// See `kernel::may_hold_numbers`.
#[inline(always)]
pub fn may_hold_numbers(words: &[u8], n: usize) -> bool {
    let letters = words.iter().any(u8::is_ascii_alphabetic);
    !letters || (count_bytes(words, |byte| byte.is_ascii_digit()) >= n && has_row(words, n))
}

/// Whether `n` > 0 stretches of digits follow each other somewhere without a letter in between.
fn has_row(bytes: &[u8], n: usize) -> bool {
    let mut from = 0;
    // So many bytes they take at least. A stretch starts behind a letter, and most end before a byte near its end is looked at.
    while let Some(stretch) = bytes.get(from..from + 2 * n - 1) {
        if let Some(letter) = stretch.iter().rposition(u8::is_ascii_alphabetic) {
            from += letter + 1;
            continue;
        }
        let rest = &bytes[from..];
        let end = rest.iter().position(u8::is_ascii_alphabetic).unwrap_or(rest.len());
        let numbers = rest[..end].split(|b| !b.is_ascii_digit()).filter(|number| !number.is_empty());
        if numbers.count() >= n {
            return true;
        }
        from += end;
    }
    false
}

/// See `kernel::next_marker`.
#[inline(always)]
pub fn next_marker(text: &[u8], from: usize) -> usize {
    const PART: usize = 64;
    let is_marker =
        |digit: u8, end: u8, next: u8| digit.is_ascii_digit() & ((end == b'.') | (end == b')')) & (next <= b' ');
    // Where the digit stands.
    let mut at = from.saturating_sub(1);
    while at + 2 < text.len() {
        let part = &text[at..text.len().min(at + PART + 2)];
        // Without a branch, so that vectors look at many places at once; most parts hold none.
        let places = part.iter().zip(&part[1..]).zip(&part[2..]);
        let any = places.fold(0, |any, ((digit, end), next)| any | u8::from(is_marker(*digit, *end, *next)));
        if any != 0
            && let Some(found) = part.windows(3).position(|three| is_marker(three[0], three[1], three[2]))
        {
            return at + found + 1;
        }
        at += part.len() - 2;
    }
    let last = text.len().saturating_sub(1);
    let ended = last > 0 && last >= from && is_marker(text[last - 1], text[last], b' ');
    if ended { last } else { text.len() }
}

/// See `kernel::line_starts`.
#[inline(always)]
pub fn line_starts(text: &[u8], starts: &mut Vec<usize>) {
    starts.extend(memchr::memchr_iter(b'\n', text).map(|end| end + 1));
}

/// What an escape of one byte behind the backslash stands for.
#[inline(always)]
pub fn escaped(byte: u8) -> Option<u8> {
    Some(match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'f' => 12,
        b'"' | b'\\' | b'/' => byte,
        _ => return None,
    })
}

/// See `kernel::unescape`.
#[inline(always)]
pub fn unescape_bytes(text: &[u8], mut at: usize, out: &mut Vec<u8>) -> usize {
    loop {
        let rest = &text[at..];
        let mut run = &rest[..memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len())];
        if run.iter().fold(u8::MAX, |least, byte| least.min(*byte)) < b' ' {
            run = &run[..run.iter().position(|byte| *byte < b' ').unwrap_or(run.len())];
        }
        out.extend_from_slice(run);
        at += run.len();
        let Some([b'\\', escape]) = text[at..].first_chunk() else { return at };
        let Some(byte) = escaped(*escape) else { return at };
        out.push(byte);
        at += 2;
    }
}
