//! What readers of files and texts look for, 64 bytes at a time under AVX-512.

use crate::kernel::{scan, text::BLOCK};
use std::arch::x86_64::*;

/// The block at `at`, with zeros behind the end of the text.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
fn load_avx512(text: &[u8], at: usize) -> __m512i {
    let rest = text.get(at..).unwrap_or_default();
    if let Some(block) = rest.first_chunk::<BLOCK>() {
        // SAFETY: the load is of a whole block.
        return unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
    }
    // SAFETY: no byte is read but those of the rest, fewer than 64.
    unsafe { _mm512_maskz_loadu_epi8((1 << rest.len()) - 1, rest.as_ptr().cast()) }
}

/// `kernel::is_ascii`, 64 bytes at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2,popcnt")]
pub fn is_ascii_avx512(text: &[u8]) -> bool {
    let mut all = _mm512_setzero_si512();
    for at in (0..text.len()).step_by(BLOCK) {
        all = _mm512_or_si512(all, load_avx512(text, at));
    }
    _mm512_movepi8_mask(all) == 0
}

/// `kernel::may_hold_numbers`, 64 bytes at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2,popcnt")]
pub fn may_hold_numbers_avx512(words: &[u8], n: usize) -> bool {
    let all = |byte: u8| _mm512_set1_epi8(byte as i8);
    let among = |x: __m512i, first: u8, count: u8| _mm512_cmplt_epu8_mask(_mm512_sub_epi8(x, all(first)), all(count));
    // Stretches of digits since the last letter, and whether the last byte is one of a stretch.
    let (mut letters, mut count, mut open) = (0, 0, 0);
    for at in (0..words.len()).step_by(BLOCK) {
        let block = load_avx512(words, at);
        let digit = among(block, b'0', 10);
        let letter = among(_mm512_or_si512(block, all(0x20)), b'a', 26);
        let starts = digit & !(digit << 1 | open);
        open = digit >> 63;
        letters |= letter;
        if starts == 0 {
            count = if letter == 0 { count } else { 0 };
        } else if count + starts.count_ones() as usize >= n {
            let (mut left, mut breaks) = (starts, letter);
            while left != 0 {
                let start = left & left.wrapping_neg();
                // A letter before it?
                if breaks & (start - 1) != 0 {
                    count = 0;
                    breaks &= !(start - 1);
                }
                count += 1;
                if count >= n {
                    return true;
                }
                left ^= start;
            }
            count = if breaks == 0 { count } else { 0 };
        } else {
            let behind = starts & !(u64::MAX.checked_shr(letter.leading_zeros()).unwrap_or(0));
            count = behind.count_ones() as usize + if letter == 0 { count } else { 0 };
        }
    }
    letters == 0
}

/// `kernel::next_marker`, 64 places at a time; the zeros behind the end are below the space.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2,popcnt")]
pub fn next_marker_avx512(text: &[u8], from: usize) -> usize {
    let all = |byte: u8| _mm512_set1_epi8(byte as i8);
    for at in (from.saturating_sub(1)..text.len()).step_by(BLOCK) {
        let [here, ends, behind] = [load_avx512(text, at), load_avx512(text, at + 1), load_avx512(text, at + 2)];
        let digit = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(here, all(b'0')), all(10));
        let end = _mm512_cmpeq_epi8_mask(ends, all(b'.')) | _mm512_cmpeq_epi8_mask(ends, all(b')'));
        let found = digit & end & _mm512_cmple_epu8_mask(behind, all(b' '));
        if found != 0 {
            return at + 1 + found.trailing_zeros() as usize;
        }
    }
    text.len()
}

/// `kernel::line_starts`, 64 bytes at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2,popcnt")]
pub fn line_starts_avx512(text: &[u8], starts: &mut Vec<usize>) {
    for at in (0..text.len()).step_by(BLOCK) {
        let mut ends = _mm512_cmpeq_epi8_mask(load_avx512(text, at), _mm512_set1_epi8(b'\n' as i8));
        while ends != 0 {
            starts.push(at + ends.trailing_zeros() as usize + 1);
            ends &= ends - 1;
        }
    }
}

/// `kernel::unescape`, 64 bytes at a time: what the escapes stand for comes in their places, and one instruction brings
/// together all bytes but the backslashes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi2,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
pub fn unescape_bytes_avx512(text: &[u8], from: usize, out: &mut Vec<u8>) -> usize {
    const MADE: [u8; 5] = *b"ntrbf";
    let all = |byte: u8| _mm512_set1_epi8(byte as i8);
    out.reserve(text.len().saturating_sub(from) + BLOCK);
    let mut at = from;
    while at < text.len() {
        let block = load_avx512(text, at);
        let is = |byte: u8| _mm512_cmpeq_epi8_mask(block, all(byte));
        // The zeros behind the end are control characters.
        let (slash, ends) = (is(b'\\'), is(b'"') | _mm512_cmplt_epu8_mask(block, all(b' ')));
        let (mut made, mut kept, mut stops) = (block, u64::MAX, ends);
        if slash != 0 {
            let behind = slash << 1;
            let mut simple = behind & (is(b'"') | is(b'\\') | is(b'/'));
            for byte in MADE {
                let own = behind & is(byte);
                simple |= own;
                made = _mm512_mask_mov_epi8(made, own, all(scan::escaped(byte).unwrap_or(byte)));
            }
            // A backslash that another one follows is left to who asked: which of a row escape which, no bit tells.
            stops = (ends & !behind) | (slash & !(simple >> 1)) | (slash & slash >> 1);
            kept = !slash;
        }
        let whole = stops.trailing_zeros();
        kept &= u64::MAX.checked_shr(BLOCK as u32 - whole).unwrap_or(0);
        if slash != 0 {
            made = _mm512_maskz_compress_epi8(kept, made);
        }
        let len = out.len();
        // SAFETY: a block is written behind what was kept of those before, which are bytes of the text: there is room for
        // these, and for a block more.
        unsafe {
            _mm512_storeu_si512(out.as_mut_ptr().add(len).cast(), made);
            out.set_len(len + kept.count_ones() as usize);
        }
        at += whole as usize;
        // What the last byte of a block escapes is in the next one.
        if stops != 0 && !(whole == 63 && slash >> 63 == 1) {
            break;
        }
    }
    at
}
