//! Sketches: fixed-size summaries of shingle sets, comparable row against row.

pub mod array;

pub use array::{SetSketch, SketchArray, Values};
