//! Memory in huge pages: a look-up anywhere in gigabytes then misses the cache, but not the page table too, and the first
//! touch of new memory, which a virtual machine pays dearly for, is rare.

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
