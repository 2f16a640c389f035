//! The bytes of a text file, which must be the same in every pass.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::super::file::{cannot_read, open_file};
use crate::input::source::SourceError;

/// Files up to this size are kept in memory, so that later edits of the file do not matter.
const HELD: u64 = 16 << 20;

/// The bytes of a file, which can be read any number of times.
#[derive(Debug, Clone)]
pub(super) enum Stored {
    Held(Arc<[u8]>),
    OnDisk(Arc<Opened>),
}

/// An open file, which can be read again even after it was renamed, replaced or deleted.
#[derive(Debug)]
pub(super) struct Opened {
    file: File,
    length: u64,
    modified: Option<SystemTime>,
}

/// A reader of an `Opened` file, with its own position.
struct Pass {
    opened: Arc<Opened>,
    at: u64,
}

const CHANGED: &str = "it changed after it was first read. Restore it, or make the call again with the \
    changed file and the same run= or import_key=. Without those, first remove the rows that were already \
    imported";

impl Opened {
    fn check(&self) -> io::Result<()> {
        let metadata = self.file.metadata()?;
        if (metadata.len(), metadata.modified().ok()) == (self.length, self.modified) {
            Ok(())
        } else {
            Err(io::Error::other(CHANGED))
        }
    }
}

impl Read for Pass {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.opened.length - self.at).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        let read = read_at(&self.opened.file, &mut buffer[..room], self.at)?;
        self.at += read as u64;
        if read == 0 {
            // Every pass must read the same rows: the rows sent must be the rows that were checked.
            self.opened.check()?;
        }
        Ok(read)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

impl Stored {
    pub(super) fn of(path: &Path) -> Result<Self, SourceError> {
        let (mut file, metadata) = open_file(path)?;
        if metadata.len() > HELD {
            return Ok(Self::OnDisk(Arc::new(Opened {
                file,
                length: metadata.len(),
                modified: metadata.modified().ok(),
            })));
        }
        let mut bytes = Vec::new();
        // Read a growing file only up to its initial size.
        let read = Read::by_ref(&mut file)
            .take(metadata.len())
            .read_to_end(&mut bytes);
        read.map_err(|error| cannot_read(path, &error))?;
        Ok(Self::Held(bytes.into()))
    }

    pub(super) fn source(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Held(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
            Self::OnDisk(opened) => {
                opened.check()?;
                Box::new(Pass {
                    opened: Arc::clone(opened),
                    at: 0,
                })
            }
        })
    }

    /// Returns the first bytes.
    pub(super) fn start(&self) -> io::Result<Vec<u8>> {
        const START: u64 = 4096;
        let mut start = Vec::new();
        self.source()?.take(START).read_to_end(&mut start)?;
        Ok(start)
    }
}
