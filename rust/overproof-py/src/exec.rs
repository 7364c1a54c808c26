//! Leave the interpreter, work, come back; Ctrl-C is seen within 50 ms, a panic becomes InternalError.

use crate::error::PyR;
use crate::input::Threads;
use overproof_core::error::{Error, Result};
use overproof_core::exec::{Job, pool};
use overproof_core::kernel::level;
use pyo3::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The most threads of one call where the machine has fewer cores: a pool stays for the life of the process.
const MOST: usize = 256;

/// The cap set by `set_num_threads`; 0 = none.
static CAP: AtomicUsize = AtomicUsize::new(0);

/// Cap the number of threads of every later call that does not name its own; `None` lifts the cap.
#[pyfunction]
#[pyo3(signature = (threads))]
pub fn set_num_threads(threads: Option<Threads>) {
    CAP.store(threads.map_or(0, usize::from), Ordering::Relaxed);
}

/// How many threads a call with `threads=None` uses.
#[pyfunction]
pub fn get_num_threads() -> usize {
    match CAP.load(Ordering::Relaxed) {
        0 => cores(),
        cap => cap,
    }
}

/// How many cores this process may use, as it stood at its first call: to ask reads files, which takes longer than a small
/// call.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let what = panic
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "unknown panic".to_owned());
        Err(Error::Internal(what))
    })
}

/// Run `work` without the interpreter on `threads` threads; on the calling one where that is one.
///
/// A forced kernel level that this machine has not is an error of all work, though not each part of it has kernels.
/// The calling thread looks for signals while it works or waits; the work sees a cancel flag at its next block.
pub fn run<T: Send>(
    py: Python<'_>,
    threads: Option<Threads>,
    work: impl FnOnce(&Job<'_>) -> Result<T> + Send,
) -> PyR<T> {
    level()?;
    let threads = threads.map_or_else(get_num_threads, usize::from).clamp(1, cores().max(MOST));
    let pool = if threads > 1 { Some(pool(threads)?) } else { None };
    let cancel = AtomicBool::new(false);
    let signal = Mutex::new(None);
    let look = || {
        if let Err(e) = Python::attach(|py| py.check_signals()) {
            *signal.lock().unwrap_or_else(PoisonError::into_inner) = Some(e);
            cancel.store(true, Ordering::Relaxed);
        }
    };
    let result = py.detach(|| guarded(|| work(&Job::watched(pool.as_deref(), &cancel, &look))));
    match signal.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(e) => Err(e.into()),
        None => Ok(result?),
    }
}
