//! Texts to normalised texts and to tokens with their places.

use crate::error::PyR;
use crate::exec;
use crate::input::{Policy, TextBatch};
use crate::output;
use numpy::PyArray1;
use overproof_core::params::{Analyzer, Normalization};
use overproof_core::text::tokens::{self, TokenTable};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

/// Tokens of a batch of texts with their byte ranges in the originals.
#[pyclass(frozen, module = "overproof._core")]
pub struct Tokens {
    inner: TokenTable,
}

#[pymethods]
impl Tokens {
    #[getter]
    fn indptr<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<i64>>> {
        output::view(slf.as_any(), &slf.get().inner.indptr)
    }

    #[getter]
    fn start<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<u32>>> {
        output::view(slf.as_any(), &slf.get().inner.start)
    }

    #[getter]
    fn end<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<u32>>> {
        output::view(slf.as_any(), &slf.get().inner.end)
    }

    #[getter]
    fn single<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<bool>>> {
        output::view(slf.as_any(), &slf.get().inner.single)
    }

    #[getter]
    fn offsets<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<i64>>> {
        output::view(slf.as_any(), &slf.get().inner.offsets)
    }

    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.data)
    }

    fn __len__(&self) -> usize {
        self.inner.indptr.len() - 1
    }

    /// The tokens of text `row` as bytes.
    fn row<'py>(&self, py: Python<'py>, row: usize) -> PyResult<Bound<'py, PyList>> {
        let t = &self.inner;
        if row + 1 >= t.indptr.len() {
            return Err(pyo3::exceptions::PyIndexError::new_err(format!("row {row} of {} rows", t.indptr.len() - 1)));
        }
        let of = t.indptr[row] as usize..t.indptr[row + 1] as usize;
        PyList::new(py, of.map(|i| PyBytes::new(py, &t.data[t.offsets[i] as usize..t.offsets[i + 1] as usize])))
    }
}

/// Tokens of `texts`; missing texts have none.
#[pyfunction]
#[pyo3(signature = (texts, analyzer, normalization, missing, errors, threads))]
pub fn tokenize(
    py: Python<'_>,
    texts: &Bound<'_, PyAny>,
    analyzer: &str,
    normalization: &str,
    missing: &str,
    errors: &str,
    threads: Option<usize>,
) -> PyR<Tokens> {
    let batch = TextBatch::extract(texts, "texts", Policy::parse(missing, errors)?)?;
    let (analyzer, how) = (Analyzer::parse(analyzer)?, Normalization::parse(normalization)?);
    let inner = exec::run(py, threads, |job| tokens::tokenize(batch.texts(), &analyzer, how, job))?;
    Ok(Tokens { inner })
}

/// `texts` normalised, as a list of str; missing texts stay None.
#[pyfunction]
#[pyo3(signature = (texts, normalization, missing, errors, threads))]
pub fn normalize<'py>(
    py: Python<'py>,
    texts: &Bound<'py, PyAny>,
    normalization: &str,
    missing: &str,
    errors: &str,
    threads: Option<usize>,
) -> PyR<Bound<'py, PyList>> {
    let batch = TextBatch::extract(texts, "texts", Policy::parse(missing, errors)?)?;
    let how = Normalization::parse(normalization)?;
    let column = exec::run(py, threads, |job| tokens::normalize_texts(batch.texts(), how, job))?;
    Ok(PyList::new(py, column.views())?)
}
