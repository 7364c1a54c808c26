//! Scores of sets and sketches, common spans of texts, parameters of LSH.

use crate::error::PyR;
use crate::exec;
use crate::input::{Policy, TextBatch, Threads, int64};
use crate::output;
use crate::shingle::ShingleSets;
use crate::sketch::{SetSketch, SketchArray};
use arrow_array::types::{Int32Type, Int64Type};
use numpy::{PyArray1, PyArray2, PyReadonlyArray1};
use overproof_core::error::{Error, Result};
use overproof_core::exec::Job;
use overproof_core::params::{Analyzer, Normalization, fingerprint};
use overproof_core::score::bounds::{self, Trials};
use overproof_core::score::ngrams::NgramMatch;
use overproof_core::score::sketches::SketchMetric;
use overproof_core::score::texts::{Places, SpanColumns, SpanParams, text_ngrams, text_spans};
use overproof_core::score::{SetMetric, Value, lsh, sets, sketches};
use overproof_core::shingle::ShingleSets as Sets;
use overproof_core::sketch::{SetSketch as Kept, SketchArray as Dense};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};
use std::sync::Arc;

/// Two batches of one kind.
enum Pair {
    Sets(Arc<Sets>, Arc<Sets>),
    Kept(Arc<Kept>, Arc<Kept>),
    Dense(Arc<Dense>, Arc<Dense>),
}

impl Pair {
    fn extract(a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> PyR<Self> {
        if let (Ok(a), Ok(b)) = (a.cast::<ShingleSets>(), b.cast::<ShingleSets>()) {
            return Ok(Pair::Sets(Arc::clone(&a.get().inner), Arc::clone(&b.get().inner)));
        }
        if let (Ok(a), Ok(b)) = (a.cast::<SetSketch>(), b.cast::<SetSketch>()) {
            return Ok(Pair::Kept(Arc::clone(&a.get().inner), Arc::clone(&b.get().inner)));
        }
        if let (Ok(a), Ok(b)) = (a.cast::<SketchArray>(), b.cast::<SketchArray>()) {
            return Ok(Pair::Dense(Arc::clone(&a.get().inner), Arc::clone(&b.get().inner)));
        }
        Err(Error::input(format!(
            "a is a {} and b is a {}; give two ShingleSets (Shingler().transform(texts)), two SketchArrays \
             (MinHash().sketch(texts), SimHash().sketch(texts)) or two SetSketches (FracMinHash().sketch(texts))",
            a.get_type().name()?,
            b.get_type().name()?
        ))
        .into())
    }

    fn scores(&self, job: &Job<'_>, metric: &str) -> Result<Vec<f64>> {
        match self {
            Pair::Sets(a, b) => sets::rowwise(job, SetMetric::parse(metric)?, &(&**a).into(), &(&**b).into()),
            Pair::Kept(a, b) => sets::rowwise(job, SetMetric::parse(metric)?, &(&**a).into(), &(&**b).into()),
            Pair::Dense(a, b) => sketches::rowwise(job, SketchMetric::parse(metric, a.params.scheme)?, a, b),
        }
    }

    fn matrix<T: Value>(&self, job: &Job<'_>, metric: &str) -> Result<Vec<T>> {
        match self {
            Pair::Sets(a, b) => sets::cdist(job, SetMetric::parse(metric)?, &(&**a).into(), &(&**b).into()),
            Pair::Kept(a, b) => sets::cdist(job, SetMetric::parse(metric)?, &(&**a).into(), &(&**b).into()),
            Pair::Dense(a, b) => sketches::cdist(job, SketchMetric::parse(metric, a.params.scheme)?, a, b),
        }
    }

    fn trials(&self, job: &Job<'_>, metric: &str) -> Result<Trials> {
        match self {
            Pair::Sets(a, b) => bounds::of_sets(job, SetMetric::parse(metric)?, &(&**a).into(), &(&**b).into()),
            Pair::Kept(a, b) => bounds::of_kept(job, SetMetric::parse(metric)?, a, b),
            Pair::Dense(a, b) => {
                SketchMetric::parse(metric, a.params.scheme)?;
                bounds::of_sketches(job, a, b)
            }
        }
    }

    /// Rows of each side.
    fn shape(&self) -> (usize, usize) {
        match self {
            Pair::Sets(a, b) => (a.len(), b.len()),
            Pair::Kept(a, b) => (a.len(), b.len()),
            Pair::Dense(a, b) => (a.len(), b.len()),
        }
    }
}

/// Row i of a against row i of b.
#[pyfunction]
#[pyo3(signature = (a, b, metric, threads))]
pub fn score<'py>(
    py: Python<'py>,
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    metric: &str,
    threads: Option<Threads>,
) -> PyR<Bound<'py, PyArray1<f64>>> {
    let pair = Pair::extract(a, b)?;
    Ok(output::array(py, exec::run(py, threads, |job| pair.scores(job, metric))?))
}

/// Containment of FracMinHash, unbiased over all rows.
#[pyfunction]
#[pyo3(signature = (a, b, threads))]
pub fn containment_debiased<'py>(
    py: Python<'py>,
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    threads: Option<Threads>,
) -> PyR<Bound<'py, PyArray1<f64>>> {
    let Pair::Kept(a, b) = Pair::extract(a, b)? else {
        return Err(Error::input("debias=True is for FracMinHash: here nothing was left out that could bias").into());
    };
    Ok(output::array(py, exec::run(py, threads, |job| sets::containment_debiased(job, &a, &b))?))
}

/// Hamming distance of SimHash rows.
#[pyfunction]
#[pyo3(signature = (a, b, threads))]
pub fn hamming<'py>(
    py: Python<'py>,
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    threads: Option<Threads>,
) -> PyR<Bound<'py, PyArray1<u32>>> {
    let Pair::Dense(a, b) = Pair::extract(a, b)? else {
        return Err(Error::input("hamming needs SimHash sketches: SimHash().sketch(texts)").into());
    };
    SketchMetric::parse("hamming", a.params.scheme)?;
    Ok(output::array(py, exec::run(py, threads, |job| sketches::hamming(job, &a, &b))?))
}

/// Columns of [`Trials`].
type TrialArrays<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<bool>>);

/// Numerators, denominators, and whether the score is exact.
#[pyfunction]
#[pyo3(signature = (a, b, metric, threads))]
pub fn score_trials<'py>(
    py: Python<'py>,
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    metric: &str,
    threads: Option<Threads>,
) -> PyR<TrialArrays<'py>> {
    let pair = Pair::extract(a, b)?;
    let found = exec::run(py, threads, |job| pair.trials(job, metric))?;
    Ok((output::array(py, found.successes), output::array(py, found.trials), output::array(py, found.exact)))
}

/// Every row of a against every row of b, in float32.
#[pyfunction]
#[pyo3(signature = (a, b, metric, threads))]
pub fn cdist_float32<'py>(
    py: Python<'py>,
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    metric: &str,
    threads: Option<Threads>,
) -> PyR<Bound<'py, PyArray2<f32>>> {
    let pair = Pair::extract(a, b)?;
    output::matrix(py, exec::run(py, threads, |job| pair.matrix(job, metric))?, pair.shape())
}

/// Every row of a against every row of b, in float64.
#[pyfunction]
#[pyo3(signature = (a, b, metric, threads))]
pub fn cdist_float64<'py>(
    py: Python<'py>,
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    metric: &str,
    threads: Option<Threads>,
) -> PyR<Bound<'py, PyArray2<f64>>> {
    let pair = Pair::extract(a, b)?;
    output::matrix(py, exec::run(py, threads, |job| pair.matrix(job, metric))?, pair.shape())
}

/// Runs of tokens that two texts share, one row a span, sorted by pair and then by place in the left text.
///
/// Offsets count from the start of the text as it was given, in UTF-8 bytes (``left_start``) and in code points
/// (``left_start_char``). Every column is a read-only view, and the whole leaves as an Arrow stream.
#[pyclass(frozen, module = "overproof._core")]
pub struct Spans {
    /// The core's columns.
    pub inner: Arc<SpanColumns>,
    /// The canonical parameter string.
    pub params: String,
}

/// A column of int64.
type Column<'py> = PyR<Bound<'py, PyArray1<i64>>>;

#[pymethods]
impl Spans {
    /// Index of the pair, int64.
    #[getter]
    fn row<'py>(slf: &Bound<'py, Self>) -> Column<'py> {
        output::view(slf.as_any(), &slf.get().inner.row)
    }

    /// First byte in the left text, int64.
    #[getter]
    fn left_start<'py>(slf: &Bound<'py, Self>) -> Column<'py> {
        output::view(slf.as_any(), &slf.get().inner.left.start)
    }

    /// One past the last byte in the left text, int64.
    #[getter]
    fn left_end<'py>(slf: &Bound<'py, Self>) -> Column<'py> {
        output::view(slf.as_any(), &slf.get().inner.left.end)
    }

    /// First byte in the right text, int64.
    #[getter]
    fn right_start<'py>(slf: &Bound<'py, Self>) -> Column<'py> {
        output::view(slf.as_any(), &slf.get().inner.right.start)
    }

    /// One past the last byte in the right text, int64.
    #[getter]
    fn right_end<'py>(slf: &Bound<'py, Self>) -> Column<'py> {
        output::view(slf.as_any(), &slf.get().inner.right.end)
    }

    /// First code point in the left text, int64.
    #[getter]
    fn left_start_char<'py>(slf: &Bound<'py, Self>) -> Column<'py> {
        output::view(slf.as_any(), &slf.get().inner.left.start_char)
    }

    /// One past the last code point in the left text, int64.
    #[getter]
    fn left_end_char<'py>(slf: &Bound<'py, Self>) -> Column<'py> {
        output::view(slf.as_any(), &slf.get().inner.left.end_char)
    }

    /// First code point in the right text, int64.
    #[getter]
    fn right_start_char<'py>(slf: &Bound<'py, Self>) -> Column<'py> {
        output::view(slf.as_any(), &slf.get().inner.right.start_char)
    }

    /// One past the last code point in the right text, int64.
    #[getter]
    fn right_end_char<'py>(slf: &Bound<'py, Self>) -> Column<'py> {
        output::view(slf.as_any(), &slf.get().inner.right.end_char)
    }

    /// Length in tokens, int32.
    #[getter]
    fn tokens<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<i32>>> {
        output::view(slf.as_any(), &slf.get().inner.tokens)
    }

    /// The canonical parameter string.
    #[getter]
    fn params(&self) -> &str {
        &self.params
    }

    /// Fingerprint of the parameters.
    #[getter]
    fn fingerprint(&self) -> u64 {
        fingerprint(&self.params)
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    fn __repr__(&self) -> String {
        format!("<Spans: {} common runs; {}>", self.inner.len(), self.params)
    }

    /// All columns as an Arrow stream of one batch.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyR<Bound<'py, PyCapsule>> {
        // The interface lets a producer that cannot convert hand out its own types.
        let _ = requested_schema;
        let wide = self.inner.wide().map(|(name, values)| (name, output::column::<Int64Type>(values)));
        let tokens = ("tokens", output::column::<Int32Type>(&self.inner.tokens));
        output::stream(py, wide.into_iter().chain([tokens]).collect())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, State<'py>)> {
        let (py, columns) = (slf.py(), &slf.get().inner);
        let wide = columns.wide().into_iter().map(|(_, values)| output::array(py, values.to_vec())).collect();
        let state = (wide, output::array(py, columns.tokens.clone()), slf.get().params.clone());
        Ok((slf.get_type().getattr("_from_state")?, state))
    }

    #[staticmethod]
    fn _from_state(wide: Vec<Bound<'_, PyAny>>, tokens: PyReadonlyArray1<'_, i32>, params: String) -> PyR<Self> {
        let broken = || Error::Format("the pickled Spans do not fit together".to_owned());
        let tokens = tokens.as_array().to_vec();
        let wide = wide.iter().map(|column| int64(column, "column")).collect::<PyR<Vec<Vec<i64>>>>()?;
        if wide.iter().any(|column| column.len() != tokens.len()) {
            return Err(broken().into());
        }
        let wide: [Vec<i64>; 9] = wide.try_into().map_err(|_| broken())?;
        let [row, start, end, right_start, right_end, start_char, end_char, right_start_char, right_end_char] = wide;
        let left = Places { start, end, start_char, end_char };
        let right =
            Places { start: right_start, end: right_end, start_char: right_start_char, end_char: right_end_char };
        Ok(Spans { inner: Arc::new(SpanColumns { row, left, right, tokens }), params })
    }
}

type State<'py> = (Vec<Bound<'py, PyArray1<i64>>>, Bound<'py, PyArray1<i32>>, String);

/// Common spans of row i of a and row i of b. Returns the spans and the number of texts with replaced surrogates.
#[pyfunction]
#[pyo3(signature = (a, b, masks, min_tokens, mask_n, analyzer, normalization, missing, errors, threads))]
#[allow(clippy::too_many_arguments)] // the keywords of the Python function
pub fn common_spans(
    py: Python<'_>,
    a: &Bound<'_, PyAny>,
    b: &Bound<'_, PyAny>,
    masks: Option<&Bound<'_, PyAny>>,
    min_tokens: u32,
    mask_n: usize,
    analyzer: &str,
    normalization: &str,
    missing: &str,
    errors: &str,
    threads: Option<Threads>,
) -> PyR<(Spans, usize)> {
    let params = SpanParams::new(min_tokens, mask_n, Analyzer::parse(analyzer)?, Normalization::parse(normalization)?)?;
    let policy = Policy::parse(missing, errors)?;
    let (a, b) = (TextBatch::extract(a, "a_texts", policy)?, TextBatch::extract(b, "b_texts", policy)?);
    // No mask is a plain thing to have.
    let policy = Policy { keep_missing: true, ..policy };
    let masks = masks.map(|masks| TextBatch::extract(masks, "masks", policy)).transpose()?;
    let texts = masks.as_ref().map(TextBatch::texts);
    let columns = exec::run(py, threads, |job| text_spans(job, a.texts(), b.texts(), texts, &params))?;
    let replaced = a.replaced + b.replaced + masks.as_ref().map_or(0, |masks| masks.replaced);
    Ok((Spans { inner: Arc::new(columns), params: params.canonical() }, replaced))
}

/// N-grams that row i of a and row i of b share, as columns by name; `missing` marks rows without both texts.
#[pyfunction]
#[pyo3(signature = (a, b, masks, n, analyzer, normalization, missing, errors, threads))]
#[allow(clippy::too_many_arguments)] // the keywords of the Python function
pub fn ngram_match<'py>(
    py: Python<'py>,
    a: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    masks: Option<&Bound<'py, PyAny>>,
    n: usize,
    analyzer: &str,
    normalization: &str,
    missing: &str,
    errors: &str,
    threads: Option<Threads>,
) -> PyR<Bound<'py, PyDict>> {
    let params = SpanParams::new(1, n, Analyzer::parse(analyzer)?, Normalization::parse(normalization)?)?;
    let policy = Policy::parse(missing, errors)?;
    let (a, b) = (TextBatch::extract(a, "a_texts", policy)?, TextBatch::extract(b, "b_texts", policy)?);
    let policy = Policy { keep_missing: true, ..policy };
    let masks = masks.map(|masks| TextBatch::extract(masks, "masks", policy)).transpose()?;
    let texts = masks.as_ref().map(TextBatch::texts);
    let found = exec::run(py, threads, |job| text_ngrams(job, a.texts(), b.texts(), texts, &params))?;
    let count = |of: fn(&NgramMatch) -> usize| {
        output::array(py, found.iter().map(|m| m.as_ref().map_or(0, of) as i64).collect())
    };
    let share =
        |of: fn(&NgramMatch) -> f64| output::array(py, found.iter().map(|m| m.as_ref().map_or(f64::NAN, of)).collect());
    let out = PyDict::new(py);
    out.set_item("ngrams", count(|m| m.ngrams))?;
    out.set_item("containment_of_a", share(NgramMatch::containment_of_suspect))?;
    out.set_item("containment_of_b", share(NgramMatch::containment_of_served))?;
    out.set_item("coverage_of_a", share(NgramMatch::coverage))?;
    out.set_item("longest_run", count(|m| m.longest_run as usize))?;
    Ok(out)
}

/// Bands and rows that reach a recall at a threshold.
#[pyfunction]
#[pyo3(signature = (threshold, num_perm, recall))]
pub fn lsh_params(threshold: f64, num_perm: u32, recall: f64) -> PyR<(u32, u32)> {
    let chosen = lsh::lsh_params(threshold, num_perm, recall)?;
    Ok((chosen.bands, chosen.rows))
}

/// Probability of a common band at each similarity.
#[pyfunction]
#[pyo3(signature = (similarities, bands, rows))]
pub fn collision_probability<'py>(
    py: Python<'py>,
    similarities: PyReadonlyArray1<'py, f64>,
    bands: u32,
    rows: u32,
) -> Bound<'py, PyArray1<f64>> {
    output::array(py, similarities.as_array().iter().map(|s| lsh::collision_probability(*s, bands, rows)).collect())
}
