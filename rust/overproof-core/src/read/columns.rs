//! The rows found, in columns that are filled in order.

use super::options::{Form, Options};
use super::select::{Column, Select};
use crate::error::Result;
use crate::text::TextColumn;

/// The rows found: one column per wanted [`Column`], and the line of each row.
#[derive(Debug)]
pub struct Columns {
    /// By number of [`Column`]; `None` where it was not asked for.
    pub texts: Vec<Option<TextColumn>>,
    /// Line of each row, from 1.
    pub line: Vec<i64>,
}

impl Columns {
    pub(super) fn new(options: &Options) -> Self {
        let Select { fields, role } = &options.select;
        let wanted = |column| {
            fields.iter().any(|f| f.column == column)
                || (column == Column::Prompt && role.is_some())
                || (column == Column::Text && options.form == Form::Plain)
        };
        let further = (0..options.select.extras()).map(|_| Some(TextColumn::new()));
        let known = Column::ALL.into_iter().map(|column| wanted(column).then(TextColumn::new));
        Columns { texts: known.chain(further).collect(), line: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        self.texts.iter_mut().flatten().for_each(TextColumn::clear);
        self.line.clear();
    }

    /// Make room for `times` of what is there, in columns of up to `most` bytes.
    pub(super) fn reserve(&mut self, times: f64, most: usize) {
        let scaled = |n: usize| (times * n as f64) as usize;
        let rows = scaled(self.line.len());
        for texts in self.texts.iter_mut().flatten() {
            texts.reserve(scaled(texts.bytes()).min(most), rows.min(most));
        }
    }

    /// Append the first `rows` rows of `other`.
    pub(super) fn extend(&mut self, other: &Columns, rows: usize) -> Result<()> {
        for (to, from) in self.texts.iter_mut().zip(&other.texts) {
            if let (Some(to), Some(from)) = (to, from) {
                if rows == from.len() {
                    to.extend(from)?;
                } else {
                    (0..rows).try_for_each(|i| to.push(from.get(i)))?;
                }
            }
        }
        self.line.extend_from_slice(&other.line[..rows]);
        Ok(())
    }
}
