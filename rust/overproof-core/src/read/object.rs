//! One JSON object, of which the wanted fields are found in one pass; everything else is skipped unread.
//!
//! Of a key given twice the last counts, as in Python's `json`.

use super::select::{Select, Takes};
use super::surrogates::has_surrogate;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// One message of a conversation.
#[derive(Debug, PartialEq)]
pub(super) struct Message<'a> {
    /// Who speaks.
    pub(super) role: Cow<'a, str>,
    /// What is said; `None` where there is no text (a tool call).
    pub(super) text: Option<Cow<'a, str>>,
}

/// The value of a field on one line.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Value<'a> {
    /// The line does not have the field.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// A string, or the JSON text of a number.
    Text(Cow<'a, str>),
    /// A list of messages.
    Messages(Vec<Message<'a>>),
    /// Something that the column does not take, named.
    Wrong(Cow<'static, str>),
}

/// A value and the number of keys that were walked to it.
#[derive(Default)]
struct Slot<'a> {
    value: Value<'a>,
    depth: u8,
}

impl Select {
    /// The values of the fields on `line`, a JSON object.
    pub(super) fn parse<'a>(&self, line: &'a str) -> serde_json::Result<Vec<Value<'a>>> {
        let mut slots: Vec<Slot<'a>> = self.fields.iter().map(|_| Slot::default()).collect();
        let wanted: Vec<Wanted<'_>> = self
            .fields
            .iter()
            .enumerate()
            .map(|(slot, field)| Wanted { slot, path: &field.path, takes: field.column.takes() })
            .collect();
        let mut json = serde_json::Deserializer::from_str(line);
        // A list below is walked too, but a line has to be an object.
        json.deserialize_map(Walk { wanted: &wanted, depth: 0, slots: &mut slots })?;
        json.end()?;
        Ok(slots.into_iter().map(|slot| slot.value).collect())
    }
}

/// A field still to be found below the current object.
#[derive(Clone, Copy)]
struct Wanted<'s> {
    slot: usize,
    path: &'s str,
    takes: Takes,
}

impl<'s> Wanted<'s> {
    /// The path below `key`: empty when the key is the field itself.
    fn below(&self, key: &str) -> Option<&'s str> {
        match self.path.strip_prefix(key) {
            Some("") => Some(""),
            Some(rest) => rest.strip_prefix('.'),
            None => None,
        }
    }
}

/// What a key leads to.
enum Hit<'s> {
    Nothing,
    Field(Wanted<'s>),
    /// Fields below the key, or several fields at it; the path of each is what is left of it.
    Several(Vec<Wanted<'s>>),
}

impl<'s> Hit<'s> {
    fn new(wanted: &[Wanted<'s>], key: &str) -> Self {
        let mut found = wanted.iter().filter_map(|w| w.below(key).map(|path| Wanted { path, ..*w }));
        match (found.next(), found.next()) {
            (None, _) => Hit::Nothing,
            (Some(first), None) if first.path.is_empty() => Hit::Field(first),
            (Some(first), second) => Hit::Several([first].into_iter().chain(second).chain(found).collect()),
        }
    }
}

/// Looks a key up without keeping it.
struct Key<'w, 's>(&'w [Wanted<'s>]);

impl<'de, 's> DeserializeSeed<'de> for Key<'_, 's> {
    type Value = Hit<'s>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Hit<'s>, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'s> Visitor<'_> for Key<'_, 's> {
    type Value = Hit<'s>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, key: &str) -> Result<Hit<'s>, E> {
        Ok(Hit::new(self.0, key))
    }
}

/// Goes through an object or a list and fills the slots of the wanted fields.
struct Walk<'w, 's, 'a> {
    wanted: &'w [Wanted<'s>],
    depth: u8,
    slots: &'w mut [Slot<'a>],
}

impl<'a> Walk<'_, '_, 'a> {
    /// Keep a value, unless one was found by fewer keys.
    fn keep(&mut self, slot: usize, value: Value<'a>) {
        let slot = &mut self.slots[slot];
        if slot.value == Value::Absent || slot.depth >= self.depth {
            *slot = Slot { value, depth: self.depth };
        }
    }

    /// A value at which several fields are, or below which some are.
    fn several(&mut self, raw: &'a RawValue, wanted: &[Wanted<'_>]) -> serde_json::Result<()> {
        for w in wanted.iter().filter(|w| w.path.is_empty()) {
            let value = value_of(raw, w.takes)?;
            self.keep(w.slot, value);
        }
        let below: Vec<Wanted<'_>> = wanted.iter().filter(|w| !w.path.is_empty()).copied().collect();
        for w in &below {
            if self.slots[w.slot].depth > self.depth {
                self.slots[w.slot] = Slot::default();
            }
        }
        if !below.is_empty() && raw.get().starts_with(['{', '[']) {
            let mut json = serde_json::Deserializer::from_str(raw.get());
            Walk { wanted: &below, depth: self.depth.saturating_add(1), slots: self.slots }.deserialize(&mut json)?;
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<(), M::Error> {
        while let Some(hit) = map.next_key_seed(Key(self.wanted))? {
            match hit {
                Hit::Nothing => drop(map.next_value::<IgnoredAny>()?),
                Hit::Field(w) if w.takes == Takes::Texts => {
                    let value = map.next_value_seed(TextSeed)?;
                    self.keep(w.slot, value);
                }
                Hit::Field(w) => {
                    let value = value_of(map.next_value()?, w.takes).map_err(M::Error::custom)?;
                    self.keep(w.slot, value);
                }
                Hit::Several(wanted) => self.several(map.next_value()?, &wanted).map_err(M::Error::custom)?,
            }
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(mut self, mut seq: S) -> Result<(), S::Error> {
        let mut position = 0_usize;
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            match Hit::new(self.wanted, &position.to_string()) {
                Hit::Nothing => {}
                Hit::Field(w) => self.several(raw, &[w]).map_err(S::Error::custom)?,
                Hit::Several(wanted) => self.several(raw, &wanted).map_err(S::Error::custom)?,
            }
            position += 1;
        }
        Ok(())
    }
}

/// The value of a column.
fn value_of(raw: &RawValue, takes: Takes) -> serde_json::Result<Value<'_>> {
    let json = raw.get();
    if takes == Takes::All && !json.starts_with('"') && json != "null" {
        if has_surrogate(json) {
            return Err(serde_json::Error::custom("lone surrogate"));
        }
        return Ok(Value::Text(compact(json)));
    }
    if takes != Takes::Texts && json.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return Ok(Value::Text(Cow::Borrowed(json)));
    }
    let value = TextSeed.deserialize(&mut serde_json::Deserializer::from_str(json))?;
    Ok(match value {
        Value::Messages(_) if takes != Takes::Texts => wrong("a list"),
        other => other,
    })
}

/// JSON text without the white space between its parts.
fn compact(json: &str) -> Cow<'_, str> {
    const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];
    if !json.contains(BLANK) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    let (mut inside, mut escaped) = (false, false);
    for c in json.chars() {
        if inside || !BLANK.contains(&c) {
            out.push(c);
        }
        inside ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
    }
    Cow::Owned(out)
}

/// A string, null, a list of messages, or the name of another type.
struct TextSeed;

impl<'de> DeserializeSeed<'de> for TextSeed {
    type Value = Value<'de>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value<'de>, D::Error> {
        json.deserialize_any(self)
    }
}

/// The visits of values that are not wanted, each named by what it is.
macro_rules! named {
    ($out:ty, $make:expr; $($visit:ident: $type:ty => $name:literal),+) => {
        $(fn $visit<E>(self, _: $type) -> Result<$out, E> {
            Ok($make($name))
        })+
    };
}

/// What texts and contents share: strings and null are taken, other scalars and objects are named.
macro_rules! text_visits {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }
        named!(Value<'de>, wrong; visit_bool: bool => "true or false", visit_i64: i64 => "a number",
            visit_u64: u64 => "a number", visit_f64: f64 => "a number");
        fn visit_unit<E>(self) -> Result<Value<'de>, E> {
            Ok(Value::Null)
        }
        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
            Ok(Value::Text(Cow::Borrowed(text)))
        }
        fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
            Ok(Value::Text(Cow::Owned(text.to_owned())))
        }
        fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Value<'de>, M::Error> {
            drain_map(map)?;
            Ok(wrong("an object"))
        }
    };
}

fn wrong(what: &'static str) -> Value<'static> {
    Value::Wrong(Cow::Borrowed(what))
}

fn drain_map<'de, M: MapAccess<'de>>(mut map: M) -> Result<(), M::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

fn drain_seq<'de, S: SeqAccess<'de>>(mut seq: S) -> Result<(), S::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de> Visitor<'de> for TextSeed {
    type Value = Value<'de>;
    text_visits!();

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Value<'de>, S::Error> {
        let mut messages = Vec::new();
        while let Some(item) = seq.next_element_seed(MessageSeed)? {
            match item {
                Ok(message) => messages.push(message),
                Err(what) => {
                    drain_seq(seq)?;
                    let wrong = format!("a list whose item {} {what}", messages.len());
                    return Ok(Value::Wrong(Cow::Owned(wrong)));
                }
            }
        }
        Ok(Value::Messages(messages))
    }
}

/// One message, or what is wrong with it.
struct MessageSeed;

type Item<'a> = Result<Message<'a>, Cow<'static, str>>;

fn not_message(what: &'static str) -> Item<'static> {
    Err(Cow::Owned(format!("is {what}, not an object with role and content")))
}

impl<'de> DeserializeSeed<'de> for MessageSeed {
    type Value = Item<'de>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Item<'de>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MessageSeed {
    type Value = Item<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    named!(Item<'de>, not_message; visit_bool: bool => "true or false", visit_i64: i64 => "a number",
        visit_u64: u64 => "a number", visit_f64: f64 => "a number", visit_str: &str => "a string");
    fn visit_unit<E>(self) -> Result<Item<'de>, E> {
        Ok(not_message("null"))
    }
    fn visit_seq<S: SeqAccess<'de>>(self, seq: S) -> Result<Item<'de>, S::Error> {
        drain_seq(seq)?;
        Ok(not_message("a list"))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Item<'de>, M::Error> {
        let (mut role, mut text) = (Value::Absent, Value::Absent);
        while let Some(key) = map.next_key_seed(MessageKey)? {
            match key {
                Some(true) => role = map.next_value_seed(TextSeed)?,
                Some(false) => text = map.next_value_seed(PartsSeed)?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let Value::Text(role) = role else {
            return Ok(Err(Cow::Borrowed("has no role (or from) that is a string")));
        };
        Ok(match text {
            Value::Text(text) => Ok(Message { role, text: Some(text) }),
            Value::Null | Value::Absent => Ok(Message { role, text: None }),
            Value::Messages(_) => Err(Cow::Borrowed("has messages as its content")),
            Value::Wrong(what) => Err(Cow::Owned(format!("has {what} as its content"))),
        })
    }
}

/// `Some(true)` for the role's key, `Some(false)` for the content's.
struct MessageKey;

impl<'de> DeserializeSeed<'de> for MessageKey {
    type Value = Option<bool>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<bool>, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for MessageKey {
    type Value = Option<bool>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, key: &str) -> Result<Option<bool>, E> {
        Ok(match key {
            "role" | "from" => Some(true),
            "content" | "value" => Some(false),
            _ => None,
        })
    }
}

/// The content of a message: a string, null, or a list of parts of which the texts are taken and joined by `\n`.
struct PartsSeed;

impl<'de> DeserializeSeed<'de> for PartsSeed {
    type Value = Value<'de>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value<'de>, D::Error> {
        json.deserialize_any(self)
    }
}

/// A part of a content: `{"type": "text", "text": ...}`, another type (an image), or a plain string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Part<'a> {
    Plain(#[serde(borrow)] Cow<'a, str>),
    Typed {
        #[serde(borrow, default)]
        text: Option<Cow<'a, str>>,
    },
}

impl<'de> Visitor<'de> for PartsSeed {
    type Value = Value<'de>;
    text_visits!();

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Value<'de>, S::Error> {
        let mut joined: Option<String> = None;
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            let text = match serde_json::from_str(raw.get()) {
                Ok(Part::Plain(text)) => text,
                Ok(Part::Typed { text: Some(text) }) => text,
                Ok(Part::Typed { text: None }) => continue,
                Err(e) if has_surrogate(raw.get()) => return Err(S::Error::custom(e)),
                Err(_) => {
                    drain_seq(seq)?;
                    return Ok(wrong("a list with a part that is neither a string nor an object"));
                }
            };
            match &mut joined {
                Some(all) => {
                    all.push('\n');
                    all.push_str(&text);
                }
                None => joined = Some(text.into_owned()),
            }
        }
        Ok(joined.map_or(Value::Null, |all| Value::Text(Cow::Owned(all))))
    }
}

/// The keys of an object, to say what a line has.
pub(super) fn keys(line: &str) -> Vec<String> {
    struct Keys;
    impl<'de> Visitor<'de> for Keys {
        type Value = Vec<String>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Vec<String>, M::Error> {
            let mut keys = Vec::new();
            while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
                keys.push(key);
            }
            Ok(keys)
        }
    }
    serde_json::Deserializer::from_str(line).deserialize_map(Keys).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::select::{Column, Field, Presence};

    fn select(paths: &[(Column, &str)]) -> Select {
        let fields = paths.iter().map(|(column, path)| Field {
            column: *column,
            path: (*path).to_owned(),
            presence: Presence::Any,
        });
        Select { fields: fields.collect(), role: None }
    }

    fn text(s: &str) -> Value<'static> {
        Value::Text(Cow::Owned(s.to_owned()))
    }

    fn one(path: &str, line: &'static str) -> serde_json::Result<Value<'static>> {
        Ok(select(&[(Column::Text, path)]).parse(line)?.remove(0))
    }

    #[test]
    fn paths_walk_objects_and_lists_and_the_last_key_wins() -> serde_json::Result<()> {
        let line = r#"{"x": [{"y": {"z": "no"}}, {"y": {"z": "yes"}}], "t": 1, "t": "last"}"#;
        assert_eq!(one("x.1.y.z", line)?, text("yes"));
        assert_eq!(one("t", line)?, text("last"));
        assert_eq!(one("x.2.y.z", line)?, Value::Absent);
        assert_eq!(one("t.x", line)?, Value::Absent);
        assert_eq!(one("a.b", r#"{"a": {"b": "walk"}, "a.b": "key"}"#)?, text("key"));
        assert_eq!(one("a.b", r#"{"a.b": "key", "a": {"b": "walk"}}"#)?, text("key"));
        assert_eq!(one("a.b", r#"{"a": {"b": "first"}, "a": {}}"#)?, Value::Absent);
        assert_eq!(one("a", r#"{"\u0061": "escaped key"}"#)?, text("escaped key"));
        Ok(())
    }

    #[test]
    fn one_value_can_be_two_columns() -> serde_json::Result<()> {
        let both = select(&[(Column::Text, "a"), (Column::Id, "a"), (Column::Account, "b"), (Column::Time, "c")]);
        let found = both.parse(r#"{"a": "x", "b": 1.50e3, "c": null}"#)?;
        assert_eq!(found, [text("x"), text("x"), text("1.50e3"), Value::Null]);
        Ok(())
    }

    #[test]
    fn further_columns_take_every_value() -> serde_json::Result<()> {
        for (line, found) in [
            (r#"{"a": "as it \u0069s"}"#, text("as it is")),
            (
                r#"{"a": [ {"b" : "c \" , d", "e": [1.50, true ]} , null]}"#,
                text(r#"[{"b":"c \" , d","e":[1.50,true]},null]"#),
            ),
            (r#"{"a": " \\ " , "b": 1}"#, text(" \\ ")),
            (r#"{"a": 0.70}"#, text("0.70")),
            (r#"{"a": false}"#, text("false")),
            (r#"{"a": {}}"#, text("{}")),
            (r#"{"a": null}"#, Value::Null),
            (r#"{"b": 1}"#, Value::Absent),
        ] {
            assert_eq!(select(&[(Column::Extra(0), "a")]).parse(line)?, [found], "{line}");
        }
        assert!(select(&[(Column::Extra(0), "a")]).parse(r#"{"a": ["\ud800"]}"#).is_err());
        let both = select(&[(Column::Prompt, "m"), (Column::Extra(1), "m"), (Column::Extra(0), "m.0.role")]);
        let found = both.parse(r#"{"m": [{"role": "user", "content": "x"}]}"#)?;
        assert!(matches!(found[0], Value::Messages(_)));
        assert_eq!(found[1..], [text(r#"[{"role":"user","content":"x"}]"#), text("user")]);
        Ok(())
    }

    #[test]
    fn wrong_types_are_named() -> serde_json::Result<()> {
        for (line, what) in [
            (r#"{"a": 1}"#, "a number"),
            (r#"{"a": true}"#, "true or false"),
            (r#"{"a": {"b": [1]}}"#, "an object"),
            (
                r#"{"a": [{"role": "user", "content": "x"}, 3, [4]]}"#,
                "a list whose item 1 is a number, not an object with role and content",
            ),
            (r#"{"a": [{"content": "x"}]}"#, "a list whose item 0 has no role (or from) that is a string"),
            (r#"{"a": [{"role": "user", "content": 1}]}"#, "a list whose item 0 has a number as its content"),
        ] {
            assert_eq!(one("a", line)?, Value::Wrong(Cow::Borrowed(what)), "{line}");
        }
        Ok(())
    }

    #[test]
    fn messages_of_both_formats() -> serde_json::Result<()> {
        let line = r#"{"m": [{"from": "human", "value": "hi"}, {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "image", "url": "u"}, "b"]}, {"role": "assistant", "content": null}]}"#;
        let Value::Messages(messages) = one("m", line)? else { unreachable!() };
        let texts: Vec<_> = messages.iter().map(|m| (&*m.role, m.text.as_deref())).collect();
        assert_eq!(texts, [("human", Some("hi")), ("assistant", Some("a\nb")), ("assistant", None)]);
        Ok(())
    }

    #[test]
    fn a_bomb_of_brackets_is_an_error_or_is_skipped() {
        let bomb = "[".repeat(100_000) + &"]".repeat(100_000);
        let line = format!(r#"{{"a": {bomb}, "b": "x"}}"#);
        assert!(matches!(select(&[(Column::Text, "b")]).parse(&line).as_deref(), Ok([Value::Text(_)])));
        assert!(matches!(select(&[(Column::Text, "a")]).parse(&line).as_deref(), Ok([Value::Wrong(_)])));
    }
}
