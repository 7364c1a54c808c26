//! The whole map from core errors to Python exceptions.

use overproof_core::error::Error;
use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError};
use pyo3::prelude::*;
use std::io::ErrorKind;

/// What every function of this module returns.
pub type PyR<T> = Result<T, PyError>;

/// An error on its way to Python: ours, or one that Python already raised.
pub enum PyError {
    /// From the core.
    Core(Error),
    /// From the interpreter.
    Python(PyErr),
}

impl From<Error> for PyError {
    fn from(e: Error) -> Self {
        PyError::Core(e)
    }
}

impl From<PyErr> for PyError {
    fn from(e: PyErr) -> Self {
        PyError::Python(e)
    }
}

/// The exception class `name` of overproof.errors, raised with `message`.
fn raise(name: &str, message: String) -> PyErr {
    Python::attach(|py| {
        let made = py
            .import("overproof.errors")
            .and_then(|module| module.getattr(name))
            .and_then(|class| class.call1((message,)));
        match made {
            Ok(value) => PyErr::from_value(value),
            Err(e) => e,
        }
    })
}

impl From<PyError> for PyErr {
    fn from(e: PyError) -> Self {
        let core = match e {
            PyError::Python(e) => return e,
            PyError::Core(core) => core,
        };
        let message = core.to_string();
        match core {
            Error::Input(_) => raise("InputError", message),
            Error::Incompatible(_) => raise("IncompatibleError", message),
            Error::Format(_) => raise("FormatError", message),
            Error::Internal(_) => raise("InternalError", message),
            Error::Interrupted => PyKeyboardInterrupt::new_err(()),
            Error::Io(_, ErrorKind::NotFound) => pyo3::exceptions::PyFileNotFoundError::new_err(message),
            Error::Io(_, ErrorKind::PermissionDenied) => pyo3::exceptions::PyPermissionError::new_err(message),
            Error::Io(_, ErrorKind::IsADirectory) => pyo3::exceptions::PyIsADirectoryError::new_err(message),
            Error::Io(..) => PyOSError::new_err(message),
        }
    }
}
