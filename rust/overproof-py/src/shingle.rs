//! Texts and users' tokens to shingle sets.

use crate::error::PyR;
use crate::exec;
use crate::input::{Policy, TextBatch, Threads, int64, uint64};
use crate::output;
use crate::rows::{row_of, rows_in, rows_of};
use numpy::PyArray1;
use overproof_core::error::Error;
use overproof_core::params::{Analyzer, Normalization, ShingleParams as Params};
use overproof_core::shingle::build::{self, Tokens};
use overproof_core::shingle::set::ShingleSets as Sets;
use pyo3::prelude::*;
use pyo3::types::{PySlice, PyTuple};
use std::sync::Arc;

/// How texts become shingle hashes; equal parameters have equal fingerprints.
#[pyclass(frozen, module = "overproof._core", eq, from_py_object)]
#[derive(Clone, PartialEq)]
pub struct ShingleParams {
    /// The core's parameters.
    pub inner: Params,
}

#[pymethods]
impl ShingleParams {
    #[new]
    #[pyo3(signature = (n, analyzer, normalization, seed, lists="keep"))]
    fn new(n: Vec<u8>, analyzer: &str, normalization: &str, seed: u64, lists: &str) -> PyR<Self> {
        let analyzer = match analyzer.strip_prefix("named:") {
            Some(name) => Analyzer::Named(name.to_owned()),
            None => Analyzer::parse(analyzer)?,
        };
        let inner = Params::new(n, analyzer, Normalization::parse(normalization)?, seed)?;
        let inner = match lists {
            "keep" => inner,
            "both" => inner.with_both_lists()?,
            _ => return Err(Error::input(format!("lists={lists:?} is unknown; give keep or both")).into()),
        };
        Ok(ShingleParams { inner })
    }

    #[getter]
    fn n<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.inner.n)
    }

    #[getter]
    fn analyzer(&self) -> String {
        self.inner.analyzer.to_string()
    }

    #[getter]
    fn normalization(&self) -> String {
        self.inner.normalization.to_string()
    }

    #[getter]
    fn seed(&self) -> u64 {
        self.inner.seed
    }

    #[getter]
    fn lists(&self) -> &'static str {
        if self.inner.both_lists { "both" } else { "keep" }
    }

    #[getter]
    fn fingerprint(&self) -> u64 {
        self.inner.fingerprint()
    }

    fn __str__(&self) -> String {
        self.inner.canonical()
    }

    fn __repr__(&self) -> String {
        format!("ShingleParams({})", self.inner.canonical())
    }

    fn __hash__(&self) -> u64 {
        self.inner.fingerprint()
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Vec<u16>, String, String, u64, &'static str))> {
        let p = &slf.get().inner;
        let n = p.n.iter().map(|n| u16::from(*n)).collect();
        Ok((
            slf.get_type().into_any(),
            (n, p.analyzer.to_string(), p.normalization.to_string(), p.seed, slf.get().lists()),
        ))
    }
}

/// Sets of shingle hashes in CSR form: row i is text i.
#[pyclass(frozen, module = "overproof._core")]
pub struct ShingleSets {
    /// The core's sets.
    pub inner: Arc<Sets>,
}

type State<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<u64>>,
    Option<Bound<'py, PyArray1<u32>>>,
    Bound<'py, PyArray1<bool>>,
    Bound<'py, PyArray1<bool>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<u32>>,
    Option<ShingleParams>,
    u64,
);

#[pymethods]
impl ShingleSets {
    #[getter]
    fn indptr<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<i64>>> {
        output::view(slf.as_any(), &slf.get().inner.indptr)
    }

    #[getter]
    fn hashes<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<u64>>> {
        output::view(slf.as_any(), &slf.get().inner.hashes)
    }

    #[getter]
    fn counts<'py>(slf: &Bound<'py, Self>) -> PyR<Option<Bound<'py, PyArray1<u32>>>> {
        slf.get().inner.counts.as_ref().map(|c| output::view(slf.as_any(), c)).transpose()
    }

    #[getter]
    fn short<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<bool>>> {
        output::view(slf.as_any(), &slf.get().inner.short)
    }

    #[getter]
    fn missing<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<bool>>> {
        output::view(slf.as_any(), &slf.get().inner.missing)
    }

    #[getter]
    fn tokens<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<u32>>> {
        output::view(slf.as_any(), &slf.get().inner.tokens)
    }

    #[getter]
    fn singles<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<u32>>> {
        output::view(slf.as_any(), &slf.get().inner.singles)
    }

    #[getter]
    fn params(&self) -> Option<ShingleParams> {
        self.inner.params.clone().map(|inner| ShingleParams { inner })
    }

    #[getter]
    fn fingerprint(&self) -> u64 {
        self.inner.fingerprint
    }

    /// Sets of the user's own hashes: rows must be sorted and unique.
    #[staticmethod]
    #[pyo3(signature = (indptr, hashes, *, counts=None, params=None))]
    fn from_hashes(
        indptr: &Bound<'_, PyAny>,
        hashes: &Bound<'_, PyAny>,
        counts: Option<&Bound<'_, PyAny>>,
        params: Option<ShingleParams>,
    ) -> PyR<Self> {
        let (indptr, hashes) = (int64(indptr, "indptr")?, uint64(hashes, "hashes")?);
        Sets::validate(&indptr, &hashes)?;
        let counts = counts.map(|c| counts_of(c, hashes.len())).transpose()?;
        let rows = indptr.len() - 1;
        let tokens = match &counts {
            None => indptr.windows(2).map(|w| (w[1] - w[0]) as u32).collect(),
            Some(c) => indptr
                .windows(2)
                .map(|w| c[w[0] as usize..w[1] as usize].iter().fold(0u32, |s, v| s.saturating_add(*v)))
                .collect(),
        };
        let params = params.map(|p| p.inner);
        let fingerprint = match &params {
            Some(p) => p.fingerprint(),
            None => overproof_core::params::fingerprint("overproof;hashes=user"),
        };
        let inner = Sets {
            indptr,
            hashes,
            counts,
            short: vec![false; rows],
            missing: vec![false; rows],
            singles: vec![0; rows],
            numbers: Vec::new(),
            sums: Vec::new(),
            tokens,
            params,
            fingerprint,
        };
        Ok(ShingleSets { inner: Arc::new(inner) })
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    fn __repr__(&self) -> String {
        let of = self.inner.params.as_ref().map_or("user's hashes".to_owned(), Params::canonical);
        format!("<ShingleSets of {} texts, {} shingles; {of}>", self.inner.len(), self.inner.hashes.len())
    }

    /// Row `index`, or the rows of a slice.
    fn __getitem__<'py>(slf: &Bound<'py, Self>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let sets = &slf.get().inner;
        if let Ok(slice) = index.cast::<PySlice>() {
            let rows: Vec<i64> = rows_of(slice, sets.len())?.into_iter().map(|row| row as i64).collect();
            return Ok(Bound::new(slf.py(), ShingleSets::taken(sets, &rows)?)?.into_any());
        }
        let row = row_of(index, sets.len())?;
        Ok(output::view(slf.as_any(), sets.row(row))?.into_any())
    }

    /// The rows at `rows`, in that order, or those of a mask, bool[n].
    fn take(&self, rows: &Bound<'_, PyAny>) -> PyR<Self> {
        ShingleSets::taken(&self.inner, &rows_in(rows, "rows", self.inner.len())?)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, State<'py>)> {
        let s = &slf.get().inner;
        let py = slf.py();
        let state = (
            output::array(py, s.indptr.clone()),
            output::array(py, s.hashes.clone()),
            s.counts.clone().map(|c| output::array(py, c)),
            output::array(py, s.short.clone()),
            output::array(py, s.missing.clone()),
            output::array(py, s.tokens.clone()),
            output::array(py, s.singles.clone()),
            slf.get().params(),
            s.fingerprint,
        );
        Ok((slf.get_type().getattr("_from_state")?, state))
    }

    #[staticmethod]
    #[allow(clippy::too_many_arguments)] // the fields of the class, for pickle
    fn _from_state(
        indptr: &Bound<'_, PyAny>,
        hashes: &Bound<'_, PyAny>,
        counts: Option<&Bound<'_, PyAny>>,
        short: Vec<bool>,
        missing: Vec<bool>,
        tokens: Vec<u32>,
        singles: Vec<u32>,
        params: Option<ShingleParams>,
        fingerprint: u64,
    ) -> PyR<Self> {
        let made = ShingleSets::from_hashes(indptr, hashes, counts, params)?;
        let inner = &made.inner;
        if fingerprint != inner.fingerprint
            || [short.len(), missing.len(), tokens.len(), singles.len()] != [inner.len(); 4]
        {
            return Err(Error::Format("the pickled ShingleSets do not fit together".to_owned()).into());
        }
        let inner = Sets { short, missing, tokens, singles, ..Sets::clone(inner) };
        Ok(ShingleSets { inner: Arc::new(inner) })
    }
}

impl ShingleSets {
    fn taken(sets: &Sets, rows: &[i64]) -> PyR<Self> {
        if let Some(row) = rows.iter().find(|r| **r < 0 || **r >= sets.len() as i64) {
            return Err(Error::input(format!("row {row} of {} rows", sets.len())).into());
        }
        Ok(ShingleSets { inner: Arc::new(sets.take(rows)) })
    }
}

fn counts_of(counts: &Bound<'_, PyAny>, expected: usize) -> PyR<Vec<u32>> {
    let counts = uint64(counts, "counts")?;
    if counts.len() != expected || counts.iter().any(|c| *c == 0 || *c > u64::from(u32::MAX)) {
        return Err(Error::input(format!("counts must hold {expected} values from 1 to {}", u32::MAX)).into());
    }
    Ok(counts.into_iter().map(|c| c as u32).collect())
}

/// Texts to sets. Returns the sets and the number of texts in which lone surrogates were replaced.
#[pyfunction]
#[pyo3(signature = (texts, params, counts, missing, errors, threads))]
pub fn shingle_texts(
    py: Python<'_>,
    texts: &Bound<'_, PyAny>,
    params: &ShingleParams,
    counts: bool,
    missing: &str,
    errors: &str,
    threads: Option<Threads>,
) -> PyR<(ShingleSets, usize)> {
    let batch = TextBatch::extract(texts, "texts", Policy::parse(missing, errors)?)?;
    let sets = exec::run(py, threads, |job| build::from_texts(batch.texts(), &params.inner, counts, job))?;
    Ok((ShingleSets { inner: Arc::new(sets) }, batch.replaced))
}

/// Texts to sets that know where n-grams of numbers may be; nulls stay, lone surrogates are replaced and counted.
#[pyfunction]
#[pyo3(signature = (texts, params, threads))]
pub fn shingle_texts_marking_numbers(
    py: Python<'_>,
    texts: &Bound<'_, PyAny>,
    params: &ShingleParams,
    threads: Option<Threads>,
) -> PyR<(ShingleSets, usize)> {
    let batch = TextBatch::extract(texts, "texts", Policy { keep_missing: true, replace: true })?;
    let sets = exec::run(py, threads, |job| build::from_texts_marking_numbers(batch.texts(), &params.inner, job))?;
    Ok((ShingleSets { inner: Arc::new(sets) }, batch.replaced))
}

/// Rows of token ids (uint32 or uint64) to sets.
#[pyfunction]
#[pyo3(signature = (ids, offsets, missing, params, counts, threads))]
pub fn shingle_ids(
    py: Python<'_>,
    ids: &Bound<'_, PyAny>,
    offsets: &Bound<'_, PyAny>,
    missing: Option<Vec<bool>>,
    params: &ShingleParams,
    counts: bool,
    threads: Option<Threads>,
) -> PyR<ShingleSets> {
    let (ids, offsets) = (uint64(ids, "ids")?, int64(offsets, "offsets")?);
    let missing = missing.unwrap_or_else(|| vec![false; offsets.len().saturating_sub(1)]);
    let sets = exec::run(py, threads, |job| {
        build::from_tokens(&Tokens::Ids(&ids), &offsets, missing, &params.inner, counts, job)
    })?;
    Ok(ShingleSets { inner: Arc::new(sets) })
}

/// Rows of token strings, flat with offsets, to sets.
#[pyfunction]
#[pyo3(signature = (tokens, offsets, missing, params, counts, threads))]
pub fn shingle_strings(
    py: Python<'_>,
    tokens: &Bound<'_, PyAny>,
    offsets: &Bound<'_, PyAny>,
    missing: Option<Vec<bool>>,
    params: &ShingleParams,
    counts: bool,
    threads: Option<Threads>,
) -> PyR<ShingleSets> {
    let batch = TextBatch::extract(tokens, "tokens", Policy { keep_missing: true, replace: false })?;
    let offsets = int64(offsets, "offsets")?;
    let missing = missing.unwrap_or_else(|| vec![false; offsets.len().saturating_sub(1)]);
    let sets = exec::run(py, threads, |job| {
        build::from_tokens(&Tokens::Strings(batch.texts()), &offsets, missing, &params.inner, counts, job)
    })?;
    Ok(ShingleSets { inner: Arc::new(sets) })
}

/// The texts as a list of str and None, for analyzers that are Python functions.
#[pyfunction]
pub fn text_list<'py>(py: Python<'py>, texts: &Bound<'py, PyAny>) -> PyR<Bound<'py, pyo3::types::PyList>> {
    let batch = TextBatch::extract(texts, "texts", Policy { keep_missing: true, replace: false })?;
    Ok(pyo3::types::PyList::new(py, batch.texts())?)
}
