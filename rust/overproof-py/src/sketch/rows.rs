//! Rows of sketches by number, and those of several sketches.

use crate::error::PyR;
use crate::rows;
use overproof_core::error::{Error, Result};
use pyo3::prelude::*;

/// Row numbers from Python, or a mask of `len`; those below 0 are out of range, like those past the end.
pub(super) fn rows_in(rows: &Bound<'_, PyAny>, len: usize) -> PyR<Vec<usize>> {
    let inside = |row| usize::try_from(row).map_err(|_| Error::input(format!("row {row} is outside the {len} rows")));
    Ok(rows::rows_in(rows, "rows", len)?.into_iter().map(inside).collect::<Result<_>>()?)
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
