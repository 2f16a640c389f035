//! Problems with the file of a run, and their fixes.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

use super::lock::Refusal;
use crate::error::Error;

/// A problem with the file of a run.
pub(super) enum Trouble {
    /// Another call owns the run, or another program has locked the file.
    Driven,
    /// The problem and the fix.
    Other(String, &'static str),
}

pub(super) const CHANGED: &str = "was changed by another program";
pub(super) const FOREIGN: &str = "use another run name; the file was not changed";
pub(super) const DAMAGED: &str = "restore the file from a backup; if there is none, delete it, and check \
    which rows the project already has before you resend any";
const UNWRITABLE: &str = "allow this user to write the file and its folder, or use another folder for runs \
    (ACC_ASSETS_RUNS)";
const LOCAL: &str = "use a folder on a local disk for runs (ACC_ASSETS_RUNS)";
const FULL: &str = "free disk space and make the call again: the run resumes from its last write";

impl Trouble {
    pub fn at(self, path: &Path) -> Error {
        let (what, fix) = match self {
            Self::Driven => (
                "is in use by another process, or by an earlier call that is still running".to_owned(),
                "wait until it has ended, or stop it",
            ),
            Self::Other(what, fix) => (what, fix),
        };
        Error::Journal(format!("the run {} {what}; {fix}", path.display()))
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        let said = error.to_string();
        let rusqlite::Error::SqliteFailure(failure, _) = error else {
            // The file contains a value that this client never writes.
            return Self::Other(format!("is damaged ({said})"), DAMAGED);
        };
        match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Driven,
            ErrorCode::NotADatabase => Self::Other(
                "is not a journal of a run, or is damaged at its start".to_owned(),
                FOREIGN,
            ),
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                Self::Other(format!("cannot be opened for writing ({said})"), UNWRITABLE)
            }
            ErrorCode::DiskFull | ErrorCode::SystemIoFailure => {
                Self::Other(format!("cannot be read or written ({said})"), FULL)
            }
            _ => Self::Other(format!("is damaged ({said})"), DAMAGED),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Other(format!("cannot be used ({error})"), UNWRITABLE)
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Held => Self::Driven,
            Refusal::NoFile(error) => Self::Other(
                format!("cannot be locked: its lock file cannot be opened ({error})"),
                UNWRITABLE,
            ),
            Refusal::NoLocks(error) => Self::Other(
                format!("cannot be locked: its file system has no locks ({error})"),
                LOCAL,
            ),
        }
    }
}
