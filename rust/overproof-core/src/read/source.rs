//! One file as a stream of unpacked bytes, its SHA-256 computed in the same pass.

use crate::error::{Error, Result};
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

/// Packed bytes asked of the file at once.
const BUFFER: usize = 1 << 18;

/// The largest zstd window taken (`zstd --long=31`), as a power of 2.
const WINDOW_LOG: u32 = 31;

/// What the first bytes of a file can say of its packing; only the first two are read.
const MAGIC: [(&[u8], &str); 9] = [
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"PK\x03\x04", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"PAR1", "Parquet"),
    (b"ARROW1", "Arrow IPC"),
];

/// The name of the packing that `head` starts with.
fn packing(head: &[u8]) -> Option<&'static str> {
    // pzstd opens a file with a skippable frame.
    if head.len() >= 4 && head[0] & 0xf0 == 0x50 && head[1..4] == [0x2a, 0x4d, 0x18] {
        return Some("zstd");
    }
    MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, name)| *name)
}

/// The file as it lies on disk: hashed and counted as it is read.
struct Raw {
    head: Vec<u8>,
    given: usize,
    inner: Box<dyn Read + Send>,
    hash: Sha256,
    count: u64,
}

impl Read for Raw {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = if self.given < self.head.len() {
            let n = (self.head.len() - self.given).min(into.len());
            into[..n].copy_from_slice(&self.head[self.given..self.given + n]);
            self.given += n;
            n
        } else {
            self.inner.read(into)?
        };
        self.hash.update(&into[..n]);
        self.count += n as u64;
        Ok(n)
    }
}

enum Stream {
    Plain(Raw),
    Gzip(Box<MultiGzDecoder<BufReader<Raw>>>),
    Zstd(zstd::stream::read::Decoder<'static, BufReader<Raw>>),
}

/// An open file: unpacked by its first bytes, not by its name.
pub struct Source {
    name: String,
    stream: Stream,
    total: Option<u64>,
    unpacked: u64,
}

impl Source {
    /// Open the file at `path`.
    pub fn open(path: &Path) -> Result<Source> {
        let name = path.display().to_string();
        let refused = |e: io::Error| {
            let what = match e.kind() {
                ErrorKind::NotFound => "there is no such file: check the path".to_owned(),
                ErrorKind::PermissionDenied => "the file may not be read: check its permissions".to_owned(),
                _ => format!("cannot be opened: {e}"),
            };
            Error::Io(format!("{name}: {what}"), e.kind())
        };
        let file = File::open(path).map_err(refused)?;
        let meta = file.metadata().map_err(refused)?;
        if meta.is_dir() {
            let message = format!("{name}: is a folder, not a file: name a file in it");
            return Err(Error::Io(message, ErrorKind::IsADirectory));
        }
        let total = meta.is_file().then_some(meta.len());
        Self::new(name, Box::new(file), total)
    }

    /// Read `inner` under the name that error messages give it.
    pub fn new(name: String, mut inner: Box<dyn Read + Send>, total: Option<u64>) -> Result<Source> {
        let mut head = Vec::new();
        let broken = |e: io::Error| Error::Io(format!("{name}: cannot be read: {e}"), e.kind());
        inner.by_ref().take(8).read_to_end(&mut head).map_err(broken)?;
        let packing = packing(&head);
        let raw = Raw { head, given: 0, inner, hash: Sha256::new(), count: 0 };
        let stream = match packing {
            None => Stream::Plain(raw),
            Some("gzip") => Stream::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, raw)))),
            Some("zstd") => {
                let opened = zstd::stream::read::Decoder::with_buffer(BufReader::with_capacity(BUFFER, raw));
                let mut decoder = opened.map_err(broken)?;
                decoder.window_log_max(WINDOW_LOG).map_err(broken)?;
                Stream::Zstd(decoder)
            }
            Some(other) => {
                return Err(Error::Format(format!(
                    "{name}: is a {other} file; this reader takes JSON lines or plain lines, as they are or packed by \
                     gzip or zstd: unpack or convert it first"
                )));
            }
        };
        Ok(Source { name, stream, total, unpacked: 0 })
    }

    /// The name of the file in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn raw(&self) -> &Raw {
        match &self.stream {
            Stream::Plain(raw) => raw,
            Stream::Gzip(decoder) => decoder.get_ref().get_ref(),
            Stream::Zstd(decoder) => decoder.get_ref().get_ref(),
        }
    }

    /// Bytes of the file read so far, packed.
    pub fn bytes_read(&self) -> u64 {
        self.raw().count
    }

    /// Bytes of the file, where it is not a pipe.
    pub fn bytes_total(&self) -> Option<u64> {
        self.total
    }

    /// SHA-256 of the bytes read so far: of the file, once `read` has given 0.
    pub fn sha256(&self) -> String {
        self.raw().hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Unpacked bytes into `into`; 0 at the end.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let (packing, result) = match &mut self.stream {
            Stream::Plain(raw) => ("", raw.read(into)),
            Stream::Gzip(decoder) => ("gzip", decoder.read(into)),
            Stream::Zstd(decoder) => ("zstd", decoder.read(into)),
        };
        match result {
            Ok(n) => {
                self.unpacked += n as u64;
                Ok(n)
            }
            Err(e) if packing.is_empty() => Err(Error::Io(format!("{}: cannot be read: {e}", self.name), e.kind())),
            Err(e) => {
                let what = match e.kind() {
                    ErrorKind::UnexpectedEof => "is cut off",
                    _ => "is damaged",
                };
                Err(Error::Format(format!(
                    "{}: the {packing} data {what} after {} bytes of the file ({} bytes unpacked; {e}): get or write the \
                     file again",
                    self.name,
                    self.bytes_read(),
                    self.unpacked
                )))
            }
        }
    }
}
