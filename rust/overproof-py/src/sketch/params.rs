//! The parameters of sketches.

use crate::error::PyR;
use crate::shingle::{ShingleParams, ShingleSets};
use overproof_core::params::{HashSource, Scheme, SketchParams as Params};
use pyo3::prelude::*;

/// How shingle hashes become sketches; equal parameters have equal fingerprints.
#[pyclass(frozen, module = "overproof._core", eq, from_py_object)]
#[derive(Clone, PartialEq)]
pub struct SketchParams {
    /// The core's parameters.
    pub inner: Params,
}

/// What the hashes of a sketch are made by.
#[derive(FromPyObject)]
enum Source<'py> {
    /// A shingler.
    Shingler(ShingleParams),
    /// Sets that exist already.
    Sets(Bound<'py, ShingleSets>),
    /// A canonical description.
    Description(String),
}

#[pymethods]
impl SketchParams {
    #[new]
    fn new(scheme: &str, size: u64, seed: u64, source: Source<'_>) -> PyR<Self> {
        let source = match source {
            Source::Shingler(params) => HashSource::from(&params.inner),
            Source::Sets(sets) => HashSource::from(&*sets.get().inner),
            Source::Description(text) => HashSource::described(text),
        };
        Ok(SketchParams { inner: Params::new(Scheme::parse(scheme)?, size, seed, source)? })
    }

    #[getter]
    fn scheme(&self) -> &'static str {
        self.inner.scheme.name()
    }

    /// `num_perm`, `bits` or `scaled`.
    #[getter]
    fn size(&self) -> u64 {
        self.inner.size
    }

    #[getter]
    fn seed(&self) -> u64 {
        self.inner.seed
    }

    /// Canonical description of how the hashes were made; empty for hashes that the user brought.
    #[getter]
    fn hashes(&self) -> &str {
        &self.inner.source.description
    }

    #[getter]
    fn hashes_fingerprint(&self) -> u64 {
        self.inner.source.fingerprint
    }

    #[getter]
    fn fingerprint(&self) -> u64 {
        self.inner.fingerprint()
    }

    fn __str__(&self) -> String {
        self.inner.canonical()
    }

    fn __repr__(&self) -> String {
        format!("SketchParams({})", self.inner.canonical())
    }

    fn __hash__(&self) -> u64 {
        self.inner.fingerprint()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String, String))> {
        let inner = &slf.get().inner;
        Ok((slf.get_type().getattr("_parse")?, (inner.canonical(), inner.source.description.clone())))
    }

    #[staticmethod]
    fn _parse(canonical: &str, description: &str) -> PyR<Self> {
        Ok(SketchParams { inner: Params::parse(canonical, description)? })
    }
}
