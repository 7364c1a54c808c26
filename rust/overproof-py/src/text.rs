//! Texts to normalised texts and to tokens with their places.

use crate::error::PyR;
use crate::exec;
use crate::input::{self, Policy, TextBatch, Threads};
use crate::output;
use numpy::PyArray1;
use overproof_core::error::Error;
use overproof_core::params::{Analyzer, Normalization};
use overproof_core::text::tokens::{self, TokenTable};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

type State<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyBytes>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<bool>>,
);

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

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyR<(Bound<'py, PyAny>, State<'py>)> {
        let state = (
            Self::indptr(slf)?,
            slf.get().data(slf.py()),
            Self::offsets(slf)?,
            Self::start(slf)?,
            Self::end(slf)?,
            Self::single(slf)?,
        );
        Ok((slf.get_type().getattr("_from_state")?, state))
    }

    #[staticmethod]
    fn _from_state(
        indptr: &Bound<'_, PyAny>,
        data: &[u8],
        offsets: &Bound<'_, PyAny>,
        start: Vec<u32>,
        end: Vec<u32>,
        single: Vec<bool>,
    ) -> PyR<Self> {
        let (indptr, offsets) = (input::int64(indptr, "indptr")?, input::int64(offsets, "offsets")?);
        let tokens = start.len();
        let fits = [end.len(), single.len()] == [tokens; 2] && offsets.len() == tokens + 1;
        if !fits || !bounds(&indptr, tokens) || !bounds(&offsets, data.len()) {
            return Err(Error::Format("the pickled Tokens do not fit together".to_owned()).into());
        }
        Ok(Tokens { inner: TokenTable { indptr, data: data.to_vec(), offsets, start, end, single } })
    }
}

/// Whether `at` cuts `0..len` into consecutive pieces.
fn bounds(at: &[i64], len: usize) -> bool {
    at.first() == Some(&0) && at.is_sorted() && at.last() == Some(&(len as i64))
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
    threads: Option<Threads>,
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
    threads: Option<Threads>,
) -> PyR<Bound<'py, PyList>> {
    let batch = TextBatch::extract(texts, "texts", Policy::parse(missing, errors)?)?;
    let how = Normalization::parse(normalization)?;
    let column = exec::run(py, threads, |job| tokens::normalize_texts(batch.texts(), how, job))?;
    Ok(PyList::new(py, column.views())?)
}
