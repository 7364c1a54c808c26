//! The sketch file `.opsk`: docs/format-opsk.md, byte by byte.

use super::array::{SetSketch, SketchArray, Values};
use super::fracminhash::Selection;
use crate::error::{Error, Result};
use crate::params::{HashSource, Scheme, SketchParams};
use crate::shingle::ShingleSets;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: [u8; 8] = *b"\x89OPSK\r\n\x1a";
const VERSION: u32 = 1;
const HEADER: usize = 64;
const DIGEST: usize = 32;
const HAS_SIZES: u32 = 1;

/// Either kind of sketch: what a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sketches {
    /// MinHash or SimHash.
    Dense(Arc<SketchArray>),
    /// FracMinHash.
    Sets(Arc<SetSketch>),
}

struct Writer(Vec<u8>);

impl Writer {
    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn words(&mut self, values: &[u64]) {
        values.iter().for_each(|v| self.u64(*v));
    }

    fn pad(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    fn bits(&mut self, flags: &[bool]) {
        self.0
            .extend(flags.chunks(8).map(|eight| eight.iter().rev().fold(0, |byte, flag| byte << 1 | u8::from(*flag))));
        self.pad(8);
    }
}

impl Sketches {
    fn params(&self) -> &SketchParams {
        match self {
            Sketches::Dense(s) => &s.params,
            Sketches::Sets(s) => &s.params,
        }
    }

    /// The bytes of a file. O(bytes), one SHA-256 over all.
    pub fn to_bytes(&self) -> Vec<u8> {
        let params = self.params();
        let (canonical, description) = (params.canonical(), &params.source.description);
        let (kind, rows, columns, width, flags) = match self {
            Sketches::Dense(s) => (1, s.n, s.k, if params.scheme.is_wide() { 8 } else { 4 }, 0),
            Sketches::Sets(s) => (2, s.len(), s.hashes.len(), 8, u32::from(s.sizes.is_some()) * HAS_SIZES),
        };
        let mut w = Writer(Vec::with_capacity(HEADER + 512 + (columns * rows.max(1) * width).min(1 << 30)));
        w.0.extend_from_slice(&MAGIC);
        w.u32(VERSION);
        w.u32(kind);
        w.u64(0); // the length, known at the end
        w.u64(rows as u64);
        w.u64(columns as u64);
        w.u32(width as u32);
        w.u32(flags);
        w.u64(params.fingerprint());
        w.u32(canonical.len() as u32);
        w.u32(description.len() as u32);
        w.0.extend_from_slice(canonical.as_bytes());
        w.0.extend_from_slice(description.as_bytes());
        w.pad(HEADER);
        let (empty, missing) = match self {
            Sketches::Dense(s) => {
                match &s.values {
                    Values::U32(v) => v.iter().for_each(|v| w.u32(*v)),
                    Values::U64(v) => w.words(v),
                }
                w.pad(8);
                (&s.empty, &s.missing)
            }
            Sketches::Sets(s) => {
                s.indptr.iter().for_each(|at| w.u64(*at as u64));
                w.words(&s.hashes);
                s.sizes.iter().for_each(|sizes| w.words(sizes));
                (&s.empty, &s.missing)
            }
        };
        w.bits(empty);
        w.bits(missing);
        let length = (w.0.len() + DIGEST) as u64;
        w.0[16..24].copy_from_slice(&length.to_le_bytes());
        let digest = Sha256::digest(&w.0);
        w.0.extend_from_slice(&digest);
        w.0
    }

    /// Read the bytes of a file; everything is checked.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let Some((magic, _)) = bytes.split_first_chunk::<8>() else {
            return Err(broken(0, format!("{} bytes are too few for a sketch file", bytes.len())));
        };
        if *magic != MAGIC {
            return Err(broken(0, format!("magic is {magic:02x?}, not {MAGIC:02x?}: not a sketch file")));
        }
        let mut r = Reader { bytes, at: 8 };
        let version = r.u32("version")?;
        if version != VERSION {
            return Err(broken(8, format!("version is {version}; this library reads {VERSION}")));
        }
        let kind = r.u32("kind")?;
        let length = r.u64("length")?;
        if length != bytes.len() as u64 || bytes.len() < HEADER + DIGEST {
            return Err(broken(16, format!("length is {length}, but there are {} bytes: cut off?", bytes.len())));
        }
        let (body, digest) = bytes.split_at(bytes.len() - DIGEST);
        if Sha256::digest(body)[..] != *digest {
            return Err(broken(
                body.len(),
                "SHA-256 differs from that of the bytes before: the file is damaged".into(),
            ));
        }
        r.bytes = body;
        let (rows, columns) = (r.size("rows")?, r.size("columns")?);
        let (width, flags) = (r.u32("width")?, r.u32("flags")?);
        let fingerprint = r.u64("fingerprint")?;
        let lengths = (r.u32("length of parameters")? as usize, r.u32("length of description")? as usize);
        let canonical = r.ascii(lengths.0, "parameters")?;
        let description = r.ascii(lengths.1, "description")?;
        r.padding(HEADER)?;
        let params = SketchParams::parse(canonical, description).map_err(|e| broken(HEADER, e.to_string()))?;
        if params.fingerprint() != fingerprint {
            return Err(broken(48, format!("fingerprint {fingerprint:016x} is not that of the parameters")));
        }
        if !description.is_empty() && HashSource::described(description.to_owned()) != params.source {
            return Err(broken(HEADER + lengths.0, "description is not that of the hashes in the parameters".into()));
        }
        let sets = params.scheme == Scheme::FracMinHash;
        if kind != 1 + u32::from(sets) {
            return Err(broken(12, format!("kind is {kind}, which does not go with {}", params.scheme.name())));
        }
        if width != if params.scheme.is_wide() { 8 } else { 4 } {
            return Err(broken(40, format!("width is {width}, which does not go with {}", params.scheme.name())));
        }
        if flags & !(u32::from(sets) * HAS_SIZES) != 0 {
            return Err(broken(44, format!("flags are {flags:#x}; unknown here")));
        }
        let made = if sets {
            Sketches::Sets(Arc::new(r.sets(rows, columns, flags, params)?))
        } else {
            Sketches::Dense(Arc::new(r.dense(rows, columns, params)?))
        };
        if r.at != body.len() {
            return Err(broken(r.at, format!("{} bytes more than the rows need", body.len() - r.at)));
        }
        Ok(made)
    }

    /// Write a file, whole or not at all: a sibling file is written, flushed and renamed.
    pub fn save(&self, path: &Path) -> Result<()> {
        let failed = |e: std::io::Error| Error::Io(format!("{}: {e}", path.display()), e.kind());
        let Some(name) = path.file_name() else {
            return Err(Error::input(format!("{}: not the path of a file", path.display())));
        };
        let mut sibling = PathBuf::from(path);
        sibling.set_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
        let write = || {
            let mut file = File::create(&sibling)?;
            file.write_all(&self.to_bytes())?;
            file.sync_all()?;
            std::fs::rename(&sibling, path)
        };
        write().map_err(|e| {
            // The first error is the one to report.
            let _ = std::fs::remove_file(&sibling);
            failed(e)
        })
    }

    /// Read a file.
    pub fn load(path: &Path) -> Result<Self> {
        let failed = |e: std::io::Error| Error::Io(format!("{}: {e}", path.display()), e.kind());
        if path.is_dir() {
            return Err(Error::Io(format!("{}: is a folder", path.display()), ErrorKind::IsADirectory));
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        Self::from_bytes(&bytes).map_err(|e| match e {
            Error::Format(m) => Error::Format(format!("{}: {m}", path.display())),
            other => other,
        })
    }
}

fn broken(at: usize, what: String) -> Error {
    Error::Format(format!("byte {at}: {what}"))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize, what: &str) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let Some(taken) = rest.get(..count) else {
            return Err(broken(self.at, format!("{what} needs {count} bytes; {} are left", rest.len())));
        };
        self.at += count;
        Ok(taken)
    }

    fn u32(&mut self, what: &str) -> Result<u32> {
        let taken = self.take(4, what)?;
        Ok(taken.first_chunk().map_or(0, |four| u32::from_le_bytes(*four)))
    }

    fn u64(&mut self, what: &str) -> Result<u64> {
        let taken = self.take(8, what)?;
        Ok(taken.first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight)))
    }

    /// A number that no machine can fail to count: more than the bytes there are cannot be true.
    fn size(&mut self, what: &str) -> Result<usize> {
        let at = self.at;
        let value = self.u64(what)?;
        // A row takes at least two bits of flags, a column at least four bytes.
        match usize::try_from(value) {
            Ok(size) if size / 8 <= self.bytes.len() => Ok(size),
            _ => Err(broken(at, format!("{what} is {value}: more than the file can hold"))),
        }
    }

    fn ascii(&mut self, count: usize, what: &str) -> Result<&'a str> {
        let at = self.at;
        let taken = self.take(count, what)?;
        match std::str::from_utf8(taken) {
            Ok(text) if text.is_ascii() => Ok(text),
            _ => Err(broken(at, format!("{what} is not ASCII"))),
        }
    }

    fn padding(&mut self, to: usize) -> Result<()> {
        let at = self.at;
        let padding = self.take(at.next_multiple_of(to) - at, "padding")?;
        if padding.iter().any(|b| *b != 0) {
            return Err(broken(at, "padding is not zero".into()));
        }
        Ok(())
    }

    fn array(&mut self, count: usize, width: usize, what: &str) -> Result<&'a [u8]> {
        let bytes = count.checked_mul(width).ok_or_else(|| broken(self.at, format!("{what}: {count} values")))?;
        self.take(bytes, what)
    }

    fn words(&mut self, count: usize, what: &str) -> Result<Vec<u64>> {
        let (words, _) = self.array(count, 8, what)?.as_chunks::<8>();
        Ok(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }

    fn flags(&mut self, count: usize, what: &str) -> Result<Vec<bool>> {
        let at = self.at;
        let bytes = self.take(count.div_ceil(8), what)?;
        let bit = |i: usize| bytes[i / 8] >> (i % 8) & 1 == 1;
        if (count..8 * bytes.len()).any(bit) {
            return Err(broken(at, format!("{what}: bits past the last row are set")));
        }
        let flags = (0..count).map(bit).collect();
        self.padding(8)?;
        Ok(flags)
    }

    fn both_flags(&mut self, rows: usize) -> Result<(Vec<bool>, Vec<bool>)> {
        let empty = self.flags(rows, "empty flags")?;
        let at = self.at;
        let missing = self.flags(rows, "missing flags")?;
        match missing.iter().zip(&empty).position(|(missing, empty)| *missing && !*empty) {
            Some(row) => Err(broken(at, format!("row {row} is missing but not empty"))),
            None => Ok((empty, missing)),
        }
    }

    fn dense(&mut self, rows: usize, columns: usize, params: SketchParams) -> Result<SketchArray> {
        if columns != params.row_len() {
            return Err(broken(32, format!("columns are {columns}, but rows hold {}", params.row_len())));
        }
        let at = self.at;
        let count = rows.checked_mul(columns).ok_or_else(|| broken(24, format!("rows are {rows}")))?;
        let values = if params.scheme.is_wide() {
            Values::U64(self.words(count, "values")?)
        } else {
            let (words, _) = self.array(count, 4, "values")?.as_chunks::<4>();
            Values::U32(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
        };
        self.padding(8)?;
        let (empty, missing) = self.both_flags(rows)?;
        let made = SketchArray::new(params, values, empty, missing)?;
        match made.first_false_empty() {
            Some(row) => Err(broken(at, format!("row {row} is empty but holds values"))),
            None => Ok(made),
        }
    }

    fn sets(&mut self, rows: usize, columns: usize, flags: u32, params: SketchParams) -> Result<SetSketch> {
        let at = self.at;
        let ends = rows.checked_add(1).ok_or_else(|| broken(24, format!("rows are {rows}")))?;
        let indptr: Vec<i64> = self.words(ends, "row boundaries")?.into_iter().map(|at| at as i64).collect();
        let hashes = self.words(columns, "hashes")?;
        ShingleSets::validate(&indptr, &hashes).map_err(|e| broken(at, e.to_string()))?;
        let selection = Selection::new(params.size, params.seed);
        if let Some(place) = hashes.iter().position(|h| !selection.keeps(*h)) {
            let at = at + 8 * (ends + place);
            return Err(broken(
                at,
                format!("hash {:016x} is not one that scaled={} keeps", hashes[place], params.size),
            ));
        }
        let length = |row: usize| (indptr[row + 1] - indptr[row]) as u64;
        let at = self.at;
        let sizes = if flags & HAS_SIZES == 0 { None } else { Some(self.words(rows, "sizes")?) };
        let (empty, missing) = self.both_flags(rows)?;
        if let Some(row) = (0..rows).find(|row| empty[*row] && length(*row) > 0) {
            return Err(broken(at, format!("row {row} is empty but holds hashes")));
        }
        let fits = |row: usize, size: u64| size >= length(row) && (size == 0) == empty[row];
        if let Some(row) = sizes.as_ref().and_then(|sizes| (0..rows).find(|row| !fits(*row, sizes[*row]))) {
            return Err(broken(at, format!("the size of row {row} does not go with its hashes")));
        }
        Ok(SetSketch { indptr, hashes, sizes, empty, missing, fingerprint: params.fingerprint(), params })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hashes, sets_of, sketched, source};
    use super::*;
    use crate::exec::Job;
    use crate::sketch::fracminhash;
    use proptest::prelude::*;

    fn samples(rows: &[&[u64]]) -> Result<Vec<Sketches>> {
        let mut out = Vec::new();
        for (scheme, size) in
            [(Scheme::Affine32Op1, 3), (Scheme::Oph, 5), (Scheme::SimHash, 64), (Scheme::SimHash, 128)]
        {
            out.push(Sketches::Dense(Arc::new(sketched(scheme, size, 1, rows)?)));
        }
        for scaled in [1, 3] {
            let params = SketchParams::new(Scheme::FracMinHash, scaled, 1, source())?;
            let sets = fracminhash::of_sets(&Job::inline(), &sets_of(rows), params)?;
            out.push(Sketches::Sets(Arc::new(sets.union(&sets)?)));
            out.push(Sketches::Sets(Arc::new(sets)));
        }
        Ok(out)
    }

    /// Give changed bytes a right checksum, so that what else is wrong is found.
    fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
        let end = bytes.len() - DIGEST;
        bytes[16..24].copy_from_slice(&(end as u64 + 32).to_le_bytes());
        let digest = Sha256::digest(&bytes[..end]);
        bytes[end..].copy_from_slice(&digest);
        bytes
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn what_is_written_is_read(a in hashes(9), b in hashes(9), count in 0usize..20) {
            let rows: Vec<&[u64]> = (0..count).map(|i| [&a[..], &b, &[]][i % 3]).collect();
            for made in samples(&rows)? {
                prop_assert_eq!(Sketches::from_bytes(&made.to_bytes())?, made);
            }
        }

        /// A damaged byte, a cut or an addition is seen; with a checksum that fits, nothing worse than an error happens.
        #[test]
        fn attacks(a in hashes(9), at in any::<proptest::sample::Index>(), to in any::<u8>(), cut in any::<proptest::sample::Index>()) {
            for made in samples(&[&a, &[], &[5]])? {
                let bytes = made.to_bytes();
                let mut changed = bytes.clone();
                let at = at.index(bytes.len());
                changed[at] ^= to.max(1);
                prop_assert!(matches!(Sketches::from_bytes(&changed), Err(Error::Format(_))));
                prop_assert!(matches!(Sketches::from_bytes(&bytes[..cut.index(bytes.len())]), Err(Error::Format(_))));
                if let Ok(read) = Sketches::from_bytes(&sealed(changed)) {
                    // Whatever is accepted has one spelling.
                    prop_assert_eq!(Sketches::from_bytes(&read.to_bytes())?, read);
                }
                let longer = Sketches::from_bytes(&sealed([&bytes[..], &[0; 8]].concat())).map_err(|e| e.to_string());
                prop_assert!(longer.is_err_and(|m| m.contains("8 bytes more than the rows need")));
            }
        }
    }

    #[test]
    fn each_field_is_checked() -> Result<()> {
        let dense = Sketches::Dense(Arc::new(sketched(Scheme::Affine32Op1, 3, 1, &[&[1], &[], &[2]])?)).to_bytes();
        let params = SketchParams::new(Scheme::FracMinHash, 2, 1, source())?;
        let sets = Sketches::Sets(Arc::new(fracminhash::of_sets(&Job::inline(), &sets_of(&[&[1, 2], &[]]), params)?))
            .to_bytes();
        for (bytes, at, to, says) in [
            (&dense, 0, 1, "magic"),
            (&dense, 8, 2, "version"),
            (&dense, 12, 2, "kind"),
            (&dense, 24, 200, "values needs 2400 bytes"),
            (&dense, 31, 255, "more than the file"),
            (&dense, 32, 4, "columns"),
            (&dense, 40, 8, "width"),
            (&dense, 44, 1, "flags"),
            (&dense, 48, 1, "fingerprint"),
            (&dense, 56, 255, "parameters"),
            (&dense, 64, 0xFF, "not ASCII"),
            (&dense, 64, b'O', "parameter string"),
            (&dense, dense.len() - 33, 1, "padding"),
            (&dense, dense.len() - 40, 8, "past the last row"),
            (&dense, dense.len() - 40, 1, "missing but not empty"),
            (&dense, dense.len() - 48, 3, "empty but holds values"),
            (&sets, 44, 2, "flags"),
            (&sets, 36, 255, "more than the file"),
            (&sets, sets.len() - 48, 3, "empty but holds hashes"),
            (&sets, sets.len() - 64, 1, "size of row 0"),
            (&sets, sets.len() - 72, 1, "sorted and unique"),
            (&sets, sets.len() - 69, 0x80, "not one that scaled=2 keeps"),
        ] {
            let mut changed = bytes.clone();
            changed[at] = to;
            let read = Sketches::from_bytes(&sealed(changed)).map_err(|e| e.to_string());
            assert!(read.as_ref().is_err_and(|m| m.contains(says)), "{at} {says}: {read:?}");
        }
        Ok(())
    }

    #[test]
    fn a_failed_save_leaves_nothing() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("overproof-opsk-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("taken.opsk")).map_err(|e| Error::Io(e.to_string(), e.kind()))?;
        let made = Sketches::Dense(Arc::new(sketched(Scheme::Affine32Op1, 3, 1, &[&[1]])?));
        made.save(&folder.join("a.opsk"))?;
        assert_eq!(Sketches::load(&folder.join("a.opsk"))?, made);
        assert!(matches!(made.save(&folder.join("taken.opsk")), Err(Error::Io(m, _)) if m.contains("taken.opsk")));
        assert!(matches!(made.save(&folder.join("none/b.opsk")), Err(Error::Io(_, ErrorKind::NotFound))));
        assert!(matches!(Sketches::load(&folder.join("taken.opsk")), Err(Error::Io(_, ErrorKind::IsADirectory))));
        assert!(matches!(Sketches::load(&folder.join("c.opsk")), Err(Error::Io(_, ErrorKind::NotFound))));
        let left = std::fs::read_dir(&folder).map_err(|e| Error::Io(e.to_string(), e.kind()))?.count();
        assert_eq!(left, 2);
        std::fs::remove_dir_all(&folder).map_err(|e| Error::Io(e.to_string(), e.kind()))
    }
}
