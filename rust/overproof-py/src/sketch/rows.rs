//! Rows of sketches as Python names them: by index, slice and number, and those of several sketches.

use crate::error::PyR;
use crate::input::int64;
use overproof_core::error::Error;
use pyo3::prelude::*;
use pyo3::types::PySlice;

/// The rows that a slice of `len` rows means.
pub(super) fn rows_of(slice: &Bound<'_, PySlice>, len: usize) -> PyResult<Vec<usize>> {
    let at = slice.indices(len as isize)?;
    Ok((0..at.slicelength as isize).map(|i| (at.start + i * at.step) as usize).collect())
}

/// The row that an index means, from the end where negative.
pub(super) fn row_of(index: &Bound<'_, PyAny>, len: usize) -> PyResult<usize> {
    let i: isize = index.extract()?;
    let row = if i < 0 { i + len as isize } else { i };
    match usize::try_from(row) {
        Ok(row) if row < len => Ok(row),
        _ => Err(pyo3::exceptions::PyIndexError::new_err(format!("row {i} of {len} rows"))),
    }
}

/// Row numbers from Python; those below 0 are out of range, like those past the end.
pub(super) fn rows_in(rows: &Bound<'_, PyAny>) -> PyR<Vec<usize>> {
    Ok(int64(rows, "rows")?.into_iter().map(|row| usize::try_from(row).unwrap_or(usize::MAX)).collect())
}

/// The cores of several sketches.
pub(super) fn inners<'py, T, C: Clone>(
    parts: &Bound<'py, PyAny>,
    name: &str,
    inner: impl Fn(&Bound<'py, T>) -> C,
) -> PyR<Vec<C>>
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
