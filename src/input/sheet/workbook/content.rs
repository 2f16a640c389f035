//! Reads the bytes of a workbook, within the limit of memory.

use std::io::Read;
use std::path::Path;

use super::super::file::{cannot_read, damaged, not_empty, open_file, shown_size};
use super::super::layout::Limits;
use super::biff;
use super::unpacked::{StringCounts, Unpacked};
use crate::input::source::SourceError;

/// Bytes that the library needs per shared string, in addition to its text.
const SHARED_STRING: u64 = size_of::<String>() as u64;

/// Returns the content of a file, or the given bytes, if they are within the limit both packed and unpacked.
/// An .xls file is replaced by a copy (see `biff::repacked`).
pub(super) fn content(
    path: &Path,
    given: Option<Vec<u8>>,
    ending: &str,
    limits: Limits,
) -> Result<Vec<u8>, SourceError> {
    let mut bytes = if let Some(bytes) = given {
        not_empty(path, bytes.len() as u64)?;
        if bytes.len() as u64 > limits.workbook {
            return Err(too_large(path, limits));
        }
        bytes
    } else {
        let (file, metadata) = open_file(path)?;
        if metadata.len() > limits.workbook {
            return Err(too_large(path, limits));
        }
        let mut bytes = Vec::new();
        // Read a growing file only up to its initial size.
        file.take(metadata.len())
            .read_to_end(&mut bytes)
            .map_err(|error| cannot_read(path, &error))?;
        bytes
    };
    if ending == "xls" {
        bytes = biff::repacked(bytes, limits.workbook)
            .map_err(|error| damaged(path, &error.to_string()))?
            .ok_or_else(|| too_large(path, limits))?;
    } else {
        let unpacked = Unpacked::of(&bytes, limits.workbook);
        if unpacked.bytes > limits.workbook {
            return Err(too_large(path, limits));
        }
        let StringCounts { claimed, counted } = unpacked.strings;
        if claimed > unpacked.bytes {
            return Err(damaged(path, &format!("it declares {claimed} shared strings")));
        }
        // The library allocates the declared number of strings before it reads the first.
        let strings = claimed.max(counted);
        if unpacked
            .bytes
            .saturating_add(strings.saturating_mul(SHARED_STRING))
            > limits.workbook
        {
            return Err(too_large(path, limits));
        }
    }
    Ok(bytes)
}

pub(super) fn too_large(path: &Path, limits: Limits) -> SourceError {
    let message = format!(
        "`{}` needs more than {} of memory: remove unneeded sheets and formats, save it as .csv, or raise \
            the limit with sheet=SheetOptions(max_workbook_bytes=...)",
        path.display(),
        shown_size(limits.workbook),
    );
    SourceError::of_file(path, None, message)
}
