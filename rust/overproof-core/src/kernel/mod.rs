//! Inner loops, and the choice among them at run time.

pub mod text;
