//! Common causes of rows that are not good.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

use super::faults::Reason;
use super::{State, View};
use crate::error::shown;
use crate::validation::rules;

/// A problem that rows have in one column, or a rejection by the service.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub code: String,
    pub column: String,
    pub message: String,
    pub fix: String,
    pub rows: usize,
    pub first_rows: Vec<u32>,
    /// Values and how many rows have them, most rows first.
    pub values: Vec<(String, usize)>,
}

/// The number of rows to list per finding.
const FIRST_ROWS: usize = 5;
/// How many distinct values of a finding are counted, and how many are shown.
const VALUES: (usize, usize) = (1000, 5);

/// A reason and how many rows have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    pub state: State,
    pub code: String,
    pub message: String,
    pub rows: usize,
    pub first_row: u32,
}

/// Groups by several texts: found by digest, then compared.
#[derive(Default)]
struct Groups(HashMap<u64, Vec<(usize, Vec<String>)>>);

impl Groups {
    /// The number of the group of these texts; a new one is `next`.
    fn of(&mut self, texts: &[&str], next: usize) -> usize {
        let mut joined = Vec::with_capacity(128);
        for text in texts {
            joined.extend_from_slice(text.as_bytes());
            joined.push(0);
        }
        let groups = self.0.entry(xxh3_64(&joined)).or_default();
        if let Some((group, _)) = groups.iter().find(|(_, known)| known == texts) {
            return *group;
        }
        groups.push((next, texts.iter().map(|text| (*text).to_owned()).collect()));
        next
    }
}

#[derive(Default)]
struct Findings {
    found: Vec<(Finding, HashMap<String, usize>)>,
    groups: Groups,
}

impl Findings {
    fn count(&mut self, row: u32, [code, column, value, fix]: [&str; 4], message: impl FnOnce() -> String) {
        // A specific fix, such as one with the closest match, makes a separate finding.
        let at = self.groups.of(&[code, column, fix], self.found.len());
        if at == self.found.len() {
            let finding = Finding {
                code: code.to_owned(),
                column: column.to_owned(),
                message: message(),
                fix: fix.to_owned(),
                rows: 0,
                first_rows: Vec::new(),
                values: Vec::new(),
            };
            self.found.push((finding, HashMap::new()));
        }
        let (finding, values) = &mut self.found[at];
        finding.rows += 1;
        if finding.first_rows.len() < FIRST_ROWS {
            finding.first_rows.push(row);
        }
        if value.is_empty() {
            return;
        }
        if let Some(count) = values.get_mut(value) {
            *count += 1;
        } else if values.len() < VALUES.0 {
            values.insert(value.to_owned(), 1);
        }
    }

    fn sorted(self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self
            .found
            .into_iter()
            .map(|(mut finding, values)| {
                finding.values = values.into_iter().collect();
                finding
                    .values
                    .sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
                finding.values.truncate(VALUES.1);
                finding
            })
            .collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.rows));
        findings
    }
}

impl View {
    /// All problems of all rows, grouped by rule and column, most rows first.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Findings::default();
        if self.is_good() {
            return Vec::new();
        }
        for row in self.numbers() {
            let settled = self.ledger.settled(row);
            if self.ledger.state(settled).good() {
                continue;
            }
            match self.ledger.reason(settled) {
                Some(Reason::Checks(problems)) if !problems.is_empty() => {
                    for problem in problems {
                        let texts = [problem.rule, problem.column, problem.value, &problem.fix()];
                        findings.count(row, texts, || problem.message().into_owned());
                    }
                }
                Some(Reason::Other(fault)) if !fault.problems.is_empty() => {
                    for problem in &fault.problems {
                        let texts = [&*problem.rule, &problem.column, &problem.value, &problem.fix];
                        findings.count(row, texts, || problem.message.clone());
                    }
                }
                _ => {
                    let Some(fault) = self.ledger.fault(settled) else {
                        continue;
                    };
                    let [column, value, fix] =
                        [&fault.column, &fault.value, &fault.fix].map(|text| text.as_deref().unwrap_or(""));
                    findings.count(row, [&fault.code, column, value, fix], || fault.message.clone());
                }
            }
        }
        findings.sorted()
    }

    /// Why rows are not good, most rows first. Reasons that differ only in a value are grouped.
    #[must_use]
    pub fn causes(&self) -> Vec<Cause> {
        let mut causes: Vec<Cause> = Vec::new();
        if self.is_good() {
            return causes;
        }
        let mut groups = Groups::default();
        // Neighboring rows mostly have the same cause.
        let mut last: Option<((State, Option<u32>), usize)> = None;
        for row in self.numbers() {
            let settled = self.ledger.settled(row);
            let state = self.ledger.state(settled);
            if state.good() {
                continue;
            }
            let same = (state, self.ledger.faults_of.get(settled));
            if let Some((_, at)) = last.filter(|(before, _)| *before == same) {
                causes[at].rows += 1;
                continue;
            }
            let mut of = |code: &str, column: Option<&str>, message: &str| {
                let has_column = if column.is_some() { "column" } else { "" };
                let texts = [state.as_str(), code, has_column, column.unwrap_or(""), message];
                let at = groups.of(&texts, causes.len());
                if at == causes.len() {
                    causes.push(Cause {
                        state,
                        code: code.to_owned(),
                        message: match (self.ledger.fault(settled), state) {
                            (Some(fault), _) => fault.message,
                            (None, State::NotSent) => self.ledger.not_sent.clone().unwrap_or_default(),
                            (None, _) => String::new(),
                        },
                        rows: 0,
                        first_row: row,
                    });
                }
                at
            };
            let at = match self.ledger.reason(settled) {
                // Our problems name their values; rows with the same rule and column have one cause.
                Some(Reason::Checks(problems)) if !problems.is_empty() => {
                    of(problems[0].rule, Some(problems[0].column), "")
                }
                // The service's messages may name ids and request ids, so its code and field group them.
                Some(Reason::Other(fault)) if !fault.problems.is_empty() || fault.status.is_some() => {
                    of(&fault.code, fault.column.as_deref(), "")
                }
                Some(Reason::Other(fault)) => of(&fault.code, None, &fault.message),
                _ => of("", None, ""),
            };
            causes[at].rows += 1;
            last = Some((same, at));
        }
        for cause in causes.iter_mut().filter(|cause| cause.rows > 1) {
            let fault = self.ledger.fault(self.ledger.settled(cause.first_row));
            if let Some([problem]) = fault.as_ref().map(|fault| &fault.problems[..]) {
                // The message of one row names its value, that of many rows must not.
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
