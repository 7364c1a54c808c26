//! Stage sketch.
