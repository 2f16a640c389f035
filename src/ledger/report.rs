//! Groups the rows that did not succeed by cause.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

use super::faults::Reason;
use super::{Fault, Status, View};

/// Rows with the same status and the same problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    pub status: Status,
    /// The code of a rule, a code from the service, or a word such as `transport`. Empty if the rows have no reason.
    pub code: String,
    /// Empty if the problem concerns the whole row.
    pub column: String,
    /// The message for the first row.
    pub message: String,
    pub fix: String,
    pub rows: usize,
    pub first_rows: Vec<u32>,
    /// The most frequent values, each with the number of rows that have it, in descending order.
    pub values: Vec<(String, usize)>,
}

/// The number of rows to list per cause.
const FIRST_ROWS: usize = 5;
/// How many distinct values to count per cause, and how many of these to show.
const VALUES: (usize, usize) = (1000, 50);

/// Groups of equal strings, found by digest and then compared.
#[derive(Default)]
struct Groups(HashMap<u64, Vec<(usize, Vec<String>)>>);

impl Groups {
    /// Returns the number of the group that contains these strings. A new group gets the number `next`.
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

/// A cause whose rows are still being counted.
struct Counting {
    cause: Cause,
    /// The index of each value in `cause.values`.
    indices: HashMap<String, usize>,
    /// The last row counted. A row counts once, even if several of its values have the problem.
    last: Option<u32>,
    /// Whether assets of these rows have other values than that of the first row.
    is_mixed: bool,
}

impl Counting {
    /// Returns the index of a value, and adds the value if it is new. Returns `None` if the value is empty, or
    /// if it is new and the limit is reached.
    fn index_of(&mut self, value: &str) -> Option<usize> {
        if let Some(index) = self.indices.get(value) {
            return Some(*index);
        }
        let index = self.indices.len();
        if value.is_empty() || index == VALUES.0 {
            return None;
        }
        self.indices.insert(value.to_owned(), index);
        self.cause.values.push((value.to_owned(), 0));
        Some(index)
    }

    fn count(&mut self, row: u32, value: Option<usize>) {
        if self.last != Some(row) {
            self.last = Some(row);
            self.cause.rows += 1;
            if self.cause.first_rows.len() < FIRST_ROWS {
                self.cause.first_rows.push(row);
            }
        }
        if let Some(index) = value {
            self.cause.values[index].1 += 1;
        }
    }

    fn counted(self) -> Cause {
        let mut cause = self.cause;
        if self.is_mixed {
            cause.message = format!("first: {}", cause.message);
        }
        cause
            .values
            .sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        cause.values.truncate(VALUES.1);
        cause
    }
}

/// A problem without its message.
struct Says<'t> {
    code: &'t str,
    column: &'t str,
    value: &'t str,
    fix: &'t str,
}

#[derive(Default)]
struct Causes {
    causes: Vec<Counting>,
    groups: Groups,
}

impl Causes {
    /// Returns the cause of a problem, and the index of the problem's value within the cause. `apart` separates causes
    /// with the same status, code and column.
    fn of(
        &mut self,
        status: Status,
        says: &Says<'_>,
        apart: &str,
        message: impl FnOnce() -> String,
    ) -> (usize, Option<usize>) {
        let texts = [status.as_str(), says.code, says.column, apart];
        let at = self.groups.of(&texts, self.causes.len());
        if at == self.causes.len() {
            self.causes.push(Counting {
                cause: Cause {
                    status,
                    code: says.code.to_owned(),
                    column: says.column.to_owned(),
                    message: message(),
                    fix: says.fix.to_owned(),
                    rows: 0,
                    first_rows: Vec::new(),
                    values: Vec::new(),
                },
                indices: HashMap::new(),
                last: None,
                is_mixed: false,
            });
        } else if status == Status::Differs && !self.causes[at].is_mixed {
            self.causes[at].is_mixed = message() != self.causes[at].cause.message;
        }
        (at, self.causes[at].index_of(says.value))
    }

    /// Returns the cause of a reason that is not a list of problems, and the index of its value within the
    /// cause.
    fn of_fault(&mut self, status: Status, fault: &Fault) -> (usize, Option<usize>) {
        let [column, value, fix] =
            [&fault.column, &fault.value, &fault.fix].map(|text| text.as_deref().unwrap_or(""));
        // The service's messages may contain ids and request ids, so they are grouped by code and field.
        let apart = if fault.status.is_some() {
            ""
        } else {
            &fault.message
        };
        let says = Says {
            code: &fault.code,
            column,
            value,
            fix,
        };
        self.of(status, &says, apart, || fault.message.clone())
    }
}

impl View {
    /// Returns the causes of rows that did not succeed, most rows first, and after them those of rows that need no
    /// correction, but a patch. A row with several causes counts once for each cause.
    #[must_use]
    pub fn causes(&self) -> Vec<Cause> {
        if self.is_ok() {
            return Vec::new();
        }
        let mut causes = Causes::default();
        // Consecutive rows often have the same reason, and therefore the same causes.
        let mut before = None;
        let mut found: Vec<(usize, Option<usize>)> = Vec::new();
        for row in self.numbers() {
            let original = self.ledger.original(row);
            let status = self.ledger.status(original);
            if status.is_ok() {
                continue;
            }
            let reason = Some((status, self.ledger.faults_of.get(original)));
            if before != reason {
                before = reason;
                found.clear();
                self.find_causes(original, status, &mut causes, &mut found);
            }
            for (at, value) in &found {
                causes.causes[*at].count(row, *value);
            }
        }
        let mut causes: Vec<Cause> = causes.causes.into_iter().map(Counting::counted).collect();
        causes.sort_by_key(|cause| (cause.status == Status::Differs, std::cmp::Reverse(cause.rows)));
        causes
    }

    /// Finds or creates the causes of a row, and adds them to `found`.
    fn find_causes(
        &self,
        row: u32,
        status: Status,
        causes: &mut Causes,
        found: &mut Vec<(usize, Option<usize>)>,
    ) {
        match self.ledger.reason(row) {
            Some(Reason::Checks(problems)) if !problems.is_empty() => {
                found.extend(problems.iter().map(|problem| {
                    // A specific fix, such as a fix that names the closest match, makes a separate cause.
                    let fix = problem.fix();
                    let says = Says {
                        code: problem.code,
                        column: problem.column,
                        value: problem.value,
                        fix: &fix,
                    };
                    causes.of(status, &says, &fix, || problem.message().into_owned())
                }));
            }
            Some(Reason::Other(fault)) if fault.problems.is_empty() => {
                found.push(causes.of_fault(status, &fault));
            }
            Some(Reason::Other(fault)) => found.extend(fault.problems.iter().map(|problem| {
                let says = Says {
                    code: &problem.code,
                    column: &problem.column,
                    value: &problem.value,
                    fix: &problem.fix,
                };
                causes.of(status, &says, &problem.fix, || problem.message.clone())
            })),
            _ => {
                let message = match status {
                    Status::NotSent => self.ledger.not_sent.clone().unwrap_or_default(),
                    _ => String::new(),
                };
                found.push(causes.of_fault(status, &Fault::new("", message, "")));
            }
        }
    }
}
