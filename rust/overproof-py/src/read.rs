//! Files to columns of texts.

use crate::error::PyR;
use crate::exec;
use crate::input::{Policy, TextBatch, Threads};
use crate::output;
use crate::rows::{row_of, rows_in, rows_of};
use numpy::PyArray1;
use overproof_core::error::{Error, Result};
use overproof_core::exec::Job;
use overproof_core::read::source::Source;
use overproof_core::read::{self, Column, Field, Form, OnBad, Options, Presence, Select};
use overproof_core::text::TextColumn as Texts;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict, PySlice};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// A column of texts in one buffer: a sequence of str and None, and an Arrow large_string array.
///
/// Parameters
/// ----------
/// texts : TextsLike
///     n texts, copied.
/// missing : {"refuse", "keep"}
///     Whether None is refused or kept as a missing text.
/// errors : {"strict", "replace"}
///     Whether a lone surrogate is refused or becomes U+FFFD.
///
/// Raises
/// ------
/// InputError
///     A row is not text, or is None and refused.
///
/// Notes
/// -----
/// It does not change, and pickles. Memory: the bytes of the texts in UTF-8 and 8 bytes a text; `.nbytes` says how much.
/// Through ``__arrow_c_array__`` the bytes leave without a copy.
///
/// Examples
/// --------
/// >>> import overproof as op
/// >>> column = op.TextColumn(["a", None, "b c"], missing="keep")
/// >>> column[-1], column[:2].to_list(), column.take([2, 0]).to_list()
/// ('b c', ['a', None], ['b c', 'a'])
#[pyclass(frozen, module = "overproof._core", sequence)]
pub struct TextColumn {
    /// The core's column.
    pub inner: Arc<Texts>,
}

impl From<Texts> for TextColumn {
    fn from(texts: Texts) -> Self {
        TextColumn { inner: Arc::new(texts) }
    }
}

/// Rows `rows` of `texts`.
fn pick(texts: &Texts, rows: impl IntoIterator<Item = usize>) -> Result<Texts> {
    let mut picked = Texts::new();
    rows.into_iter().try_for_each(|row| picked.push(texts.get(row)))?;
    Ok(picked)
}

/// The parts that a pickle holds: bytes, offsets, and which rows are missing if any are.
type State<'py> = (Bound<'py, PyBytes>, Bound<'py, PyArray1<i64>>, Option<Vec<usize>>);

#[pymethods]
impl TextColumn {
    #[new]
    #[pyo3(signature = (texts, *, missing = "refuse", errors = "strict"))]
    fn new(texts: &Bound<'_, PyAny>, missing: &str, errors: &str) -> PyR<Self> {
        if let Ok(column) = texts.cast::<TextColumn>()
            && (missing == "keep" || !column.get().inner.has_missing())
        {
            return Ok(TextColumn { inner: Arc::clone(&column.get().inner) });
        }
        let batch = TextBatch::extract(texts, "texts", Policy::parse(missing, errors)?)?;
        let mut column = Texts::new();
        batch.texts().iter().try_for_each(|text| column.push(*text))?;
        Ok(column.into())
    }

    /// All columns, one after the other.
    #[staticmethod]
    fn concat(columns: Vec<Bound<'_, TextColumn>>) -> PyR<Self> {
        let mut all = Texts::new();
        columns.iter().try_for_each(|column| all.extend(&column.get().inner))?;
        Ok(all.into())
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let len = self.inner.len();
        if let Ok(slice) = key.cast::<PySlice>() {
            let picked = pick(&self.inner, rows_of(slice, len)?).map_err(crate::error::PyError::from)?;
            return Ok(Bound::new(py, TextColumn::from(picked))?.into_any());
        }
        Ok(self.inner.get(row_of(key, len)?).into_pyobject(py)?)
    }

    fn __iter__(&self) -> TextIterator {
        TextIterator { column: Arc::clone(&self.inner), next: AtomicUsize::new(0) }
    }

    /// The rows at `indices`, in that order, or those of a mask, bool[n].
    fn take(&self, py: Python<'_>, indices: &Bound<'_, PyAny>) -> PyR<Self> {
        let len = self.inner.len();
        let rows = rows_in(indices, "indices", len)?;
        if let Some(row) = rows.iter().find(|row| !(0..len as i64).contains(row)) {
            return Err(Error::input(format!("indices: row {row} of a column of {len} texts")).into());
        }
        let texts = &self.inner;
        Ok(py.detach(|| pick(texts, rows.into_iter().map(|row| row as usize)))?.into())
    }

    /// All texts as a list of str and None.
    fn to_list(&self) -> Vec<Option<&str>> {
        self.inner.views()
    }

    /// Bytes that the column takes.
    #[getter]
    fn nbytes(&self) -> usize {
        self.inner.memory()
    }

    /// Whether any text is missing.
    #[getter]
    fn has_missing(&self) -> bool {
        self.inner.has_missing()
    }

    fn __repr__(&self) -> String {
        format!("TextColumn({} texts, {} bytes)", self.inner.len(), self.inner.bytes())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<TextColumn>().is_ok_and(|other| *self.inner == *other.get().inner)
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyR<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // The interface lets a producer give its own type where it does not convert.
        let _ = requested_schema;
        output::large_string_capsules(py, &self.inner)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyR<Bound<'py, PyCapsule>> {
        output::large_string_schema(py)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, State<'py>)> {
        let (py, texts) = (slf.py(), &slf.get().inner);
        let missing = texts.has_missing().then(|| (0..texts.len()).filter(|i| texts.get(*i).is_none()).collect());
        let state = (PyBytes::new(py, texts.data().as_bytes()), output::array(py, texts.offsets()), missing);
        Ok((slf.get_type().getattr("_restore")?, state))
    }

    #[staticmethod]
    fn _restore(data: &Bound<'_, PyBytes>, offsets: &Bound<'_, PyAny>, missing: Option<Vec<usize>>) -> PyR<Self> {
        let policy = Policy { keep_missing: true, replace: false };
        let batch = TextBatch::extract((data, offsets).into_pyobject(data.py())?.as_any(), "texts", policy)?;
        let missing = missing.unwrap_or_default();
        let mut column = Texts::new();
        for (row, text) in batch.texts().iter().enumerate() {
            column.push(text.filter(|_| missing.binary_search(&row).is_err()))?;
        }
        Ok(column.into())
    }
}

/// Iterates a column; several threads may share it.
#[pyclass(frozen, module = "overproof._core")]
pub struct TextIterator {
    column: Arc<Texts>,
    next: AtomicUsize,
}

#[pymethods]
impl TextIterator {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    // The outer option ends the iteration, the inner one is a missing text.
    fn __next__<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let row = self.next.fetch_add(1, Ordering::Relaxed);
        if row >= self.column.len() {
            return None;
        }
        self.column.get(row).into_pyobject(py).ok()
    }
}

/// The column of a name; a name without a meaning is that of a further column, which `extras` counts.
fn column_named(name: &str, extras: &mut Vec<String>) -> Result<Column> {
    if let Some(column) = Column::ALL.into_iter().find(|column| column.name() == name) {
        return Ok(column);
    }
    let k = extras.iter().position(|extra| extra == name).unwrap_or(extras.len());
    if k == extras.len() {
        extras.push(name.to_owned());
    }
    u16::try_from(k).map(Column::Extra).map_err(|_| Error::input("extra_fields: there are more than 65,536"))
}

/// The value of an option among its choices.
fn choice<T: Copy>(option: &str, value: &str, choices: &[(&str, T)]) -> Result<T> {
    choices.iter().find(|(name, _)| *name == value).map(|(_, chosen)| *chosen).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        Error::input(format!("{option} is {value:?}: give one of {}", names.join(", ")))
    })
}

/// Reads one file of lines slice by slice.
#[pyclass(frozen, module = "overproof._core")]
pub struct LineReader {
    reader: Mutex<read::Reader>,
    /// Names of the further columns.
    extras: Vec<String>,
    total: Option<u64>,
}

impl LineReader {
    fn lock(&self) -> MutexGuard<'_, read::Reader> {
        // A panic inside leaves the reader failed, not wrong: later calls say so.
        self.reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[pymethods]
impl LineReader {
    /// Open `path`, or read the bytes `data` under that name.
    ///
    /// `fields` holds (column, path, presence) with presence among every, some, any; a column that has no meaning to the
    /// core is a further one, of any value as text. `form` is json or plain.
    #[new]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    #[pyo3(signature = (path, fields, *, data = None, form, role, errors, missing, max_line, limit, first_line = 1))]
    fn new(
        path: PathBuf,
        fields: Vec<(String, String, String)>,
        data: Option<Vec<u8>>,
        form: &str,
        role: Option<String>,
        errors: &str,
        missing: &str,
        max_line: usize,
        limit: Option<usize>,
        first_line: i64,
    ) -> PyR<Self> {
        let presences = [("every", Presence::Every), ("some", Presence::Some), ("any", Presence::Any)];
        let mut extras = Vec::new();
        let fields = fields.into_iter().map(|(column, path, presence)| {
            let presence = choice("presence", &presence, &presences)?;
            Ok(Field { column: column_named(&column, &mut extras)?, path, presence })
        });
        let options = Options {
            form: choice("form", form, &[("json", Form::Json), ("plain", Form::Plain)])?,
            select: Select { fields: fields.collect::<Result<_>>()?, role },
            on_bad: choice(
                "errors",
                errors,
                &[("raise", OnBad::Raise), ("skip", OnBad::Skip), ("replace", OnBad::Replace)],
            )?,
            keep_missing: choice("missing", missing, &[("refuse", false), ("keep", true)])?,
            max_line,
            first_line,
            limit,
        };
        let source = match data {
            Some(data) => {
                let total = data.len() as u64;
                Source::new(path.display().to_string(), Box::new(std::io::Cursor::new(data)), Some(total))?
            }
            None => Source::open(&path)?,
        };
        let total = source.bytes_total();
        Ok(LineReader { reader: Mutex::new(read::Reader::new(source, options)?), extras, total })
    }

    /// Read on for about `seconds`; true at the end.
    #[pyo3(signature = (seconds, *, threads = None))]
    fn read(&self, py: Python<'_>, seconds: f64, threads: Option<Threads>) -> PyR<bool> {
        let time = Duration::try_from_secs_f64(seconds).map_err(|e| Error::input(format!("seconds: {e}")))?;
        exec::run(py, threads, |job| self.lock().read(job, time))
    }

    /// The rows read since the last call: a column for each that was asked for, and `line`.
    fn take<'py>(&self, py: Python<'py>) -> PyR<Bound<'py, PyDict>> {
        let columns = self.lock().take();
        let taken = PyDict::new(py);
        let known = Column::ALL.into_iter().map(|column| column.name().to_owned());
        for (name, texts) in known.chain(self.extras.iter().cloned()).zip(columns.texts) {
            if let Some(texts) = texts {
                taken.set_item(name, TextColumn::from(texts).into_pyobject(py)?)?;
            }
        }
        taken.set_item("line", output::array(py, columns.line))?;
        Ok(taken)
    }

    /// Of each reason for which a line was left out or changed: how often, and the first line.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyR<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        for count in self.lock().counts() {
            counts.set_item(count.reason, (count.n, count.first))?;
        }
        Ok(counts)
    }

    /// The further columns whose field was on a line so far.
    #[getter]
    fn extras_seen(&self) -> Vec<String> {
        let seen = self.lock().extras_seen();
        self.extras.iter().zip(seen).filter(|(_, seen)| *seen).map(|(name, _)| name.clone()).collect()
    }

    #[getter]
    fn rows(&self) -> usize {
        self.lock().rows()
    }

    #[getter]
    fn bytes_read(&self) -> u64 {
        self.lock().source().bytes_read()
    }

    #[getter]
    fn bytes_total(&self) -> Option<u64> {
        self.total
    }

    #[getter]
    fn sha256(&self) -> Option<String> {
        self.lock().sha256()
    }
}

/// The first `n` lines of a file that are UTF-8 and not blank; `skip` passes over those above `max_line` bytes.
#[pyfunction]
#[pyo3(signature = (path, n, *, max_line, skip = false))]
pub fn head(py: Python<'_>, path: PathBuf, n: usize, max_line: usize, skip: bool) -> PyR<Vec<String>> {
    exec::run(py, Some(Threads::ONE), |job: &Job<'_>| read::head(Source::open(&path)?, n, max_line, skip, job))
}
