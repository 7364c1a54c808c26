//! The only file that looks at Python types: what users hand in, as borrowed Rust views that outlive the interpreter.

#![allow(unsafe_code)]

use crate::error::{PyError, PyR};
use crate::read::TextColumn;
use arrow_array::cast::AsArray;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::types::{Int64Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, make_array};
use arrow_schema::{DataType, Field};
use numpy::{
    Element, PyArray1, PyArrayDescrMethods, PyArrayMethods, PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods,
};
use overproof_core::error::Error;
use overproof_core::kernel::memory::with_huge_pages;
use overproof_core::text::Texts;
use pyo3::exceptions::PyUnicodeEncodeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict, PyFloat, PyFrozenSet, PyList, PySet, PyString, PyTuple};
use std::ffi::CStr;
use std::ptr::NonNull;
use std::sync::Arc;

/// What to do with texts that are not there and with text that is not Unicode.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Keep nulls as missing rows; otherwise they are refused.
    pub keep_missing: bool,
    /// Turn lone surrogates into U+FFFD; otherwise they are refused.
    pub replace: bool,
}

impl Policy {
    /// From the values of the keywords `missing` and `errors`.
    pub fn parse(missing: &str, errors: &str) -> PyR<Self> {
        let keep_missing = match missing {
            "refuse" => false,
            "keep" => true,
            _ => return Err(Error::input(format!("missing={missing:?} is unknown; give refuse or keep")).into()),
        };
        let replace = match errors {
            "strict" => false,
            "replace" => true,
            _ => return Err(Error::input(format!("errors={errors:?} is unknown; give strict or replace")).into()),
        };
        Ok(Policy { keep_missing, replace })
    }
}

/// The value of the keyword `threads`: how many at most, from 1.
pub struct Threads(usize);

impl Threads {
    /// One thread.
    pub const ONE: Threads = Threads(1);
}

impl From<Threads> for usize {
    fn from(threads: Threads) -> usize {
        threads.0
    }
}

impl FromPyObject<'_, '_> for Threads {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        // More than fits are as many as there can be.
        let asked =
            value.extract::<isize>().or_else(|e| if value.gt(0).unwrap_or(false) { Ok(isize::MAX) } else { Err(e) });
        match asked {
            Ok(n) if n > 0 && !value.is_instance_of::<PyFloat>() => Ok(Threads(n as usize)),
            _ => Err(PyError::from(Error::input(format!(
                "threads must be at least 1, or None for all cores; it is {}",
                value.repr()?
            )))
            .into()),
        }
    }
}

/// Texts that Python or Arrow owns, kept alive and unchanged for as long as this stands.
pub struct TextBatch {
    /// Points into `_python` and `_arrow`; never handed out for longer than `self` lives.
    views: Vec<Option<&'static str>>,
    /// Lone surrogates that became U+FFFD, in texts.
    pub replaced: usize,
    _python: Vec<Py<PyAny>>,
    _arrow: Vec<ArrayRef>,
}

impl TextBatch {
    /// The texts.
    pub fn texts(&self) -> Texts<'_> {
        &self.views
    }

    fn new() -> Self {
        TextBatch { views: Vec::new(), replaced: 0, _python: Vec::new(), _arrow: Vec::new() }
    }

    /// Read whatever holds texts; `name` is the argument's name in messages.
    pub fn extract(value: &Bound<'_, PyAny>, name: &str, policy: Policy) -> PyR<Self> {
        let mut batch = Self::new();
        batch.read(value, name, policy)?;
        if !policy.keep_missing
            && let Some(row) = batch.views.iter().position(Option::is_none)
        {
            return Err(Error::input(format!(
                "{name}: row {row} is null; drop it, or pass missing=\"keep\" to carry it as a missing row"
            ))
            .into());
        }
        Ok(batch)
    }

    fn read(&mut self, value: &Bound<'_, PyAny>, name: &str, policy: Policy) -> PyR<()> {
        let py = value.py();
        if value.is_instance_of::<PyString>() || value.is_instance_of::<PyBytes>() {
            return Err(Error::input(format!(
                "{name} is one {}, not a batch of texts; put it into a list: [{name}]",
                value.get_type().name()?
            ))
            .into());
        }
        if value.is_instance_of::<PyDict>() || value.is_instance_of::<PySet>() || value.is_instance_of::<PyFrozenSet>()
        {
            return Err(Error::input(format!(
                "{name} is a {}, which has no row order; give a list of texts",
                value.get_type().name()?
            ))
            .into());
        }
        if let Ok(column) = value.cast::<TextColumn>() {
            self.views = column
                .get()
                .inner
                .views()
                .into_iter()
                .map(|view| {
                    // SAFETY: the bytes belong to the column, which never changes and which `_python` keeps alive.
                    view.map(|text| unsafe { std::mem::transmute::<&str, &'static str>(text) })
                })
                .collect();
            self._python.push(value.clone().unbind());
            return Ok(());
        }
        if is_arrow(value)? {
            return self.arrow(value, name);
        }
        if let Ok(array) = value.cast::<PyUntypedArray>() {
            return self.numpy(array, name, policy);
        }
        if let Ok(pair) = value.cast::<PyTuple>()
            && pair.len() == 2
            && let Ok(bytes) = pair.get_item(0)?.cast::<PyBytes>()
        {
            return self.buffer(bytes, &pair.get_item(1)?, name);
        }
        // A corpus of ours carries its texts under this name.
        if let Ok(corpus) = py.import("overproof.corpus")
            && value.is_instance(&corpus.getattr("Corpus")?)?
        {
            return self.read(&value.getattr("texts")?, name, policy);
        }
        if !value.hasattr("__iter__")? {
            return Err(Error::input(format!(
                "{name} is a {}; give a list of str, (bytes, offsets), a NumPy array, an Arrow column or a Corpus",
                value.get_type().name()?
            ))
            .into());
        }
        // A tuple of our own: others may change the list while the interpreter is free.
        let snapshot = match value.cast::<PyList>() {
            Ok(list) => list.to_tuple(),
            Err(_) => py.get_type::<PyTuple>().call1((value,))?.cast_into::<PyTuple>().map_err(PyErr::from)?,
        };
        self.strings(&snapshot, name, policy)
    }

    fn strings(&mut self, rows: &Bound<'_, PyTuple>, name: &str, policy: Policy) -> PyR<()> {
        self.views.reserve(rows.len());
        for (row, item) in rows.iter_borrowed().enumerate() {
            let view = if let Ok(text) = item.cast::<PyString>() {
                Some(self.utf8(&text, row, name, policy)?)
            } else if is_null(&item)? {
                None
            } else {
                return Err(
                    Error::input(format!("{name}: row {row} is a {}, not a str", item.get_type().name()?)).into()
                );
            };
            self.views.push(view);
        }
        self._python.push(rows.clone().into_any().unbind());
        Ok(())
    }

    /// The UTF-8 of a str, which CPython keeps beside it for as long as it lives.
    fn utf8(&mut self, text: &Bound<'_, PyString>, row: usize, name: &str, policy: Policy) -> PyR<&'static str> {
        let mut len: isize = 0;
        // SAFETY: `text` is a str and we are attached. On success the pointer stays valid while the str lives, and the
        // caller keeps the str alive through `_python`.
        let data = unsafe { pyo3::ffi::PyUnicode_AsUTF8AndSize(text.as_ptr(), &raw mut len) };
        if !data.is_null() {
            // SAFETY: CPython wrote `len` bytes of valid UTF-8 there; see above for how long they live.
            return Ok(unsafe {
                std::str::from_utf8_unchecked(std::slice::from_raw_parts(data.cast::<u8>(), len as usize))
            });
        }
        let error = PyErr::fetch(text.py());
        if !error.is_instance_of::<PyUnicodeEncodeError>(text.py()) {
            return Err(error.into());
        }
        if !policy.replace {
            return Err(Error::input(format!(
                "{name}: row {row} holds a lone surrogate, which is not Unicode text ({}); \
                 mend it, or pass errors=\"replace\"",
                error.value(text.py())
            ))
            .into());
        }
        let wide = text.call_method1("encode", ("utf-16-le", "surrogatepass"))?;
        let mended = wide.call_method1("decode", ("utf-16-le", "replace"))?;
        let mended = mended.cast_into::<PyString>().map_err(PyErr::from)?;
        self.replaced += 1;
        self._python.push(mended.clone().into_any().unbind());
        self.utf8(&mended, row, name, Policy { replace: false, ..policy })
    }

    fn numpy(&mut self, array: &Bound<'_, PyUntypedArray>, name: &str, policy: Policy) -> PyR<()> {
        if array.ndim() != 1 {
            return Err(Error::input(format!("{name} has {} dimensions; give one text a row", array.ndim())).into());
        }
        match array.dtype().kind() {
            // StringDType ('T') has no stable way to its bytes but through str.
            b'O' | b'U' | b'T' => {
                let list = array.call_method0("tolist")?.cast_into::<PyList>().map_err(PyErr::from)?;
                self.strings(&list.to_tuple(), name, policy)
            }
            _ => Err(Error::input(format!(
                "{name} is a NumPy array of {}; give dtype object, str or StringDType",
                array.dtype()
            ))
            .into()),
        }
    }

    fn buffer(&mut self, bytes: &Bound<'_, PyBytes>, offsets: &Bound<'_, PyAny>, name: &str) -> PyR<()> {
        let offsets = int64(offsets, &format!("{name}: offsets"))?;
        let data = bytes.as_bytes();
        let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
            return Err(Error::input(format!("{name}: offsets must hold at least one value")).into());
        };
        if *first < 0 || *last > data.len() as i64 {
            return Err(Error::input(format!(
                "{name}: offsets run from {first} to {last}, outside the {} bytes given",
                data.len()
            ))
            .into());
        }
        // SAFETY: bytes objects never change, and `_python` keeps this one alive.
        let data: &'static [u8] = unsafe { std::slice::from_raw_parts(data.as_ptr(), data.len()) };
        self.views.reserve(offsets.len() - 1);
        for (row, ends) in offsets.windows(2).enumerate() {
            if ends[0] > ends[1] {
                return Err(Error::input(format!("{name}: offsets descend after row {row}")).into());
            }
            let text = std::str::from_utf8(&data[ends[0] as usize..ends[1] as usize])
                .map_err(|e| Error::input(format!("{name}: row {row} is not UTF-8 at its byte {}", e.valid_up_to())))?;
            self.views.push(Some(text));
        }
        self._python.push(bytes.clone().into_any().unbind());
        Ok(())
    }

    fn arrow(&mut self, value: &Bound<'_, PyAny>, name: &str) -> PyR<()> {
        for array in arrow_arrays(value, name)? {
            let views = string_views(&array, name)?;
            self.views.extend(views.into_iter().map(|view| {
                // SAFETY: the bytes belong to buffers of `array`, which `_arrow` keeps alive and which Arrow never changes.
                view.map(|text| unsafe { std::mem::transmute::<&str, &'static str>(text) })
            }));
            self._arrow.push(array);
        }
        Ok(())
    }
}

/// Whether an object of a list or frame stands for "no text": None, a float NaN, pandas.NA.
fn is_null(item: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(item.is_none()
        || item.extract::<f64>().is_ok_and(f64::is_nan)
        || item.get_type().name()?.to_cow()?.as_ref() == "NAType")
}

/// The strings of an Arrow array, whichever layout it has.
fn string_views<'a>(array: &'a ArrayRef, name: &str) -> PyR<Vec<Option<&'a str>>> {
    Ok(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().collect(),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().collect(),
        DataType::Utf8View => array.as_string_view().iter().collect(),
        DataType::Null => vec![None; array.len()],
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = string_views(dictionary.values(), name)?;
            let keys = dictionary.normalized_keys();
            (0..array.len()).map(|i| if dictionary.is_null(i) { None } else { values[keys[i]] }).collect()
        }
        other => {
            return Err(Error::input(format!(
                "{name} is an Arrow column of {other}; give string, large_string, string_view or a dictionary of them"
            ))
            .into());
        }
    })
}

/// Take the struct out of a capsule, leaving a released one behind, as the PyCapsule interface demands.
fn capsule<T>(value: &Bound<'_, PyAny>, name: &CStr) -> PyR<NonNull<T>> {
    let capsule = value.cast::<PyCapsule>().map_err(PyErr::from)?;
    Ok(capsule.pointer_checked(Some(name))?.cast::<T>())
}

/// The arrays behind `__arrow_c_array__` or `__arrow_c_stream__`, checked in full (UTF-8 too) before any is read.
pub fn arrow_arrays(value: &Bound<'_, PyAny>, name: &str) -> PyR<Vec<ArrayRef>> {
    let mut out = Vec::new();
    if value.hasattr("__arrow_c_array__")? {
        let pair = value.call_method0("__arrow_c_array__")?;
        let schema = capsule::<FFI_ArrowSchema>(&pair.get_item(0)?, c"arrow_schema")?;
        let array = capsule::<FFI_ArrowArray>(&pair.get_item(1)?, c"arrow_array")?;
        // SAFETY: both pointers come from capsules of the right name, which by the interface hold valid structs that we
        // may move out of; `from_raw` leaves released structs behind, so that the capsules free nothing twice.
        let (schema, array) =
            unsafe { (FFI_ArrowSchema::from_raw(schema.as_ptr()), FFI_ArrowArray::from_raw(array.as_ptr())) };
        out.push(import(array, &schema, name)?);
        return Ok(out);
    }
    let stream = value.call_method0("__arrow_c_stream__")?;
    let stream = capsule::<FFI_ArrowArrayStream>(&stream, c"arrow_array_stream")?;
    // SAFETY: as above; the stream is ours from here on and released when dropped.
    let mut stream = unsafe { FFI_ArrowArrayStream::from_raw(stream.as_ptr()) };
    let (Some(get_schema), Some(get_next)) = (stream.get_schema(), stream.get_next()) else {
        return Err(Error::input(format!("{name}: its Arrow stream was consumed before")).into());
    };
    let failed = |code: i32| Error::input(format!("{name}: its Arrow stream failed with code {code}"));
    let mut schema = FFI_ArrowSchema::empty();
    // SAFETY: the callbacks belong to this stream, and `schema` is a place for them to write to.
    let code = unsafe { get_schema(&raw mut stream, &raw mut schema) };
    if code != 0 {
        return Err(failed(code).into());
    }
    loop {
        let mut array = FFI_ArrowArray::empty();
        // SAFETY: as above.
        let code = unsafe { get_next(&raw mut stream, &raw mut array) };
        if code != 0 {
            return Err(failed(code).into());
        }
        if array.is_released() {
            return Ok(out);
        }
        out.push(import(array, &schema, name)?);
    }
}

fn import(array: FFI_ArrowArray, schema: &FFI_ArrowSchema, name: &str) -> PyR<ArrayRef> {
    let broken = |e: arrow_schema::ArrowError| Error::input(format!("{name}: its Arrow data is broken: {e}"));
    let kind = DataType::try_from(schema).map_err(broken)?;
    if matches!(kind, DataType::Struct(_)) {
        let columns = match &kind {
            DataType::Struct(fields) => {
                fields.iter().map(|f: &Arc<Field>| f.name().as_str()).collect::<Vec<_>>().join(", ")
            }
            _ => String::new(),
        };
        return Err(Error::input(format!(
            "{name} is a table with columns {columns}; give one column of it, or read it with op.read_corpus"
        ))
        .into());
    }
    // SAFETY: array and schema came together from one producer; everything in them is checked on the next line but one.
    let data = unsafe { from_ffi(array, schema) }.map_err(broken)?;
    data.validate_full().map_err(broken)?;
    Ok(make_array(data))
}

/// A one-dimensional array of int64, copied; integers of other widths are converted when they fit.
pub fn int64(value: &Bound<'_, PyAny>, name: &str) -> PyR<Vec<i64>> {
    if let Ok(array) = value.cast::<PyArray1<i64>>() {
        return Ok(copied(&array.readonly()));
    }
    let array = value.py().import("numpy")?.call_method1("asarray", (value,))?;
    let array = array.cast_into::<PyUntypedArray>().map_err(PyErr::from)?;
    let kind = array.dtype().kind();
    if array.ndim() != 1 || !(kind == b'i' || kind == b'u' || array.len() == 0) {
        return Err(Error::input(format!(
            "{name} must be a one-dimensional array of integers; it is {} with {} dimensions",
            array.dtype(),
            array.ndim()
        ))
        .into());
    }
    let wide: PyReadonlyArray1<'_, i64> = array.call_method1("astype", ("int64",))?.extract()?;
    let wide = copied(&wide);
    // Only uint64 has values that do not fit, and those come out negative.
    match wide.iter().position(|v| kind == b'u' && *v < 0) {
        Some(at) => Err(Error::input(format!("{name}: value {} at {at} is above 2**63-1", wide[at] as u64)).into()),
        None => Ok(wide),
    }
}

/// A copy, which no other thread of Python's changes. A large one is in huge pages: else most of its time is the system's,
/// which hands over one small page after another.
fn copied<T: Element + Copy>(array: &PyReadonlyArray1<'_, T>) -> Vec<T> {
    let mut copy = with_huge_pages(array.len());
    match array.as_slice() {
        Ok(values) => copy.extend_from_slice(values),
        Err(_) => copy.extend(array.as_array()),
    }
    copy
}

/// A one-dimensional array of unsigned ids, copied and widened to 64 bits; negative values are refused.
pub fn uint64(value: &Bound<'_, PyAny>, name: &str) -> PyR<Vec<u64>> {
    if let Ok(array) = value.cast::<PyArray1<u64>>() {
        return Ok(copied(&array.readonly()));
    }
    if let Ok(array) = value.cast::<PyArray1<u32>>() {
        return Ok(array.readonly().as_array().iter().map(|v| u64::from(*v)).collect());
    }
    let array = value.py().import("numpy")?.call_method1("asarray", (value,))?;
    let array = array.cast_into::<PyUntypedArray>().map_err(PyErr::from)?;
    if array.ndim() == 1 && array.dtype().kind() == b'u' {
        let wide: PyReadonlyArray1<'_, u64> = array.call_method1("astype", ("uint64",))?.extract()?;
        return Ok(copied(&wide));
    }
    unsigned(&int64(array.as_any(), name)?, name)
}

fn unsigned(signed: &[i64], name: &str) -> PyR<Vec<u64>> {
    match signed.iter().position(|v| *v < 0) {
        Some(at) => Err(Error::input(format!("{name}: value {} at {at} is negative", signed[at])).into()),
        None => Ok(signed.iter().map(|v| *v as u64).collect()),
    }
}

/// Rows of `width` unsigned integers from an Arrow column of lists of that length, copied one after the other.
pub fn uint64_rows(value: &Bound<'_, PyAny>, name: &str, width: usize) -> PyR<Vec<u64>> {
    let mut all = Vec::new();
    for array in arrow_arrays(value, name)? {
        let before = all.len() / width;
        let lists = array.as_fixed_size_list_opt().filter(|lists| lists.value_length() as usize == width);
        let Some(lists) = lists else {
            let kind = array.data_type();
            return Err(Error::input(format!(
                "{name} is an Arrow column of {kind}; cast it to fixed_size_list of {width}"
            ))
            .into());
        };
        let values = lists.values();
        let null = (0..lists.len()).find(|row| lists.is_null(*row));
        let null = null.or_else(|| (0..values.len()).find(|at| values.is_null(*at)).map(|at| at / width));
        if let Some(row) = null {
            let row = before + row;
            return Err(Error::input(format!("{name}: row {row} is null or holds a null; drop it")).into());
        }
        all.extend(match values.data_type() {
            DataType::UInt32 => values.as_primitive::<UInt32Type>().values().iter().map(|v| u64::from(*v)).collect(),
            DataType::UInt64 => values.as_primitive::<UInt64Type>().values().to_vec(),
            DataType::Int64 => unsigned(values.as_primitive::<Int64Type>().values(), name)?,
            other => {
                return Err(Error::input(format!("{name} holds {other}; cast it to uint32, uint64 or int64")).into());
            }
        });
    }
    Ok(all)
}

/// Whether this is an Arrow array or stream.
pub fn is_arrow(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(value.hasattr("__arrow_c_array__")? || value.hasattr("__arrow_c_stream__")?)
}
