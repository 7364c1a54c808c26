//! The portable bodies compiled for each level of x86-64.
//!
//! These functions are safe to define; calling one on a machine without its level is not, and `kernel/mod.rs` does so
//! only with a `Level` in hand.

use super::{baseline, bodies32, bodies64};

/// No min of 64 bits before SSE4.2: there the plain code is the faster one.
pub mod sse41 {
    pub use super::baseline::{min_affine64, min_legacy61};
    super::bodies32!(16, #[target_feature(enable = "sse4.1")]);
}

pub mod avx2 {
    super::bodies32!(32, #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]);
    super::bodies64!(8, 8, #[target_feature(enable = "avx2,bmi2")]);
}

pub mod avx512 {
    super::bodies32!(128, #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]);
    super::bodies64!(64, 32, #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi2")]);
}
