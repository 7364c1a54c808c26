//! Sorting under AVX-512: values are parted bit by bit until few enough are left for a network of comparisons in registers.

use crate::kernel::{self, sort::Room};
use std::arch::x86_64::*;

/// Values of 64 bits in a register.
const LANES: usize = 8;
/// Registers of the smaller and of the larger network.
const SMALL: usize = 8;
const LARGE: usize = 16;
/// The values of a larger one.
const MOST: usize = LANES * LARGE;

/// The first `count` lanes.
#[inline(always)]
fn first(count: usize) -> __mmask8 {
    (0xFF_u32 >> LANES.saturating_sub(count)) as __mmask8
}

/// Some of eight values; what is not there is the greatest.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
fn load(from: &[u64]) -> __m512i {
    // SAFETY: lanes past the end of `from` are not read.
    unsafe { _mm512_mask_loadu_epi64(_mm512_set1_epi64(-1), first(from.len()), from.as_ptr().cast()) }
}

/// As many of eight values as there are places.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
#[allow(unsafe_code)]
fn store(eight: __m512i, to: &mut [u64]) {
    // SAFETY: lanes past the end of `to` are not written.
    unsafe { _mm512_mask_storeu_epi64(to.as_mut_ptr().cast(), first(to.len()), eight) };
}

/// Of more values than these bins are quicker: each parting in two goes through all of them.
const PARTED: usize = 4 * MOST;

/// `kernel::sort`.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
pub fn sort_avx512(from: &[u64], sorted: &mut Vec<u64>, room: &mut Room) {
    if from.len() > PARTED {
        return kernel::sort::sort(from, sorted, room);
    }
    sorted.resize(from.len(), 0);
    if from.len() <= MOST {
        return few(from, sorted);
    }
    room.spare.resize(from.len().max(room.spare.len()), 0);
    let spare = &mut room.spare[..from.len()];
    let low = part(from, spare, u64::BITS - 1);
    halves(spare, sorted, low, false, u64::BITS - 1);
}

/// Sort both halves of what `low` parts: values that are in `sorted` if `there`, else in `spare`, and that differ in their
/// last `bits` bits only.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn halves(spare: &mut [u64], sorted: &mut [u64], low: usize, there: bool, bits: u32) {
    let (spare, sorted) = (spare.split_at_mut(low), sorted.split_at_mut(low));
    for (spare, sorted) in [(spare.0, sorted.0), (spare.1, sorted.1)] {
        if sorted.len() <= MOST || bits == 0 {
            if there {
                spare.copy_from_slice(sorted);
            }
            if bits == 0 { sorted.copy_from_slice(spare) } else { few(spare, sorted) }
        } else if there {
            let low = part(sorted, spare, bits - 1);
            halves(spare, sorted, low, false, bits - 1);
        } else {
            let low = part(spare, sorted, bits - 1);
            halves(spare, sorted, low, true, bits - 1);
        }
    }
}

/// Write to `to` the values that do not have `bit` and then, in no order, the others; returns how many do not.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
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

/// Sort [`MOST`] values at the most.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn few(from: &[u64], to: &mut [u64]) {
    if from.len() <= LANES * SMALL { network::<SMALL>(from, to) } else { network::<LARGE>(from, to) }
}

/// Sort `LANES * R` values at the most: each lane by itself, then pairs of lanes, fours, and all eight, by bitonic merges.
/// Value number i of what is sorted stands in lane i / R of register i % R, so that most comparisons need no shuffle.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn network<const R: usize>(from: &[u64], to: &mut [u64]) {
    // Lanes that take the greater of two values: every second one, and so on.
    const SECOND: [__mmask8; 3] = [0b1010_1010, 0b1100_1100, 0b1111_0000];
    let mut v = [_mm512_set1_epi64(-1); R];
    for (v, eight) in v.iter_mut().zip(from.chunks(LANES)) {
        *v = load(eight);
    }
    columns(&mut v);
    let next = |v| _mm512_shuffle_epi32::<0b01_00_11_10>(v);
    let second_next = |v| _mm512_permutex_epi64::<0b01_00_11_10>(v);
    mirror(&mut v, SECOND[0], next);
    within(&mut v);
    mirror(&mut v, SECOND[1], |v| _mm512_permutex_epi64::<0b00_01_10_11>(v));
    across(&mut v, SECOND[0], next);
    within(&mut v);
    mirror(&mut v, SECOND[2], |v| _mm512_permutexvar_epi64(_mm512_set_epi64(0, 1, 2, 3, 4, 5, 6, 7), v));
    across(&mut v, SECOND[1], second_next);
    across(&mut v, SECOND[0], next);
    within(&mut v);
    for (at, eight) in (0..).step_by(LANES).zip(v.as_chunks::<LANES>().0) {
        for (lane, eight) in transposed(eight).into_iter().enumerate() {
            let at = R * lane + at;
            if at < to.len() {
                let end = to.len().min(at + LANES);
                store(eight, &mut to[at..end]);
            }
        }
    }
}

/// The lesser of two registers to the first, the greater to the second.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn order<const R: usize>(v: &mut [__m512i; R], a: usize, b: usize) {
    (v[a], v[b]) = (_mm512_min_epu64(v[a], v[b]), _mm512_max_epu64(v[a], v[b]));
}

/// Written out, so that registers stay registers.
macro_rules! orders {
    ($v:ident, $($a:literal $b:literal),*) => { $(order($v, $a, $b);)* };
}

/// Sort each lane: the networks of 19 comparisons, and of 60 (Green).
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn columns<const R: usize>(v: &mut [__m512i; R]) {
    if R == SMALL {
        orders!(
            v, 0 2, 1 3, 4 6, 5 7, 0 4, 1 5, 2 6, 3 7, 0 1, 2 3, 4 5, 6 7, 2 4, 3 5, 1 4, 3 6, 1 2, 3 4, 5 6
        );
    } else {
        orders!(
            v, 0 1, 2 3, 4 5, 6 7, 8 9, 10 11, 12 13, 14 15, 0 2, 1 3, 4 6, 5 7, 8 10, 9 11, 12 14, 13 15, 0 4, 1 5, 2 6, 3 7,
            8 12, 9 13, 10 14, 11 15, 0 8, 1 9, 2 10, 3 11, 4 12, 5 13, 6 14, 7 15, 5 10, 6 9, 3 12, 13 14, 4 8, 7 11, 1 2,
            1 4, 7 13, 2 8, 11 14, 2 4, 5 6, 9 10, 11 13, 3 8, 7 12, 6 8, 10 12, 3 5, 7 9, 3 4, 5 6, 7 8, 9 10, 11 12, 6 7, 8 9
        );
    }
}

/// Sort each lane that is bitonic.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn within<const R: usize>(v: &mut [__m512i; R]) {
    if R == LARGE {
        orders!(v, 0 8, 1 9, 2 10, 3 11, 4 12, 5 13, 6 14, 7 15, 8 12, 9 13, 10 14, 11 15);
    }
    orders!(v, 0 4, 1 5, 2 6, 3 7, 0 2, 1 3, 4 6, 5 7, 0 1, 2 3, 4 5, 6 7);
    if R == LARGE {
        orders!(v, 8 10, 9 11, 12 14, 13 15, 8 9, 10 11, 12 13, 14 15);
    }
}

/// Order values whose lanes `partner` exchanges; lanes of `greater` take the greater one.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn across<const R: usize>(v: &mut [__m512i; R], greater: __mmask8, partner: impl Fn(__m512i) -> __m512i) {
    for v in v {
        let other = partner(*v);
        *v = _mm512_mask_max_epu64(_mm512_min_epu64(*v, other), greater, *v, other);
    }
}

/// The same of values that stand opposite each other in registers too: what was sorted twice becomes bitonic.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn mirror<const R: usize>(v: &mut [__m512i; R], greater: __mmask8, partner: impl Fn(__m512i) -> __m512i) {
    for i in 0..R / 2 {
        let (one, other) = (v[i], partner(v[R - 1 - i]));
        let (least, most) = (_mm512_min_epu64(one, other), _mm512_max_epu64(one, other));
        v[i] = _mm512_mask_mov_epi64(least, greater, most);
        v[R - 1 - i] = partner(_mm512_mask_mov_epi64(most, greater, least));
    }
}

/// Lanes for registers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn transposed(v: &[__m512i; LANES]) -> [__m512i; LANES] {
    // Even and odd lanes of two registers, and even and odd pairs of lanes.
    let lanes = |a, b| [_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b)];
    let pairs = |a, b| [_mm512_shuffle_i64x2::<0b10_00_10_00>(a, b), _mm512_shuffle_i64x2::<0b11_01_11_01>(a, b)];
    let two = [lanes(v[0], v[1]), lanes(v[2], v[3]), lanes(v[4], v[5]), lanes(v[6], v[7])];
    // From lanes 0 and 4, 1 and 5, 2 and 6, 3 and 7, of four registers each.
    let four = [0, 1].map(|odd| [pairs(two[0][odd], two[1][odd]), pairs(two[2][odd], two[3][odd])]);
    let of = |odd: usize, second: usize| pairs(four[odd][0][second], four[odd][1][second]);
    let [zero, four_] = of(0, 0);
    let [one, five] = of(1, 0);
    let [two_, six] = of(0, 1);
    let [three, seven] = of(1, 1);
    [zero, one, two_, three, four_, five, six, seven]
}

/// `kernel::append_once`: eight values beside those before them.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
pub fn append_once_avx512(ascending: &[u64], out: &mut Vec<u64>) {
    let Some((least, rest)) = ascending.split_first() else { return };
    let mut end = out.len() + 1;
    out.reserve(ascending.len());
    out.push(*least);
    out.resize(end + rest.len(), 0);
    for (next, before) in rest.chunks(LANES).zip(ascending.chunks(LANES)) {
        let values = load(next);
        let new = first(next.len()) & _mm512_cmpneq_epu64_mask(values, load(&before[..next.len()]));
        let count = new.count_ones() as usize;
        store(_mm512_maskz_compress_epi64(new, values), &mut out[end..end + count]);
        end += count;
    }
    out.truncate(end);
}
