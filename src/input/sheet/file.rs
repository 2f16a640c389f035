//! Files that contain sheets, and the errors of opening them.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::input::source::SourceError;

/// The file extensions of supported workbooks.
pub(super) const WORKBOOKS: [&str; 5] = ["xlsx", "xlsm", "xlsb", "xls", "ods"];

/// The file extensions of supported text files.
pub(super) const TEXTS: [&str; 3] = ["csv", "tsv", "txt"];

/// Returns the extension of a file name in lower case, without the dot.
pub(super) fn ending(path: &Path) -> String {
    path.extension()
        .map(|ending| ending.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

/// Checks that a path leads to a regular file that is not empty, and opens the file.
pub(super) fn open_file(path: &Path) -> Result<(File, Metadata), SourceError> {
    let shown = path.display();
    // Check the metadata before opening: opening a pipe waits for a writer.
    let metadata = path.metadata().map_err(|error| cannot_read(path, &error))?;
    if !metadata.is_file() {
        let kind = if metadata.is_dir() {
            "a folder"
        } else {
            "not a regular file"
        };
        let message = format!("`{shown}` is {kind}: use the path of a file");
        return Err(SourceError::of_file(path, None, message));
    }
    not_empty(path, metadata.len())?;
    let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
    Ok((file, metadata))
}

pub(super) fn not_empty(path: &Path, bytes: u64) -> Result<(), SourceError> {
    if bytes > 0 {
        return Ok(());
    }
    let message = format!("the file `{}` is empty: export or copy it again", path.display());
    Err(SourceError::of_file(path, None, message))
}

pub(super) fn cannot_read(path: &Path, error: &io::Error) -> SourceError {
    let shown = path.display();
    let message = match error.kind() {
        ErrorKind::NotFound => format!("there is no file `{shown}`: correct the path"),
        ErrorKind::PermissionDenied => {
            format!(
                "no permission to read `{shown}` ({error}): close it where it is open, or ask for read permission"
            )
        }
        _ => format!("`{shown}` cannot be read: {error}"),
    };
    SourceError::of_file(path, Some(error), message)
}

/// Formats a number of bytes for display.
pub(super) fn shown_size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    units
        .into_iter()
        .find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit))
        .map_or_else(
            || format!("{bytes} bytes"),
            |(unit, name)| format!("{} {name}", bytes / unit),
        )
}

pub(super) fn damaged(path: &Path, why: &str) -> SourceError {
    let message = format!(
        "`{}` cannot be read. It is damaged, or its extension does not match its content ({why}): open it in \
         Excel and save it again as .xlsx, or copy it again",
        path.display(),
    );
    SourceError::of_file(path, None, message)
}
