//! Tokens to n-gram hashes, and sets of them.

pub mod set;

pub use set::ShingleSets;
