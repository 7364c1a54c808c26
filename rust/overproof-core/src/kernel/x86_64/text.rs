//! Inner loops of the text stage, up to a value for each word; their plain forms are in `kernel/text.rs`.

use super::lanes::{all_avx2, high_avx2};
use super::scalar;
use crate::kernel::text::{self, AsciiFold, BLOCK, Common, ONES, PLACES, Range, Run, SPARE, of_kind};
use crate::shingle::hash::Seeds;
use std::arch::x86_64::*;
use std::hint::assert_unchecked;
use std::mem::MaybeUninit;

/// `kernel::ascii` of a block at least: `fold` writes what becomes of a block and tells, one bit each, which of its bytes
/// are beyond ASCII.
#[inline(always)]
#[allow(unsafe_code)]
fn ascii_blocks<const B: usize>(
    source: &[u8],
    out: &mut Vec<u8>,
    fold: impl Fn(&[u8; B], &mut [MaybeUninit<u8>; B]) -> u64,
) -> usize {
    out.reserve(source.len());
    let room = &mut out.spare_capacity_mut()[..source.len()];
    // The last block overlaps the one before, whose bytes it writes again as they are.
    let (mut at, last) = (0, source.len() - B);
    let done = loop {
        // SAFETY: both are `B` bytes, since `at` is at most `last`.
        let (from, to) = unsafe { (&*source.as_ptr().add(at).cast(), &mut *room.as_mut_ptr().add(at).cast()) };
        let beyond = fold(from, to);
        if beyond != 0 {
            break at + beyond.trailing_zeros() as usize;
        }
        if at == last {
            break source.len();
        }
        at = last.min(at + B);
    };
    // SAFETY: there is room for `source`, and blocks without a gap were written up to `done`: each is within it.
    unsafe { out.set_len(out.len() + done) };
    done
}

/// `kernel::ascii`, 64 bytes at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2,popcnt")]
pub fn ascii_avx512(source: &[u8], how: AsciiFold, out: &mut Vec<u8>) -> usize {
    if how.zero_digits || source.len() < BLOCK {
        return ascii_avx2(source, how, out);
    }
    of_kind!(how, folded_avx512(source, out))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
fn folded_avx512<const WORDS: bool, const LOWER: bool>(source: &[u8], out: &mut Vec<u8>) -> usize {
    let all = |byte: u8| _mm512_set1_epi8(byte as i8);
    // Which bytes are among the `count` from `first`.
    let among = |x: __m512i, first: u8, count: u8| _mm512_cmplt_epu8_mask(_mm512_sub_epi8(x, all(first)), all(count));
    ascii_blocks::<BLOCK>(source, out, |from, to| {
        // SAFETY: the load is of a whole block.
        let block = unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
        let lower = _mm512_or_si512(block, all(0x20));
        let letter = among(lower, b'a', 26);
        let mut made = if LOWER { _mm512_mask_mov_epi8(block, letter, lower) } else { block };
        if WORDS {
            made = _mm512_mask_mov_epi8(all(b' '), letter | among(block, b'0', 10), made);
        }
        // SAFETY: the store is of a whole block.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), made) };
        _mm512_movepi8_mask(block)
    })
}

/// The body of `kernel::ascii` in vectors of `$bytes` bytes, which `$feature` has, from the instructions that work on them.
///
/// ASCII is not negative, so a range takes an addition that brings its end to the greatest signed byte, and a comparison. A
/// letter or digit with bit 5 set is in lower case, and that bit alone is a space.
macro_rules! ascii_in_vectors {
    ($name:ident, $feature:literal, $bytes:literal: $load:ident, $store:ident, $all:ident, $add:ident, $above:ident,
     $and:ident, $or:ident, $andnot:ident, $beyond:ident) => {
        #[target_feature(enable = $feature)]
        #[allow(unsafe_code)]
        fn $name<const WORDS: bool, const LOWER: bool>(source: &[u8], out: &mut Vec<u8>) -> usize {
            let all = |byte: u8| $all(byte as i8);
            let among = |x, first: u8, count: u8| $above($add(x, all(0x80 - count - first)), all(0x7F - count));
            let space = all(b' ');
            ascii_blocks::<$bytes>(source, out, |from, to| {
                // SAFETY: load and store are of a whole block.
                let block = unsafe { $load(from.as_ptr().cast()) };
                let lower = $or(block, space);
                let letter = among(lower, b'a', 26);
                let word = $or(letter, among(block, b'0', 10));
                let made = match (WORDS, LOWER) {
                    (true, true) => $and(lower, $or(word, space)),
                    (true, false) => $or($and(word, block), $andnot(word, space)),
                    (false, true) => $or(block, $and(letter, space)),
                    (false, false) => block,
                };
                // SAFETY: as above.
                unsafe { $store(to.as_mut_ptr().cast(), made) };
                u64::from($beyond(block) as u32)
            })
        }
    };
}
ascii_in_vectors!(
    folded_avx2, "avx2,bmi1,bmi2,popcnt", 32: _mm256_loadu_si256, _mm256_storeu_si256, _mm256_set1_epi8, _mm256_add_epi8,
    _mm256_cmpgt_epi8, _mm256_and_si256, _mm256_or_si256, _mm256_andnot_si256, _mm256_movemask_epi8
);
ascii_in_vectors!(
    folded_sse2, "sse2", 16: _mm_loadu_si128, _mm_storeu_si128, _mm_set1_epi8, _mm_add_epi8,
    _mm_cmpgt_epi8, _mm_and_si128, _mm_or_si128, _mm_andnot_si128, _mm_movemask_epi8
);

/// `kernel::ascii`, 32 bytes at a time.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub fn ascii_avx2(source: &[u8], how: AsciiFold, out: &mut Vec<u8>) -> usize {
    if how.zero_digits || source.len() < 32 {
        return text::ascii(source, how, out);
    }
    of_kind!(how, folded_avx2(source, out))
}

/// `kernel::ascii`, 16 bytes at a time.
#[allow(unsafe_code)]
pub fn ascii_sse2(source: &[u8], how: AsciiFold, out: &mut Vec<u8>) -> usize {
    if how.zero_digits || source.len() < 16 {
        return text::ascii(source, how, out);
    }
    // SAFETY: SSE2 is part of every x86-64.
    unsafe { of_kind!(how, folded_sse2(source, out)) }
}

/// `kernel::common`, eight characters side by side.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
pub fn common_avx2(source: &[u8], of: &Common, out: &mut Vec<u8>) -> Run {
    const CHARS: usize = 8;
    // Four characters of 12 bytes: as numbers, and as they are written.
    const NUMBERS: [u8; 16] = [2, 1, 0, 0x80, 5, 4, 3, 0x80, 8, 7, 6, 0x80, 11, 10, 9, 0x80];
    const WRITTEN: [u8; 16] = [0, 1, 2, 0x80, 3, 4, 5, 0x80, 6, 7, 8, 0x80, 9, 10, 11, 0x80];
    // SAFETY: the loads are of whole local arrays.
    let [numbers, written] =
        [NUMBERS, WRITTEN].map(|from| _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(from.as_ptr().cast()) }));
    let spaces = _mm256_set1_epi8(b' ' as i8);
    let among = |number: __m256i, ranges: &[Range]| {
        ranges.iter().fold(_mm256_setzero_si256(), |is_in, range| {
            let from = _mm256_sub_epi32(number, _mm256_set1_epi32(range.first as i32));
            let least = _mm256_min_epu32(from, _mm256_set1_epi32(range.more as i32));
            _mm256_or_si256(is_in, _mm256_cmpeq_epi32(least, from))
        })
    };
    let bits = |lanes: __m256i| _mm256_movemask_ps(_mm256_castsi256_ps(lanes)) as u32;
    let mut run = Run::default();
    // The second half is read from 12 bytes on.
    while let Some(here) = source[3 * run.chars..].first_chunk::<28>() {
        out.reserve(4 * CHARS);
        // SAFETY: the loads are of 16 bytes from 0 and from 12.
        let halves = unsafe { [0, 12].map(|at| _mm_loadu_si128(here.as_ptr().add(at).cast())) };
        let bytes = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(halves[0]), halves[1]);
        let number = _mm256_shuffle_epi8(bytes, numbers);
        let (single, space) = (among(number, &of.single), among(number, &of.space));
        let made = _mm256_or_si256(_mm256_shuffle_epi8(bytes, written), _mm256_slli_epi32::<24>(spaces));
        let count = (bits(single) | bits(space)).trailing_ones() as usize;
        let len = out.len();
        // SAFETY: there is room for eight characters of four bytes, of which `count` are kept.
        unsafe {
            _mm256_storeu_si256(out.as_mut_ptr().add(len).cast(), _mm256_blendv_epi8(spaces, made, single));
            out.set_len(len + 4 * count);
        }
        run = run.and(count, bits(single));
        if count < CHARS {
            return run;
        }
    }
    run.then(text::common(&source[3 * run.chars..], of, out))
}

/// `kernel::edges`, as in `text`: the compiler would move its places one by one, and count in a part of a register.
#[inline(always)]
#[allow(unsafe_code)]
fn edges(
    text: &[u8],
    inside: bool,
    out: &mut [u16],
    not_space: impl Fn(&[u8; BLOCK]) -> u64,
    wide: impl Fn(&[u8; 8]) -> __m128i,
    ones: impl Fn(u8) -> u64,
) -> usize {
    let (mut count, mut inside) = (0, u64::from(inside));
    // SAFETY: SSE2 is part of every x86-64.
    let (mut base, sixteen) = unsafe { (_mm_setzero_si128(), _mm_set1_epi16(16)) };
    for block in text.as_chunks::<BLOCK>().0 {
        let word = not_space(block);
        let mut left = word ^ (word << 1 | inside);
        inside = word >> 63;
        let Some(room) = out[count..].first_chunk_mut::<SPARE>() else { break };
        let mut from = 0;
        for _ in 0..BLOCK / 16 {
            for (byte, places) in [left as u8, (left >> 8) as u8].into_iter().zip(&PLACES) {
                // SAFETY: the store is of eight values of 16 bits, and at most 56 edges stand before the last byte, so that
                // it ends in the room.
                unsafe {
                    let places = _mm_add_epi16(wide(&places[usize::from(byte)]), base);
                    _mm_storeu_si128(room.as_mut_ptr().add(from as usize).cast(), places);
                }
                from = scalar(from + ones(byte));
            }
            left = scalar(left >> 16);
            // SAFETY: as above.
            base = unsafe { _mm_add_epi16(base, sixteen) };
        }
        count += from as usize;
    }
    count
}

/// See [`edges`].
#[allow(unsafe_code)]
pub fn edges_sse2(text: &[u8], inside: bool, out: &mut [u16]) -> usize {
    let wide = |places: &[u8; 8]| {
        // SAFETY: the load is of eight bytes, and SSE2 is part of every x86-64.
        unsafe { _mm_unpacklo_epi8(_mm_loadl_epi64(places.as_ptr().cast()), _mm_setzero_si128()) }
    };
    edges(text, inside, out, text::not_space, wide, |byte| u64::from(ONES[usize::from(byte)]))
}

/// See [`edges`].
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
pub fn edges_avx2(text: &[u8], inside: bool, out: &mut [u16]) -> usize {
    let not_space = |block: &[u8; BLOCK]| {
        block.as_chunks::<32>().0.iter().rev().fold(0, |word, half| {
            // SAFETY: the load is of 32 bytes.
            let half = unsafe { _mm256_loadu_si256(half.as_ptr().cast()) };
            let spaces = _mm256_movemask_epi8(_mm256_cmpeq_epi8(half, _mm256_set1_epi8(b' ' as i8)));
            word << 32 | u64::from(!spaces as u32)
        })
    };
    // SAFETY: the load is of eight bytes.
    let wide = |places: &[u8; 8]| _mm_cvtepu8_epi16(unsafe { _mm_loadl_epi64(places.as_ptr().cast()) });
    edges(text, inside, out, not_space, wide, |byte| u64::from(byte.count_ones()))
}

/// `kernel::edges`: the places of the edges of 64 bytes are brought together by one instruction.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi2,popcnt")]
#[allow(unsafe_code)]
pub fn edges_avx512(text: &[u8], inside: bool, out: &mut [u16]) -> usize {
    const PLACES: [u8; BLOCK] = {
        let mut places = [0; BLOCK];
        let mut i = 0;
        while i < BLOCK {
            places[i] = i as u8;
            i += 1;
        }
        places
    };
    // SAFETY: the load is of a whole local array.
    let places = unsafe { _mm512_loadu_si512(PLACES.as_ptr().cast()) };
    let (mut count, mut inside) = (0, u64::from(inside));
    for (at, block) in text.as_chunks::<BLOCK>().0.iter().enumerate() {
        // SAFETY: the load is of a whole block.
        let bytes = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        let word = _mm512_cmpneq_epi8_mask(bytes, _mm512_set1_epi8(b' ' as i8));
        let left = word ^ (word << 1 | inside);
        inside = word >> 63;
        let packed = _mm512_maskz_compress_epi8(left, places);
        let base = _mm512_set1_epi16((at * BLOCK) as i16);
        let halves = [_mm512_castsi512_si256(packed), _mm512_extracti64x4_epi64::<1>(packed)];
        let edges = left.count_ones() as usize;
        let Some(room) = out[count..].first_chunk_mut::<BLOCK>() else { break };
        for (half, room) in halves.into_iter().zip(room.as_chunks_mut::<{ BLOCK / 2 }>().0) {
            let wide = _mm512_add_epi16(_mm512_cvtepu8_epi16(half), base);
            // SAFETY: the store is of 32 values of 16 bits, as many as there are in half of the room.
            unsafe { _mm512_storeu_si512(room.as_mut_ptr().cast(), wide) };
            if edges <= BLOCK / 2 {
                break;
            }
        }
        count += edges;
    }
    count
}

/// The bytes of the longest token that is hashed as two words.
const LONGEST: usize = 16;

/// What is known of tokens before their values are made.
#[derive(PartialEq)]
enum Found {
    /// None is longer than `LONGEST`, and 16 bytes of text stand behind each edge.
    Short,
    /// 16 bytes of text stand behind each edge.
    SomeLong,
    Beyond,
}

/// Looks at each token once, so that nothing is asked again where their values are made.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
fn look_at(text: &[u8], tokens: &[[u16; 2]]) -> Found {
    let (mut last, mut longest) = (_mm256_setzero_si256(), _mm256_setzero_si256());
    let mut look = |eight: &[[u16; 2]; 8]| {
        // SAFETY: the load is of eight pairs of 16 bits.
        let pairs = unsafe { _mm256_loadu_si256(eight.as_ptr().cast()) };
        last = _mm256_max_epu16(last, pairs);
        // Each end, less its start: a great number where it stands before it.
        longest = _mm256_max_epu32(longest, _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x0001_FFFF)));
    };
    tokens.as_chunks().0.iter().for_each(&mut look);
    if let Some(eight) = tokens.last_chunk() {
        look(eight);
    } else {
        let mut eight = [[0; 2]; 8];
        eight[..tokens.len()].copy_from_slice(tokens);
        look(&eight);
    }
    // Edges that are taken with a sign have 15 bits.
    let Some(most) = text.len().checked_sub(LONGEST).map(|most| most.min(i16::MAX as usize)) else {
        return Found::Beyond;
    };
    let (most, short) = (_mm256_set1_epi16(most as i16), _mm256_set1_epi32(LONGEST as i32));
    if _mm256_movemask_epi8(_mm256_cmpeq_epi16(_mm256_max_epu16(last, most), most)) != -1 {
        Found::Beyond
    } else if _mm256_movemask_epi8(_mm256_cmpeq_epi32(_mm256_max_epu32(longest, short), short)) != -1 {
        Found::SomeLong
    } else {
        Found::Short
    }
}

/// Whether the values were made already, since not all tokens are short or there are fewer than `N`: by `of_part`, each half
/// by itself, or one by one.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn made_otherwise<const N: usize>(
    seeds: &Seeds,
    text: &[u8],
    tokens: &[[u16; 2]],
    out: &mut Vec<u64>,
    of_part: impl Fn(&[[u16; 2]], &mut Vec<u64>),
) -> bool {
    match look_at(text, tokens) {
        Found::Short if tokens.len() >= N => return false,
        Found::SomeLong if tokens.len() >= 2 * N => {
            let (former, latter) = tokens.split_at(tokens.len() / 2);
            of_part(former, out);
            of_part(latter, out);
        }
        _ => text::token_values(seeds, text, tokens, out),
    }
    true
}

/// `kernel::token_values`, `N` side by side by `some`, which is given tokens that are short and room for their values.
///
/// The last `N` end with the row; what they share with those before is made twice.
#[inline(always)]
#[allow(unsafe_code)]
fn values_of_short<const N: usize>(
    tokens: &[[u16; 2]],
    out: &mut Vec<u64>,
    some: impl Fn(&[[u16; 2]; N], &mut [MaybeUninit<u64>; N]),
) {
    out.reserve(tokens.len());
    let room = &mut out.spare_capacity_mut()[..tokens.len()];
    let (mut at, last) = (0, tokens.len() - N);
    while let (Some(tokens), Some(to)) = (tokens[at..].first_chunk(), room[at..].first_chunk_mut()) {
        some(tokens, to);
        if at == last {
            break;
        }
        at = last.min(at + N);
    }
    // SAFETY: as many were written.
    unsafe { out.set_len(out.len() + tokens.len()) };
}

/// `kernel::token_values`: four tokens side by side, the product of 128 bits from four of 64, and two more one by one
/// meanwhile, since neither kind of units can do all that a processor may begin in a cycle.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
pub fn token_values_avx2(seeds: &Seeds, text: &[u8], tokens: &[[u16; 2]], out: &mut Vec<u64>) {
    const SIX: usize = 6;
    // What 16 bytes are masked with begins `length` before the zeros; aligned, so that no load spans two cache lines.
    #[repr(align(64))]
    struct Mask([u8; 2 * LONGEST]);
    static MASK: Mask = {
        let (mut mask, mut i) = ([0; 2 * LONGEST], 0);
        while i < LONGEST {
            mask[i] = u8::MAX;
            i += 1;
        }
        Mask(mask)
    };
    let of_part = |tokens: &[[u16; 2]], out: &mut Vec<u64>| token_values_avx2(seeds, text, tokens, out);
    if made_otherwise::<SIX>(seeds, text, tokens, out, of_part) {
        return;
    }
    let [first, second] = seeds.of_token().map(|s| all_avx2(s));
    let low = all_avx2(0xFFFF_FFFF);
    values_of_short::<SIX>(tokens, out, |six, to| {
        // SAFETY: the load is of four pairs of 16 bits.
        let pairs = unsafe { _mm_loadu_si128(six.as_ptr().cast()) };
        let lengths = _mm_madd_epi16(pairs, _mm_set1_epi32(0x0001_FFFF));
        // SAFETY: 16 bytes stand behind each edge, as `look_at` found, and lengths are 0 to 16. What `pairs` holds is read
        // again: taken out of the register, as the compiler would, it comes later.
        let kept = |token: &[u16; 2]| unsafe {
            let [from, to] = [&raw const token[0], &raw const token[1]].map(|edge| usize::from(edge.read_volatile()));
            let mask = MASK.0.as_ptr().add(LONGEST + from - to);
            _mm_and_si128(_mm_loadu_si128(mask.cast()), _mm_loadu_si128(text.as_ptr().add(from).cast()))
        };
        let both = |a, b| _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(kept(a)), kept(b));
        let (evens, odds) = (both(&six[0], &six[2]), both(&six[1], &six[3]));
        let a = _mm256_xor_si256(_mm256_unpacklo_epi64(evens, odds), first);
        let b = _mm256_xor_si256(_mm256_unpackhi_epi64(evens, odds), second);
        let b = _mm256_xor_si256(b, _mm256_cvtepu32_epi64(lengths));
        // a b = near + 2^32 (a_high b + a b_high) + 2^64 far, summed so that no lane overflows.
        let (a_high, b_high) = (high_avx2(a), high_avx2(b));
        let near = _mm256_mul_epu32(a, b);
        let mid = _mm256_add_epi64(_mm256_mul_epu32(a_high, b), high_avx2(near));
        let other = _mm256_add_epi64(_mm256_mul_epu32(a, b_high), _mm256_and_si256(mid, low));
        let far = _mm256_add_epi64(_mm256_mul_epu32(a_high, b_high), high_avx2(mid));
        let upper = _mm256_add_epi64(far, high_avx2(other));
        let lower = _mm256_blend_epi32::<0b1010_1010>(near, _mm256_slli_epi64::<32>(other));
        let turned = _mm256_or_si256(_mm256_slli_epi64::<29>(a), _mm256_srli_epi64::<35>(a));
        let values = _mm256_add_epi64(_mm256_xor_si256(lower, upper), _mm256_add_epi64(b, turned));
        // SAFETY: the store is of four values of six.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), values) };
        for (to, [from, end]) in to[4..].iter_mut().zip(&six[4..]) {
            let (from, end) = (usize::from(*from), usize::from(*end));
            // SAFETY: as above.
            let (low, high) = unsafe {
                assert_unchecked(from <= end && end - from <= LONGEST && from + LONGEST <= text.len());
                text::first_bytes(&*text.as_ptr().add(from).cast(), end - from)
            };
            to.write(seeds.token16(low, high, (end - from) as u64));
        }
    });
}

/// `kernel::token_values`: eight tokens side by side, as under AVX2.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
pub fn token_values_avx512(seeds: &Seeds, text: &[u8], tokens: &[[u16; 2]], out: &mut Vec<u64>) {
    const EIGHT: usize = 8;
    let of_part = |tokens: &[[u16; 2]], out: &mut Vec<u64>| token_values_avx512(seeds, text, tokens, out);
    if made_otherwise::<EIGHT>(seeds, text, tokens, out, of_part) {
        return;
    }
    let [first, second] = seeds.of_token().map(|s| _mm512_set1_epi64(s as i64));
    let (ones, low) = (_mm512_set1_epi64(-1), _mm512_set1_epi64(0xFFFF_FFFF));
    let high = |x| _mm512_srli_epi64::<32>(x);
    values_of_short::<EIGHT>(tokens, out, |eight, to| {
        // SAFETY: the load is of eight pairs of 16 bits.
        let pairs = unsafe { _mm256_loadu_si256(eight.as_ptr().cast()) };
        // Each end, less its start.
        let lengths = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x0001_FFFF));
        // SAFETY: 16 bytes stand behind each edge, as `look_at` found. What `pairs` holds is read again: taken out
        // of the register, as the compiler would, it comes later.
        let sixteen = |i: usize| unsafe {
            let from = usize::from((&raw const eight[i][0]).read_volatile());
            _mm_loadu_si128(text.as_ptr().add(from).cast())
        };
        let four = |i: usize| {
            let two = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(sixteen(i)), sixteen(i + 2));
            let three = _mm512_inserti64x2::<2>(_mm512_castsi256_si512(two), sixteen(i + 4));
            _mm512_inserti64x2::<3>(three, sixteen(i + 6))
        };
        let (evens, odds) = (four(0), four(1));
        let lengths = _mm512_cvtepu32_epi64(lengths);
        let bits = _mm512_slli_epi64::<3>(lengths);
        // What lies behind a token; a shift by 64 or more leaves nothing. Then (x & !behind) ^ seed at once.
        let behind = _mm512_sllv_epi64(ones, bits);
        let behind_eight = _mm512_sllv_epi64(ones, _mm512_subs_epu16(bits, _mm512_set1_epi64(64)));
        let a = _mm512_ternarylogic_epi64::<0xA6>(behind, _mm512_unpacklo_epi64(evens, odds), first);
        let b = _mm512_unpackhi_epi64(evens, odds);
        let b = _mm512_ternarylogic_epi64::<0xA6>(behind_eight, b, _mm512_xor_si512(second, lengths));
        // As under AVX2.
        let (a_high, b_high) = (high(a), high(b));
        let near = _mm512_mul_epu32(a, b);
        let mid = _mm512_add_epi64(_mm512_mul_epu32(a_high, b), high(near));
        let other = _mm512_add_epi64(_mm512_mul_epu32(a, b_high), _mm512_and_si512(mid, low));
        let far = _mm512_add_epi64(_mm512_mul_epu32(a_high, b_high), high(mid));
        let upper = _mm512_add_epi64(far, high(other));
        let lower = _mm512_mask_shuffle_epi32::<0b10_10_00_00>(near, 0xAAAA, other);
        let values = _mm512_add_epi64(_mm512_xor_si512(lower, upper), _mm512_add_epi64(b, _mm512_rol_epi64::<29>(a)));
        // SAFETY: the store is of eight values.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), values) };
    });
}
