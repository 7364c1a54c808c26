//! Text to tokens: normalisation with a map back to the original, and tokenisers.

pub mod batch;
pub mod fast;
pub mod lists;
pub mod normalize;
pub mod tokenize;
pub mod tokens;
pub(crate) mod unicode;

pub use batch::{TextColumn, Texts};

/// The one Unicode version of this build; part of every fingerprint that depends on text.
pub const UNICODE_VERSION: &str = "15.0.0";

/// The generated table that this crate and the Python reference both read (made by tools/gen_unicode.py).
pub const UNICODE_TABLE: &str = include_str!("unicode-15.0.0.txt");
