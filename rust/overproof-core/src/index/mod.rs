//! What is looked up: corpora laid out so that a question costs little more than the wait for memory.

pub mod ngram;

pub use ngram::NgramTable;
