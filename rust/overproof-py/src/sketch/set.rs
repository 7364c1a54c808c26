//! Sketches that are sets of hashes.

use super::detached;
use super::params::SketchParams;
use super::rows::{inners, rows_in};
use crate::error::PyR;
use crate::exec;
use crate::input::{Threads, int64};
use crate::output;
use crate::rows::{row_of, rows_of};
use numpy::PyArray1;
use overproof_core::error::Error;
use overproof_core::sketch::SetSketch as Kept;
use overproof_core::sketch::opsk::Sketches;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PySlice};
use std::path::PathBuf;
use std::sync::Arc;

/// FracMinHash sketches in CSR form: row i holds the kept hashes of text i.
///
/// Attributes
/// ----------
/// indptr : int64[n+1]
///     Row boundaries.
/// hashes : uint64[nnz]
///     Kept hashes, sorted and unique in a row.
/// sizes : uint64[n] or None
///     Number of distinct shingles of each text before the selection; None once a union made it unknown.
/// empty : bool[n]
///     Rows made of no shingle (not: rows of which none was kept); missing rows are among them.
/// missing : bool[n]
///     Rows that had no text (null).
/// scaled : int
///     About one hash of so many is kept.
/// params : SketchParams
///     How the rows were made.
/// fingerprint : int
///     64 bits that stand for `params`; operations on two sketches refuse different ones with IncompatibleError.
///
/// Examples
/// --------
/// >>> import overproof as op
/// >>> kept = op.FracMinHash(scaled=2, shingler=op.Shingler(n=1)).sketch(["one two three four five six", "two four six eight"])
/// >>> kept.sizes.tolist(), kept.indptr.tolist()
/// ([6, 4], [0, 3, 6])
/// >>> groups, together = kept.reduce([0, 0])
/// >>> len(together.hashes), together.sizes is None
/// (4, True)
#[pyclass(frozen, module = "overproof._core")]
pub struct SetSketch {
    /// The core's sketches.
    pub inner: Arc<Kept>,
}

impl From<Kept> for SetSketch {
    fn from(inner: Kept) -> Self {
        SetSketch { inner: Arc::new(inner) }
    }
}

#[pymethods]
impl SetSketch {
    #[getter]
    fn indptr<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<i64>>> {
        output::view(slf.as_any(), &slf.get().inner.indptr)
    }

    #[getter]
    fn hashes<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<u64>>> {
        output::view(slf.as_any(), &slf.get().inner.hashes)
    }

    #[getter]
    fn sizes<'py>(slf: &Bound<'py, Self>) -> PyR<Option<Bound<'py, PyArray1<u64>>>> {
        slf.get().inner.sizes.as_ref().map(|sizes| output::view(slf.as_any(), sizes)).transpose()
    }

    #[getter]
    fn empty<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<bool>>> {
        output::view(slf.as_any(), &slf.get().inner.empty)
    }

    #[getter]
    fn missing<'py>(slf: &Bound<'py, Self>) -> PyR<Bound<'py, PyArray1<bool>>> {
        output::view(slf.as_any(), &slf.get().inner.missing)
    }

    #[getter]
    fn scaled(&self) -> u64 {
        self.inner.scaled()
    }

    #[getter]
    fn params(&self) -> SketchParams {
        SketchParams { inner: self.inner.params.clone() }
    }

    #[getter]
    fn fingerprint(&self) -> u64 {
        self.inner.fingerprint
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    fn __repr__(&self) -> String {
        let (n, kept) = (self.inner.len(), self.inner.hashes.len());
        format!("<SetSketch of {n} texts, {kept} hashes; {}>", self.inner.params.canonical())
    }

    /// Row `index` as its kept hashes, or the rows of a slice as sketches.
    fn __getitem__<'py>(slf: &Bound<'py, Self>, index: &Bound<'py, PyAny>) -> PyR<Bound<'py, PyAny>> {
        let inner = &slf.get().inner;
        if let Ok(slice) = index.cast::<PySlice>() {
            let taken = inner.take(&rows_of(slice, inner.len())?)?;
            return Ok(Bound::new(slf.py(), SetSketch::from(taken))?.into_any());
        }
        let row = row_of(index, inner.len())?;
        Ok(output::view(slf.as_any(), inner.row(row))?.into_any())
    }

    /// The rows at `rows`, in that order, or those of a mask, bool[n].
    fn take(&self, py: Python<'_>, rows: &Bound<'_, PyAny>) -> PyR<Self> {
        let rows = rows_in(rows, self.inner.len())?;
        Ok(detached(py, |_| self.inner.take(&rows))?.into())
    }

    /// The rows of several sketches, one after the other.
    #[staticmethod]
    fn concat(py: Python<'_>, parts: &Bound<'_, PyAny>) -> PyR<Self> {
        let parts = inners::<Self, _>(parts, "SetSketch", |part| Arc::clone(&part.get().inner))?;
        let parts: Vec<&Kept> = parts.iter().map(|part| &**part).collect();
        Ok(detached(py, |_| Kept::concat(&parts))?.into())
    }

    /// Row by row, the sketch of the union of the texts behind both.
    fn __or__(&self, py: Python<'_>, other: &Bound<'_, Self>) -> PyR<Self> {
        let other = &other.get().inner;
        Ok(detached(py, |_| self.inner.union(other))?.into())
    }

    /// The union of the rows of each group: the distinct groups, ascending, int64[g], and a sketch of g rows.
    #[pyo3(signature = (groups, *, threads=None))]
    fn reduce<'py>(
        &self,
        py: Python<'py>,
        groups: &Bound<'py, PyAny>,
        threads: Option<Threads>,
    ) -> PyR<(Bound<'py, PyArray1<i64>>, Self)> {
        let groups = int64(groups, "groups")?;
        let (groups, made) = exec::run(py, threads, |job| self.inner.reduce(job, &groups))?;
        Ok((output::array(py, groups), made.into()))
    }

    /// The bytes of a sketch file (docs/format-opsk.md).
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyR<Bound<'py, PyBytes>> {
        let bytes = detached(py, |_| Ok(Sketches::Sets(Arc::clone(&self.inner)).to_bytes()))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Read the bytes of a sketch file; FormatError says which byte is wrong.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyR<Self> {
        Self::of(detached(py, |_| Sketches::from_bytes(data))?)
    }

    /// Write a sketch file, whole or not at all.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyR<()> {
        detached(py, |_| Sketches::Sets(Arc::clone(&self.inner)).save(&path))
    }

    /// Read a sketch file; FormatError says which byte is wrong.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyR<Self> {
        Self::of(detached(py, |_| Sketches::load(&path))?)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyR<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((slf.get_type().getattr("from_bytes")?, (slf.get().to_bytes(slf.py())?,)))
    }
}

impl SetSketch {
    fn of(read: Sketches) -> PyR<Self> {
        match read {
            Sketches::Sets(inner) => Ok(SetSketch { inner }),
            Sketches::Dense(s) => {
                let scheme = s.params.scheme.name();
                Err(Error::Format(format!("these are {scheme} sketches; read them by SketchArray")).into())
            }
        }
    }
}
