//! How to read: what a line is, what is wanted of it, and what becomes of a line that cannot be used.

use super::select::Select;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A JSON object.
    Json,
    /// A text.
    Plain,
}

/// What to do with a line that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBad {
    /// End with an error that names the line.
    Raise,
    /// Leave it out and count it.
    Skip,
    /// As `Raise`, but what is not a character (bytes that are not UTF-8, lone surrogates) becomes U+FFFD.
    Replace,
}

/// How to read.
#[derive(Clone, Debug)]
pub struct Options {
    /// What a line is.
    pub form: Form,
    /// What to take out of it.
    pub select: Select,
    /// What to do with lines that cannot be used.
    pub on_bad: OnBad,
    /// Whether a text that is null, or not there, is kept as missing.
    pub keep_missing: bool,
    /// Bytes that one line may have.
    pub max_line: usize,
    /// Number of the first line.
    pub first_line: i64,
    /// Rows after which to stop.
    pub limit: Option<usize>,
}
