//! Tokens to n-gram hashes, and sets of them.

pub mod build;
pub mod hash;
pub mod numbers;
pub mod set;
pub mod sort;
pub mod window;

pub use set::ShingleSets;
pub use window::Shingler;
