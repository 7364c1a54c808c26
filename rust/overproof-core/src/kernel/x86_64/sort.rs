//! Sorting under AVX-512: of each hash the top bits and its number in the row make a key of 32 bits, a network of comparisons
//! in registers orders the keys, and the hashes are fetched by their numbers. Rows too long are parted bit by bit first.

use crate::kernel::{self, sort::Room};
use std::arch::x86_64::*;
use std::mem::MaybeUninit;

/// Values of 64 bits in a register, and keys of 32.
const LANES: usize = 8;
const KEYS: usize = 16;
/// As many values as a byte numbers.
const MOST: usize = 256;
/// Bits of a value that are in its key.
const DIGIT: u32 = 24;
/// Of more values than these bins are quicker: each parting in two goes through all of them.
const PARTED: usize = 4 * MOST;

/// The first `count` lanes.
#[inline(always)]
fn first(count: usize) -> __mmask8 {
    (0xFF_u32 >> LANES.saturating_sub(count)) as __mmask8
}

/// Some of eight values; what is not there is the greatest.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
fn load(from: &[u64]) -> __m512i {
    // SAFETY: lanes past the end of `from` are not read.
    unsafe { _mm512_mask_loadu_epi64(_mm512_set1_epi64(-1), first(from.len()), from.as_ptr().cast()) }
}

/// As many of eight values as there are places.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
fn store(eight: __m512i, to: &mut [u64]) {
    // SAFETY: lanes past the end of `to` are not written.
    unsafe { _mm512_mask_storeu_epi64(to.as_mut_ptr().cast(), first(to.len()), eight) };
}

/// `kernel::sort`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
pub fn sort_avx512(from: &[u64], sorted: &mut Vec<u64>, room: &mut Room) {
    if from.len() > PARTED {
        return kernel::sort::sort(from, sorted, room);
    }
    sorted.clear();
    append(from, room, sorted);
}

/// `kernel::append_set`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
pub fn append_set_avx512(from: &[u64], sorted: &mut Vec<u64>, room: &mut Room, out: &mut Vec<u64>) {
    let start = out.len();
    let once = if from.len() > PARTED {
        kernel::sort::sort(from, sorted, room);
        out.extend_from_slice(sorted);
        false
    } else {
        append(from, room, out)
    };
    if !once {
        let kept = keep_once(&mut out[start..]);
        out.truncate(start + kept);
    }
}

/// Append at most [`PARTED`] values in ascending order; whether each is known to be there once.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
fn append(from: &[u64], room: &mut Room, out: &mut Vec<u64>) -> bool {
    let end = out.len() + from.len();
    if from.len() > MOST {
        room.spare.resize(from.len().max(room.spare.len()), 0);
        let spare = &mut room.spare[..from.len()];
        // Hashes differ in the first bit.
        let low = part(from, spare, u64::BITS - 1);
        let start = out.len();
        out.resize(end, 0);
        return halves(spare, &mut out[start..], low, false);
    }
    out.reserve(from.len());
    let once = few(from, &mut out.spare_capacity_mut()[..from.len()]);
    // SAFETY: `few` wrote as many values as there are in `from`, to where `out` ended.
    unsafe { out.set_len(end) };
    once
}

/// Sort both halves of what `low` parts: values that are in `sorted` if `there`, else in `spare`. Whether each is known to be
/// there once.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
fn halves(spare: &mut [u64], sorted: &mut [u64], low: usize, there: bool) -> bool {
    let (spare, sorted) = (spare.split_at_mut(low), sorted.split_at_mut(low));
    let mut once = true;
    for (spare, sorted) in [(spare.0, sorted.0), (spare.1, sorted.1)] {
        once &= if sorted.len() <= MOST {
            if there {
                spare.copy_from_slice(sorted);
            }
            // SAFETY: the same places, and `few` only ever writes values there.
            few(spare, unsafe { &mut *(std::ptr::from_mut(sorted) as *mut [MaybeUninit<u64>]) })
        } else {
            let (from, to) = if there { (&*sorted, &mut *spare) } else { (&*spare, &mut *sorted) };
            if let Some(bit) = highest_difference(from) {
                let low = part(from, to, bit);
                halves(spare, sorted, low, !there)
            } else {
                if !there {
                    sorted.copy_from_slice(spare);
                }
                false
            }
        };
    }
    once
}

/// The highest bit that not all of the values have alike; `None` where they are equal.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
fn highest_difference(values: &[u64]) -> Option<u32> {
    let first = values.first()?;
    values.iter().fold(0, |differ, value| differ | (value ^ first)).checked_ilog2()
}

/// Write to `to` the values that do not have `bit` and then, in no order, the others; returns how many do not.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
fn part(from: &[u64], to: &mut [u64], bit: u32) -> usize {
    let bit = _mm512_set1_epi64((1u64 << bit) as i64);
    let (mut low, mut high) = (0, to.len());
    for eight in from.chunks(LANES) {
        let all = first(eight.len());
        let values = load(eight);
        let above = _mm512_mask_test_epi64_mask(all, values, bit);
        let below = all & !above;
        let ends = (low + below.count_ones() as usize, high - above.count_ones() as usize);
        store(_mm512_maskz_compress_epi64(below, values), &mut to[low..ends.0]);
        store(_mm512_maskz_compress_epi64(above, values), &mut to[ends.1..high]);
        (low, high) = ends;
    }
    low
}

/// Move values that ascend to the front, each once; returns how many these are.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
fn keep_once(ascending: &mut [u64]) -> usize {
    let Some(least) = ascending.first() else { return 0 };
    // Before the first stands another.
    let mut before = _mm512_set1_epi64(!*least as i64);
    let mut end = 0;
    for at in (0..ascending.len()).step_by(LANES) {
        let values = load(&ascending[at..ascending.len().min(at + LANES)]);
        let all = first(ascending.len() - at);
        let new = _mm512_mask_cmpneq_epu64_mask(all, values, _mm512_alignr_epi64::<7>(values, before));
        let count = new.count_ones() as usize;
        store(_mm512_maskz_compress_epi64(new, values), &mut ascending[end..end + count]);
        end += count;
        before = values;
    }
    end
}

/// Write [`MOST`] values at the most to `to`, which has as many places, in ascending order; whether each is known to be
/// there once.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
fn few(from: &[u64], to: &mut [MaybeUninit<u64>]) -> bool {
    let once = by_digit(from, to, 0);
    // SAFETY: `by_digit` writes all of `to`.
    if !once && !ascends(unsafe { written(to) }) {
        by_all_digits(from, to);
    }
    once
}

/// Places that hold values, which the caller knows: all of them were written.
#[allow(unsafe_code)]
unsafe fn written(places: &[MaybeUninit<u64>]) -> &[u64] {
    // SAFETY: the layouts are the same, and the caller wrote the values.
    unsafe { &*(std::ptr::from_ref(places) as *const [u64]) }
}

/// Whether no value is less than the one before.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
fn ascends(values: &[u64]) -> bool {
    let next = values.get(1..).unwrap_or_default();
    let falls =
        |(next, before): (&[u64], _)| _mm512_mask_cmplt_epu64_mask(first(next.len()), load(next), load(before)) > 0;
    !next.chunks(LANES).zip(values.chunks(LANES)).any(falls)
}

/// Write the values of `from` to `to` in ascending order where top bits do not tell: by the lowest digit, the next and the
/// top one, each of which keeps the order that it finds among equals.
#[cold]
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
fn by_all_digits(from: &[u64], to: &mut [MaybeUninit<u64>]) {
    let mut between = [MaybeUninit::new(0); MOST];
    let between = &mut between[..from.len()];
    by_digit(from, to, u64::BITS - DIGIT);
    // SAFETY: `by_digit` writes all of `to`.
    by_digit(unsafe { written(to) }, between, DIGIT);
    // SAFETY: as above.
    by_digit(unsafe { written(between) }, to, 0);
}

/// Write the values of `from` to `to`, as many places, in order of their [`DIGIT`] top bits after `turned` bits were turned
/// from the top to the bottom, else in the order in which they came. Whether each value is known to be less than the next.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
fn by_digit(from: &[u64], to: &mut [MaybeUninit<u64>], turned: u32) -> bool {
    match from.len().div_ceil(KEYS) {
        0..=2 => in_registers::<2>(from, to, turned),
        3..=4 => in_registers::<4>(from, to, turned),
        5..=8 => in_registers::<8>(from, to, turned),
        _ => in_registers::<16>(from, to, turned),
    }
}

/// The same of `KEYS * R` values at the most.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
fn in_registers<const R: usize>(from: &[u64], to: &mut [MaybeUninit<u64>], turned: u32) -> bool {
    assert!(from.len() <= KEYS * R && from.len() == to.len());
    // What is not there comes last: its bits are all ones, and its number, if there is such, is greater than theirs.
    let mut v = [_mm512_set1_epi32(-1); R];
    let tops = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    let mut numbers = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    for (v, some) in v.iter_mut().zip(from.chunks(KEYS)) {
        let (one, two) = some.split_at(some.len().min(LANES));
        let (mut one, mut two) = (load(one), load(two));
        if turned > 0 {
            let turned = _mm512_set1_epi64(turned.into());
            (one, two) = (_mm512_rolv_epi64(one, turned), _mm512_rolv_epi64(two, turned));
        }
        let key = _mm512_permutex2var_epi32(one, tops, two);
        // Bits of the number where the mask has ones, of the value elsewhere.
        *v = _mm512_ternarylogic_epi32::<0b1101_1000>(key, numbers, _mm512_set1_epi32(0xFF));
        numbers = _mm512_add_epi32(numbers, _mm512_set1_epi32(KEYS as i32));
    }
    network(&mut v);
    let mut bytes = [[0; 64]; R];
    last_bytes(&v, &mut bytes);
    let (eights, rest) = (from.len() / LANES, from.len() % LANES);
    let mut before = _mm512_setzero_si512();
    let mut not_greater = 0;
    let mut fetch = |at: usize, numbers: &[u8; LANES], all: __mmask8| {
        let numbers = _mm512_cvtepu8_epi64(_mm_set_epi64x(0, i64::from_le_bytes(*numbers)));
        // SAFETY: the first `from.len()` of the keys in order are those of `from`, whose numbers are less than its length;
        // lanes past these are not read.
        let values = unsafe { _mm512_mask_i64gather_epi64::<8>(before, all, numbers, from.as_ptr().cast()) };
        // SAFETY: `to` is as long as `from`, and lanes past its end are not written.
        unsafe { _mm512_mask_storeu_epi64(to[at..].as_mut_ptr().cast(), all, values) };
        not_greater |= _mm512_mask_cmple_epu64_mask(all, values, _mm512_alignr_epi64::<7>(values, before));
        before = values;
    };
    let numbers = bytes.as_flattened().as_chunks::<LANES>().0;
    for (i, numbers) in numbers[..eights].iter().enumerate() {
        fetch(LANES * i, numbers, 0xFF);
    }
    if rest > 0 {
        fetch(LANES * eights, &numbers[eights], first(rest));
    }
    not_greater == 0
}

/// Sort `KEYS * R` keys: each lane by itself, then pairs of lanes, fours, eights and all, by bitonic merges. Key number i of
/// what is sorted stands in register i % R of lane i / R, the lane's four bits reversed.
///
/// A merge compares what differs in one bit of the place, from the highest bit to the lowest. Bits that say which half of the
/// registers are compared without a shuffle; a bit of the lane takes the place of that bit, which moves to the lane, and
/// the next merge knows it there: no key is moved back.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
fn network<const R: usize>(v: &mut [__m512i; R]) {
    columns(v);
    mirror::<R, 1>(v);
    exchange::<R, 1>(v);
    within(v);
    mirror::<R, 2>(v);
    exchange::<R, 1>(v);
    exchange::<R, 2>(v);
    within(v);
    mirror::<R, 4>(v);
    exchange::<R, 1>(v);
    exchange::<R, 2>(v);
    exchange::<R, 4>(v);
    within(v);
    mirror::<R, 8>(v);
    exchange::<R, 1>(v);
    exchange::<R, 2>(v);
    exchange::<R, 4>(v);
    exchange::<R, 8>(v);
    within(v);
}

/// The lesser and the greater of each two keys.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
fn ordered(a: __m512i, b: __m512i) -> (__m512i, __m512i) {
    (_mm512_min_epu32(a, b), _mm512_max_epu32(a, b))
}

/// Written out, so that registers stay registers.
macro_rules! orders {
    ($v:ident, $($a:literal $b:literal),*) => {{ $(($v[$a], $v[$b]) = ordered($v[$a], $v[$b]);)* }};
}

/// Sort each lane: the networks of 1, 5 and 19 comparisons, and of 60 (Green).
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
fn columns<const R: usize>(v: &mut [__m512i; R]) {
    match R {
        2 => orders!(v, 0 1),
        4 => orders!(v, 0 2, 1 3, 0 1, 2 3, 1 2),
        8 => orders!(
            v, 0 2, 1 3, 4 6, 5 7, 0 4, 1 5, 2 6, 3 7, 0 1, 2 3, 4 5, 6 7, 2 4, 3 5, 1 4, 3 6, 1 2, 3 4, 5 6
        ),
        _ => orders!(
            v, 0 1, 2 3, 4 5, 6 7, 8 9, 10 11, 12 13, 14 15, 0 2, 1 3, 4 6, 5 7, 8 10, 9 11, 12 14, 13 15, 0 4, 1 5, 2 6, 3 7,
            8 12, 9 13, 10 14, 11 15, 0 8, 1 9, 2 10, 3 11, 4 12, 5 13, 6 14, 7 15, 5 10, 6 9, 3 12, 13 14, 4 8, 7 11, 1 2,
            1 4, 7 13, 2 8, 11 14, 2 4, 5 6, 9 10, 11 13, 3 8, 7 12, 6 8, 10 12, 3 5, 7 9, 3 4, 5 6, 7 8, 9 10, 11 12, 6 7, 8 9
        ),
    }
}

/// Sort each half of each lane, which is bitonic.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
fn within<const R: usize>(v: &mut [__m512i; R]) {
    if R == 16 {
        orders!(v, 0 4, 1 5, 2 6, 3 7, 8 12, 9 13, 10 14, 11 15);
    }
    if R >= 8 {
        orders!(v, 0 2, 1 3, 4 6, 5 7);
    }
    if R == 16 {
        orders!(v, 8 10, 9 11, 12 14, 13 15);
    }
    if R >= 4 {
        orders!(v, 0 1, 2 3);
    }
    if R >= 8 {
        orders!(v, 4 5, 6 7);
    }
    if R == 16 {
        orders!(v, 8 9, 10 11, 12 13, 14 15);
    }
}

/// Lanes of `x` without `BIT`, each followed, `BIT` lanes later, by that of `y`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
fn without<const BIT: usize>(x: __m512i, y: __m512i) -> __m512i {
    match BIT {
        1 => _mm512_mask_shuffle_epi32::<0b10_11_00_01>(x, 0b1010_1010_1010_1010, y),
        2 => _mm512_unpacklo_epi64(x, y),
        4 => _mm512_mask_permutex_epi64::<0b01_00_11_10>(x, 0b1100_1100, y),
        _ => _mm512_shuffle_i64x2::<0b01_00_01_00>(x, y),
    }
}

/// The same of lanes with `BIT`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
fn with<const BIT: usize>(x: __m512i, y: __m512i) -> __m512i {
    match BIT {
        1 => _mm512_mask_shuffle_epi32::<0b10_11_00_01>(y, 0b0101_0101_0101_0101, x),
        2 => _mm512_unpackhi_epi64(x, y),
        4 => _mm512_mask_permutex_epi64::<0b01_00_11_10>(y, 0b0011_0011, x),
        _ => _mm512_shuffle_i64x2::<0b11_10_11_10>(x, y),
    }
}

/// Order keys that differ in `BIT` of the lane, which changes places with the half of the registers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
fn exchange<const R: usize, const BIT: usize>(v: &mut [__m512i; R]) {
    for i in 0..R / 2 {
        let (x, y) = (v[i], v[i + R / 2]);
        (v[i], v[i + R / 2]) = ordered(without::<BIT>(x, y), with::<BIT>(x, y));
    }
}

/// The same of keys that stand opposite each other in twice `BIT` lanes and all registers: what was sorted twice becomes
/// bitonic.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
fn mirror<const R: usize, const BIT: usize>(v: &mut [__m512i; R]) {
    // For lanes without the bit those opposite in the second register, for the others in the first one.
    let lane =
        |i: i32| if i & BIT as i32 == 0 { KEYS as i32 + (i ^ (2 * BIT as i32 - 1)) } else { i ^ (BIT as i32 - 1) };
    let [a, b, c, d] = [0, 4, 8, 12].map(|i| [lane(i), lane(i + 1), lane(i + 2), lane(i + 3)]);
    let opposite = _mm512_set_epi32(
        d[3], d[2], d[1], d[0], c[3], c[2], c[1], c[0], b[3], b[2], b[1], b[0], a[3], a[2], a[1], a[0],
    );
    let was = *v;
    for i in 0..R / 2 {
        let second = _mm512_permutex2var_epi32(was[R / 2 - 1 - i], opposite, was[R - 1 - i]);
        (v[i], v[R - 1 - i]) = ordered(without::<BIT>(was[i], was[i + R / 2]), second);
    }
}

/// The last byte of each key, in the order that `network` makes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
fn last_bytes<const R: usize>(v: &[__m512i; R], bytes: &mut [[u8; 64]; R]) {
    // Those of four registers side by side, lane by lane.
    let mut fours = [_mm512_setzero_si512(); 4];
    for (four, v) in fours.iter_mut().zip(v.chunks(4)) {
        *four = v[0];
        for (i, v) in v.iter().enumerate().skip(1) {
            let last = _mm512_set4_epi32(0x0C0C_0C0C, 0x0808_0808, 0x0404_0404, 0);
            *four = _mm512_mask_shuffle_epi8(*four, 0x1111_1111_1111_1111 << i, *v, last);
        }
    }
    for (i, bytes) in bytes.iter_mut().enumerate().take(R.div_ceil(4)) {
        let from = (const { [places::<R>(0), places::<R>(1), places::<R>(2), places::<R>(3)] })[i];
        // SAFETY: 64 bytes are read.
        let from = unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
        let mut of = _mm512_permutex2var_epi8(fours[0], from, fours[1]);
        if R == 16 {
            let second = _mm512_permutex2var_epi8(fours[2], from, fours[3]);
            of = _mm512_mask_mov_epi8(of, 0xFF00_FF00_FF00_FF00, second);
        }
        // SAFETY: 64 bytes are written.
        unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), of) };
    }
}

/// Where in two of the `fours` of `last_bytes` the bytes from number `64 * part` on stand.
const fn places<const R: usize>(part: usize) -> [u8; 64] {
    let mut places = [0; 64];
    let mut i = 0;
    while i < 64 {
        let number = 64 * part + i;
        let (lane, register) = ((number / R % KEYS) as u8, number % R);
        places[i] = (64 * (register / 4 % 2) + register % 4) as u8 + 4 * (lane.reverse_bits() >> 4);
        i += 1;
    }
    places
}
