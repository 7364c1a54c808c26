//! Stage kernel.
