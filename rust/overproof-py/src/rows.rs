//! Rows as Python names them: by index, by slice, by numbers and by a mask.

use crate::error::PyR;
use crate::input::int64;
use numpy::{PyArray1, PyArrayDescrMethods, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use overproof_core::error::Error;
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PySlice;

/// The rows that a slice of `len` rows means.
pub fn rows_of(slice: &Bound<'_, PySlice>, len: usize) -> PyResult<Vec<usize>> {
    let at = slice.indices(len as isize)?;
    Ok((0..at.slicelength as isize).map(|i| (at.start + i * at.step) as usize).collect())
}

/// The row that an index means, from the end where negative; lists and masks are told of `take`.
pub fn row_of(index: &Bound<'_, PyAny>, len: usize) -> PyResult<usize> {
    let py = index.py();
    let i: isize =
        index.extract().map_err(|e: PyErr| if e.is_instance_of::<PyTypeError>(py) { no_index(index) } else { e })?;
    let row = if i < 0 { i + len as isize } else { i };
    match usize::try_from(row) {
        Ok(row) if row < len => Ok(row),
        _ => Err(PyIndexError::new_err(format!("row {i} of {len} rows"))),
    }
}

fn no_index(index: &Bound<'_, PyAny>) -> PyErr {
    let got = index.get_type().name().map_or_else(|_| "this".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!(
        "rows are not indexed by {got}: give an integer or a slice, or call take(...) with row numbers or a mask"
    ))
}

/// Row numbers from Python, as they are, or those that a mask of `len` booleans keeps.
pub fn rows_in(rows: &Bound<'_, PyAny>, name: &str, len: usize) -> PyR<Vec<i64>> {
    let array = rows.py().import("numpy")?.call_method1("asarray", (rows,))?;
    let array = array.cast_into::<PyUntypedArray>().map_err(PyErr::from)?;
    if array.dtype().kind() != b'b' {
        return int64(array.as_any(), name);
    }
    let Ok(mask) = array.cast::<PyArray1<bool>>() else {
        return Err(Error::input(format!("{name}: a mask has one dimension, not {}", array.ndim())).into());
    };
    if mask.len() != len {
        return Err(Error::input(format!("{name}: the mask has {} values for {len} rows", mask.len())).into());
    }
    let mask = mask.readonly();
    Ok((0..).zip(mask.as_array()).filter_map(|(row, keep)| keep.then_some(row)).collect())
}
