//! Every parameter that affects a value, and the fingerprint that stands for all of them.

use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::fmt;

/// The name of the hash and of all else that docs/spec freezes with it.
pub const HASH: &str = "op1";

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
    /// Add the shingles of the text without its list markers, so that an edit of layout costs no match.
    pub both_lists: bool,
}

impl ShingleParams {
    /// Check and build; widths are sorted here.
    pub fn new(mut n: Vec<u8>, analyzer: Analyzer, normalization: Normalization, seed: u64) -> Result<Self> {
        n.sort_unstable();
        n.dedup();
        if n.is_empty() || n[0] == 0 {
            return Err(Error::input("n must name at least one shingle width, each from 1 to 255"));
        }
        Ok(ShingleParams { n, analyzer, normalization, seed, both_lists: false })
    }

    /// The same, with the shingles of the text without list markers added.
    pub fn with_both_lists(mut self) -> Result<Self> {
        if matches!(self.analyzer, Analyzer::Tokens | Analyzer::Named(_)) {
            return Err(Error::input("lists=\"both\" looks at text; this analyzer takes tokens"));
        }
        self.both_lists = true;
        Ok(self)
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
            "overproof;hash={HASH};n={};analyzer={};seed={}{text}{}",
            widths.join(","),
            self.analyzer.to_string().escape_default(),
            self.seed,
            if self.both_lists { ";lists=both" } else { "" }
        )
    }

    /// The fingerprint of [`ShingleParams::canonical`].
    pub fn fingerprint(&self) -> u64 {
        fingerprint(&self.canonical())
    }
}

/// How a sketch is made from shingle hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// MinHash by k affine permutations of 32 bits over `op1` hashes.
    Affine32Op1,
    /// MinHash by one permutation, stored undensified.
    Oph,
    /// MinHash as datasketch 2 makes it with its scheme `affine32`.
    DatasketchAffine32,
    /// MinHash as datasketch 2 makes it with its scheme `affine64`.
    DatasketchAffine64,
    /// MinHash as datasketch 1 makes it, and datasketch 2 with its scheme `legacy`.
    DatasketchLegacy,
    /// SimHash weighted by occurrence counts.
    SimHash,
    /// SimHash weighted by the user's integers.
    SimHashWeighted,
    /// FracMinHash.
    FracMinHash,
}

impl Scheme {
    const NAMES: [(&'static str, Scheme); 8] = [
        ("affine32-op1", Scheme::Affine32Op1),
        ("oph", Scheme::Oph),
        ("datasketch-affine32", Scheme::DatasketchAffine32),
        ("datasketch-affine64", Scheme::DatasketchAffine64),
        ("datasketch-legacy", Scheme::DatasketchLegacy),
        ("simhash", Scheme::SimHash),
        ("simhash-weighted", Scheme::SimHashWeighted),
        ("fracminhash", Scheme::FracMinHash),
    ];

    /// Read a name.
    pub fn parse(name: &str) -> Result<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, scheme)| *scheme).ok_or_else(|| {
            let names: Vec<&str> = Self::NAMES.iter().map(|(known, _)| *known).collect();
            Error::input(format!("scheme={name:?} is unknown; give one of {}", names.join(", ")))
        })
    }

    /// The name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, scheme)| *scheme == self).map_or("", |(name, _)| name)
    }

    /// Whether rows are MinHash values, which union by their minimum.
    pub fn is_minhash(self) -> bool {
        !matches!(self, Scheme::SimHash | Scheme::SimHashWeighted | Scheme::FracMinHash)
    }

    /// Whether rows are SimHash bits.
    pub fn is_simhash(self) -> bool {
        matches!(self, Scheme::SimHash | Scheme::SimHashWeighted)
    }

    /// Whether values are stored in 64 bits; 32 otherwise.
    pub fn is_wide(self) -> bool {
        !matches!(self, Scheme::Affine32Op1 | Scheme::Oph | Scheme::DatasketchAffine32)
    }

    /// The name of the one size that the scheme has.
    pub fn size_name(self) -> &'static str {
        match self {
            Scheme::SimHash | Scheme::SimHashWeighted => "bits",
            Scheme::FracMinHash => "scaled",
            _ => "num_perm",
        }
    }
}

/// Where the hashes of a sketch came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashSource {
    /// The canonical parameter string of the hashes; empty for hashes that the user brought.
    pub description: String,
    /// Fingerprint of how the hashes were made.
    pub fingerprint: u64,
}

impl HashSource {
    /// A source by its canonical parameter string.
    pub fn described(description: String) -> Self {
        HashSource { fingerprint: fingerprint(&description), description }
    }
}

impl From<&ShingleParams> for HashSource {
    fn from(params: &ShingleParams) -> Self {
        HashSource::described(params.canonical())
    }
}

/// From shingle hashes to a sketch: all that decides a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SketchParams {
    /// How.
    pub scheme: Scheme,
    /// `num_perm`, `bits` or `scaled`.
    pub size: u64,
    /// Chooses one of the sketch's hash functions; not a key.
    pub seed: u64,
    /// Where the hashes came from.
    pub source: HashSource,
}

impl SketchParams {
    /// The largest `num_perm`.
    pub const MAX_PERM: u64 = 1 << 16;

    /// Check and build.
    pub fn new(scheme: Scheme, size: u64, seed: u64, source: HashSource) -> Result<Self> {
        match scheme {
            Scheme::SimHash | Scheme::SimHashWeighted if size != 64 && size != 128 => {
                Err(Error::input(format!("bits={size}: give 64 or 128")))
            }
            Scheme::FracMinHash if size == 0 => Err(Error::input("scaled=0: give an integer of at least 1")),
            _ if scheme.is_minhash() && !(1..=Self::MAX_PERM).contains(&size) => {
                Err(Error::input(format!("num_perm={size}: give 1 to {}", Self::MAX_PERM)))
            }
            _ => Ok(SketchParams { scheme, size, seed, source }),
        }
    }

    /// Values in a row; 0 for FracMinHash, whose rows differ in length.
    pub fn row_len(&self) -> usize {
        match self.scheme {
            Scheme::FracMinHash => 0,
            Scheme::SimHash | Scheme::SimHashWeighted => (self.size / 64) as usize,
            _ => self.size as usize,
        }
    }

    /// The canonical ASCII parameter string.
    pub fn canonical(&self) -> String {
        format!(
            "overproof;sketch={};{}={};seed={};hashes={:016x}",
            self.scheme.name(),
            self.scheme.size_name(),
            self.size,
            self.seed,
            self.source.fingerprint
        )
    }

    /// Read a canonical string back; `description` is the source's.
    pub fn parse(canonical: &str, description: &str) -> Result<Self> {
        let bad = || Error::Format(format!("parameter string {canonical:?} is not one of a sketch"));
        let fields: Vec<&str> = canonical.split(';').collect();
        let [_, sketch, size, seed, hashes] = fields[..] else { return Err(bad()) };
        let value = |field: &str| field.split_once('=').map(|(_, value)| value.to_owned()).ok_or_else(bad);
        let source = HashSource {
            description: description.to_owned(),
            fingerprint: u64::from_str_radix(&value(hashes)?, 16).map_err(|_| bad())?,
        };
        let scheme = Scheme::parse(&value(sketch)?).map_err(|_| bad())?;
        let size = value(size)?.parse().map_err(|_| bad())?;
        let seed = value(seed)?.parse().map_err(|_| bad())?;
        let params = SketchParams::new(scheme, size, seed, source).map_err(|_| bad())?;
        // One spelling only: whatever differs from what we would write is not ours.
        if params.canonical() == canonical { Ok(params) } else { Err(bad()) }
    }

    /// The fingerprint of [`SketchParams::canonical`].
    pub fn fingerprint(&self) -> u64 {
        fingerprint(&self.canonical())
    }

    /// `Err(Incompatible)` unless `other` makes the same values; names what differs.
    pub fn check_same(&self, other: &SketchParams) -> Result<()> {
        let mut differ = Vec::new();
        if self.scheme != other.scheme {
            differ.push(format!("scheme {} and {}", self.scheme.name(), other.scheme.name()));
        } else if self.size != other.size {
            differ.push(format!("{} {} and {}", self.scheme.size_name(), self.size, other.size));
        }
        if self.seed != other.seed {
            differ.push(format!("seed {} and {}", self.seed, other.seed));
        }
        if self.source.fingerprint != other.source.fingerprint {
            differ.push(format!(
                "hashes {:?} ({:016x}) and {:?} ({:016x})",
                self.source.description, self.source.fingerprint, other.source.description, other.source.fingerprint
            ));
        }
        if differ.is_empty() {
            return Ok(());
        }
        Err(Error::Incompatible(format!("sketches made with different parameters: {}", differ.join("; "))))
    }
}
