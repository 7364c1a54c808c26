//! The frozen values of `tests/golden/op1.json`, which `overproof.reference` wrote, against the core.

use overproof_core::params::{Analyzer, Normalization, ShingleParams};
use overproof_core::shingle::Shingler;
use overproof_core::text::normalize::normalize;
use overproof_core::text::tokenize::mapped;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::error::Error;

type Checked = Result<(), Box<dyn Error>>;

fn cases() -> Result<Vec<(String, Value)>, Box<dyn Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/op1.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let cases = golden["cases"].as_object().ok_or("no cases")?;
    assert!(cases.len() >= 60);
    Ok(cases.iter().map(|(name, values)| (name.clone(), values.clone())).collect())
}

fn text(case: &Value) -> Result<&str, Box<dyn Error>> {
    Ok(case["text"].as_str().ok_or("no text")?)
}

/// As `listed` of tools/gen_golden.py: hashes, or the length and digest of many.
fn listed(hashes: &[u64], like: &Value) -> Value {
    if like.is_array() {
        return hashes.iter().map(|h| format!("{h:016x}")).collect();
    }
    let bytes: Vec<u8> = hashes.iter().flat_map(|h| h.to_le_bytes()).collect();
    let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    json!({"count": hashes.len(), "sha256": digest})
}

fn shingles(text: &str, n: Vec<u8>, analyzer: &str, seed: u64) -> Result<(Vec<u64>, u32, bool), Box<dyn Error>> {
    let how = Normalization::parse("nfkc_casefold")?;
    let params = ShingleParams::new(n, Analyzer::parse(analyzer)?, how, seed)?;
    let mut shingler = Shingler::new(&params);
    let (hashes, shape) = shingler.text(text);
    let mut set = hashes.to_vec();
    set.sort_unstable();
    set.dedup();
    Ok((set, shape.tokens, shape.short))
}

#[test]
fn normalised_texts() -> Checked {
    for (name, case) in cases()? {
        for (how, wanted) in case["normalized"].as_object().ok_or("no normalized")? {
            let made: String = normalize(text(&case)?, Normalization::parse(how)?, 0).iter().map(|p| p.c).collect();
            assert_eq!(Some(made.as_str()), wanted.as_str(), "{name}, {how}");
        }
    }
    Ok(())
}

#[test]
fn words_and_their_places() -> Checked {
    for (name, case) in cases()? {
        for (how, wanted) in case["words"].as_object().ok_or("no words")? {
            let made = mapped(text(&case)?, &Analyzer::Word, Normalization::parse(how)?);
            let rows: Result<Vec<Value>, Box<dyn Error>> = (0..made.len())
                .map(|i| {
                    let (start, end) = made.source[i];
                    Ok(json!([std::str::from_utf8(made.token(i))?, start, end, made.single[i]]))
                })
                .collect();
            assert_eq!(&Value::Array(rows?), wanted, "{name}, {how}");
        }
    }
    Ok(())
}

#[test]
fn shingle_hashes() -> Checked {
    for (name, case) in cases()? {
        for (what, wanted) in case["shingles"].as_object().ok_or("no shingles")? {
            let (analyzer, sizes) = what.split_once(' ').ok_or("no sizes")?;
            let n = sizes.split(',').map(str::parse).collect::<Result<Vec<u8>, _>>()?;
            let (hashes, tokens, short) = shingles(text(&case)?, n, analyzer, 0)?;
            let made = json!({"tokens": tokens, "short": short, "hashes": listed(&hashes, &wanted["hashes"])});
            assert_eq!(&made, wanted, "{name}, {what}");
        }
        let (hashes, _, _) = shingles(text(&case)?, vec![1], "word", 1)?;
        let wanted = &case["seed 1, word 1"];
        assert_eq!(&listed(&hashes, wanted), wanted, "{name}, seed 1");
    }
    Ok(())
}
