//! What is wrong with the file of a run, and how to fix it.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

use super::lock::Refusal;
use crate::error::Error;

/// What is wrong with the file of a run.
pub(super) enum Trouble {
    /// Another call drives the run.
    Driven,
    /// The problem and the fix.
    Other(String, &'static str),
}

pub(super) const CHANGED: &str = "was changed by another program";
pub(super) const FOREIGN: &str = "give the run another name; the file was not touched";
pub(super) const DAMAGED: &str = "put a copy of the file back; if there is none, delete it, and look up in the project which rows \
                       are there before you send them again";
const UNWRITABLE: &str = "allow this user to write the file and its folder, or keep runs in another folder \
                          (ACC_ASSETS_RUNS)";
const LOCAL: &str = "keep runs in a folder on a local disk (ACC_ASSETS_RUNS)";
const FULL: &str = "make room on the disk and call again: the run goes on from what was written down";

impl Trouble {
    pub fn at(self, path: &Path) -> Error {
        let (what, fix) = match self {
            Self::Driven => (
                "is driven by another process, or by an earlier call that is still under way".to_owned(),
                "wait until that has ended, or stop it",
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
            // A value that we never write.
            return Self::Other(format!("is damaged ({said})"), DAMAGED);
        };
        match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Driven,
            ErrorCode::NotADatabase => Self::Other(
                "is no journal of a run, or one whose beginning is destroyed".to_owned(),
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
