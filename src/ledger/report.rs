//! What rows that are not good have in common.

use std::collections::HashMap;

use super::{Fault, State, View};
use crate::error::shown;
use crate::validation::rules;

/// A problem that rows have in one column, or a refusal of the service.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding<'a> {
    pub code: &'a str,
    pub column: &'a str,
    pub message: String,
    pub fix: &'a str,
    pub rows: usize,
    pub first_rows: Vec<u32>,
    /// Values and how many rows have them, most rows first.
    pub values: Vec<(&'a str, usize)>,
}

/// Rows named by a finding.
const FIRST_ROWS: usize = 5;
/// Different values counted of a finding, and shown of them.
const VALUES: (usize, usize) = (1000, 5);

/// A reason and how many rows have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause<'a> {
    pub state: State,
    pub code: &'a str,
    pub message: String,
    pub rows: usize,
    pub first_row: u32,
}

impl View {
    /// Every problem of every row, those of one rule in one column together, most rows first.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding<'_>> {
        let mut findings: Vec<(Finding<'_>, HashMap<&str, usize>)> = Vec::new();
        let mut known: HashMap<(&str, &str, &str), usize> = HashMap::new();
        for outcome in self.outcomes().filter(|outcome| !outcome.state.good()) {
            let Some(fault) = outcome.fault else { continue };
            let own = fault.column.as_deref().unwrap_or("");
            let fix = fault.fix.as_deref().unwrap_or("");
            let ours: Vec<(&str, &str, &str, &str, &str)> = if fault.problems.is_empty() {
                let value = fault.value.as_deref().unwrap_or("");
                vec![(fault.code.as_str(), own, value, fault.message.as_str(), fix)]
            } else {
                fault
                    .problems
                    .iter()
                    .map(|problem| {
                        (
                            problem.rule.as_ref(),
                            problem.column.as_str(),
                            problem.value.as_str(),
                            problem.message.as_str(),
                            problem.fix.as_str(),
                        )
                    })
                    .collect()
            };
            for (code, column, value, message, fix) in ours {
                // A fix that names something of its own, such as the likest name, makes a finding of its own.
                let at = *known.entry((code, column, fix)).or_insert_with(|| {
                    findings.push((
                        Finding {
                            code,
                            column,
                            message: message.to_owned(),
                            fix,
                            rows: 0,
                            first_rows: Vec::new(),
                            values: Vec::new(),
                        },
                        HashMap::new(),
                    ));
                    findings.len() - 1
                });
                let (finding, values) = &mut findings[at];
                finding.rows += 1;
                if finding.first_rows.len() < FIRST_ROWS {
                    finding.first_rows.push(outcome.row);
                }
                if !value.is_empty() && (values.len() < VALUES.0 || values.contains_key(value)) {
                    *values.entry(value).or_default() += 1;
                }
            }
        }
        let mut findings: Vec<Finding<'_>> = findings
            .into_iter()
            .map(|(mut finding, values)| {
                finding.values = values.into_iter().collect();
                finding
                    .values
                    .sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(right.0)));
                finding.values.truncate(VALUES.1);
                finding
            })
            .collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.rows));
        findings
    }

    /// Why rows are not good, most rows first. Reasons that differ only in a value count as one.
    #[must_use]
    pub fn causes(&self) -> Vec<Cause<'_>> {
        let mut causes: Vec<Cause<'_>> = Vec::new();
        let mut known: HashMap<(State, &str, Option<&str>, &str), usize> = HashMap::new();
        // Rows next to each other mostly have the same one.
        let mut last: Option<(State, Option<*const Fault>, usize)> = None;
        for row in self.numbers() {
            let settled = self.ledger.settled(row);
            let (state, fault) = (self.ledger.state(settled), self.ledger.fault(settled));
            if state.good() {
                continue;
            }
            let same = fault.map(std::ptr::from_ref);
            if let Some((_, _, at)) = last.filter(|(of, is, _)| (*of, *is) == (state, same)) {
                causes[at].rows += 1;
                continue;
            }
            let (code, column, message) = match fault {
                // Each problem of ours names its value; rows with the same rule and column are one cause.
                Some(fault) if !fault.problems.is_empty() => {
                    (fault.code.as_str(), fault.column.as_deref(), "")
                }
                // The service's words may name ids and request ids; its code and field group them.
                Some(fault) if fault.status.is_some() => (fault.code.as_str(), fault.column.as_deref(), ""),
                Some(fault) => (fault.code.as_str(), None, fault.message.as_str()),
                None => ("", None, ""),
            };
            let at = *known.entry((state, code, column, message)).or_insert_with(|| {
                causes.push(Cause {
                    state,
                    code,
                    message: match (fault, state) {
                        (Some(fault), _) => fault.message.clone(),
                        (None, State::NotSent) => self.ledger.not_sent.clone().unwrap_or_default(),
                        (None, _) => String::new(),
                    },
                    rows: 0,
                    first_row: row,
                });
                causes.len() - 1
            });
            causes[at].rows += 1;
            last = Some((state, same, at));
        }
        for cause in causes.iter_mut().filter(|cause| cause.rows > 1) {
            let problems = self
                .ledger
                .fault(self.ledger.settled(cause.first_row))
                .map(|fault| &fault.problems[..]);
            if let Some([problem]) = problems {
                // The message of a row names its value; that of many rows must not.
                let says = rules()
                    .iter()
                    .find(|rule| rule.code == problem.rule)
                    .map_or("", |rule| rule.says);
                let first = match problem.value.as_str() {
                    "" => String::new(),
                    value => format!("; the first is {value}"),
                };
                cause.message = format!("`{}`: {says}{first}", shown(&problem.column));
            }
        }
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.rows));
        causes
    }
}
