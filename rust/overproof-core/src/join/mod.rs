//! Stage join.
