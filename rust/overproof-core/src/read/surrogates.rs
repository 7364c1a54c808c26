//! Escaped surrogates without a partner, which JSON allows and UTF-8 does not have.

/// Whether the JSON text escapes a surrogate that has no partner.
pub(super) fn has_surrogate(json: &str) -> bool {
    repair_surrogates(json).is_some()
}

/// The JSON text with `\ufffd` in place of each escaped surrogate that has no partner; `None` if there is none.
pub(super) fn repair_surrogates(json: &str) -> Option<String> {
    let bytes = json.as_bytes();
    let unit = |at: usize| {
        let escape = bytes.get(at..at + 6)?;
        let hex = escape.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
    };
    let (mut repaired, mut copied) = (String::new(), 0);
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        at += found;
        at += match (unit(at), unit(at + 6)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(0xd800..0xe000), _) => {
                repaired.push_str(&json[copied..at]);
                repaired.push_str("\\ufffd");
                copied = at + 6;
                6
            }
            _ => 2,
        };
        at = at.min(bytes.len());
    }
    (copied > 0).then(|| repaired + &json[copied..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogates_are_found() {
        assert_eq!(repair_surrogates(r#""\ud83d\ude00 \\ud800 \n""#), None);
        assert_eq!(repair_surrogates(r#""\ud800""#).as_deref(), Some(r#""\ufffd""#));
        assert_eq!(repair_surrogates(r#""\ud800\u0041\udc00x""#).as_deref(), Some(r#""\ufffd\u0041\ufffdx""#));
        assert_eq!(repair_surrogates(r#"\"#), None);
    }
}
