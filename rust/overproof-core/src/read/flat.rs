//! The usual line, without serde: an object with the wanted fields at its top, as strings and whole numbers.
//!
//! Whatever is out of the ordinary is left to `object`, which defines what a line holds and says what is wrong with it.

use super::select::{Select, Takes};
use crate::kernel::{self, Level};
use serde::de::IgnoredAny;
use std::ops::Range;

/// Where the value of a field stands.
#[derive(Clone, Debug, Default)]
enum Place {
    #[default]
    Nowhere,
    Line(Range<usize>),
    /// Strings are written anew, without their escapes.
    Decoded(Range<usize>),
}

/// Reads the fields of one line after the other.
pub struct Flat<'s> {
    fields: Vec<(&'s str, Takes)>,
    places: Vec<Place>,
    decoded: String,
    level: Level,
}

impl<'s> Flat<'s> {
    /// For the fields of `select`, unless they lie deeper, are messages, or are put together.
    pub fn new(select: &'s Select) -> Option<Self> {
        let fields: Vec<_> = select.fields.iter().map(|f| (f.path.as_str(), f.column.takes())).collect();
        let alone = |i: usize| {
            let before = &select.fields[..i];
            before.iter().all(|f| f.path != select.fields[i].path && f.column != select.fields[i].column)
        };
        let usual = select.role.is_none() && fields.iter().enumerate().all(|(i, f)| alone(i) && !f.0.contains('.'));
        usual.then(|| Flat {
            places: vec![Place::Nowhere; fields.len()],
            decoded: String::new(),
            level: kernel::any_level(),
            fields,
        })
    }

    /// Find the fields on `line`; `None` where it is not as usual.
    pub fn find(&mut self, line: &str) -> Option<()> {
        self.places.fill(Place::Nowhere);
        self.decoded.clear();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let bytes = line.as_bytes();
        let mut at = behind(bytes, 0, b'{')?;
        loop {
            at = behind(bytes, at, b'"')?;
            let key_end = at + bytes[at..].iter().position(|b| matches!(b, b'"' | b'\\' | 0..b' '))?;
            let key = line.get(at..key_end)?;
            // A backslash or a control character in the key is no quote.
            at = blanks(bytes, behind(bytes, exactly(bytes, key_end, b'"')?, b':')?);
            at = match self.fields.iter().position(|(name, _)| *name == key) {
                Some(field) => self.value(line, at, field)?,
                None => passed(line, at)?,
            };
            at = blanks(bytes, at);
            match bytes.get(at)? {
                b',' => at += 1,
                b'}' => break,
                _ => return None,
            }
        }
        (blanks(bytes, at + 1) == bytes.len()).then_some(())
    }

    /// The value of a field on `line`, where the fields were found.
    pub fn get<'a>(&'a self, line: &'a str, field: usize) -> Option<&'a str> {
        match &self.places[field] {
            Place::Nowhere => None,
            Place::Line(range) => line.get(range.clone()),
            Place::Decoded(range) => self.decoded.get(range.clone()),
        }
    }

    /// Take the value at `at`; where it ends.
    fn value(&mut self, line: &str, at: usize, field: usize) -> Option<usize> {
        let (place, end) = match line.as_bytes().get(at)? {
            b'"' => self.string(line, at + 1)?,
            _ if self.fields[field].1 != Takes::Texts => {
                let end = whole_number(line.as_bytes(), at)?;
                (Place::Line(at..end), end)
            }
            _ => return None,
        };
        self.places[field] = place;
        Some(end)
    }

    /// The string whose first character is at `at`, and what comes behind it.
    fn string(&mut self, line: &str, mut at: usize) -> Option<(Place, usize)> {
        let (bytes, from) = (line.as_bytes(), self.decoded.len());
        loop {
            at = kernel::unescape(self.level, line, at, &mut self.decoded);
            match bytes.get(at)? {
                b'"' => return Some((Place::Decoded(from..self.decoded.len()), at + 1)),
                b'\\' => {
                    let (character, length) = escaped(&bytes[at + 1..])?;
                    self.decoded.push(character);
                    at += 1 + length;
                }
                _ => return None,
            }
        }
    }
}

/// What is behind the spaces at `at`; other white space is a control character.
fn blanks(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..].iter().take_while(|b| **b == b' ').count()
}

/// What is behind `mark`, which stands at `at` or behind its spaces.
fn behind(bytes: &[u8], at: usize, mark: u8) -> Option<usize> {
    exactly(bytes, blanks(bytes, at), mark)
}

/// What is behind `mark`, which stands at `at`.
fn exactly(bytes: &[u8], at: usize, mark: u8) -> Option<usize> {
    (bytes.get(at) == Some(&mark)).then_some(at + 1)
}

/// Where the unwanted value at `at` ends.
fn passed(line: &str, at: usize) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_str(&line[at..]).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(at + values.byte_offset())
}

/// Where the whole number at `at` ends.
fn whole_number(bytes: &[u8], at: usize) -> Option<usize> {
    let from = at + usize::from(bytes[at] == b'-');
    let digits = bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let ended = matches!(bytes.get(from + digits), Some(b' ' | b',' | b'}'));
    (ended && digits > 0 && (digits == 1 || bytes[from] != b'0')).then_some(from + digits)
}

/// The character of an escape without its backslash, and how many bytes it takes.
fn escaped(bytes: &[u8]) -> Option<(char, usize)> {
    Some(match bytes.first()? {
        b'u' => {
            let unit = hexadecimal(&bytes[1..])?;
            if let Some(character) = char::from_u32(u32::from(unit)) {
                return Some((character, 5));
            }
            let low = hexadecimal(bytes.get(5..)?.strip_prefix(b"\\u")?)?;
            (char::decode_utf16([unit, low]).next()?.ok()?, 11)
        }
        byte => (char::from(kernel::escaped(*byte)?), 1),
    })
}

/// The number that four hexadecimal digits make.
fn hexadecimal(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk::<4>()?.iter().try_fold(0, |unit, b| Some(unit << 4 | char::from(*b).to_digit(16)? as u16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::object::Value;
    use crate::read::select::{Column, Field, Presence};
    use proptest::prelude::*;

    fn select() -> Select {
        let paths = [(Column::Text, "text"), (Column::Id, "id"), (Column::Extra(0), "é")];
        let field = |(column, path): (Column, &str)| Field { column, path: path.to_owned(), presence: Presence::Any };
        Select { fields: paths.map(field).into(), role: None }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]
        #[test]
        fn what_is_found_is_what_object_finds(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                r#""text": "#, r#""id":"#, r#""é" : "#, r#""other": "#, r#""\u0069d": "#, ",", ", ", ", ", "}", " }", "\r", "\t", "\u{1f}",
                r#""plain""#, r#""é漢""#, r#""\n\t\r\b\f\"\\\/""#, r#""\u00e9\u6f22""#, r#""\ud83d\ude00""#, r#""\ud83d""#, r#""\ude00x""#,
                r#""\ud83d\u0041""#, r#""\u+123""#, r#""\x""#, r#"""#, "7", "-12", "-", "007", "0", "1.5", "2e3", "null", "true",
                r#"{"id": 3}"#, "[1, [2]]", "[", r#"{"text": "inner"}"#,
            ]), 0..9),
            usual in proptest::collection::vec((0usize..4, 0usize..12), 0..5),
            ends in any::<bool>(),
        ) {
            let keys = [r#""text": "#, r#""id":"#, r#""é" : "#, r#""other": "#];
            let values = [
                r#""plain""#, r#""a\nb\n""#, r#""\u00e9""#, r#""\ud83d\ude00 ""#, r#""""#, "7", "-12", "0", "1.5", "null", "[1, {}]", r#""\ud83d""#,
            ];
            let pairs: Vec<String> = usual.iter().map(|(key, value)| format!("{}{}", keys[*key], values[*value])).collect();
            let line = format!("{{{}{}{}", pairs.join(", "), parts.concat(), if ends { "}" } else { "" });
            let select = select();
            let mut flat = Flat::new(&select).expect("usual fields");
            let found = flat.find(&line).map(|()| (0..3).map(|i| flat.get(&line, i)).collect::<Vec<_>>());
            let defined = select.parse(&line);
            if let Some(found) = found {
                let defined = defined.expect("a line that can be read");
                for (found, value) in found.into_iter().zip(&defined) {
                    let text = match value { Value::Text(text) => Some(&**text), _ => None };
                    prop_assert_eq!(found, text);
                    prop_assert!(text.is_some() || *value == Value::Absent);
                }
            } else if parts.is_empty() && ends && usual.iter().all(|(key, value)| *value < 5 || *key == 3 && *value < 11) {
                prop_assert!(pairs.is_empty(), "left to object: {}", line);
            }
        }
    }

    #[test]
    fn other_fields_are_left_to_object() {
        let with = |path: &str, column: Column, role: Option<&str>| {
            let mut select = select();
            select.fields.push(Field { column, path: path.to_owned(), presence: Presence::Any });
            select.role = role.map(str::to_owned);
            Flat::new(&select).is_some()
        };
        assert!(with("account", Column::Account, None));
        assert!(!with("a.b", Column::Account, None));
        assert!(!with("id", Column::Account, None));
        assert!(!with("more", Column::Text, None));
        assert!(!with("account", Column::Account, Some("assistant")));
    }
}
