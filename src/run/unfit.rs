//! Says why the rows or columns of a call are not those of the earlier call, and what to do.

use crate::error::{shortened, shown};
use crate::input::Label;
use crate::ledger::{Ledger, lock};
use crate::rows::columns::ROW_OF_RUN;
use crate::run::align::Mismatch;
use crate::run::earlier::{Earlier, Unfit};
use crate::run::options::SEPARATORS;
use crate::run::pack::{Packer, Refused};

/// What to do with rows that do not match the run, if they have import keys.
const ALL_ROWS_BY_KEY: &str =
    "pass all rows without this run=: with the import keys, rows that the project has are unchanged";

/// The maximum number of columns, or rows, that a message names.
const NAMED: usize = 5;
/// The input has other rows than the run if it has fewer than one of so many of the run's rows.
const FEW: usize = 20;

impl Packer {
    /// Compares the columns that identify rows with those of the earlier call. Returns those that were added, and those that
    /// are missing.
    fn column_changes(&self) -> (Vec<&str>, Vec<String>) {
        let changes = self.lanes.iter().map(|lane| {
            let known = lane.own_headings(&self.known_headings);
            lane.writer.column_changes(&known)
        });
        let (added, missing): (Vec<_>, Vec<_>) = changes.unzip();
        (added.concat(), missing.concat())
    }

    /// Returns why the columns cannot set other fields than in the earlier calls.
    pub(super) fn moved_columns(&self, earlier: &Earlier) -> Option<Refused> {
        let ledger = lock(&self.ledger);
        let moved: Vec<(&String, &Option<String>, &Option<String>)> = self
            .fields
            .iter()
            .filter_map(|(column, now)| Some((column, ledger.fields.get(column)?, now)))
            .filter(|(_, before, now)| before != now)
            .collect();
        if moved.is_empty() || earlier.nothing_is_sent() {
            return None;
        }
        let title = |field: &Option<String>| match field {
            Some(field) => format!("`{}`", self.first_writer().title_of(field)),
            None => "ignored".to_owned(),
        };
        let changes = moved.iter().map(|(column, before, now)| {
            format!(
                "`{}` was {}, and is now {}",
                shown(column),
                title(before),
                title(now)
            )
        });
        let entries = moved.iter().map(|(column, before, _)| {
            let target = before.as_ref().map_or_else(
                || "None".to_owned(),
                |field| format!("{:?}", self.first_writer().title_of(field)),
            );
            format!("{column:?}: {target}")
        });
        let rows = match (earlier.done(), earlier.in_doubt()) {
            (1, 0) => "1 row of this run is done".to_owned(),
            (done, 0) => format!("{done} rows of this run are done"),
            (0, 1) => "1 row of this run may be in the project".to_owned(),
            (0, in_doubt) => format!("{in_doubt} rows of this run may be in the project"),
            (done, in_doubt) => format!("{} rows of this run are done, or may be", done + in_doubt),
        };
        Some(Refused::Call(format!(
            "{rows}, but columns set other fields now: {}. Nothing was sent, since the rows of the run would differ. To \
             continue it, call as before, with {} in mapping=. To change the rows that are done, use patch",
            listed(changes, "; "),
            listed(entries, ", "),
        )))
    }

    /// Returns why rows from the file of rows to fix of another named run do not continue this one.
    pub(super) fn of_other_run(&self, name: &str) -> Refused {
        let (shown_name, argument) = (shown(name), argument(name));
        Refused::Rows(if self.continuation.run.as_deref() == Some(name) {
            format!(
                "this file was written by `.write_fixes()` of another run with the name `{shown_name}`, which was \
                 deleted or is in another folder: pass all rows of this run, or the file that its own result wrote"
            )
        } else {
            format!(
                "this file was written by `.write_fixes()` of another run, `{shown_name}`: pass run={argument}"
            )
        })
    }

    /// Returns why rows from a file of rows to fix are not some of the rows of this run.
    pub(super) fn of_other_rows() -> Refused {
        Refused::Rows(
            "this file was written by `.write_fixes()` of another run, or for other rows: pass all rows of this run, or \
             the file that the result of this run wrote"
                .to_owned(),
        )
    }

    /// Returns why rows from the file of rows to fix of a named run cannot begin a run. `are_sent` is whether rows before
    /// them were sent.
    pub(super) fn of_named_run(&self, name: &str, are_sent: bool) -> Refused {
        let (shown_name, argument) = (shown(name), argument(name));
        let sent = if are_sent {
            "Rows before them were sent: see `.result`"
        } else {
            "Nothing was sent"
        };
        let as_new = format!(
            "pass all rows, or delete the hidden column `{ROW_OF_RUN}` of the file to import its rows as new ones"
        );
        let begin = "this file was written by `.write_fixes()` of";
        Refused::Call(if self.continuation.run.as_deref() == Some(name) {
            format!(
                "{begin} the run `{shown_name}`, which was deleted or is in another folder, and can only continue that \
                 run. {sent}. Use the folder of that run, {as_new}"
            )
        } else {
            format!(
                "{begin} the run `{shown_name}`, and can only continue that run. {sent}. Pass run={argument}. If that \
                 run was deleted, {as_new}"
            )
        })
    }

    /// Returns why rows are not those of the run, if none or nearly none of them are.
    fn of_another_input(&self, earlier: &Earlier) -> Option<Refused> {
        let name = self
            .continuation
            .run
            .as_deref()
            .filter(|_| self.continuation.edits)?;
        let (found, known) = (earlier.found(), earlier.known());
        let is_fixes_file = self.first_writer().are_of_report() && earlier.is_shorter();
        if earlier.is_empty() || FEW * found >= known || is_fixes_file {
            return None;
        }
        // Without names, rows with other columns may be the same rows.
        let (_, missing) = self.column_changes();
        if !missing.is_empty() && !earlier.have_names() {
            return None;
        }
        let rows = if known == 1 { "row" } else { "rows" };
        let part = self.advice_of_part(earlier);
        let part = part.map_or_else(String::new, |advice| format!(". {advice}"));
        Some(Refused::Call(format!(
            "these are other rows than those of the run `{}` ({found} of {known} {rows} are the same). Nothing was sent. \
             A file of rows to fix must keep its hidden column `{ROW_OF_RUN}`. Use another run name for other rows, or delete \
             the run if you no longer need it: {}{part}",
            shown(name),
            deletion(name)
        )))
    }

    /// Returns what to do if the run began with a file of rows to fix, and this input may be its sheet.
    fn advice_of_part(&self, earlier: &Earlier) -> Option<String> {
        let others = if self.import_keys_are_given() {
            ALL_ROWS_BY_KEY
        } else {
            "import only the rows that the run does not have, without this run=. With all rows, these would be created twice"
        };
        earlier.is_longer().then(|| {
            format!(
                "If the run began with a file of rows to fix of this sheet, it has only these rows: {others}"
            )
        })
    }

    /// Returns a message that says which row does not match, and what to do.
    pub(super) fn unfit(&self, unfit: &Unfit, earlier: &Earlier, all: bool) -> Refused {
        if let Some(other) = self.of_another_input(earlier).filter(|_| all) {
            return other;
        }
        let ledger = lock(&self.ledger);
        let named = |row: u32| named_row(row, &ledger);
        let done = |row: u32| ledger.status(row).as_str();
        let copied = match unfit {
            Unfit::Row(Mismatch::Moved(row) | Mismatch::Added(row)) => {
                earlier.copy_left_of(*row).map(|copy| (*row, copy))
            }
            _ => None,
        };
        if let Some((row, copy)) = copied {
            return Refused::Rows(format!(
                "{} is {}, but was edited, while its copy, {}, was not: restore it, and edit the copy",
                named(row),
                done(row),
                ledger.name_of(copy, ledger.row_title.as_deref())
            ));
        }
        Refused::Rows(match unfit {
            Unfit::Row(_) if earlier.are_numbered_elsewhere() => return Self::of_other_rows(),
            Unfit::Row(Mismatch::Missing(row)) => self.lost(*row, earlier, all, &ledger),
            Unfit::Row(Mismatch::Moved(row)) => format!(
                "{} is {}, but its position has changed: keep the order of the rows{}",
                named(*row),
                done(*row),
                if self.continuation.edits && self.import_keys_are_given() {
                    format!(", or {ALL_ROWS_BY_KEY}")
                } else {
                    String::new()
                }
            ),
            Unfit::Row(Mismatch::Replaced(row)) => format!(
                "{} may be in the project, but another row has taken its place: put it back, or remove the other row",
                named(*row)
            ),
            Unfit::Row(Mismatch::Added(at)) => self.added(*at, earlier, &ledger),
            Unfit::Unclear(row) => format!(
                "{} is one of several identical rows, and some of them are missing: put them back",
                named(*row)
            ),
            Unfit::Repeated(first, copy) => format!(
                "{} was copied from {}, together with its hidden column `{ROW_OF_RUN}`: keep one of them, and import \
                 additional rows in a separate call",
                self.given_row(*copy, earlier),
                self.given_row(*first, earlier)
            ),
        })
    }

    /// Says that completed rows were not found, and why, as far as this can be told. `row` is the first of them.
    fn lost(&self, row: u32, earlier: &Earlier, all: bool, ledger: &Ledger) -> String {
        let status = |row: u32| ledger.status(row).as_str();
        let one = format!("{} is {}, but", named_row(row, ledger), status(row));
        if earlier.is_empty() {
            return format!("{one} there are no rows: a generator can be read only once, so pass a new one");
        }
        if self.first_writer().are_of_report() && earlier.is_shorter() {
            return format!(
                "{one} the hidden column `{ROW_OF_RUN}` of this file from `.write_fixes()` is missing: write the file again"
            );
        }
        let is_bad = |row: u32| ledger.status(row).is_mistake();
        if earlier.are_all_named_as(is_bad) {
            return format!(
                "{one} is missing: the input has only rows that need fixing. If they are from a file of `.write_fixes()`, \
                 its hidden column `{ROW_OF_RUN}` is missing: write the file again, and keep this column"
            );
        }
        let (added, missing) = self.column_changes();
        let is_there = earlier.has_name_of(row);
        let rows = if all { earlier.lost_like(row) } else { Vec::new() };
        let are_many = rows.len() > 1;
        let subject = if are_many {
            let is_same = rows.iter().all(|other| status(*other) == status(row));
            let done = if is_same { status(row) } else { "done" };
            format!("{} rows are {done}, but", rows.len())
        } else {
            one.clone()
        };
        let names = rows.iter().map(|row| named_row(*row, ledger));
        let names = if are_many {
            format!(" ({})", listed(names, ", "))
        } else {
            String::new()
        };
        let [is, was, them, asset] = if are_many {
            ["are", "were", "them", "assets"]
        } else {
            ["is", "was", "it", "asset"]
        };
        if is_there == Some(false) && missing.is_empty() {
            return format!("{subject} {is} missing{names}: restore {them}");
        }
        let columns = |names: Vec<String>| {
            let one = names.len() == 1;
            let names = names.iter().map(|name| format!("`{}`", shown(name)));
            (if one { "column" } else { "columns" }, listed(names, ", "))
        };
        let mut differences = Vec::new();
        if !added.is_empty() {
            let (word, names) = columns(added.into_iter().map(str::to_owned).collect());
            differences.push(format!("the earlier call did not have the {word} {names}"));
        }
        if !missing.is_empty() {
            let (word, names) = columns(missing);
            differences.push(format!("the {word} {names} of the earlier call cannot be found"));
        }
        if !differences.is_empty() {
            return format!("{one} {}: pass the same columns", differences.join(", and "));
        }
        // As when Excel opened and saved a text file.
        let of_excel = if are_many && self.first_writer().are_of_text_file() {
            ". If Excel saved this file, it may have removed leading zeros and changed dates: pass the original file"
        } else {
            ""
        };
        let part = self
            .advice_of_part(earlier)
            .filter(|_| all && self.continuation.edits);
        let part = part.map_or_else(String::new, |advice| format!(". {advice}"));
        let changed = if is_there.is_some() {
            format!("{was} edited")
        } else {
            format!("{is} missing, {was} edited")
        };
        format!(
            "{subject} {changed}, or {is} read in another way (decimal=, values=, ...){names}: restore {them}, and use patch \
             to change the {asset}{of_excel}{part}"
        )
    }

    /// Says what to do with a row that was added.
    fn added(&self, at: u32, earlier: &Earlier, ledger: &Ledger) -> String {
        let by_key = format!("to add rows, {ALL_ROWS_BY_KEY}");
        let fix = if !self.continuation.edits {
            "import additional rows in a separate call"
        } else if self.import_keys_are_given() {
            &by_key
        } else {
            "to add rows, pass only the new rows, without this run=. With the old rows, everything would be created twice"
        };
        let row = self.given_row(at, earlier);
        if let Some(moved) = earlier.only_row_named_as(at) {
            return format!(
                "{row} is {} of the earlier call, but its position has changed: keep the order of the rows",
                ledger.name_of(moved, ledger.row_title.as_deref())
            );
        }
        format!("{row} was not part of the earlier call: {fix}")
    }

    /// Returns the name of a row of the input.
    fn given_row(&self, at: u32, earlier: &Earlier) -> String {
        let read = earlier.held(at);
        let key = shortened(read.map_or("", |read| &read.key), 60);
        match (
            self.first_writer().row_title(),
            read.map(|read| read.label.as_label()),
        ) {
            (Some(title), Some(Label::Int(number))) => format!("{title} {number} (`{key}`)"),
            _ => format!("row {at} of the input (`{key}`)"),
        }
    }
}

/// Returns the name of a row and its key. The name is that of the last call with all rows.
fn named_row(row: u32, ledger: &Ledger) -> String {
    let key = ledger
        .key(row)
        .map_or_else(String::new, |key| format!(" (`{}`)", shortened(&key, 60)));
    let name = ledger.name_of(row, ledger.row_title.as_deref());
    format!("{name}{key}")
}

/// Returns how to delete a run with this name, or with this path of its file.
pub(super) fn deletion(name: &str) -> String {
    if name.contains(SEPARATORS) {
        format!("remove the file {}", shown(name))
    } else {
        format!("acc_assets.runs().delete({:?})", shown(name))
    }
}

/// Returns the argument `run=` of a run with this name, or with this path of its file.
pub(super) fn argument(name: &str) -> String {
    let text = shown(name);
    if name.contains(SEPARATORS) {
        format!("pathlib.Path({text:?})")
    } else {
        format!("{text:?}")
    }
}

/// Joins the first few texts, and says how many more there are.
fn listed(texts: impl ExactSizeIterator<Item = String>, between: &str) -> String {
    let more = texts.len().saturating_sub(NAMED);
    let mut first: Vec<String> = texts.take(NAMED).collect();
    if more > 0 {
        first.push(format!("and {more} more"));
    }
    first.join(between)
}
