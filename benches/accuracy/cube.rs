//! `cube`, a MinHash scheme that multiplies four times a shingle instead of k: a prototype, not part of the library.
//!
//! Values of k = 8 L: value[s][l] = min over h of A_l(high half of h) + sum over j in s of c_j * (low half of h) mod 2^32,
//! with A_l(x) = a_l x + b_l and s the subsets of {0, 1, 2}. Built by `rustc` alone; benches/accuracy/cube.py runs it:
//!
//!     cube count SCHEME N M FIRST SEEDS     2 N sets of M hashes from stdin; equal values of each pair, u32[SEEDS, N], out
//!     cube time                             nanoseconds a shingle of both schemes, as JSON

use std::hint::black_box;
use std::io::{Read, Result, Write};
use std::time::Instant;

const K: usize = 128;
const BLOCK: usize = 256;
type Row = [u32; K];

fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*state ^ *state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

fn fmix(mut x: u32) -> u32 {
    x = (x ^ x >> 16).wrapping_mul(0x85EB_CA6B);
    x = (x ^ x >> 13).wrapping_mul(0xC2B2_AE35);
    x ^ x >> 16
}

/// Multipliers and offsets of either scheme.
struct Drawn {
    a: Row,
    b: Row,
    c: [u32; 3],
}

impl Drawn {
    fn new(seed: u64) -> Self {
        let mut state = seed ^ u64::from_le_bytes(*b"MINHASH1");
        let (mut a, mut b) = ([0; K], [0; K]);
        for (a, b) in a.iter_mut().zip(&mut b) {
            let drawn = splitmix(&mut state);
            (*a, *b) = (drawn as u32 | 1, (drawn >> 32) as u32);
        }
        Drawn { a, b, c: std::array::from_fn(|_| splitmix(&mut state) as u32 | 1) }
    }
}

type Scheme = fn(&Drawn, &[u64], &mut Row);

/// The shipped formula, L lanes at a time.
fn affine<const L: usize>(drawn: &Drawn, hashes: &[u64], out: &mut Row) {
    let mut xs = [0; BLOCK];
    for block in hashes.chunks(BLOCK) {
        for (x, h) in xs.iter_mut().zip(block) {
            *x = fmix((h >> 32) as u32);
        }
        for at in (0..K).step_by(L) {
            let lanes = |from: &Row| -> [u32; L] { std::array::from_fn(|i| from[at + i]) };
            let (a, b, mut least) = (lanes(&drawn.a), lanes(&drawn.b), lanes(out));
            for x in &xs[..block.len()] {
                for i in 0..L {
                    least[i] = least[i].min(a[i].wrapping_mul(*x).wrapping_add(b[i]));
                }
            }
            out[at..at + L].copy_from_slice(&least);
        }
    }
}

/// L of the K / 8 lanes at a time, under all eight subsets.
fn cube<const L: usize>(drawn: &Drawn, hashes: &[u64], out: &mut Row) {
    let mut high = [0; BLOCK];
    let mut low = [0; BLOCK];
    let mut sums = [[0; BLOCK]; 8];
    for block in hashes.chunks(BLOCK) {
        for ((x, y), h) in high.iter_mut().zip(&mut low).zip(block) {
            (*x, *y) = ((h >> 32) as u32, *h as u32);
        }
        for (s, sums) in sums.iter_mut().enumerate() {
            let of = |j: usize| if s >> j & 1 == 1 { drawn.c[j] } else { 0 };
            let c = of(0).wrapping_add(of(1)).wrapping_add(of(2)); // (c_i + c_j) y = c_i y + c_j y
            for (sum, y) in sums.iter_mut().zip(&low) {
                *sum = c.wrapping_mul(*y);
            }
        }
        for at in (0..K / 8).step_by(L) {
            let a: [u32; L] = std::array::from_fn(|i| drawn.a[at + i]);
            let b: [u32; L] = std::array::from_fn(|i| drawn.b[at + i]);
            let rows = |s: usize| -> [u32; L] { std::array::from_fn(|i| out[s * K / 8 + at + i]) };
            // Eight variables, not an array of arrays: those the compiler keeps in registers.
            let (mut r0, mut r1, mut r2, mut r3) = (rows(0), rows(1), rows(2), rows(3));
            let (mut r4, mut r5, mut r6, mut r7) = (rows(4), rows(5), rows(6), rows(7));
            for (at, x) in high[..block.len()].iter().enumerate() {
                for i in 0..L {
                    let base = a[i].wrapping_mul(*x).wrapping_add(b[i]);
                    r0[i] = r0[i].min(base);
                    r1[i] = r1[i].min(base.wrapping_add(sums[1][at]));
                    r2[i] = r2[i].min(base.wrapping_add(sums[2][at]));
                    r3[i] = r3[i].min(base.wrapping_add(sums[3][at]));
                    r4[i] = r4[i].min(base.wrapping_add(sums[4][at]));
                    r5[i] = r5[i].min(base.wrapping_add(sums[5][at]));
                    r6[i] = r6[i].min(base.wrapping_add(sums[6][at]));
                    r7[i] = r7[i].min(base.wrapping_add(sums[7][at]));
                }
            }
            for (s, row) in [r0, r1, r2, r3, r4, r5, r6, r7].iter().enumerate() {
                out[s * K / 8 + at..][..L].copy_from_slice(row);
            }
        }
    }
}

/// Double hashing: value_i = min of high half + i * low half. Quick, and a trap: see the kurtosis of its error.
fn double(drawn: &Drawn, hashes: &[u64], out: &mut Row) {
    for h in hashes {
        let (high, step) = (fmix((h >> 32) as u32 ^ drawn.b[0]), fmix(*h as u32 ^ drawn.b[1]));
        for (i, least) in (0..).zip(out.iter_mut()) {
            *least = (*least).min(step.wrapping_mul(i).wrapping_add(high));
        }
    }
}

/// Equal values of each pair under each seed.
fn count(scheme: Scheme, [n, m, first, seeds]: [usize; 4]) -> Result<()> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let hashes: Vec<u64> = bytes.as_chunks().0.iter().map(|b| u64::from_le_bytes(*b)).collect();
    assert_eq!(hashes.len(), 2 * n * m);
    let mut out = std::io::stdout().lock();
    for seed in first..first + seeds {
        let drawn = Drawn::new(seed as u64);
        let row = |set: &[u64]| {
            let mut row = [u32::MAX; K];
            scheme(&drawn, set, &mut row);
            row
        };
        for (a, b) in hashes[..n * m].chunks(m).zip(hashes[n * m..].chunks(m)) {
            let equal = row(a).iter().zip(&row(b)).filter(|(a, b)| a == b).count();
            out.write_all(&(equal as u32).to_le_bytes())?;
        }
    }
    Ok(())
}

/// Best of 400 interleaved runs over ten sets of 1,000 hashes.
fn time() {
    let schemes: [(&str, Scheme); 9] = [
        ("affine32, 16", affine::<16>),
        ("affine32, 32", affine::<32>),
        ("affine32, 64", affine::<64>),
        ("affine32, 128", affine::<128>),
        ("cube, 1", cube::<1>),
        ("cube, 2", cube::<2>),
        ("cube, 4", cube::<4>),
        ("cube, 8", cube::<8>),
        ("cube, 16", cube::<16>),
    ];
    let mut state = 1;
    let hashes: Vec<u64> = (0..10_000).map(|_| splitmix(&mut state)).collect();
    let drawn = black_box(Drawn::new(1));
    let mut best = [f64::MAX; 9];
    for _ in 0..400 {
        for (best, (_, scheme)) in best.iter_mut().zip(&schemes) {
            let start = Instant::now();
            for set in hashes.chunks(1000) {
                let mut row = [u32::MAX; K];
                scheme(&drawn, black_box(set), &mut row);
                black_box(&row);
            }
            *best = best.min(start.elapsed().as_nanos() as f64 / hashes.len() as f64);
        }
    }
    let made: Vec<String> = schemes.iter().zip(best).map(|((name, _), ns)| format!("\"{name}\": {ns:.3}")).collect();
    println!("{{{}}}", made.join(", "));
}

fn main() -> Result<()> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let numbers = |from: &[String]| -> [usize; 4] { std::array::from_fn(|i| from[i].parse().expect("a number")) };
    match given[0].as_str() {
        "count" => {
            let scheme = match given[1].as_str() {
                "cube" => cube::<8>,
                "double" => double,
                _ => affine::<64>,
            };
            count(scheme, numbers(&given[2..]))
        }
        _ => {
            time();
            Ok(())
        }
    }
}
