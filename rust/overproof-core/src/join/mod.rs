//! Pairs of texts that share enough: candidates by shared n-grams or by bands, verified exactly.

pub mod banding;
mod candidates;
pub mod copies;
mod forms;
mod groups;
pub mod hamming;
mod masked;
pub mod masks;
mod numbers;
pub mod overlap;
pub mod pairs;
mod places;
pub mod postings;
mod runs;
pub mod side;
pub mod topk;
pub mod verify;

pub use pairs::{Joined, Pair};
pub use postings::Postings;
pub use side::Side;
