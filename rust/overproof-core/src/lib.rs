//! The pipeline of overproof, in order: text -> shingle -> sketch -> score -> index -> join.
//!
//! Each stage imports only from the stages before it. `kernel` holds the inner loops, `exec` spreads rows over threads,
//! `read` brings texts in from files. Nothing here knows of Python.

pub mod error;
pub mod exec;
pub mod params;
pub mod partition;

pub mod index;
pub mod join;
pub mod kernel;
pub mod read;
pub mod score;
pub mod shingle;
pub mod sketch;
pub mod text;
