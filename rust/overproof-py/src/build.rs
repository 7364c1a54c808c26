//! How this extension was built.

use overproof_core::{params, text};
use pyo3::prelude::*;

/// Panics on a worker, as a bug would; only in builds with debug assertions, for the test of `exec::run`.
#[cfg(debug_assertions)]
#[pyfunction]
#[allow(clippy::panic)]
fn _panic_for_test(py: Python<'_>) -> crate::error::PyR<()> {
    crate::exec::run(py, None, |_| panic!("a panic on purpose"))
}

/// Add the facts to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add("DEBUG_BUILD", cfg!(debug_assertions))?;
    m.add("HASH", params::HASH)?;
    m.add("RUSTC", env!("OVERPROOF_RUSTC"))?;
    m.add("TARGET", env!("OVERPROOF_TARGET"))?;
    m.add("UNICODE_VERSION", text::UNICODE_VERSION)?;
    #[cfg(debug_assertions)]
    m.add_function(wrap_pyfunction!(_panic_for_test, m)?)?;
    Ok(())
}
