//! Refuses to begin a run with rows that another run has created: its name was probably mistyped, and all rows would be
//! created again.

use crate::api::Done;
use crate::error::{Error, shown};
use crate::ledger::journal::FirstRows;
use crate::ledger::{Status, lock, number};
use crate::model::text::same_key;
use crate::run::options::SEPARATORS;
use crate::run::pack::Packer;
use crate::run::state::State;
use crate::run::unfit::{argument, deletion};

/// How many rows to compare with those of other runs.
const ROWS: usize = 100;

impl State {
    /// Looks for another run with the first rows, once these have been read. `is_whole` is whether there are no more rows.
    ///
    /// Rows with import keys are not created again. If rows of this run are done, they were compared before.
    pub(super) fn look_for_other_runs(&mut self, packer: &mut Packer, is_whole: bool) {
        if packer.earlier.is_some() || self.fatal.is_some() {
            return;
        }
        let first = {
            let ledger = lock(&self.ledger);
            if ledger.rows() < ROWS && !is_whole {
                return;
            }
            let rows = 0..number(ledger.rows());
            let is_begun = |row: u32| matches!(ledger.status(row), Status::Created | Status::Unknown);
            if packer.import_keys_are_given() || rows.clone().any(is_begun) {
                packer.again.others = None;
            }
            let sent = rows.filter(|row| ledger.status(*row) == Status::NotSent);
            let mut first = FirstRows::default();
            for row in sent.take(ROWS) {
                first.digests.insert(ledger.digest(row));
                first.names.extend(ledger.key(row).map(|key| same_key(&key)));
            }
            first
        };
        let others = packer.again.others.take();
        let others = others.filter(|_| self.job.write.done == Done::Created);
        let Some(same) = others.and_then(|others| others.with_rows(&first)) else {
            return;
        };
        let path = same.path.to_string_lossy().into_owned();
        let has_name = packer
            .again
            .run
            .as_ref()
            .is_some_and(|name| !name.contains(SEPARATORS));
        let stem = same.path.file_stem().filter(|_| has_name);
        let name = stem.map_or(path, |stem| stem.to_string_lossy().into_owned());
        self.is_foreign = true;
        self.give_up(Error::Input(format!(
            "the run `{}` has {} ({} created). Nothing was sent. To resume that run, pass run={}{}. If that run \
             is complete and this is a new version of its sheet, pass import_key=: rows that the project has are not created \
             again. To \
             create all rows again, delete that run: {}",
            shown(&name),
            if same.are_equal { "the same rows" } else { "rows with the same Asset IDs" },
            same.created,
            argument(&name),
            if same.are_equal {
                ""
            } else {
                ", with its original rows. If these rows are other assets, keep their run in another folder, such as \
                 run=pathlib.Path(\"other/units\")"
            },
            deletion(&name)
        )));
    }
}
