//! How work is spread over threads: ranges of rows, in order, with one cancel flag polled between blocks.

use crate::error::{Error, Result};
use rayon::ThreadPool;
use rayon::prelude::*;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// Work per block, in the caller's weight unit (bytes of text as a rule): small enough that a cancel is seen within
/// milliseconds and that threads share evenly, large enough that a block's overhead does not show.
const BLOCK: usize = 1 << 18;

/// A pool and a cancel flag: what every batch operation takes.
pub struct Job<'a> {
    pool: Option<&'a ThreadPool>,
    cancel: &'a AtomicBool,
}

static NEVER: AtomicBool = AtomicBool::new(false);

impl<'a> Job<'a> {
    /// Run on `pool`, stop when `cancel` becomes true.
    pub fn new(pool: &'a ThreadPool, cancel: &'a AtomicBool) -> Self {
        Job { pool: Some(pool), cancel }
    }

    /// Run on the calling thread, stop when `cancel` becomes true.
    pub fn on_caller(cancel: &'a AtomicBool) -> Self {
        Job { pool: None, cancel }
    }

    /// Run on the calling thread, never cancelled.
    pub fn inline() -> Job<'static> {
        Job { pool: None, cancel: &NEVER }
    }

    /// `Err(Interrupted)` once the caller has asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.cancel.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Number of threads that work on this job.
    pub fn threads(&self) -> usize {
        self.pool.map_or(1, ThreadPool::current_num_threads)
    }

    /// Cut `0..rows` into ranges of about equal weight, run `work` on each, return the results in order of rows.
    ///
    /// The cut depends on the weights alone, never on the number of threads.
    pub fn chunks<T: Send>(
        &self,
        rows: usize,
        weight: impl Fn(usize) -> usize,
        work: impl Fn(Range<usize>) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let mut ranges = Vec::new();
        let (mut start, mut load) = (0, 0);
        for row in 0..rows {
            load += weight(row).max(1);
            if load >= BLOCK {
                ranges.push(start..row + 1);
                (start, load) = (row + 1, 0);
            }
        }
        if start < rows {
            ranges.push(start..rows);
        }
        let run = |range: Range<usize>| {
            self.check()?;
            work(range)
        };
        match self.pool {
            Some(pool) if ranges.len() > 1 => pool.install(|| ranges.into_par_iter().map(run).collect()),
            _ => ranges.into_iter().map(run).collect(),
        }
    }
}

/// The pool of `threads` workers that belongs to this process.
///
/// Pools are keyed by process id: a forked child has none of its parent's threads and would wait for them forever.
pub fn pool(threads: usize) -> Result<Arc<ThreadPool>> {
    type Pools = Mutex<HashMap<(u32, usize), Arc<ThreadPool>>>;
    static POOLS: OnceLock<Pools> = OnceLock::new();
    let pools = POOLS.get_or_init(Mutex::default);
    let key = (std::process::id(), threads);
    // try_lock: a fork may have copied the lock while another thread of the parent held it.
    let mut held = loop {
        match pools.try_lock() {
            Ok(guard) => break guard,
            Err(std::sync::TryLockError::Poisoned(poisoned)) => break poisoned.into_inner(),
            Err(std::sync::TryLockError::WouldBlock) => std::thread::yield_now(),
        }
    };
    if let Some(found) = held.get(&key) {
        return Ok(Arc::clone(found));
    }
    let made = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("overproof-{i}"))
        .build()
        .map_err(|e| Error::Internal(format!("cannot start {threads} threads: {e}")))?;
    let made = Arc::new(made);
    held.insert(key, Arc::clone(&made));
    Ok(made)
}
