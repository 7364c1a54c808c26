//! The kinds of error, each with a message that says where and what to do.

use std::fmt;

/// What went wrong. The Python exceptions map one to one onto these kinds.
#[derive(Debug)]
pub enum Error {
    /// An argument or a datum is not usable.
    Input(String),
    /// Two objects were made with different parameters.
    Incompatible(String),
    /// A file does not hold what its format says.
    Format(String),
    /// The operating system refused; the message names the path.
    Io(String, std::io::ErrorKind),
    /// The caller asked to stop (Ctrl-C).
    Interrupted,
    /// A bug of this library.
    Internal(String),
}

/// The result of everything that can fail here.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An [`Error::Input`] from anything printable.
    pub fn input(message: impl Into<String>) -> Self {
        Error::Input(message.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Input(m) | Error::Incompatible(m) | Error::Format(m) | Error::Io(m, _) => f.write_str(m),
            Error::Interrupted => f.write_str("interrupted"),
            Error::Internal(m) => write!(f, "{m} (this is a bug in overproof)"),
        }
    }
}

impl std::error::Error for Error {}
