//! Pairs of texts that share enough: candidates by shared n-grams or by bands, verified exactly.

pub mod postings;

pub use postings::Postings;
