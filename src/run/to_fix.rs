//! Which rows of a call to write to a file of rows to fix, and why.

use std::collections::{BTreeMap, HashMap};

use crate::input::Label;
use crate::ledger::{Fault, View};
use crate::rows::columns::RowOfRun;
use crate::sheet::fixes::{Mark, RowToFix};

/// The rows of a call to fix.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ToFix {
    /// By their index in the input.
    pub rows: BTreeMap<u32, RowToFix>,
    /// The number of rows with a mistake that are missing from the last input, so that they cannot be written.
    pub missing: usize,
}

impl ToFix {
    /// Returns the rows that did not succeed. `run` is what identifies the run in a later call, if it has begun.
    #[must_use]
    pub fn of(view: &View, run: Option<&str>) -> Self {
        let ledger = &view.ledger;
        let indexes: Option<HashMap<u32, u32>> =
            ledger.input().map(|rows| rows.iter().copied().zip(0..).collect());
        let mut to_fix = Self::default();
        for outcome in view.bad() {
            let Some(fault) = &outcome.fault else { continue };
            let index = match &indexes {
                None => Some(outcome.row),
                Some(indexes) => indexes.get(&outcome.row).copied(),
            };
            let Some(index) = index else {
                to_fix.missing += usize::from(outcome.status.is_mistake());
                continue;
            };
            let row = RowToFix {
                marks: marks(fault),
                label: match outcome.label {
                    Label::Number => None,
                    Label::Int(number) => Some(number.to_string()),
                    Label::Text(text) => Some(text.to_string()),
                },
                row_of_run: RowOfRun {
                    run: ledger.run(),
                    row: outcome.row,
                    digest: ledger.digest(outcome.row),
                    name: run.map(str::to_owned),
                    texts: BTreeMap::new(),
                },
            };
            to_fix.rows.insert(index, row);
        }
        to_fix
    }
}

/// Returns one mark per problem, or one for a fault without problems.
fn marks(fault: &Fault) -> Vec<Mark> {
    if fault.problems.is_empty() {
        return vec![Mark {
            code: fault.code.clone(),
            column: fault.column.clone().unwrap_or_default(),
            message: fault.message.clone(),
            fix: fault.fix.clone().unwrap_or_default(),
        }];
    }
    fault
        .problems
        .iter()
        .map(|problem| Mark {
            code: problem.code.to_string(),
            column: problem.column.clone(),
            message: problem.message.clone(),
            fix: problem.fix.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ledger::{Ledger, Status};

    #[test]
    fn rows_that_did_not_succeed_are_fixed_if_the_last_input_has_them() {
        let mut ledger = Ledger::default();
        let statuses = [
            Status::Created,
            Status::Rejected,
            Status::Failed,
            Status::Rejected,
        ];
        for (status, line) in statuses.into_iter().zip(2..) {
            let row = ledger.push(Label::Int(line));
            if status == Status::Created {
                ledger.set(row, status);
            } else {
                let fault = ledger.add_fault(&Fault::new("taken", "the name is taken", "change it"));
                ledger.set_fault(row, status, fault);
            }
        }
        let to_fix = ToFix::of(&View::new(Arc::new(ledger.clone())), Some("level-3"));
        assert_eq!(to_fix.rows.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(to_fix.missing, 0);
        let row = &to_fix.rows[&1];
        assert_eq!(row.label.as_deref(), Some("3"));
        assert_eq!(row.row_of_run.name.as_deref(), Some("level-3"));
        assert_eq!(
            row.marks,
            [Mark {
                code: "taken".to_owned(),
                column: String::new(),
                message: "the name is taken".to_owned(),
                fix: "change it".to_owned(),
            }]
        );
        // A failed row is not a mistake of the user: a retry sends it again.
        ledger.set_input(Some(vec![0, 3]));
        let to_fix = ToFix::of(&View::new(Arc::new(ledger)), None);
        assert_eq!(to_fix.rows.keys().copied().collect::<Vec<_>>(), [1]);
        assert_eq!(to_fix.missing, 1);
    }
}
