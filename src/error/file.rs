//! Files that cannot be used.

use std::io;
use std::path::{Path, PathBuf};

/// A file that could not be opened, read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FileError {
    /// The message, with the file name and a suggested fix.
    pub message: String,
    pub path: PathBuf,
    /// The operating system's error code, if any.
    pub os_error: Option<i32>,
}

impl FileError {
    /// Creates the error. `cause` is the operating system's error, if any.
    #[must_use]
    pub fn new(path: &Path, cause: Option<&io::Error>, message: String) -> Self {
        Self {
            message,
            path: path.to_owned(),
            os_error: cause.and_then(io::Error::raw_os_error),
        }
    }
}
