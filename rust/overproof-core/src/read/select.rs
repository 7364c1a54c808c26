//! The wanted fields of a line: what each is to us, where it stands, and what it may hold.
//!
//! A path names a key, or keys and list positions joined by dots (`choices.0.message.content`). A key that holds dots
//! itself is found too, and wins over the walk.

use crate::error::{Error, Result};

/// What a field is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The text to be compared.
    Text,
    /// The name of the row.
    Id,
    /// What the text answers.
    Prompt,
    /// Who asked for it.
    Account,
    /// When.
    Time,
    /// The conversation that it belongs to.
    Conversation,
    /// A further column, by its number from 0: any value, as text.
    Extra(u16),
}

impl Column {
    /// The columns that have a meaning, in the order of their numbers.
    pub const ALL: [Column; 6] =
        [Column::Text, Column::Id, Column::Prompt, Column::Account, Column::Time, Column::Conversation];

    /// Its number: further columns come after those that have a meaning.
    pub fn number(self) -> usize {
        match self {
            Column::Text => 0,
            Column::Id => 1,
            Column::Prompt => 2,
            Column::Account => 3,
            Column::Time => 4,
            Column::Conversation => 5,
            Column::Extra(k) => Column::ALL.len() + usize::from(k),
        }
    }

    /// The word for the column.
    pub fn name(self) -> &'static str {
        ["text", "id", "prompt", "account", "time", "conversation"].get(self.number()).copied().unwrap_or("extra")
    }

    /// The option that names its field, for messages.
    pub fn option(self) -> &'static str {
        let options = ["text_field", "id_field", "prompt_field", "account_field", "time_field", "conversation_field"];
        options.get(self.number()).copied().unwrap_or("extra_fields")
    }

    /// The values that the column takes.
    pub(super) fn takes(self) -> Takes {
        match self {
            Column::Text | Column::Prompt => Takes::Texts,
            Column::Extra(_) => Takes::All,
            _ => Takes::Scalars,
        }
    }
}

/// The values that a column takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Strings and lists of messages.
    Texts,
    /// Strings and numbers.
    Scalars,
    /// Everything: what is no string as its JSON text.
    All,
}

/// Where a field has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// On every line.
    Every,
    /// On one line at least.
    Some,
    /// Nowhere: it was guessed.
    Any,
}

/// A wanted field.
#[derive(Clone, Debug)]
pub struct Field {
    /// What it is to us.
    pub column: Column,
    /// Its key or path.
    pub path: String,
    /// Where it has to be.
    pub presence: Presence,
}

/// What to take out of every line.
#[derive(Clone, Debug)]
pub struct Select {
    /// The fields; several for one column are joined by `\n`, empty ones left out.
    pub fields: Vec<Field>,
    /// Whose messages to take where the text is a list of messages.
    pub role: Option<String>,
}

/// Names for the same role in the formats in use.
const ROLES: [&[&str]; 2] = [&["assistant", "gpt", "model", "bot"], &["user", "human", "prompter"]];

/// Whether a message of `role` is one of `wanted`; `assistant` and `user` stand for their other names too.
pub(super) fn role_matches(role: &str, wanted: &str) -> bool {
    role == wanted || ROLES.iter().any(|names| names[0] == wanted && names.contains(&role))
}

/// Keys and positions that a path may have.
const MAX_DEPTH: usize = 32;

impl Select {
    /// Refuse paths that cannot be walked.
    pub fn check(&self) -> Result<()> {
        for field in &self.fields {
            if field.path.is_empty() || field.path.split('.').count() > MAX_DEPTH {
                let option = field.column.option();
                let message = format!("{option}: a path has 1 to {MAX_DEPTH} keys joined by dots");
                return Err(Error::Input(message));
            }
        }
        Ok(())
    }

    /// How many further columns there are.
    pub fn extras(&self) -> usize {
        let numbers = self.fields.iter().map(|field| match field.column {
            Column::Extra(k) => usize::from(k) + 1,
            _ => 0,
        });
        numbers.max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_cannot_be_walked_are_refused() {
        let of = |path: &str| {
            let field = Field { column: Column::Text, path: path.to_owned(), presence: Presence::Any };
            Select { fields: vec![field], role: None }
        };
        assert!(of(&format!("a{}", ".0".repeat(MAX_DEPTH - 1))).check().is_ok());
        assert!(of(&format!("a{}", ".0".repeat(100_000))).check().is_err());
        assert!(of("").check().is_err());
    }
}
