//! Sketches of one length.

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
use overproof_core::sketch::opsk::Sketches;
use overproof_core::sketch::{SketchArray as Dense, Values};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PySlice};
use std::ffi::c_int;
use std::path::PathBuf;
use std::sync::Arc;

/// Sketches of one length: row i is text i.
///
/// ``np.asarray(sketches)`` is a read-only view without a copy: uint32[n, num_perm] for MinHash (uint64 for the schemes
/// datasketch-affine64 and -legacy), uint64[n, bits // 64] for SimHash.
///
/// Attributes
/// ----------
/// empty : bool[n]
///     Rows made of no shingle; missing rows are among them. Their values mean nothing and are never compared.
/// missing : bool[n]
///     Rows that had no text (null).
/// params : SketchParams
///     How the rows were made: ``.scheme``, ``.size`` (num_perm or bits), ``.seed``, ``.hashes``.
/// shape : (int, int)
///     Rows, and values in each: that of the view.
/// fingerprint : int
///     64 bits that stand for `params`; operations on two sketches refuse different ones with IncompatibleError.
///
/// Notes
/// -----
/// ``a | b`` is the union row by row, `reduce` the union by groups, both by the minimum of MinHash values; SimHash has
/// no union. MinHash schemes with 32-bit values refuse unions of more than about 2**32 / 1000 distinct shingles, where
/// chance collisions would bias the estimate. ``a == b`` asks whether both are one object; whether they hold the same is
/// ``np.array_equal(a, b) and a.params == b.params``. Pickles, like files, are docs/format-opsk.md.
///
/// Examples
/// --------
/// >>> import numpy as np, overproof as op
/// >>> minhash = op.MinHash(64, shingler=op.Shingler(n=1))
/// >>> a = minhash.sketch(["to be or not", "", "that is the question"])
/// >>> a.shape, a.empty.tolist()
/// ((3, 64), [False, True, False])
/// >>> b = minhash.sketch(["to be", "", "that is"])
/// >>> np.array_equal(a | b, a)                       # the words of b are among those of a
/// True
/// >>> authors, together = a.reduce([7, 7, 3])        # one row for each author, ascending
/// >>> authors.tolist(), len(together)
/// ([3, 7], 2)
#[pyclass(frozen, module = "overproof._core")]
pub struct SketchArray {
    /// The core's sketches.
    pub inner: Arc<Dense>,
}

impl From<Dense> for SketchArray {
    fn from(inner: Dense) -> Self {
        SketchArray { inner: Arc::new(inner) }
    }
}

#[pymethods]
impl SketchArray {
    /// No arithmetic of NumPy: `sketch | array` is an error and not an OR of values. `np.asarray(sketch)` has it all.
    #[classattr]
    fn __array_ufunc__() -> Option<()> {
        None
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
    fn params(&self) -> SketchParams {
        SketchParams { inner: self.inner.params.clone() }
    }

    #[getter]
    fn fingerprint(&self) -> u64 {
        self.inner.fingerprint
    }

    /// Rows, and values in each, as of ``np.asarray(sketches)``.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        (self.inner.n, self.inner.k)
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    fn __repr__(&self) -> String {
        format!("<SketchArray of {} texts x {} values; {}>", self.inner.n, self.inner.k, self.inner.params.canonical())
    }

    #[allow(unsafe_code)] // PyO3 wants the mark; what it asks for is done in output.rs
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut pyo3::ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let inner = &slf.get().inner;
        let shape = (inner.n, inner.k);
        let array = match &inner.values {
            Values::U32(values) => output::view_matrix(slf.as_any(), values, shape)?.into_any(),
            Values::U64(values) => output::view_matrix(slf.as_any(), values, shape)?.into_any(),
        };
        output::buffer_of(&array, view, flags)
    }

    /// Row `index` as its values, or the rows of a slice as sketches.
    fn __getitem__<'py>(slf: &Bound<'py, Self>, index: &Bound<'py, PyAny>) -> PyR<Bound<'py, PyAny>> {
        let inner = &slf.get().inner;
        if let Ok(slice) = index.cast::<PySlice>() {
            let taken = inner.take(&rows_of(slice, inner.n)?)?;
            return Ok(Bound::new(slf.py(), SketchArray::from(taken))?.into_any());
        }
        let row = row_of(index, inner.n)?;
        let range = row * inner.k..(row + 1) * inner.k;
        Ok(match &inner.values {
            Values::U32(values) => output::view(slf.as_any(), &values[range])?.into_any(),
            Values::U64(values) => output::view(slf.as_any(), &values[range])?.into_any(),
        })
    }

    /// The rows at `rows`, in that order, or those of a mask, bool[n].
    fn take(&self, py: Python<'_>, rows: &Bound<'_, PyAny>) -> PyR<Self> {
        let rows = rows_in(rows, self.inner.len())?;
        Ok(detached(py, |_| self.inner.take(&rows))?.into())
    }

    /// The rows of several sketch arrays, one after the other.
    #[staticmethod]
    fn concat(py: Python<'_>, parts: &Bound<'_, PyAny>) -> PyR<Self> {
        let parts = inners::<Self, _>(parts, "SketchArray", |part| Arc::clone(&part.get().inner))?;
        let parts: Vec<&Dense> = parts.iter().map(|part| &**part).collect();
        Ok(detached(py, |_| Dense::concat(&parts))?.into())
    }

    /// Row by row, the sketch of the union of the texts behind both. O(n * num_perm).
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
        let bytes = detached(py, |_| Ok(Sketches::Dense(Arc::clone(&self.inner)).to_bytes()))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Read the bytes of a sketch file; FormatError says which byte is wrong.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyR<Self> {
        Self::of(detached(py, |_| Sketches::from_bytes(data))?)
    }

    /// Write a sketch file, whole or not at all.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyR<()> {
        detached(py, |_| Sketches::Dense(Arc::clone(&self.inner)).save(&path))
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

impl SketchArray {
    fn of(read: Sketches) -> PyR<Self> {
        match read {
            Sketches::Dense(inner) => Ok(SketchArray { inner }),
            Sketches::Sets(_) => {
                Err(Error::Format("these are FracMinHash sketches; read them by SetSketch".into()).into())
            }
        }
    }
}
