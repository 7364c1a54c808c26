//! The portable bodies compiled for each level of x86-64, and the few that pay by intrinsics.
//!
//! These functions are safe to define; calling one on a machine without its level is not, and `kernel/mod.rs` does so
//! only with a `Level` in hand.

pub mod affine;
mod lanes;
pub mod scan;
pub mod sketches;
pub mod sort;
pub mod text;
pub mod windows;

use super::{baseline, bodies, bodies_bits, bodies_narrow, bodies64};
use std::arch::asm;

/// No min of 64 bits before SSE4.2: there the plain code is the faster one.
pub mod sse41 {
    pub use super::affine::min_affine32_sse41 as min_affine32;
    pub use super::baseline::{ascii, byte_windows, common, edges, gram_hashes, min_affine64, near, token_values};
    pub use super::sketches::min_legacy61_sse41 as min_legacy61;
    pub use crate::kernel::sets::intersection_sse41 as intersection;
    super::bodies!(#[target_feature(enable = "sse4.1")]);
    super::bodies_bits!(2, #[target_feature(enable = "sse4.1")]);
    super::bodies_narrow!(#[target_feature(enable = "sse4.1")]);
}

pub mod avx2 {
    pub use super::affine::min_affine32_avx2 as min_affine32;
    pub use crate::kernel::sets::{intersection_avx2 as intersection, near_avx2 as near};
    super::bodies!(#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]);
    super::bodies_bits!(4, #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]);
    super::bodies_narrow!(#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]);
    pub use super::sketches::min_legacy61_avx2 as min_legacy61;
    pub use super::text::{
        ascii_avx2 as ascii, common_avx2 as common, edges_avx2 as edges, token_values_avx2 as token_values,
    };
    pub use super::windows::{byte_windows_avx2 as byte_windows, gram_hashes_avx2 as gram_hashes};
    super::bodies64!(8, #[target_feature(enable = "avx2,bmi2")]);
}

pub mod avx512 {
    pub use super::affine::min_affine32_avx512 as min_affine32;
    pub use super::scan::{
        is_ascii_avx512 as is_ascii, line_starts_avx512 as line_starts, may_hold_numbers_avx512 as may_hold_numbers,
        next_marker_avx512 as next_marker, unescape_bytes_avx512 as unescape_bytes,
    };
    pub use super::sketches::{
        count_bits_avx512 as count_bits, least_in_bins_avx512 as least_in_bins, min_legacy61_avx512 as min_legacy61,
    };
    pub use super::sort::{append_set_avx512 as append_set, sort_avx512 as sort};
    pub use super::text::{
        ascii_avx512 as ascii, common_avx2 as common, edges_avx512 as edges, token_values_avx512 as token_values,
    };
    pub use super::windows::{byte_windows_avx512 as byte_windows, gram_hashes_avx512 as gram_hashes};
    pub use crate::kernel::sets::{intersection_avx512 as intersection, near_avx512 as near};
    super::bodies!(#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]);
    super::bodies64!(64, #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi2")]);
}
/// `x`, in a general register, where the compiler would take vector registers and lose by it.
#[inline(always)]
#[allow(unsafe_code)]
pub fn scalar(mut x: u64) -> u64 {
    // SAFETY: no instruction at all; `x` is said to be read and written.
    unsafe { asm!("/* {0} */", inout(reg) x, options(pure, nomem, nostack, preserves_flags)) };
    x
}
