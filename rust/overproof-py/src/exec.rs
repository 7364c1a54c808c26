//! Leave the interpreter, work on our pool, come back; Ctrl-C is seen within 50 ms, a panic becomes InternalError.

use crate::error::PyR;
use crate::input::Threads;
use overproof_core::error::{Error, Result};
use overproof_core::exec::{Job, pool};
use pyo3::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

/// The longest that a signal waits.
const TICK: Duration = Duration::from_millis(50);

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
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        cap => cap,
    }
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

/// Run `work` without the interpreter on `threads` threads.
///
/// The calling thread waits and looks for signals; the work sees a cancel flag at its next block.
pub fn run<T: Send>(
    py: Python<'_>,
    threads: Option<Threads>,
    work: impl FnOnce(&Job<'_>) -> Result<T> + Send,
) -> PyR<T> {
    let most = std::thread::available_parallelism().map_or(1, usize::from).max(MOST);
    let pool = pool(threads.map_or_else(get_num_threads, usize::from).clamp(1, most))?;
    let cancel = AtomicBool::new(false);
    let mut result = None;
    let mut signal = None;
    py.detach(|| {
        let (done, finished) = sync_channel::<()>(1);
        let (slot, cancel, pool_of_job) = (&mut result, &cancel, &*pool);
        pool.in_place_scope(|scope| {
            scope.spawn(move |_| {
                *slot = Some(guarded(|| work(&Job::new(pool_of_job, cancel))));
                // The receiver outlives the scope; a send can only fail if it had gone.
                let _ = done.send(());
            });
            while let Err(RecvTimeoutError::Timeout) = finished.recv_timeout(TICK) {
                if signal.is_none()
                    && let Err(e) = Python::attach(|py| py.check_signals())
                {
                    signal = Some(e);
                    cancel.store(true, Ordering::Relaxed);
                }
            }
        });
    });
    if let Some(e) = signal {
        return Err(e.into());
    }
    match result {
        Some(result) => Ok(result?),
        None => Err(Error::Internal("the work ended without a result".to_owned()).into()),
    }
}
