//! The only file that builds arrays: Rust buffers on their way to NumPy and Arrow.

#![allow(unsafe_code)]

use crate::error::PyR;
use numpy::ndarray::ArrayView1;
use numpy::{Element, IntoPyArray, PyArray1, PyArrayMethods};
use pyo3::prelude::*;

/// A NumPy array that takes over `values`.
pub fn array<T: Element>(py: Python<'_>, values: Vec<T>) -> Bound<'_, PyArray1<T>> {
    values.into_pyarray(py)
}

/// A read-only NumPy view of `values`, which `owner` keeps alive and never changes.
pub fn view<'py, T: Element>(owner: &Bound<'py, PyAny>, values: &[T]) -> PyR<Bound<'py, PyArray1<T>>> {
    // SAFETY: callers pass a slice of a buffer that the frozen pyclass `owner` holds until it is dropped; the array holds
    // a reference to `owner`, and is made read-only before anybody sees it.
    let array = unsafe { PyArray1::borrow_from_array(&ArrayView1::from(values), owner.clone()) };
    array.readwrite().make_nonwriteable();
    Ok(array)
}
