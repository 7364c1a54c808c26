//! Memory in huge pages: a look-up anywhere in gigabytes then misses the cache, but not the page table too, and the first
//! touch of new memory, which a virtual machine pays dearly for, is rare, or left to the thread that works on it.

use crate::error::{Error, Result};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Below this there is nothing to win.
const LEAST: usize = 1 << 22;

/// An empty vector with room for `len`, in huge pages where the system gives them to who asks (Linux).
pub fn with_huge_pages<T>(len: usize) -> Vec<T> {
    let mut room = Vec::with_capacity(len);
    ask_for_huge_pages(&mut room);
    room
}

/// The same for a text; `None` where there is no such room.
pub fn text_with_huge_pages(bytes: usize) -> Option<String> {
    let mut room = Vec::new();
    room.try_reserve_exact(bytes).ok()?;
    ask_for_huge_pages(&mut room);
    String::from_utf8(room).ok()
}

/// `len` zeros, the default of numbers, in huge pages. Much memory is zero when it comes: it is touched first by who
/// writes to it.
pub fn zeros<T: Clone + Default>(len: usize) -> Vec<T> {
    let mut made = vec![T::default(); len];
    ask_for_huge_pages(&mut made);
    made
}

/// The same of room that is there and was not touched yet.
#[allow(unsafe_code)]
pub fn ask_for_huge_pages<T>(room: &mut Vec<T>) {
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        unsafe extern "C" {
            fn madvise(start: *mut std::ffi::c_void, bytes: usize, advice: std::ffi::c_int) -> std::ffi::c_int;
        }
        const MADV_HUGEPAGE: std::ffi::c_int = 14;
        const PAGE: usize = 1 << 16;
        let (start, bytes) = (room.as_mut_ptr() as usize, room.capacity() * size_of::<T>());
        let (from, to) = (start.next_multiple_of(PAGE), (start + bytes) / PAGE * PAGE);
        if bytes >= LEAST {
            // SAFETY: a hint about whole pages within this allocation, which nobody else has. It changes no byte; where it
            // is refused, the pages stay small.
            unsafe { madvise(from as *mut std::ffi::c_void, to - from, MADV_HUGEPAGE) };
        }
    }
}

/// A part of new memory that nobody has touched.
pub struct Part<'r, T> {
    room: &'r mut [MaybeUninit<T>],
    /// How many values were filled; all parts add up in `filled` once they are dropped. (To do so for each row would wait
    /// for what was just written.)
    done: usize,
    filled: &'r AtomicUsize,
}

impl<'r, T: Copy> Part<'r, T> {
    /// What is left of the part, which is `value` everywhere.
    pub fn fill(mut self, value: T) -> &'r mut [T] {
        self.take(self.room.len(), value)
    }

    /// The part, which holds `values` now.
    ///
    /// # Panics
    ///
    /// Where there are not as many.
    #[allow(unsafe_code)]
    pub fn copy(mut self, values: &[T]) {
        // SAFETY: `MaybeUninit<T>` is laid out as `T` is, and each of these is written.
        let values = unsafe { &*(std::ptr::from_ref(values) as *const [MaybeUninit<T>]) };
        self.room.copy_from_slice(values);
        self.done += values.len();
    }

    /// The next `len` values of the part, all of them `value`: what is filled just before it is written to is in the first
    /// cache then.
    ///
    /// # Panics
    ///
    /// Where fewer are left.
    #[inline]
    #[allow(unsafe_code)]
    pub fn take(&mut self, len: usize, value: T) -> &'r mut [T] {
        let (room, rest) = std::mem::take(&mut self.room).split_at_mut(len);
        self.room = rest;
        room.fill(MaybeUninit::new(value));
        self.done += len;
        // SAFETY: each was just written, and `MaybeUninit<T>` is laid out as `T` is.
        unsafe { &mut *(std::ptr::from_mut(room) as *mut [T]) }
    }
}

impl<T> Drop for Part<'_, T> {
    fn drop(&mut self) {
        self.filled.fetch_add(self.done, Ordering::Relaxed);
    }
}

/// The room of a vector, which is given away from its start.
pub struct Parts<'r, T> {
    rest: &'r mut [MaybeUninit<T>],
    given: &'r AtomicUsize,
    filled: &'r AtomicUsize,
}

impl<'r, T> Parts<'r, T> {
    /// How many values are left to give.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next `len` values; `None`, and nothing given, where fewer are left.
    pub fn part(&mut self, len: usize) -> Option<Part<'r, T>> {
        if len > self.left() {
            return None;
        }
        let (room, rest) = std::mem::take(&mut self.rest).split_at_mut(len);
        self.rest = rest;
        self.given.fetch_add(len, Ordering::Relaxed);
        Some(Part { room, done: 0, filled: self.filled })
    }
}

/// Let `work` give away the room of an empty vector in parts, each to be filled by the thread that works on it: new memory
/// costs as much to clear as some of the work does. What `work` returned; an error where a part was left as it was.
#[allow(unsafe_code)]
pub fn in_parts<T: Copy, R>(room: &mut Vec<T>, work: impl FnOnce(Parts<'_, T>) -> Result<R>) -> Result<R> {
    room.clear();
    let (given, filled) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let returned = work(Parts { rest: room.spare_capacity_mut(), given: &given, filled: &filled })?;
    let given = given.into_inner();
    if filled.into_inner() != given {
        return Err(Error::Internal("a part was left as it was".to_owned()));
    }
    // SAFETY: the parts are the first `given` values of the room. None can be filled twice, so all of them were.
    unsafe { room.set_len(given) };
    Ok(returned)
}

/// Ask for a cache line that will be read.
#[inline(always)]
#[allow(unsafe_code)]
pub fn prefetch<T>(line: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint that reads nothing; SSE is always there on x86-64.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(std::ptr::from_ref(line).cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a hint that reads nothing.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{line}]", line = in(reg) std::ptr::from_ref(line), options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = line;
}

/// Ask for the first lines of a row that is read next, where the processor does not see by itself which that is.
#[inline(always)]
pub fn prefetch_row(row: &[u64]) {
    /// From there on it has seen where the row leads.
    const MOST: usize = 512;
    row[..row.len().min(MOST)].chunks(8).for_each(|line| prefetch(&line[0]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_one_vector_once_all_are_filled() -> Result<()> {
        let with_room = || Vec::<u32>::with_capacity(9);
        let mut made = with_room();
        let lens = in_parts(&mut made, |mut parts| {
            let filled = [2, 0, 3].into_iter().filter_map(|len| parts.part(len)).zip(7..).map(|(mut part, value)| {
                let few = part.room.len().min(1);
                part.take(few, value).fill(value + 1);
                part.fill(value)
            });
            Ok(filled.map(|part| part.iter_mut().map(|value| *value += 1).count()).collect::<Vec<_>>())
        })?;
        assert_eq!((made, lens), (vec![8, 8, 10, 10, 10], vec![1, 0, 2]));
        let mut made = with_room();
        let one = in_parts(&mut made, |mut parts| {
            Ok((parts.part(2).map(|part| part.fill(1).len()), parts.part(1).is_some()))
        });
        assert!(matches!(one, Err(Error::Internal(_))) && made.is_empty());
        in_parts(&mut made, |mut parts| {
            assert!(parts.part(99).is_none());
            parts.part(3).into_iter().for_each(|part| part.copy(&[4, 5, 6]));
            Ok(())
        })?;
        assert_eq!(made, [4, 5, 6]);
        Ok(())
    }
}
