//! A source cut into blocks of whole lines; only `\n` ends a line.

use super::source::Source;
use crate::error::{Error, Result};
use crate::exec::Job;
use crate::kernel::memory::with_huge_pages;
use crate::kernel::{self, Level};
use memchr::{memchr, memrchr};
use std::ops::Range;

/// Bytes of a block for each thread, so that it is parsed while the second cache has it; a longer line makes a longer block.
const BLOCK: usize = 1 << 20;

/// The same of one thread alone: the block, the one that is read behind it, and the rows found stay in its second cache.
const BLOCK_ALONE: usize = 1 << 18;

/// Bytes asked of the source at once, so that a cancel is seen soon and they are hashed while the cache has them.
const STEP: usize = 1 << 17;

/// Whole lines of a file.
#[derive(Debug, Default)]
pub struct Block {
    buffer: Vec<u8>,
    range: Range<usize>,
    /// Where each line starts in the bytes, and where the last one ends.
    pub starts: Vec<usize>,
    /// Number of the first line, from 1.
    pub first_line: i64,
    /// Unpacked bytes of the file before this block.
    pub offset: u64,
    /// Numbers of the lines above the limit that were passed over before this block.
    pub too_long: Vec<i64>,
}

impl Block {
    /// The lines, each with its `\n` but for the last of a file.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.range.clone()]
    }
}

/// Reads a source block by block.
pub struct Lines {
    source: Source,
    buffer: Vec<u8>,
    filled: usize,
    /// A block that was given back.
    spare: Block,
    /// Bytes of a block for each thread, and bytes asked of the source at once.
    block: usize,
    step: usize,
    /// Number of the last line given.
    lines: i64,
    offset: u64,
    ended: bool,
    level: Level,
    max_line: usize,
    /// Whether lines above `max_line` are passed over (and noted in `too_long`) or refused.
    skip: bool,
    too_long: Vec<i64>,
}

impl Lines {
    /// Blocks of `source`; a line above `max_line` bytes is an error, or passed over with `skip`.
    ///
    /// `first` is the number of the first line: 1, where the source is a whole file.
    pub fn new(source: Source, max_line: usize, skip: bool, first: i64) -> Self {
        Lines {
            source,
            buffer: Vec::new(),
            filled: 0,
            spare: Block::default(),
            block: BLOCK,
            step: STEP,
            lines: first - 1,
            offset: 0,
            ended: false,
            level: kernel::any_level(),
            max_line,
            skip,
            too_long: Vec::new(),
        }
    }

    /// Blocks of `size` bytes for each thread.
    pub fn in_blocks(self, size: usize) -> Self {
        Lines { block: size, step: size.min(STEP), ..self }
    }

    /// The file underneath.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Whether the whole file was read.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Take back a block that is done with, to fill its buffer again.
    pub fn recycle(&mut self, block: Block) {
        self.spare = block;
    }

    /// Bytes of a block for all threads.
    fn size(&self, job: &Job<'_>) -> usize {
        match job.threads() {
            1 => self.block.min(BLOCK_ALONE),
            threads => self.block * threads,
        }
    }

    /// The next whole lines, none at the end of the file.
    pub fn next_block(&mut self, job: &Job<'_>) -> Result<Block> {
        let (size, mut searched) = (self.size(job), 0);
        let end = loop {
            if self.ended || self.filled >= size {
                if let Some(last) = memrchr(b'\n', &self.buffer[searched..self.filled]) {
                    break if self.ended { self.filled } else { searched + last + 1 };
                }
                if self.filled > self.max_line {
                    self.pass_over(job)?;
                    searched = 0;
                    continue;
                }
                if self.ended {
                    break self.filled;
                }
                searched = self.filled;
            }
            self.fill(job)?;
        };
        let start = self.bom(end)?;
        let Block { buffer: mut next, mut starts, .. } = std::mem::take(&mut self.spare);
        let rest = &self.buffer[end..self.filled];
        if next.len() < rest.len() {
            next.resize(rest.len(), 0);
        }
        next[..rest.len()].copy_from_slice(rest);
        let bytes = &self.buffer[start..end];
        starts.clear();
        starts.push(0);
        kernel::line_starts(self.level, bytes, &mut starts);
        let lines = starts.len() - 1;
        if starts[lines] < bytes.len() {
            starts.push(bytes.len());
        }
        let block = Block {
            first_line: self.lines + 1,
            offset: self.offset + start as u64,
            range: start..end,
            starts,
            too_long: std::mem::take(&mut self.too_long),
            buffer: std::mem::replace(&mut self.buffer, next),
        };
        self.filled -= end;
        self.offset += end as u64;
        self.lines += lines as i64;
        Ok(block)
    }

    /// Read one step more into the buffer.
    fn fill(&mut self, job: &Job<'_>) -> Result<()> {
        job.check()?;
        let end = self.filled + self.step;
        if self.buffer.len() < end {
            if self.buffer.is_empty() {
                self.buffer = with_huge_pages(self.size(job) + self.step);
            }
            self.buffer.resize(end, 0);
        }
        let n = self.source.read(&mut self.buffer[self.filled..end])?;
        self.filled += n;
        self.ended = n == 0;
        Ok(())
    }

    /// The buffer starts with a line above the limit: refuse it, or drop it up to its end.
    fn pass_over(&mut self, job: &Job<'_>) -> Result<()> {
        let line = self.lines + 1;
        if !self.skip {
            return Err(too_long(self.source.name(), line, self.filled, self.max_line, !self.ended));
        }
        self.too_long.push(line);
        self.lines += 1;
        loop {
            if let Some(end) = memchr(b'\n', &self.buffer[..self.filled]) {
                self.buffer.copy_within(end + 1..self.filled, 0);
                self.filled -= end + 1;
                self.offset += end as u64 + 1;
                return Ok(());
            }
            self.offset += self.filled as u64;
            self.filled = 0;
            if self.ended {
                return Ok(());
            }
            self.fill(job)?;
        }
    }

    /// Length of the byte order mark at the start of the file.
    fn bom(&self, end: usize) -> Result<usize> {
        let bytes = &self.buffer[..end];
        if self.offset > 0 {
            return Ok(0);
        }
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(Error::Input(format!(
                "{}: is UTF-16 (it starts with that byte order mark): write it again as UTF-8, for example by iconv -f \
                 UTF-16 -t UTF-8",
                self.source.name()
            )));
        }
        Ok(if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 })
    }
}

/// The error for a line above the limit; `more` when its end was not reached.
pub fn too_long(file: &str, line: i64, size: usize, max_line: usize, more: bool) -> Error {
    let so_far = if more { " so far" } else { "" };
    Error::Input(format!(
        "{file}: line {line} is too long: {size} bytes{so_far}, and max_line allows {max_line}. Is the file one object a \
         line? If so raise max_line, or pass errors=\"skip\" to leave such lines out and count them"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(bytes: &'static [u8], max_line: usize, skip: bool) -> Result<(Vec<(i64, Vec<u8>)>, Vec<i64>)> {
        let source = Source::new("x".to_owned(), Box::new(bytes), None)?;
        let mut lines = Lines::new(source, max_line, skip, 1);
        let (mut found, mut too_long) = (Vec::new(), Vec::new());
        loop {
            let block = lines.next_block(&Job::inline())?;
            too_long.extend_from_slice(&block.too_long);
            if block.bytes().is_empty() {
                return Ok((found, too_long));
            }
            found.push((block.first_line, block.bytes().to_vec()));
            lines.recycle(block);
        }
    }

    #[test]
    fn the_last_line_needs_no_end() -> Result<()> {
        assert_eq!(blocks(b"a\nb", 9, false)?.0, [(1, b"a\nb".to_vec())]);
        assert_eq!(blocks(b"\xef\xbb\xbfa\n", 9, false)?.0, [(1, b"a\n".to_vec())]);
        assert!(blocks(b"", 9, false)?.0.is_empty());
        Ok(())
    }

    #[test]
    fn a_line_above_the_limit_is_refused_or_passed_over() -> Result<()> {
        static LONG: std::sync::LazyLock<Vec<u8>> =
            std::sync::LazyLock::new(|| [b"a\n".as_slice(), &vec![b'b'; 3 * BLOCK], b"\nc\n"].concat());
        assert!(blocks(&LONG, BLOCK, false).is_err());
        let (found, too_long) = blocks(&LONG, BLOCK, true)?;
        assert_eq!(found, [(1, b"a\n".to_vec()), (3, b"c\n".to_vec())]);
        assert_eq!(too_long, [2]);
        Ok(())
    }
}
