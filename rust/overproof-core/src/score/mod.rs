//! Stage score.
