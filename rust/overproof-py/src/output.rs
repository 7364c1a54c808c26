//! The only file that builds arrays: Rust buffers on their way to NumPy and Arrow.

#![allow(unsafe_code)]

use crate::error::PyR;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, RecordBatch, RecordBatchIterator, make_array};
use arrow_buffer::alloc::Allocation;
use arrow_buffer::{BooleanBuffer, Buffer};
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType};
use numpy::ndarray::{ArrayView1, ArrayView2};
use numpy::{Element, IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use overproof_core::error::Error;
use overproof_core::text::TextColumn;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use std::ffi::c_int;
use std::ptr::NonNull;
use std::sync::Arc;

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

/// A column of texts as the data of an Arrow large_string array; the bytes are shared, not copied.
fn large_string(column: &Arc<TextColumn>) -> PyR<ArrayData> {
    let bytes = column.data().as_bytes();
    // An empty String points nowhere, but never to null.
    let start = NonNull::from(bytes).cast::<u8>();
    // SAFETY: `bytes` belongs to the column, which nobody changes any more and which the buffer keeps alive.
    let data = unsafe { Buffer::from_custom_allocation(start, bytes.len(), Arc::clone(column) as Arc<dyn Allocation>) };
    let present: Vec<bool> = (0..column.len()).map(|i| column.get(i).is_some()).collect();
    let built = ArrayData::builder(DataType::LargeUtf8)
        .len(column.len())
        .add_buffer(Buffer::from_vec(column.offsets()))
        .add_buffer(data)
        .null_bit_buffer(column.has_missing().then(|| BooleanBuffer::from(present).into_inner()))
        .build();
    Ok(built.map_err(|e| Error::Internal(format!("a text column is no Arrow array: {e}")))?)
}

/// The capsule of a large_string type.
pub fn large_string_schema(py: Python<'_>) -> PyR<Bound<'_, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(&DataType::LargeUtf8).map_err(|e| Error::Internal(e.to_string()))?;
    Ok(PyCapsule::new_with_value(py, schema, c"arrow_schema")?)
}

/// The capsules of type and data that the Arrow PyCapsule interface asks for.
pub fn large_string_capsules<'py>(
    py: Python<'py>,
    column: &Arc<TextColumn>,
) -> PyR<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
    let array = FFI_ArrowArray::new(&large_string(column)?);
    Ok((large_string_schema(py)?, PyCapsule::new_with_value(py, array, c"arrow_array")?))
}

/// A read-only NumPy matrix of `values` by rows, which `owner` keeps alive and never changes.
pub fn view_matrix<'py, T: Element>(
    owner: &Bound<'py, PyAny>,
    values: &[T],
    shape: (usize, usize),
) -> PyR<Bound<'py, PyArray2<T>>> {
    let rows = ArrayView2::from_shape(shape, values)
        .map_err(|e| Error::Internal(format!("{} values do not make {shape:?}: {e}", values.len())))?;
    // SAFETY: as in `view`.
    let array = unsafe { PyArray2::borrow_from_array(&rows, owner.clone()) };
    array.readwrite().make_nonwriteable();
    Ok(array)
}

/// Answer a request for a buffer with that of `array`, which then is the buffer's owner.
pub fn buffer_of(array: &Bound<'_, PyAny>, view: *mut pyo3::ffi::Py_buffer, flags: c_int) -> PyResult<()> {
    if view.is_null() {
        return Err(pyo3::exceptions::PyBufferError::new_err("no place for the buffer"));
    }
    // SAFETY: CPython passes a `Py_buffer` to fill in, and this fills in all of it or sets an exception. The buffer's
    // `obj` becomes `array`, which holds the owner of the memory; the buffer protocol calls this a redirect.
    match unsafe { pyo3::ffi::PyObject_GetBuffer(array.as_ptr(), view, flags) } {
        0 => Ok(()),
        _ => Err(PyErr::fetch(array.py())),
    }
}

/// A NumPy matrix, by rows, that takes over `values`.
pub fn matrix<T: Element>(py: Python<'_>, values: Vec<T>, shape: (usize, usize)) -> PyR<Bound<'_, PyArray2<T>>> {
    Ok(values.into_pyarray(py).reshape([shape.0, shape.1])?)
}

/// An Arrow column without nulls.
pub fn column<T: ArrowPrimitiveType>(values: &[T::Native]) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::from_iter_values(values.iter().copied()))
}

/// A column of texts as an Arrow large_string column; the bytes are shared, not copied.
pub fn texts(column: &Arc<TextColumn>) -> PyR<ArrayRef> {
    Ok(make_array(large_string(column)?))
}

/// Named columns of equal length as a capsule that holds an Arrow stream of one batch.
pub fn stream<'py>(py: Python<'py>, columns: Vec<(&str, ArrayRef)>) -> PyR<Bound<'py, PyCapsule>> {
    let broken = |e: ArrowError| Error::Internal(format!("cannot build an Arrow batch: {e}"));
    let columns = columns.into_iter().map(|(name, values)| {
        let nullable = values.is_nullable();
        (name, values, nullable)
    });
    let batch = RecordBatch::try_from_iter_with_nullable(columns).map_err(broken)?;
    let schema = batch.schema();
    let stream = FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new([Ok(batch)], schema)));
    // A consumer moves the struct out and leaves a released one, which the capsule's own drop then passes over.
    Ok(PyCapsule::new_with_value(py, stream, c"arrow_array_stream")?)
}
