//! Every parameter that affects a value, and the fingerprint that stands for all of them.

use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::fmt;

/// First eight bytes, little-endian, of the SHA-256 of a canonical ASCII parameter string.
pub fn fingerprint(canonical: &str) -> u64 {
    let digest = Sha256::digest(canonical.as_bytes());
    let mut first = [0u8; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
}

/// The base form of a normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The text as it is.
    None,
    /// Unicode NFC.
    Nfc,
    /// Unicode toNFKC_Casefold.
    NfkcCasefold,
}

/// A named normalisation: a base form and options, applied in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Normalization {
    /// Base form.
    pub form: Form,
    /// Drop accents (nonspacing marks of script Inherited), composed and decomposed alike.
    pub accents: bool,
    /// Turn every decimal digit into `0`.
    pub digits: bool,
    /// Turn every punctuation mark and symbol into a space.
    pub punctuation: bool,
    /// Fold each run of white space to one space, none at the ends.
    pub whitespace: bool,
}

impl Normalization {
    const OPTIONS: [&'static str; 4] = ["accents", "digits", "punctuation", "whitespace"];

    /// Read `base[+option]...`; options in canonical order, each at most once.
    pub fn parse(name: &str) -> Result<Self> {
        let usage = || {
            Error::input(format!(
                "normalization={name:?} is unknown; give none, nfc or nfkc_casefold, then any of +accents +digits \
                 +punctuation +whitespace in this order"
            ))
        };
        let mut parts = name.split('+');
        let form = match parts.next() {
            Some("none") => Form::None,
            Some("nfc") => Form::Nfc,
            Some("nfkc_casefold") => Form::NfkcCasefold,
            _ => return Err(usage()),
        };
        let mut on = [false; 4];
        let mut next = 0;
        for part in parts {
            let at = Self::OPTIONS.iter().position(|o| *o == part).ok_or_else(usage)?;
            if at < next {
                return Err(usage());
            }
            on[at] = true;
            next = at + 1;
        }
        Ok(Normalization { form, accents: on[0], digits: on[1], punctuation: on[2], whitespace: on[3] })
    }

    /// Whether any option beyond the base form is on.
    pub fn has_options(&self) -> bool {
        self.accents || self.digits || self.punctuation || self.whitespace
    }
}

impl fmt::Display for Normalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.form {
            Form::None => "none",
            Form::Nfc => "nfc",
            Form::NfkcCasefold => "nfkc_casefold",
        })?;
        let on = [self.accents, self.digits, self.punctuation, self.whitespace];
        for (name, _) in Self::OPTIONS.iter().zip(on).filter(|(_, on)| *on) {
            write!(f, "+{name}")?;
        }
        Ok(())
    }
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Analyzer {
    /// Words; single characters in scripts without spaces.
    Word,
    /// Code points of the normalised text.
    Char,
    /// Bytes of the normalised text.
    Byte,
    /// Tokens that the user brings, as ids or strings.
    Tokens,
    /// Tokens made by a function of the user's, under the name he gives it.
    Named(String),
}

impl Analyzer {
    /// Read one of the built-in names.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "word" => Ok(Analyzer::Word),
            "char" => Ok(Analyzer::Char),
            "byte" => Ok(Analyzer::Byte),
            "tokens" => Ok(Analyzer::Tokens),
            _ => {
                Err(Error::input(format!("analyzer={name:?} is unknown; give word, char, byte, tokens or a function")))
            }
        }
    }
}

impl fmt::Display for Analyzer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Analyzer::Word => f.write_str("word"),
            Analyzer::Char => f.write_str("char"),
            Analyzer::Byte => f.write_str("byte"),
            Analyzer::Tokens => f.write_str("tokens"),
            Analyzer::Named(name) => write!(f, "named:{name}"),
        }
    }
}

/// From text to shingle hashes: all that decides a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShingleParams {
    /// Shingle widths, ascending, without repeats.
    pub n: Vec<u8>,
    /// What a token is.
    pub analyzer: Analyzer,
    /// How text is normalised first; `none` for tokens that the user brings.
    pub normalization: Normalization,
    /// Chooses one of the hash functions; not a key.
    pub seed: u64,
}

impl ShingleParams {
    /// Check and build; widths are sorted here.
    pub fn new(mut n: Vec<u8>, analyzer: Analyzer, normalization: Normalization, seed: u64) -> Result<Self> {
        n.sort_unstable();
        n.dedup();
        if n.is_empty() || n[0] == 0 {
            return Err(Error::input("n must name at least one shingle width, each from 1 to 255"));
        }
        Ok(ShingleParams { n, analyzer, normalization, seed })
    }

    /// The smallest width: texts with fewer tokens are short.
    pub fn smallest(&self) -> usize {
        self.n.first().map_or(1, |n| usize::from(*n))
    }

    /// The canonical ASCII parameter string.
    pub fn canonical(&self) -> String {
        let widths: Vec<String> = self.n.iter().map(u8::to_string).collect();
        // The text tables take part only where text is looked at.
        let text = match self.analyzer {
            Analyzer::Tokens | Analyzer::Named(_) => String::new(),
            _ => format!(";normalization={};unicode={}", self.normalization, crate::text::UNICODE_VERSION),
        };
        format!(
            "overproof;hash=op1;n={};analyzer={};seed={}{}",
            widths.join(","),
            self.analyzer.to_string().escape_default(),
            self.seed,
            text
        )
    }

    /// The fingerprint of [`ShingleParams::canonical`].
    pub fn fingerprint(&self) -> u64 {
        fingerprint(&self.canonical())
    }
}
