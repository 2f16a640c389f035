//! Refuses to begin a run with rows that another run has created: its name was probably mistyped, and all rows would be
//! created again.

use crate::error::{Error, shown};
use crate::ledger::journal::{FIRST_ROWS, FirstRows, Others, Overlap, OverlappingRun};
use crate::ledger::{Status, lock, number};
use crate::run::options::SEPARATORS;
use crate::run::pack::Packer;
use crate::run::state::State;
use crate::run::unfit::{argument, deletion};

/// How many rows to compare before anything is written to the journal. All rows are compared again before the first request.
/// Of a stream, the rows that are read before the first request are compared.
const FIRST: usize = 100;

/// The runs that may have created the first rows of a new run.
pub(super) struct Glance {
    pub others: Others,
    pub rows: FirstRows,
}

impl State {
    /// Returns what to look for in other runs, once enough rows have been read. `is_whole` is whether there are no more rows.
    ///
    /// Rows with import keys are not created again. If rows of this run are done, they were compared before.
    pub(super) fn glance(&self, packer: &mut Packer, is_whole: bool) -> Option<Glance> {
        if packer.continuation.others.is_none() || packer.earlier.is_some() || self.fatal.is_some() {
            return None;
        }
        let ledger = lock(&self.ledger);
        let rows = 0..number(ledger.rows());
        let is_begun = |row: u32| matches!(ledger.status(row), Status::Created | Status::Unknown);
        let may_repeat = self.job.creates() && !packer.import_keys_are_given();
        if !may_repeat || !self.has_glanced && rows.clone().any(is_begun) {
            packer.continuation.others = None;
        }
        let is_last = is_whole || !self.job.replayable;
        let is_due = is_last || ledger.rows() >= FIRST && !self.has_glanced;
        if !is_due {
            return None;
        }
        let mut first = FirstRows::default();
        let sent = rows.filter(|row| ledger.status(*row) == Status::NotSent);
        for row in sent.take(FIRST_ROWS) {
            first.add(ledger.digest(row), ledger.key(row).as_deref());
        }
        if first.is_empty() && !is_whole {
            return None;
        }
        let others = if is_last {
            packer.continuation.others.take()
        } else {
            packer.continuation.others.clone()
        };
        others
            .filter(|_| !first.is_empty())
            .map(|others| Glance { others, rows: first })
    }

    /// Refuses the run if another one has created its rows.
    pub(super) fn on_glance(&mut self, other: Option<&OverlappingRun>, run: Option<&str>) {
        self.has_glanced = true;
        let Some(OverlappingRun {
            path,
            created,
            overlap,
        }) = other
        else {
            return;
        };
        let has_name = run.is_some_and(|name| !name.contains(SEPARATORS));
        let stem = path.file_stem().filter(|_| has_name);
        let name = stem.unwrap_or(path.as_os_str()).to_string_lossy();
        let again = "rows that the project has are not created again";
        let resume = format!("To resume that run, pass run={}", argument(&name));
        let new_version = format!(
            "If that run is complete and this is a new version of its sheet, pass import_key=: {again}"
        );
        let elsewhere = "If these rows are other assets, keep their run in another folder, such as \
                         run=pathlib.Path(\"other/units\")";
        let (rows, advice) = match overlap {
            Overlap::All => ("the same rows".to_owned(), format!("{resume}. {new_version}")),
            Overlap::Some(count) => (
                format!("{count} of these rows"),
                format!(
                    "{resume}, with its rows. {new_version}. Without import keys, import only the rows that the project does \
                     not have. {elsewhere}"
                ),
            ),
            Overlap::Names => (
                "rows with the same Asset IDs".to_owned(),
                format!("{resume}, with its original rows. {new_version}. {elsewhere}"),
            ),
        };
        self.is_foreign = true;
        self.give_up(Error::Input(format!(
            "the run `{}` has {rows} ({created} created). Nothing was sent. {advice}. To create all rows again, delete that \
             run: {}",
            shown(&name),
            deletion(&name)
        )));
    }
}
