//! Texts from files: JSON lines and plain lines, packed or not, in flat memory.
//!
//! `source` opens and unpacks a file and hashes it on the way, `lines` cuts it into blocks of whole lines, `select` names
//! the wanted fields, `object` finds them on a line, `flat` does so on the usual one, `reader` puts these together into
//! `columns`, as its `options` say.

mod columns;
mod flat;
pub mod lines;
mod object;
mod options;
pub mod reader;
pub mod select;
pub mod source;
mod surrogates;

pub use columns::Columns;
pub use options::{Form, OnBad, Options};
pub use reader::{Reader, head};
pub use select::{Column, Field, Presence, Select};
