//! What this machine does just now in plain loops of Rust, and shingling without a sketch. Benchmarks scale by the one
//! and subtract the other; nothing else calls this file.

use crate::error::PyR;
use crate::exec;
use crate::input::{Policy, TextBatch, Threads};
use crate::shingle::ShingleParams;
use overproof_core::kernel::memory::{prefetch, with_huge_pages};
use overproof_core::shingle::Shingler;
use overproof_core::shingle::hash::splitmix64;
use overproof_core::sketch::{Rows, TextRows};
use pyo3::prelude::*;
use std::hint::black_box;
use std::ops::Range;
use std::time::Instant;

/// `std::str::from_utf8` over `data`, `repeats` times, shared out among threads as all work is; whether it is UTF-8.
#[pyfunction]
#[pyo3(signature = (data, repeats, threads))]
pub fn yardstick_utf8(py: Python<'_>, data: &[u8], repeats: usize, threads: Option<Threads>) -> PyR<bool> {
    let checks = |turns: Range<usize>| Ok(turns.into_iter().all(|_| std::str::from_utf8(black_box(data)).is_ok()));
    let parts = exec::run(py, threads, |job| job.chunks(repeats, |_| data.len(), checks))?;
    Ok(parts.into_iter().all(|right| right))
}

/// A chain of `steps` multiplications of 64 bits, each of which waits for the one before.
#[pyfunction]
pub fn yardstick_multiply(py: Python<'_>, steps: u64) -> u64 {
    py.detach(|| (0..steps).fold(black_box(3u64), |x, _| black_box(0x9E37_79B9_7F4A_7C15_u64).wrapping_mul(x)))
}

/// Nanoseconds a line to read `steps` cache lines, in no order, of `mebibytes` of memory in huge pages, each asked for 64 steps
/// before: the least of `passes`. The clock is here, since to touch that memory first takes longer than to read it.
#[pyfunction]
pub fn yardstick_lines(py: Python<'_>, mebibytes: usize, steps: u64, passes: u32) -> f64 {
    const AHEAD: u64 = 64;
    py.detach(|| {
        let mut lines = with_huge_pages(mebibytes << 14);
        lines.resize(mebibytes << 14, [1u64; 8]);
        let place = |step: u64| ((u128::from(splitmix64(1, step)) * lines.len() as u128) >> 64) as usize;
        let pass = |from: u64| {
            let started = Instant::now();
            let sum = (from..from + steps).fold(0, |sum: u64, step| {
                prefetch(&lines[place(step + AHEAD)]);
                sum.wrapping_add(lines[place(step)][0])
            });
            black_box(sum);
            started.elapsed().as_secs_f64() * 1e9 / steps as f64
        };
        (0..u64::from(passes)).map(|i| pass(i * steps)).fold(f64::INFINITY, f64::min)
    })
}

/// How many bytes all texts have together: what it costs to hand them over, and nothing else.
#[pyfunction]
pub fn crossing_only(texts: &Bound<'_, PyAny>) -> PyR<usize> {
    let batch = TextBatch::extract(texts, "texts", Policy::parse("refuse", "strict")?)?;
    Ok(batch.texts().iter().map(|text| text.map_or(0, str::len)).sum())
}

/// Sums side by side, so that less than a tenth of the time is theirs.
const LANES: usize = 16;

/// XOR `hashes` into `sums`. On its own: what it is compiled to must not depend on what it would be inlined into.
#[inline(never)]
fn add_up(sums: &mut [u64; LANES], hashes: &[u64]) {
    let (blocks, rest) = hashes.as_chunks::<LANES>();
    *sums = blocks.iter().fold(*sums, |sums, block| std::array::from_fn(|i| sums[i] ^ block[i]));
    sums[0] = rest.iter().fold(sums[0], |x, h| x ^ h);
}

/// The XOR of all shingle hashes of all texts: what is left of a fused sketch when the sketch is taken away.
#[pyfunction]
#[pyo3(signature = (texts, shingler, threads))]
pub fn shingle_only(
    py: Python<'_>,
    texts: &Bound<'_, PyAny>,
    shingler: &ShingleParams,
    threads: Option<Threads>,
) -> PyR<u64> {
    let batch = TextBatch::extract(texts, "texts", Policy::parse("refuse", "strict")?)?;
    let rows = TextRows { texts: batch.texts(), params: &shingler.inner };
    rows.check()?;
    let parts = exec::run(py, threads, |job| {
        job.chunks(
            rows.len(),
            |i| rows.weight(i),
            |range| {
                let (mut shingler, mut sums) = (Shingler::new(rows.params), [0; LANES]);
                for i in range {
                    rows.feed(i, &mut shingler, |hashes| add_up(&mut sums, hashes));
                }
                Ok(sums.into_iter().fold(0, |x, sum| x ^ sum))
            },
        )
    })?;
    Ok(parts.into_iter().fold(0, |x, part| x ^ part))
}
