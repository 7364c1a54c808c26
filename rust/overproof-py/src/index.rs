//! Corpora that are looked up; their Python face is overproof/index.py.

use crate::error::PyR;
use crate::exec;
use crate::input::{Policy, TextBatch, Threads, uint64};
use crate::output;
use crate::shingle::{ShingleParams, ShingleSets};
use numpy::PyArray1;
use overproof_core::index::NgramTable as Core;
use overproof_core::sketch::TextRows;
use pyo3::prelude::*;

/// The distinct n-gram hashes of a corpus.
#[pyclass(frozen, module = "overproof._core")]
pub struct NgramTable {
    inner: Core,
}

#[pymethods]
impl NgramTable {
    /// All hashes of sets.
    #[staticmethod]
    fn of_sets(py: Python<'_>, sets: &ShingleSets, threads: Option<Threads>) -> PyR<Self> {
        Ok(NgramTable { inner: exec::run(py, threads, |job| Core::new(job, &*sets.inner))? })
    }

    /// All hashes of texts, and the number of texts in which lone surrogates were replaced.
    #[staticmethod]
    fn of_texts(
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        params: &ShingleParams,
        missing: &str,
        errors: &str,
        threads: Option<Threads>,
    ) -> PyR<(Self, usize)> {
        let batch = TextBatch::extract(texts, "texts", Policy::parse(missing, errors)?)?;
        let rows = TextRows { texts: batch.texts(), params: &params.inner };
        rows.check()?;
        let inner = exec::run(py, threads, |job| Core::new(job, &rows))?;
        Ok((NgramTable { inner }, batch.replaced))
    }

    /// Hashes of any origin, repeats allowed.
    #[staticmethod]
    fn of_hashes(py: Python<'_>, hashes: &Bound<'_, PyAny>, threads: Option<Threads>) -> PyR<Self> {
        let hashes = uint64(hashes, "hashes")?;
        Ok(NgramTable { inner: exec::run(py, threads, |job| Core::of_hashes(job, &hashes))? })
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    /// Bytes that the table takes.
    #[getter]
    fn nbytes(&self) -> usize {
        self.inner.memory()
    }

    /// The distinct hashes, ascending.
    fn hashes<'py>(&self, py: Python<'py>) -> PyR<Bound<'py, PyArray1<u64>>> {
        let hashes = exec::run(py, Some(Threads::ONE), |_| Ok(self.inner.hashes()))?;
        Ok(output::array(py, hashes))
    }

    /// Whether each of `hashes` is there.
    fn contains<'py>(
        &self,
        py: Python<'py>,
        hashes: &Bound<'py, PyAny>,
        threads: Option<Threads>,
    ) -> PyR<Bound<'py, PyArray1<bool>>> {
        let hashes = uint64(hashes, "hashes")?;
        let found = exec::run(py, threads, |job| self.inner.contains(job, &hashes))?;
        Ok(output::array(py, found))
    }

    /// The share of each set that is there.
    fn coverage_of_sets<'py>(
        &self,
        py: Python<'py>,
        sets: &ShingleSets,
        threads: Option<Threads>,
    ) -> PyR<Bound<'py, PyArray1<f64>>> {
        let shares = exec::run(py, threads, |job| self.inner.coverage(job, &*sets.inner))?;
        Ok(output::array(py, shares))
    }

    /// The share of the distinct hashes of each text that are there, and the number of texts in which lone surrogates were
    /// replaced.
    #[allow(clippy::too_many_arguments)] // the keywords of the Python function
    fn coverage_of_texts<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyAny>,
        params: &ShingleParams,
        missing: &str,
        errors: &str,
        threads: Option<Threads>,
    ) -> PyR<(Bound<'py, PyArray1<f64>>, usize)> {
        let batch = TextBatch::extract(texts, "texts", Policy::parse(missing, errors)?)?;
        let rows = TextRows { texts: batch.texts(), params: &params.inner };
        rows.check()?;
        let shares = exec::run(py, threads, |job| self.inner.coverage(job, &rows))?;
        Ok((output::array(py, shares), batch.replaced))
    }
}
