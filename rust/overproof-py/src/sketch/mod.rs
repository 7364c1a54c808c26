//! Texts, shingle sets and users' hashes to sketches; unions; the sketch file.

mod array;
mod params;
mod rows;
mod set;

pub use array::SketchArray;
pub use params::SketchParams;
pub use set::SetSketch;

use crate::error::PyR;
use crate::exec;
use crate::input::{Policy, TextBatch, Threads, int64, is_arrow, uint64, uint64_rows};
use crate::shingle::{ShingleParams, ShingleSets};
use overproof_core::error::{Error, Result};
use overproof_core::exec::Job;
use overproof_core::sketch::{self, HashRows, SketchArray as Dense, TextRows};
use pyo3::prelude::*;

/// Run short work without the interpreter.
fn detached<T: Send>(py: Python<'_>, work: impl FnOnce(&Job<'_>) -> Result<T> + Send) -> PyR<T> {
    exec::run(py, None, work)
}

/// The instruction set that the kernels of this process run with.
#[pyfunction]
pub fn kernel_level() -> PyR<&'static str> {
    Ok(overproof_core::kernel::level()?.name())
}

/// Texts straight to MinHash or SimHash. Returns the sketches and the number of texts with replaced surrogates.
#[pyfunction]
#[pyo3(signature = (texts, shingler, params, missing, errors, threads))]
pub fn sketch_texts(
    py: Python<'_>,
    texts: &Bound<'_, PyAny>,
    shingler: &ShingleParams,
    params: &SketchParams,
    missing: &str,
    errors: &str,
    threads: Option<Threads>,
) -> PyR<(SketchArray, usize)> {
    let batch = TextBatch::extract(texts, "texts", Policy::parse(missing, errors)?)?;
    let rows = TextRows { texts: batch.texts(), params: &shingler.inner };
    rows.check()?;
    let made = exec::run(py, threads, |job| sketch::sketch(job, &rows, params.inner.clone(), None))?;
    Ok((made.into(), batch.replaced))
}

/// Shingle sets to MinHash or SimHash; `weights` for the scheme simhash-weighted.
#[pyfunction]
#[pyo3(signature = (sets, params, weights, threads))]
pub fn sketch_sets(
    py: Python<'_>,
    sets: &Bound<'_, ShingleSets>,
    params: &SketchParams,
    weights: Option<&Bound<'_, PyAny>>,
    threads: Option<Threads>,
) -> PyR<SketchArray> {
    let sets = &*sets.get().inner;
    let params = params.inner.clone();
    let weights = weights.map(|w| int32(w, "weights")).transpose()?;
    let made = exec::run(py, threads, |job| {
        if params.scheme.is_simhash() {
            sketch::simhash::of_sets(job, sets, weights.as_deref(), params)
        } else {
            sketch::sketch(job, sets, params, None)
        }
    })?;
    Ok(made.into())
}

/// Integers that fit in 32 bits.
fn int32(value: &Bound<'_, PyAny>, name: &str) -> PyR<Vec<i32>> {
    let wide = int64(value, name)?;
    let narrow = |(at, v): (usize, &i64)| {
        i32::try_from(*v).map_err(|_| Error::input(format!("{name}: value {v} at {at} does not fit in int32")))
    };
    Ok(wide.iter().enumerate().map(narrow).collect::<Result<_>>()?)
}

/// Hashes of the user's tokens to the MinHash schemes of datasketch, with its multipliers and offsets.
#[pyfunction]
#[pyo3(signature = (hashes, indptr, a, b, params, threads))]
pub fn sketch_hashes(
    py: Python<'_>,
    hashes: &Bound<'_, PyAny>,
    indptr: &Bound<'_, PyAny>,
    a: &Bound<'_, PyAny>,
    b: &Bound<'_, PyAny>,
    params: &SketchParams,
    threads: Option<Threads>,
) -> PyR<SketchArray> {
    let (hashes, indptr) = (uint64(hashes, "hashes")?, int64(indptr, "indptr")?);
    let (a, b) = (uint64(a, "a")?, uint64(b, "b")?);
    let rows = HashRows::new(&indptr, &hashes)?;
    let params = params.inner.clone();
    let made = exec::run(py, threads, |job| sketch::sketch(job, &rows, params, Some((&a, &b))))?;
    Ok(made.into())
}

/// Rows of MinHash values that exist already: one after the other, or as an Arrow column of lists.
#[pyfunction]
#[pyo3(signature = (values, params))]
pub fn sketch_values(py: Python<'_>, values: &Bound<'_, PyAny>, params: &SketchParams) -> PyR<SketchArray> {
    let width = params.inner.size as usize;
    let values = if is_arrow(values)? { uint64_rows(values, "values", width)? } else { uint64(values, "values")? };
    Ok(detached(py, |_| Dense::of_values(params.inner.clone(), &values))?.into())
}

/// Shingle sets to FracMinHash.
#[pyfunction]
#[pyo3(signature = (sets, params, threads))]
pub fn fracminhash_sets(
    py: Python<'_>,
    sets: &Bound<'_, ShingleSets>,
    params: &SketchParams,
    threads: Option<Threads>,
) -> PyR<SetSketch> {
    let sets = &*sets.get().inner;
    let params = params.inner.clone();
    Ok(exec::run(py, threads, |job| sketch::fracminhash::of_sets(job, sets, params))?.into())
}
