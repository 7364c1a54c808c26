//! How work is spread over threads: ranges of rows, in order, with one cancel flag polled between blocks.

use crate::error::{Error, Result};
use crate::kernel::memory::{Part, ask_for_huge_pages, in_parts};
use rayon::ThreadPool;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// Work per block, in the caller's weight unit (bytes of text as a rule): small enough that a cancel is seen within
/// milliseconds and that threads share evenly, large enough that a block's overhead does not show.
pub const BLOCK: usize = 1 << 18;

/// How often a caller that watches its job looks.
const TICK: Duration = Duration::from_millis(50);

/// A pool and a cancel flag: what every batch operation takes.
///
/// A job runs on the calling thread, and leaves it for the pool only where there is more than one block to share out: a
/// small call wakes no thread.
pub struct Job<'a> {
    pool: Option<&'a ThreadPool>,
    cancel: &'a AtomicBool,
    watch: Option<Watch<'a>>,
}

/// What the calling thread looks at every [`TICK`], while it works and while it waits for others.
struct Watch<'a> {
    caller: ThreadId,
    look: &'a (dyn Fn() + Sync),
    started: Instant,
    /// Milliseconds after `started` of the last look.
    last: AtomicU64,
}

static NEVER: AtomicBool = AtomicBool::new(false);

impl<'a> Job<'a> {
    /// Run on the calling thread, which calls `look` every 50 ms or so, and on `pool` where work can be shared out; stop
    /// when `cancel` becomes true, after which nobody looks.
    pub fn watched(pool: Option<&'a ThreadPool>, cancel: &'a AtomicBool, look: &'a (dyn Fn() + Sync)) -> Self {
        let watch =
            Watch { caller: std::thread::current().id(), look, started: Instant::now(), last: AtomicU64::new(0) };
        Job { pool, cancel, watch: Some(watch) }
    }

    /// Run on the calling thread, stop when `cancel` becomes true.
    pub fn on_caller(cancel: &'a AtomicBool) -> Self {
        Job { pool: None, cancel, watch: None }
    }

    /// Run on the calling thread, never cancelled.
    pub fn inline() -> Job<'static> {
        Job { pool: None, cancel: &NEVER, watch: None }
    }

    /// `Err(Interrupted)` once the caller has asked to stop.
    pub fn check(&self) -> Result<()> {
        if let Some(watch) = self.watch_of_caller() {
            let now = watch.started.elapsed().as_millis() as u64;
            if now >= watch.last.load(Ordering::Relaxed) + TICK.as_millis() as u64 {
                watch.last.store(now, Ordering::Relaxed);
                self.look(watch);
            }
        }
        if self.cancel.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    fn look(&self, watch: &Watch<'_>) {
        if !self.cancel.load(Ordering::Relaxed) {
            (watch.look)();
        }
    }

    /// What to look at, on the thread that must.
    fn watch_of_caller(&self) -> Option<&Watch<'a>> {
        self.watch.as_ref().filter(|watch| watch.caller == std::thread::current().id())
    }

    /// Number of threads that work on this job.
    pub fn threads(&self) -> usize {
        self.pool.map_or(1, ThreadPool::current_num_threads)
    }

    /// Run `work` on a thread of `pool`; the calling thread waits, and looks.
    fn on_pool<T: Send>(&self, pool: &ThreadPool, work: impl FnOnce() -> T + Send) -> T {
        let Some(watch) = self.watch_of_caller() else { return pool.install(work) };
        let (done, finished) = sync_channel::<T>(1);
        let mut made = None;
        pool.in_place_scope(|scope| {
            // The receiver outlives the scope, so a send cannot fail.
            scope.spawn(move |_| _ = done.send(work()));
            made = loop {
                match finished.recv_timeout(TICK) {
                    Ok(made) => break Some(made),
                    Err(RecvTimeoutError::Timeout) => self.look(watch),
                    Err(RecvTimeoutError::Disconnected) => break None,
                }
            }
        });
        // A panic of the work, which alone sends nothing, has gone on out of the scope.
        made.unwrap_or_else(|| unreachable!("work that ended without a result"))
    }

    /// Run `a` and `b`, on two threads where there are two.
    pub fn join<A: Send, B: Send>(&self, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
        match self.pool {
            Some(pool) => self.on_pool(pool, || rayon::join(a, b)),
            None => (a(), b()),
        }
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
        self.each(cut(rows, weight), work)
    }

    /// Run `work` on each of `items`, of which each is worth a thread's while; return the results in their order.
    pub fn each<I: Send, R: Send>(&self, items: Vec<I>, work: impl Fn(I) -> Result<R> + Sync) -> Result<Vec<R>> {
        let run = |item| {
            self.check()?;
            work(item)
        };
        match self.pool {
            Some(pool) if items.len() > 1 => self.on_pool(pool, || items.into_par_iter().map(run).collect()),
            _ => items.into_iter().map(run).collect(),
        }
    }

    /// Cut as [`Job::chunks`] does; whichever thread is free takes the next range, so that those under way are neighbours.
    ///
    /// `start` gives each thread what it keeps from range to range.
    pub fn in_order<S>(
        &self,
        rows: usize,
        weight: impl Fn(usize) -> usize,
        start: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, Range<usize>) + Sync,
    ) -> Result<()> {
        let (ranges, next) = (cut(rows, weight), AtomicUsize::new(0));
        let turn = |_| {
            let mut kept = start();
            while let Some(range) = ranges.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.check()?;
                work(&mut kept, range.clone());
            }
            Ok(())
        };
        self.each((0..self.threads().min(ranges.len())).collect(), turn).map(drop)
    }

    /// As [`Job::chunks`], where each row is `width` values of one matrix: `work` fills the part of its rows. The matrix, and
    /// what `work` returned, in order of rows.
    pub fn fill<T: Copy + Send, R: Send>(
        &self,
        rows: usize,
        width: usize,
        weight: impl Fn(usize) -> usize,
        work: impl Fn(Range<usize>, Part<'_, T>) -> Result<R> + Sync,
    ) -> Result<(Vec<T>, Vec<R>)> {
        let size = rows.checked_mul(width).filter(|size| *size <= isize::MAX as usize / size_of::<T>().max(1));
        let size =
            size.ok_or_else(|| Error::input(format!("a matrix of {rows} x {width} does not fit into memory")))?;
        let mut matrix = Vec::new();
        matrix.try_reserve_exact(size).map_err(|_| {
            Error::input(format!("a matrix of {rows} x {width} does not fit into memory; score fewer rows at a time"))
        })?;
        ask_for_huge_pages(&mut matrix);
        if size == 0 {
            return Ok((matrix, Vec::new()));
        }
        let ranges = cut(rows, weight);
        let returned = in_parts(&mut matrix, |mut parts| {
            let items = ranges.into_iter().map(|range| Some((parts.part(range.len() * width)?, range)));
            let items = items.collect::<Option<_>>();
            let items = items.ok_or_else(|| Error::Internal("the rows need more room than there is".to_owned()))?;
            self.each(items, |(part, range)| work(range, part))
        })?;
        Ok((matrix, returned))
    }
}

/// What threads share. A panic that left the lock poisoned has gone on, and what it left is not looked at.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Cut `0..rows` into ranges of about [`BLOCK`] each.
fn cut(rows: usize, weight: impl Fn(usize) -> usize) -> Vec<Range<usize>> {
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
    ranges
}

/// The pools of this process and, in a forked child, those of its parent, which it never uses.
static POOLS: Mutex<BTreeMap<(u32, usize), Arc<ThreadPool>>> = Mutex::new(BTreeMap::new());

/// How often a busy lock is tried before it is taken for one that nobody will release.
const TRIES: usize = 10_000;

/// The pool of `threads` workers that belongs to this process.
///
/// Pools are keyed by process id: a forked child has none of its parent's threads and would wait for them forever. The
/// same holds for the lock: where another thread held it during the fork, the child makes a pool for each call.
pub fn pool(threads: usize) -> Result<Arc<ThreadPool>> {
    let key = (std::process::id(), threads);
    let held = (0..TRIES).find_map(|_| match POOLS.try_lock() {
        Ok(held) => Some(held),
        Err(TryLockError::Poisoned(held)) => Some(held.into_inner()),
        Err(TryLockError::WouldBlock) => {
            std::thread::yield_now();
            None
        }
    });
    let Some(mut held) = held else { return start(threads) };
    if let Some(found) = held.get(&key) {
        return Ok(Arc::clone(found));
    }
    let made = start(threads)?;
    held.insert(key, Arc::clone(&made));
    Ok(made)
}

fn start(threads: usize) -> Result<Arc<ThreadPool>> {
    let made = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("overproof-{i}")).build();
    made.map(Arc::new).map_err(|e| Error::Internal(format!("cannot start {threads} threads: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_kept_and_a_lock_that_nobody_releases_stops_nobody() -> Result<()> {
        let first = pool(3)?;
        assert!(Arc::ptr_eq(&first, &pool(3)?));
        let held = POOLS.lock();
        let own = pool(3)?;
        drop(held);
        assert!(!Arc::ptr_eq(&first, &own));
        assert_eq!(own.install(rayon::current_num_threads), 3);
        Ok(())
    }

    #[test]
    fn the_caller_looks_while_it_works_and_while_it_waits() -> Result<()> {
        let pool = pool(2)?;
        for pool in [None, Some(&*pool)] {
            let (cancel, looks) = (AtomicBool::new(false), AtomicU64::new(0));
            let caller = std::thread::current().id();
            let look = || {
                assert_eq!(std::thread::current().id(), caller);
                looks.fetch_add(1, Ordering::Relaxed);
                cancel.store(true, Ordering::Relaxed);
            };
            let job = Job::watched(pool, &cancel, &look);
            let endless = |_| loop {
                job.check()?;
                std::thread::sleep(Duration::from_millis(1));
            };
            let ended: Result<Vec<()>> = job.chunks(2, |_| BLOCK, endless);
            assert!(matches!(ended, Err(Error::Interrupted)));
            assert_eq!(looks.load(Ordering::Relaxed), 1);
        }
        Ok(())
    }

    #[test]
    fn small_work_stays_with_the_caller_and_a_panic_goes_on() -> Result<()> {
        let pool = pool(2)?;
        let cancel = AtomicBool::new(false);
        let job = Job::watched(Some(&pool), &cancel, &|| ());
        let here = std::thread::current().id();
        assert_eq!(job.chunks(9, |_| 1, |_| Ok(std::thread::current().id()))?, [here]);
        assert!(!job.chunks(2, |_| BLOCK, |_| Ok(std::thread::current().id()))?.contains(&here));
        let panics = || {
            job.chunks(
                2,
                |_| BLOCK,
                |range| {
                    assert!(range.start == 0, "on purpose");
                    Ok(())
                },
            )
        };
        let message = std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).expect_err("it panics");
        assert_eq!(message.downcast_ref::<&str>(), Some(&"on purpose"));
        Ok(())
    }
}
