//! Lines to columns: parsed in parallel, merged in order, every line that gives no row counted with its reason.

use super::columns::Columns;
use super::flat::Flat;
use super::lines::{self, Block, Lines};
use super::object::{self, Value};
use super::options::{Form, OnBad, Options};
use super::select::{Column, Field, Presence, role_matches};
use super::source::Source;
use super::surrogates::repair_surrogates;
use crate::error::{Error, Result};
use crate::exec::{Job, lock};
use crate::kernel::{self, Level};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Rows that were left out, or changed, for one reason.
#[derive(Clone, Debug)]
pub struct Count {
    /// The reason.
    pub reason: &'static str,
    /// How often.
    pub n: u64,
    /// The first line of that kind.
    pub first: i64,
}

const BLANK: &str = "blank line";
const REPLACED: &str = "characters replaced";
const NO_ROLE: &str = "no message of the role";
const NO_TEXT: &str = "message without text";
const TOO_LONG: &str = "line too long";

/// Why a line gives no row.
enum Bad {
    NotUtf8(u64),
    Broken(serde_json::Error),
    NotObject,
    Surrogate,
    NoField(usize),
    Null,
    WrongType(usize, Cow<'static, str>),
    TooLong,
}

/// A line that gave its rows, or why not.
type Parsed = std::result::Result<(), Bad>;

impl Bad {
    fn reason(&self) -> &'static str {
        match self {
            Bad::NotUtf8(_) => "not UTF-8",
            Bad::Broken(_) => "broken JSON",
            Bad::NotObject => "not an object",
            Bad::Surrogate => "lone surrogate",
            Bad::NoField(_) => "missing field",
            Bad::Null => "null text",
            Bad::WrongType(..) => "wrong type",
            Bad::TooLong => TOO_LONG,
        }
    }
}

/// What one range of lines gives.
struct Part {
    columns: Columns,
    counts: Vec<(i64, &'static str)>,
    bad: Option<Error>,
    /// Which fields were on a line at all.
    seen: Vec<bool>,
    /// Roles of conversations that had none of the wanted.
    roles: BTreeSet<String>,
}

/// Reads one file in slices.
pub struct Reader {
    lines: Lines,
    /// The block read while the last one was parsed.
    next: Option<Result<Block>>,
    options: Options,
    columns: Columns,
    /// Columns of parts that were taken over, to fill their room again.
    spare: Mutex<Vec<Columns>>,
    counts: Vec<Count>,
    rows: usize,
    seen: Vec<bool>,
    roles: BTreeSet<String>,
    done: bool,
    failed: bool,
}

impl Reader {
    /// Read `source` as `options` say.
    pub fn new(source: Source, options: Options) -> Result<Self> {
        if options.max_line == 0 || options.limit == Some(0) {
            return Err(Error::input("max_line and limit must be at least 1"));
        }
        options.select.check()?;
        Ok(Reader {
            lines: Lines::new(source, options.max_line, options.on_bad == OnBad::Skip, options.first_line),
            next: None,
            columns: Columns::new(&options),
            spare: Mutex::default(),
            counts: Vec::new(),
            rows: 0,
            seen: vec![false; options.select.fields.len()],
            roles: BTreeSet::new(),
            done: false,
            failed: false,
            options,
        })
    }

    /// Read on for about `time`, one block at least; true at the end of the file or at the limit.
    pub fn read(&mut self, job: &Job<'_>, time: Duration) -> Result<bool> {
        if self.failed {
            return Err(Error::input(format!("{}: reading ended with an error; open it again", self.source().name())));
        }
        let until = Instant::now().checked_add(time);
        while !self.done {
            self.block(job).inspect_err(|_| self.failed = true)?;
            if until.is_some_and(|until| Instant::now() >= until) {
                break;
            }
        }
        Ok(self.done)
    }

    /// The rows read since the last call.
    pub fn take(&mut self) -> Columns {
        std::mem::replace(&mut self.columns, Columns::new(&self.options))
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What was left out or changed so far, by the first line of its kind.
    pub fn counts(&self) -> &[Count] {
        &self.counts
    }

    /// The further columns whose field was on a line, whatever its value.
    pub fn extras_seen(&self) -> Vec<bool> {
        let mut seen = vec![false; self.options.select.extras()];
        for (field, on_a_line) in self.options.select.fields.iter().zip(&self.seen) {
            if let Column::Extra(k) = field.column {
                seen[usize::from(k)] |= on_a_line;
            }
        }
        seen
    }

    /// The file underneath.
    pub fn source(&self) -> &Source {
        self.lines.source()
    }

    /// SHA-256 of the file; `None` while it has not been read to its end, and where the limit was reached: how much was read
    /// beyond depends on the size of blocks.
    pub fn sha256(&self) -> Option<String> {
        (self.lines.ended() && self.options.limit != Some(self.rows)).then(|| self.source().sha256())
    }

    /// Parse one block while the next is read.
    fn block(&mut self, job: &Job<'_>) -> Result<()> {
        let block = match self.next.take() {
            Some(block) => block?,
            None => self.lines.next_block(job)?,
        };
        for line in &block.too_long {
            count(&mut self.counts, *line, TOO_LONG);
        }
        if block.bytes().is_empty() {
            self.done = true;
            return self.check_seen();
        }
        let name = self.lines.source().name().to_owned();
        let read = self.lines.source().bytes_read();
        let (lines, options, spare) = (&mut self.lines, &self.options, &self.spare);
        let (parts, next) = job.join(|| parse(&block, &name, options, spare, job), || lines.next_block(job));
        self.next = Some(next);
        self.lines.recycle(block);
        let first = self.rows == 0;
        for part in parts? {
            self.merge(part)?;
            if self.done {
                return Ok(());
            }
        }
        if first && self.options.limit.is_none() {
            self.make_room(read);
        }
        Ok(())
    }

    /// Make room for the whole file, of which the columns hold what is in its first `read` bytes.
    ///
    /// No more than the file has for a column, so that memory is bounded by what is there to read.
    fn make_room(&mut self, read: u64) {
        const MARGIN: f64 = 1.03;
        if let Some(total) = self.lines.source().bytes_total()
            && total > read
        {
            self.columns
                .reserve(MARGIN * total as f64 / read.max(1) as f64, usize::try_from(total).unwrap_or(usize::MAX));
        }
    }

    /// Take over what one range of lines gave, up to the limit.
    fn merge(&mut self, mut part: Part) -> Result<()> {
        let left = self.options.limit.map_or(usize::MAX, |limit| limit - self.rows);
        let rows = part.columns.line.len().min(left);
        self.columns.extend(&part.columns, rows)?;
        self.rows += rows;
        self.done = rows == left;
        let last = if self.done { part.columns.line[rows - 1] } else { i64::MAX };
        part.columns.clear();
        self.spare.get_mut().unwrap_or_else(PoisonError::into_inner).push(part.columns);
        for (line, reason) in part.counts.into_iter().filter(|(line, _)| *line <= last) {
            count(&mut self.counts, line, reason);
        }
        for (all, seen) in self.seen.iter_mut().zip(part.seen) {
            *all |= seen;
        }
        self.roles.extend(part.roles);
        match part.bad {
            Some(bad) if !self.done => Err(bad),
            _ => Ok(()),
        }
    }

    /// A field that the caller named has to be on one line at least; so has the role.
    fn check_seen(&self) -> Result<()> {
        let name = self.lines.source().name();
        for (field, seen) in self.options.select.fields.iter().zip(&self.seen) {
            if !seen && field.presence == Presence::Some && self.rows > 0 {
                let (option, path) = (field.column.option(), &field.path);
                return Err(Error::Input(format!("{name}: no line has the field {path:?}: check {option}")));
            }
        }
        if self.rows == 0 && !self.roles.is_empty() {
            let role = self.options.select.role.as_deref().unwrap_or_default();
            let roles: Vec<&str> = self.roles.iter().map(String::as_str).collect();
            return Err(Error::Input(format!(
                "{name}: no message has the role {role:?}; the roles are {}: give one of them as role",
                roles.join(", ")
            )));
        }
        Ok(())
    }
}

fn count(counts: &mut Vec<Count>, line: i64, reason: &'static str) {
    match counts.iter_mut().find(|c| c.reason == reason) {
        Some(count) => count.n += 1,
        None => counts.push(Count { reason, n: 1, first: line }),
    }
}

/// All lines of a block.
fn parse(
    block: &Block,
    file: &str,
    options: &Options,
    spare: &Mutex<Vec<Columns>>,
    job: &Job<'_>,
) -> Result<Vec<Part>> {
    let (bytes, starts) = (block.bytes(), &block.starts);
    let level = kernel::any_level();
    let rows = starts.len() - 1;
    job.chunks(
        rows,
        |i| starts[i + 1] - starts[i],
        |range| {
            let columns = lock(spare).pop();
            let part = Part::new(options, columns.unwrap_or_else(|| Columns::new(options)));
            let mut parser = Parser { file, options, part, flat: Flat::new(&options.select), level };
            for i in range {
                let line = &bytes[starts[i]..starts[i + 1]];
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                let number = block.first_line + i as i64;
                if let Err(bad) = parser.line(line, number, block.offset + starts[i] as u64) {
                    if options.on_bad == OnBad::Skip {
                        parser.part.counts.push((number, bad.reason()));
                    } else {
                        parser.part.bad = Some(parser.explain(&bad, line, number));
                        break;
                    }
                }
            }
            Ok(parser.part)
        },
    )
}

impl Part {
    fn new(options: &Options, columns: Columns) -> Self {
        Part {
            columns,
            counts: Vec::new(),
            bad: None,
            seen: vec![false; options.select.fields.len()],
            roles: BTreeSet::new(),
        }
    }
}

struct Parser<'p> {
    file: &'p str,
    options: &'p Options,
    part: Part,
    /// Where the fields may be found without `object`.
    flat: Option<Flat<'p>>,
    level: Level,
}

impl Parser<'_> {
    /// Add the rows of one line; `offset` is its place in the file.
    fn line(&mut self, bytes: &[u8], number: i64, offset: u64) -> Parsed {
        if bytes.len() > self.options.max_line {
            return Err(Bad::TooLong);
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            self.part.counts.push((number, BLANK));
            return Ok(());
        }
        let replace = self.options.on_bad == OnBad::Replace;
        let text = match kernel::utf8(self.level, bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) if replace => {
                self.part.counts.push((number, REPLACED));
                String::from_utf8_lossy(bytes)
            }
            Err(e) => return Err(Bad::NotUtf8(offset + e.valid_up_to() as u64)),
        };
        if self.options.form == Form::Plain {
            return self.row(number, Some(text.strip_suffix('\r').unwrap_or(&text)), &[], None);
        }
        if let Some(added) = self.usual(&text, number) {
            return added;
        }
        match self.options.select.parse(&text) {
            Ok(values) => self.rows(number, &values),
            Err(broken) => {
                if !text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() {
                    return Err(Bad::NotObject);
                }
                let Some(repaired) = repair_surrogates(&text) else { return Err(Bad::Broken(broken)) };
                let Ok(values) = self.options.select.parse(&repaired) else { return Err(Bad::Broken(broken)) };
                if !replace {
                    return Err(Bad::Surrogate);
                }
                self.part.counts.push((number, REPLACED));
                self.rows(number, &values)
            }
        }
    }

    /// Add the row of a usual line; `None` where it is not, or where a field is missing about which there is more to say.
    fn usual(&mut self, line: &str, number: i64) -> Option<Parsed> {
        let flat = self.flat.as_mut()?;
        flat.find(line)?;
        let fields = &self.options.select.fields;
        let found = |i: usize| flat.get(line, i);
        let enough = |(i, field): (usize, &Field)| match found(i) {
            Some(_) => true,
            None => field.column != Column::Text && field.presence != Presence::Every,
        };
        if !fields.iter().enumerate().all(enough) {
            return None;
        }
        for (i, seen) in self.part.seen.iter_mut().enumerate() {
            *seen |= found(i).is_some();
        }
        for (column, texts) in self.part.columns.texts.iter_mut().enumerate() {
            let Some(texts) = texts else { continue };
            let value = fields.iter().position(|field| field.column.number() == column).and_then(found);
            if texts.push(value).is_err() {
                return Some(Err(Bad::TooLong));
            }
        }
        self.part.columns.line.push(number);
        Some(Ok(()))
    }

    /// Add the rows that the values of one object give: one, or one per message of the role.
    fn rows(&mut self, number: i64, values: &[Value<'_>]) -> Parsed {
        let mut text = None;
        for (i, (field, value)) in self.options.select.fields.iter().zip(values).enumerate() {
            let missing_text_kept = field.column == Column::Text && self.options.keep_missing;
            self.part.seen[i] |= *value != Value::Absent;
            match value {
                Value::Wrong(what) => return Err(Bad::WrongType(i, what.clone())),
                Value::Absent if field.presence == Presence::Every && !missing_text_kept => {
                    return Err(Bad::NoField(i));
                }
                Value::Absent | Value::Null if field.column == Column::Text && !missing_text_kept => {
                    return Err(Bad::Null);
                }
                _ if field.column == Column::Text => text = Some((i, value)),
                _ => {}
            }
        }
        let role = self.options.select.role.as_deref();
        match (text, role) {
            (Some((i, Value::Text(_))), Some(_)) => {
                Err(Bad::WrongType(i, Cow::Borrowed("a string, and role is for lists of messages")))
            }
            (Some((_, Value::Text(text))), None) => self.row(number, Some(text), values, None),
            (Some((i, Value::Messages(_))), None) => {
                Err(Bad::WrongType(i, Cow::Borrowed("a list of messages: give role, for example role=\"assistant\"")))
            }
            (Some((_, Value::Messages(messages))), Some(role)) => {
                let mut before = String::new();
                let mut found = false;
                for message in messages {
                    if role_matches(&message.role, role) {
                        found = true;
                        match &message.text {
                            Some(text) => self.row(number, Some(text), values, Some(&before))?,
                            None => self.part.counts.push((number, NO_TEXT)),
                        }
                    }
                    join(&mut before, message.text.as_deref().unwrap_or_default(), "\n\n");
                }
                if !found {
                    self.part.counts.push((number, NO_ROLE));
                    self.part.roles.extend(messages.iter().take(16).map(|m| m.role.to_string()));
                }
                Ok(())
            }
            _ => self.row(number, None, values, None),
        }
    }

    /// Add one row; `before` is the conversation up to a message.
    fn row(&mut self, number: i64, text: Option<&str>, values: &[Value<'_>], before: Option<&str>) -> Parsed {
        let mut joined: Vec<Option<Cow<'_, str>>> = Vec::new();
        joined.resize_with(self.part.columns.texts.len(), || None);
        for (field, value) in self.options.select.fields.iter().zip(values) {
            let value = match value {
                Value::Text(text) => Cow::Borrowed(&**text),
                Value::Messages(messages) if field.column != Column::Text => {
                    let mut all = String::new();
                    messages.iter().for_each(|m| join(&mut all, m.text.as_deref().unwrap_or_default(), "\n\n"));
                    Cow::Owned(all)
                }
                _ => continue,
            };
            match &mut joined[field.column.number()] {
                Some(first) => join(first.to_mut(), &value, "\n"),
                slot => *slot = Some(value),
            }
        }
        if joined[Column::Prompt.number()].is_none() && !self.names_prompt() {
            joined[Column::Prompt.number()] = before.map(Cow::Borrowed);
        }
        joined[Column::Text.number()] = text.map(Cow::Borrowed);
        for (texts, value) in self.part.columns.texts.iter_mut().zip(&joined) {
            // A text above 4 GiB is the one thing that a column refuses; max_line is far below.
            if texts.as_mut().is_some_and(|texts| texts.push(value.as_deref()).is_err()) {
                return Err(Bad::TooLong);
            }
        }
        self.part.columns.line.push(number);
        Ok(())
    }

    fn names_prompt(&self) -> bool {
        self.options.select.fields.iter().any(|f| f.column == Column::Prompt)
    }

    /// The error of a line, with what to do.
    fn explain(&self, bad: &Bad, line: &[u8], number: i64) -> Error {
        const SKIP: &str = "or pass errors=\"skip\" to leave such lines out and count them";
        let field = |i: usize| {
            let field = &self.options.select.fields[i];
            (field.column.option(), &field.path)
        };
        let text = String::from_utf8_lossy(line);
        let what = match bad {
            Bad::TooLong => return lines::too_long(self.file, number, line.len(), self.options.max_line, false),
            Bad::NotUtf8(offset) => format!(
                "is not UTF-8 (at byte {offset} of the file): write the file again as UTF-8, pass errors=\"replace\" to put \
                 U+FFFD there, {SKIP}"
            ),
            // An indented list opens on a line of its own, which is no whole JSON.
            Bad::NotObject | Bad::Broken(_) if text.trim_start().starts_with('[') => format!(
                "is a list, not an object: is the file one JSON list? Write one object a line (jq -c '.[]' does), {SKIP}"
            ),
            Bad::Broken(e) => format!("is broken JSON: {}: {}mend it, {SKIP}", explain_json(e), hint(e, &text)),
            Bad::NotObject => format!("is not a JSON object: put each text into an object, {SKIP}"),
            Bad::Surrogate => format!(
                "has half of a surrogate pair in an escape (\\ud800 to \\udfff), which is no character: mend it, pass \
                 errors=\"replace\" to put U+FFFD there, {SKIP}"
            ),
            Bad::NoField(i) => {
                let (option, path) = field(*i);
                let keys = object::keys(&text);
                format!("has no field {path:?}; its fields are {}: give {option}, {SKIP}", keys.join(", "))
            }
            Bad::Null => format!("has no text (null): pass missing=\"keep\" to keep it as missing, {SKIP}"),
            Bad::WrongType(i, what) => {
                let (option, path) = field(*i);
                let wanted = match self.options.select.fields[*i].column {
                    Column::Text | Column::Prompt => "a string or a list of messages",
                    _ => "a string or a number",
                };
                format!("field {path:?} is {what}; {option} has to name {wanted}; {SKIP}")
            }
        };
        Error::Input(format!("{}: line {number}: {what}", self.file))
    }
}

/// Append `text`, parted by `by` where there is something before.
fn join(all: &mut String, text: &str, by: &str) {
    if !all.is_empty() && !text.is_empty() {
        all.push_str(by);
    }
    all.push_str(text);
}

/// serde's message with the column alone, since it counts lines within one of ours.
fn explain_json(e: &serde_json::Error) -> String {
    let message = e.to_string();
    let what = message.split(" at line ").next().unwrap_or_default();
    match what {
        _ if e.is_eof() => format!("it ends too early, after byte {} ({what})", e.column()),
        _ => format!("{what} at byte {}", e.column()),
    }
}

/// What is likely behind an error.
fn hint(e: &serde_json::Error, text: &str) -> &'static str {
    let near = text.get(e.column().saturating_sub(2)..).unwrap_or_default();
    let near = near.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    if ["NaN", "Infinity", "aN", "nfinity"].iter().any(|word| near.starts_with(word)) {
        "NaN and Infinity are not JSON (write null; json.dumps(..., allow_nan=False) finds them); "
    } else {
        ""
    }
}

/// Bytes of a block where only the first lines are wanted.
const HEAD: usize = 1 << 17;

/// The first `n` lines of a file, as far as they are UTF-8, to guess its fields from; `skip` passes over longer ones.
pub fn head(source: Source, n: usize, max_line: usize, skip: bool, job: &Job<'_>) -> Result<Vec<String>> {
    let mut lines = Lines::new(source, max_line, skip, 1).in_blocks(HEAD);
    let mut found = Vec::new();
    while found.len() < n {
        let block = lines.next_block(job)?;
        if block.bytes().is_empty() {
            break;
        }
        let texts = block.bytes().split(|b| *b == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        found.extend(texts.filter(|line| !line.trim().is_empty()).take(n - found.len()).map(str::to_owned));
    }
    Ok(found)
}
