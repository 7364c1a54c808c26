//! Texts, shingle sets and users' hashes to sketches; unions; the sketch file.

use crate::error::PyR;
use crate::exec;
use crate::input::{Policy, TextBatch, Threads, int64, uint64};
use crate::output;
use crate::shingle::{ShingleParams, ShingleSets};
use numpy::PyArray1;
use overproof_core::error::{Error, Result};
use overproof_core::exec::Job;
use overproof_core::params::{HashSource, Scheme, SketchParams as Params};
use overproof_core::sketch::opsk::Sketches;
use overproof_core::sketch::{self, HashRows, SetSketch as Kept, SketchArray as Dense, TextRows, Values};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PySlice};
use std::ffi::c_int;
use std::path::PathBuf;
use std::sync::Arc;

/// How shingle hashes become sketches; equal parameters have equal fingerprints.
#[pyclass(frozen, module = "overproof._core", eq, from_py_object)]
#[derive(Clone, PartialEq)]
pub struct SketchParams {
    /// The core's parameters.
    pub inner: Params,
}

/// What the hashes of a sketch are made by.
#[derive(FromPyObject)]
pub enum Source<'py> {
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

/// The rows that a slice of `len` rows means.
fn rows_of(slice: &Bound<'_, PySlice>, len: usize) -> PyResult<Vec<usize>> {
    let at = slice.indices(len as isize)?;
    Ok((0..at.slicelength as isize).map(|i| (at.start + i * at.step) as usize).collect())
}

/// The row that an index means, from the end where negative.
fn row_of(index: &Bound<'_, PyAny>, len: usize) -> PyResult<usize> {
    let i: isize = index.extract()?;
    let row = if i < 0 { i + len as isize } else { i };
    match usize::try_from(row) {
        Ok(row) if row < len => Ok(row),
        _ => Err(pyo3::exceptions::PyIndexError::new_err(format!("row {i} of {len} rows"))),
    }
}

/// Row numbers from Python; those below 0 are out of range, like those past the end.
fn rows_in(rows: &Bound<'_, PyAny>) -> PyR<Vec<usize>> {
    Ok(int64(rows, "rows")?.into_iter().map(|row| usize::try_from(row).unwrap_or(usize::MAX)).collect())
}

/// The cores of several sketches.
fn inners<'py, T, C: Clone>(parts: &Bound<'py, PyAny>, name: &str, inner: impl Fn(&Bound<'py, T>) -> C) -> PyR<Vec<C>>
where
    T: pyo3::PyTypeInfo,
{
    let mut out = Vec::new();
    for part in parts.try_iter()? {
        let part = part?;
        let Ok(part) = part.cast::<T>() else {
            let got = part.get_type().name()?;
            return Err(Error::input(format!("concat: part {} is a {got}, not a {name}", out.len())).into());
        };
        out.push(inner(part));
    }
    Ok(out)
}

/// Run short work without the interpreter.
fn detached<T: Send>(py: Python<'_>, work: impl FnOnce(&Job<'_>) -> Result<T> + Send) -> PyR<T> {
    exec::run(py, None, work)
}

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
/// fingerprint : int
///     64 bits that stand for `params`; operations on two sketches refuse different ones with IncompatibleError.
///
/// Notes
/// -----
/// ``a | b`` is the union row by row, `reduce` the union by groups, both by the minimum of MinHash values; SimHash has
/// no union. MinHash schemes with 32-bit values refuse unions of more than about 2**32 / 1000 distinct shingles, where
/// chance collisions would bias the estimate. Pickles, like files, are docs/format-opsk.md.
///
/// Examples
/// --------
/// >>> import numpy as np, overproof as op
/// >>> minhash = op.MinHash(64, shingler=op.Shingler(n=1))
/// >>> a = minhash.sketch(["to be or not", "", "that is the question"])
/// >>> np.asarray(a).shape, a.empty.tolist()
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

    /// The rows at `rows`, in that order.
    fn take(&self, py: Python<'_>, rows: &Bound<'_, PyAny>) -> PyR<Self> {
        let rows = rows_in(rows)?;
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

    /// The rows at `rows`, in that order.
    fn take(&self, py: Python<'_>, rows: &Bound<'_, PyAny>) -> PyR<Self> {
        let rows = rows_in(rows)?;
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

/// Rows of MinHash values that exist already, one after the other.
#[pyfunction]
#[pyo3(signature = (values, params))]
pub fn sketch_values(py: Python<'_>, values: &Bound<'_, PyAny>, params: &SketchParams) -> PyR<SketchArray> {
    let values = uint64(values, "values")?;
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
