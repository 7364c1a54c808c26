//! Batches of texts: a view that every stage takes, and a column that owns its bytes.

use crate::error::{Error, Result};
use crate::kernel::memory::{prefetch, text_with_huge_pages};

/// A batch of texts as every stage takes it; `None` is a missing text (null), which is not an empty one.
pub type Texts<'a> = &'a [Option<&'a str>];

/// The largest text that token offsets can address.
pub const MAX_TEXT: usize = u32::MAX as usize;

/// A column of texts in one buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextColumn {
    data: String,
    /// End of each text in `data`; text i starts where text i-1 ends.
    ends: Vec<usize>,
    /// Whether each text is missing; empty while none is.
    missing: Vec<bool>,
}

impl TextColumn {
    /// An empty column.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no texts.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all texts.
    pub fn bytes(&self) -> usize {
        self.data.len()
    }

    /// Whether any text is missing.
    pub fn has_missing(&self) -> bool {
        self.missing.iter().any(|m| *m)
    }

    /// Add a text, or a missing one.
    pub fn push(&mut self, text: Option<&str>) -> Result<()> {
        if text.is_some_and(|t| t.len() > MAX_TEXT) {
            return Err(Error::input(format!("row {}: a text may not exceed {MAX_TEXT} bytes", self.len())));
        }
        if text.is_none() && self.missing.is_empty() {
            self.missing.resize(self.len(), false);
        }
        if !self.missing.is_empty() || text.is_none() {
            self.missing.push(text.is_none());
        }
        self.data.push_str(text.unwrap_or_default());
        self.ends.push(self.data.len());
        Ok(())
    }

    /// Text `i`.
    pub fn get(&self, i: usize) -> Option<&str> {
        if self.missing.get(i).copied().unwrap_or(false) {
            return None;
        }
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        Some(&self.data[start..self.ends[i]])
    }

    /// Views of all texts.
    pub fn views(&self) -> Vec<Option<&str>> {
        /// Whether a text starts at a character is seen in its first byte, for which all others would wait.
        const AHEAD: usize = 16;
        let view = |i| {
            let later = self.ends.get(i + AHEAD).and_then(|end| self.data.as_bytes().get(*end));
            later.inspect(|byte| prefetch(*byte));
            self.get(i)
        };
        (0..self.len()).map(view).collect()
    }

    /// Append all texts of `other`.
    pub fn extend(&mut self, other: &TextColumn) -> Result<()> {
        if !(self.missing.is_empty() && other.missing.is_empty()) {
            return (0..other.len()).try_for_each(|i| self.push(other.get(i)));
        }
        let start = self.data.len();
        self.data.push_str(&other.data);
        self.ends.extend(other.ends.iter().map(|end| start + end));
        Ok(())
    }

    /// Make room for so many bytes and texts in all, if the system has it.
    pub fn reserve(&mut self, bytes: usize, texts: usize) {
        // The texts have their room either way once they come.
        let _ = self.ends.try_reserve(texts.saturating_sub(self.len()));
        if bytes > self.data.capacity()
            && let Some(mut data) = text_with_huge_pages(bytes)
        {
            data.push_str(&self.data);
            self.data = data;
        }
    }

    /// Leave out all texts, and keep their room.
    pub fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
        self.missing.clear();
    }

    /// The bytes of all texts, one after the other.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// Text boundaries in `data`, `len + 1` values.
    pub fn offsets(&self) -> Vec<i64> {
        std::iter::once(0).chain(self.ends.iter().map(|end| *end as i64)).collect()
    }

    /// Bytes that the column takes.
    pub fn memory(&self) -> usize {
        self.data.len() + size_of_val(&self.ends[..]) + self.missing.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_is_not_empty() -> Result<()> {
        let mut column = TextColumn::new();
        column.push(Some("a"))?;
        assert!(!column.has_missing());
        column.push(None)?;
        column.push(Some(""))?;
        column.push(Some("né"))?;
        assert_eq!(column.views(), [Some("a"), None, Some(""), Some("né")]);
        let mut twice = TextColumn::new();
        twice.push(Some("before"))?;
        twice.clear();
        twice.extend(&column)?;
        twice.reserve(1 << 23, 9);
        assert_eq!(twice, column);
        Ok(())
    }
}
