//! Texts from files: JSON lines and plain lines, packed or not, in flat memory.
//!
//! `source` opens and unpacks a file and hashes it on the way, `lines` cuts it into blocks of whole lines, `select` names
//! the wanted fields, `object` finds them on a line, `flat` does so on the usual one, `jsonl` puts these together into
//! columns.

mod flat;
pub mod jsonl;
pub mod lines;
mod object;
pub mod select;
pub mod source;
mod surrogates;

pub use jsonl::{Columns, Form, OnBad, Options, Reader, head};
pub use select::{Column, Field, Presence, Select};
