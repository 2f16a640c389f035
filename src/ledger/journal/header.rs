//! The identity of a run, and a run as stored in its file.

use std::path::Path;

use jiff::Timestamp;

use crate::error::Error;
use crate::ledger::Ledger;

/// The identity of a run. A call that resumes the run must have the same identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `create`, `patch` and so on.
    pub verb: String,
    pub project: String,
    /// The origin of the service's URL.
    pub service: String,
    pub import_key: Option<String>,
}

/// A run as stored in its file.
#[derive(Debug)]
pub struct StoredRun {
    pub header: Header,
    pub ledger: Ledger,
    pub begun: Timestamp,
    /// The time of the last write, or the start time if nothing was written.
    pub written: Timestamp,
}

impl Header {
    /// Returns an error unless the header of `call` is equal to this run's header.
    pub(crate) fn fits(&self, call: &Self, path: &Path) -> Result<(), Error> {
        if self == call {
            return Ok(());
        }
        let path = path.display();
        let with_key = Self {
            import_key: self.import_key.clone(),
            ..call.clone()
        };
        if let (true, Some(key), None) = (*self == with_key, &self.import_key, &call.import_key) {
            return Err(Error::Option(format!(
                "the run {path} has the import key `{key}`, and this call has none: pass import_key=\"{key}\" to continue \
                the run. Another run name, or deleting the run, would create all of its rows again"
            )));
        }
        Err(Error::Option(format!(
            "the run {} {}, but this call {}; use another run name for this call, or delete the run if you \
                no longer need it",
            path,
            self.description(),
            call.description()
        )))
    }

    fn description(&self) -> String {
        let key = match &self.import_key {
            Some(key) => format!("the import key `{key}`"),
            None => "no import key".to_owned(),
        };
        format!(
            "is a {} in project {} at {} with {key}",
            self.verb, self.project, self.service
        )
    }
}
