//! Tokens to n-gram hashes, and sets of them.

pub mod build;
pub mod hash;
pub mod numbers;
pub mod set;
mod sort;
pub mod window;

pub use set::ShingleSets;
pub use window::Shingler;
