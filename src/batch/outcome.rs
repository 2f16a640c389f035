//! The ledger: one verdict a row, true at any moment.
//!
//! It is columns, not row objects, so that a million rows cost some tens of megabytes and an import that is cut off
//! anywhere still knows each of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, ServiceError, Violation, shown};
use crate::http::Moment;
use crate::input::Label;
use crate::validation::{ColumnUse, Problem, rules};

/// What is known of a row. The order is that of reports: good ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum State {
    Created,
    Updated,
    Deleted,
    Unchanged,
    /// Refused by a check of ours, never sent.
    Invalid,
    /// Refused by the service.
    Rejected,
    /// Stopped before its request left.
    NotSent,
    /// Provably not executed, and given up.
    Failed,
    /// Sent, and no answer that says what became of it.
    Unknown,
}

impl State {
    pub const ALL: [Self; 9] = [
        Self::Created,
        Self::Updated,
        Self::Deleted,
        Self::Unchanged,
        Self::Invalid,
        Self::Rejected,
        Self::NotSent,
        Self::Failed,
        Self::Unknown,
    ];

    /// The state as users see it: `created`, `not_sent`, ...
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Unchanged => "unchanged",
            Self::Invalid => "invalid",
            Self::Rejected => "rejected",
            Self::NotSent => "not_sent",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the row is where the user wanted it.
    #[must_use]
    pub fn good(self) -> bool {
        self <= Self::Unchanged
    }

    /// Whether sending the row again is safe and may help.
    #[must_use]
    pub fn may_be_sent_again(self) -> bool {
        matches!(self, Self::NotSent | Self::Failed)
    }
}

/// Why a row is in a state that is not good.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// A rule of ours, a code of the service, or a word such as `transport`.
    pub code: String,
    pub message: String,
    pub column: Option<String>,
    pub value: Option<String>,
    pub fix: Option<String>,
    pub status: Option<u16>,
    pub body: Option<Arc<str>>,
    /// What the service says of it beside its message, such as what it is in conflict with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    pub problems: Vec<Problem>,
}

impl Fault {
    /// A fault of our own.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>, fix: &str) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            fix: (!fix.is_empty()).then(|| fix.to_owned()),
            ..Self::default()
        }
    }

    /// The problems a check found.
    #[must_use]
    pub fn invalid(problems: Vec<Problem>) -> Self {
        let mut fault = Self::default();
        if let Some(first) = problems.first() {
            fault.code = first.rule.to_string();
            fault.column = Some(first.column.clone());
            fault.value = Some(first.value.clone());
            let fixes = problems
                .iter()
                .map(|problem| format!("`{}`: {}", problem.column, problem.fix));
            fault.fix = Some(if problems.len() > 1 {
                fixes.collect::<Vec<_>>().join("; ")
            } else {
                first.fix.clone()
            });
            fault.message = problems
                .iter()
                .map(|problem| problem.message.as_str())
                .collect::<Vec<_>>()
                .join("; ");
        }
        fault.problems = problems;
        fault
    }

    /// What the service said of one row.
    #[must_use]
    pub fn violation(error: &ServiceError, violation: &Violation) -> Self {
        Self {
            code: violation
                .code
                .clone()
                .or_else(|| error.code.clone())
                .unwrap_or_else(|| error.status.to_string()),
            message: match &error.request_id {
                Some(id) => shown(&format!("{} [request id {id}]", violation.message)).into_owned(),
                None => shown(&violation.message).into_owned(),
            },
            // `[3].customAttributes.ca4` is the column ca4.
            column: violation
                .field
                .as_ref()
                .map(|field| field.rsplit('.').next().unwrap_or(field).to_owned()),
            fix: Some("correct the row as the service says, and call again with it".to_owned()),
            status: Some(error.status),
            body: Some(error.body.clone()),
            metadata: violation.metadata.clone().or_else(|| error.metadata.clone()),
            ..Self::default()
        }
    }

    /// What ended a request.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        let (code, status, body) = match error {
            Error::Option(_) => ("option".to_owned(), None, None),
            Error::Input(_) => ("input".to_owned(), None, None),
            Error::Journal(_) => ("journal".to_owned(), None, None),
            Error::Auth(_) => ("auth".to_owned(), None, None),
            Error::Transport(error) => {
                let partial = error.partial.as_ref();
                (
                    "transport".to_owned(),
                    partial.map(|partial| partial.status),
                    partial.map(|partial| partial.body.clone()),
                )
            }
            Error::Service(error) => (
                error.code.clone().unwrap_or_else(|| error.status.to_string()),
                Some(error.status),
                Some(error.body.clone()),
            ),
            Error::Unreadable { status, body, .. } => {
                ("unreadable".to_owned(), Some(*status), Some(body.clone()))
            }
        };
        let metadata = match error {
            Error::Service(refusal) => refusal.metadata.clone(),
            _ => None,
        };
        Self {
            code,
            message: shown(&error.to_string()).into_owned(),
            status,
            body,
            metadata,
            ..Self::default()
        }
    }
}

/// A row's label, as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnedLabel {
    Number,
    Int(i64),
    Text(Box<str>),
}

impl From<Label<'_>> for OwnedLabel {
    fn from(label: Label<'_>) -> Self {
        match label {
            Label::Number => Self::Number,
            Label::Int(number) => Self::Int(number),
            Label::Text(text) => Self::Text(text.into()),
        }
    }
}

/// What a run cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    pub requests: u64,
    pub retries: u64,
    pub bisects: u64,
    /// Seconds that the run stood still for the rate limits.
    pub throttled: f64,
    pub seconds: f64,
    pub bytes_sent: u64,
    /// Requests, among those above, that looked for rows whose answer was lost, or for import keys.
    pub lookups: u64,
}

/// What is still to be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub rows: u64,
    pub requests: u64,
    pub bytes: u64,
    /// At the rate limit.
    pub minutes: f64,
}

/// A request that carried rows, and when it was under way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sending {
    /// Tries, those of the requests it was split from included.
    pub attempts: u32,
    pub request_id: Option<Box<str>>,
    /// When its bytes first left; `None`: they never did.
    pub left: Option<Moment>,
    /// When it was answered or given up.
    pub ended: Option<Moment>,
    /// The service said that it was executed, though not what became of each row.
    pub executed: bool,
}

/// What a request carried. It is kept while the outcome of any of its rows is unknown, since settings may change before
/// the rows are looked up: they are compared with what was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentBody {
    pub rows: Vec<SentItem>,
    /// The rows as they were encoded, with a comma between two.
    pub text: String,
}

/// A row of a request, and where in its text it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentItem {
    pub row: u32,
    pub key: Arc<str>,
    pub end: usize,
}

/// What is to be kept of one row so that a later run can go on from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<'a> {
    pub row: u32,
    pub label: &'a OwnedLabel,
    /// Nothing where the key is the id.
    pub key: &'a str,
    pub state: State,
    pub id: Option<String>,
    pub digest: u64,
    pub sending: Option<u32>,
    pub fault: Option<u32>,
    pub same_as: Option<u32>,
}

/// What changed in a ledger since it was last written down.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Rows, without those from `rows_from` on as long as nobody has taken the changes.
    pub rows: BTreeSet<u32>,
    /// Rows from this number on are new.
    pub rows_from: u32,
    pub sendings: BTreeSet<u32>,
    /// Faults from this number on are new, up to `faults_to` where somebody has taken the changes.
    pub faults_from: usize,
    pub faults_to: usize,
}

/// Row numbers, request numbers and fault numbers: four bytes each, in a ledger of at most four billion rows.
type Number = u32;
const NONE: Number = Number::MAX;

/// One verdict a row, in input order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    states: Vec<State>,
    /// Nil where a row has none.
    ids: Vec<Uuid>,
    /// Ids that are no UUIDs.
    other_ids: HashMap<Number, Box<str>>,
    /// Which request settled the row.
    sendings_of: Vec<Number>,
    sendings: Vec<Sending>,
    faults_of: HashMap<Number, Number>,
    faults: Vec<Fault>,
    /// Keys one after the other, and where each ends; empty where the key of a row is its id.
    keys: String,
    key_ends: Vec<u64>,
    /// Keys of rows that were edited since.
    new_keys: HashMap<Number, Box<str>>,
    /// Empty as long as every label is the row's number.
    labels: Vec<OwnedLabel>,
    /// Rows that say the same as an earlier one and share its verdict.
    same_as: HashMap<Number, Number>,
    /// The digest of each row's cells; 0 where it was not read.
    digests: Vec<u64>,
    /// What each column counts as for those digests; nothing where it does not count.
    pub headings: BTreeMap<String, Option<String>>,
    /// The requests of rows whose outcome is unknown.
    bodies: BTreeMap<Number, SentBody>,
    /// For each row of the last input the row it is; `None`: they are the same rows in the same places.
    #[serde(skip)]
    input: Option<Vec<Number>>,
    /// Rows from this number on exist but were never read.
    read: usize,
    /// Whether the rows were read to their end, so that there are no others.
    pub complete: bool,
    /// What generated import keys begin with: another text for each run, and the same for all calls that go on with it.
    pub import_prefix: Option<Box<str>>,
    /// Kept only where a journal is.
    #[serde(skip)]
    changes: Option<Changes>,
    /// Why rows that were not sent were not, once the run has ended.
    pub not_sent: Option<String>,
    pub stats: Stats,
    pub plan: Plan,
    pub warnings: Vec<String>,
    /// What each column of the rows was taken for.
    #[serde(default)]
    pub columns: Vec<ColumnUse>,
}

/// A ledger shared between a run and whoever looks at it.
pub type SharedLedger = Arc<Mutex<Ledger>>;

/// Looks into a shared ledger. Nothing panics while it holds this lock.
pub fn lock(ledger: &SharedLedger) -> MutexGuard<'_, Ledger> {
    #[cfg(feature = "simulator")]
    crate::batch::disk::lock();
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

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

/// Everything there is to say of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome<'a> {
    pub row: u32,
    pub label: &'a OwnedLabel,
    pub key: Option<String>,
    pub state: State,
    pub id: Option<String>,
    pub fault: Option<&'a Fault>,
    pub attempts: u32,
    pub request_id: Option<&'a str>,
}

/// A reason and how many rows have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause<'a> {
    pub state: State,
    pub code: &'a str,
    pub message: String,
    pub rows: usize,
    pub first_row: u32,
}

impl Ledger {
    /// Whether its parts fit together, as those of a damaged pickle need not.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let rows = self.rows();
        let columns = [
            self.ids.len(),
            self.sendings_of.len(),
            self.digests.len(),
            self.key_ends.len(),
        ];
        let labels = self.labels.is_empty() || self.labels.len() == rows;
        let known = |row: &u32| (*row as usize) < rows;
        columns.iter().all(|length| *length == rows)
            && labels
            && self.read <= rows
            && self.key_ends.is_sorted()
            && self
                .same_as
                .iter()
                .all(|(twin, first)| known(twin) && known(first))
    }

    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.states.len()
    }

    // ---- written by a run ----

    /// Adds the next row, not sent yet.
    pub fn push(&mut self, label: impl Into<OwnedLabel>) -> u32 {
        let label = label.into();
        let row = self.rows();
        self.states.push(State::NotSent);
        self.ids.push(Uuid::nil());
        self.sendings_of.push(NONE);
        self.digests.push(0);
        self.key_ends.push(self.keys.len() as u64);
        if label != OwnedLabel::Number && self.labels.is_empty() {
            self.labels = vec![OwnedLabel::Number; row];
        }
        if label != OwnedLabel::Number || !self.labels.is_empty() {
            self.labels.push(label);
        }
        self.read = row + 1;
        self.changed(number(row));
        number(row)
    }

    /// Adds rows that are known to exist though they were not read: not sent, too.
    pub fn fill_up(&mut self, rows: usize) {
        let known = self.rows();
        if rows <= known {
            return;
        }
        self.states.resize(rows, State::NotSent);
        self.ids.resize(rows, Uuid::nil());
        self.sendings_of.resize(rows, NONE);
        self.digests.resize(rows, 0);
        self.key_ends.resize(rows, self.keys.len() as u64);
        if !self.labels.is_empty() {
            self.labels.resize(rows, OwnedLabel::Number);
        }
    }

    /// Gives the row added last its key. A key that is an id is kept as the row's id: once, not twice.
    pub fn name_last(&mut self, key: &str, is_id: bool) {
        let row = self.rows() - 1;
        if is_id && !key.is_empty() {
            self.set_id(number(row), key);
        } else {
            self.keys.push_str(key);
        }
        self.key_ends[row] = self.keys.len() as u64;
        self.changed(number(row));
    }

    /// Gives a row that was edited its new key.
    pub fn rename(&mut self, row: u32, key: &str, is_id: bool) {
        if is_id {
            self.set_id(row, key);
        } else if self.own_key(row) != key {
            self.new_keys.insert(row, key.into());
            self.changed(row);
        }
    }

    /// Gives a row the label it has now.
    pub fn relabel(&mut self, row: u32, label: OwnedLabel) {
        if label != OwnedLabel::Number && self.labels.is_empty() {
            self.labels = vec![OwnedLabel::Number; self.rows()];
        }
        if let Some(known) = self.labels.get_mut(row as usize).filter(|known| **known != label) {
            *known = label;
            self.changed(row);
        }
    }

    /// The row was edited and has an outcome of its own: rows that shared its outcome keep the old one.
    pub fn part_from_twins(&mut self, row: u32, twins: &[u32]) {
        let first = self.same_as.remove(&row).unwrap_or(row);
        let (state, fault) = (self.states[first as usize], self.faults_of.get(&first).copied());
        for twin in twins.iter().copied() {
            // It may have been edited before, and is another row's equal since.
            if self.same_as.get(&twin) != Some(&row) {
                continue;
            }
            self.same_as.remove(&twin);
            self.states[twin as usize] = state;
            self.faults_of.extend(fault.map(|fault| (twin, fault)));
            self.changed(twin);
        }
        self.changed(row);
    }

    /// Keeps the digest of a row's cells.
    pub fn set_digest(&mut self, row: u32, digest: u64) {
        self.digests[row as usize] = digest;
        self.changed(row);
    }

    /// Settles a row.
    pub fn set(&mut self, row: u32, state: State) {
        self.states[row as usize] = state;
        if !self.faults_of.is_empty() {
            self.faults_of.remove(&row);
        }
        self.changed(row);
    }

    /// Settles a row that is not good, with the reason as `add_fault` numbered it.
    pub fn set_fault(&mut self, row: u32, state: State, fault: u32) {
        self.states[row as usize] = state;
        self.faults_of.insert(row, fault);
        self.changed(row);
    }

    /// Changes the state of a row, but keeps the reason.
    pub fn restate(&mut self, row: u32, state: State) {
        self.states[row as usize] = state;
        self.changed(row);
    }

    /// Keeps a reason that rows may share.
    pub fn add_fault(&mut self, fault: Fault) -> u32 {
        self.faults.push(fault);
        number(self.faults.len() - 1)
    }

    /// Gives a row its id.
    pub fn set_id(&mut self, row: u32, id: &str) {
        self.set_read_id(row, id, Uuid::try_parse(id).ok());
    }

    /// Gives a row its id, which was read as a UUID already.
    pub fn set_read_id(&mut self, row: u32, id: &str, uuid: Option<Uuid>) {
        match uuid {
            Some(uuid) if !uuid.is_nil() && id.len() == 36 => self.ids[row as usize] = uuid,
            _ => {
                self.other_ids.insert(row, id.into());
            }
        }
        self.changed(row);
    }

    /// Notes the request that is about to be sent.
    pub fn begin_sending(&mut self, body: SentBody) -> u32 {
        // Rows of one request have been in the same requests before: it was split from those.
        let earlier = body
            .rows
            .first()
            .map_or(NONE, |item| self.sendings_of[item.row as usize]);
        let before = self.sendings.get(earlier as usize);
        let sending = Sending {
            attempts: before.map_or(0, |sending| sending.attempts),
            ..Sending::default()
        };
        self.sendings.push(sending);
        let sending = number(self.sendings.len() - 1);
        for item in &body.rows {
            self.sendings_of[item.row as usize] = sending;
        }
        if self.bodies.contains_key(&earlier) {
            body.rows.iter().for_each(|item| self.changed(item.row));
        }
        self.bodies.insert(sending, body);
        self.forget_body(earlier);
        sending
    }

    /// Whether the outcome of a row is unknown since this request carried it, and no later one has.
    #[must_use]
    pub fn is_in_doubt(&self, row: u32, sending: u32) -> bool {
        let at = row as usize;
        self.states.get(at) == Some(&State::Unknown) && self.sendings_of.get(at) == Some(&sending)
    }

    /// The requests that carried these rows, for those in doubt.
    #[must_use]
    pub fn bodies_of(&self, rows: &HashSet<u32>) -> Vec<(u32, &SentBody)> {
        let sendings: BTreeSet<u32> = rows
            .iter()
            .filter_map(|row| self.sendings_of.get(*row as usize))
            .copied()
            .collect();
        let body = |sending| Some((sending, self.body(sending)?));
        sendings.into_iter().filter_map(body).collect()
    }

    /// What a request carried, while the outcome of any of its rows is unknown.
    #[must_use]
    pub fn body(&self, sending: u32) -> Option<&SentBody> {
        let in_doubt = |item: &SentItem| self.is_in_doubt(item.row, sending);
        self.bodies
            .get(&sending)
            .filter(|body| body.rows.iter().any(in_doubt))
    }

    /// Drops what a request carried once all its rows are settled, or were sent in another.
    pub fn forget_body(&mut self, sending: u32) {
        if self.body(sending).is_none() && self.bodies.remove(&sending).is_some() {
            self.note_sending(sending, |_| {});
        }
    }

    /// Notes something of a request.
    pub fn note_sending(&mut self, sending: u32, note: impl FnOnce(&mut Sending)) {
        if let Some(kept) = self.sendings.get_mut(sending as usize) {
            note(kept);
        }
        if let Some(changes) = &mut self.changes {
            changes.sendings.insert(sending);
        }
    }

    /// The request that carried a row last.
    #[must_use]
    pub fn sending_of(&self, row: u32) -> Option<(u32, &Sending)> {
        let number = *self.sendings_of.get(row as usize)?;
        Some((number, self.sendings.get(number as usize)?))
    }

    /// The row says the same as an earlier one: it is not sent and shares the verdict.
    pub fn set_same_as(&mut self, row: u32, first: u32) {
        self.same_as.insert(row, first);
        self.changed(row);
    }

    // ---- written down, and read back ----

    fn changed(&mut self, row: u32) {
        if let Some(changes) = &mut self.changes
            && row < changes.rows_from
        {
            changes.rows.insert(row);
        }
    }

    /// From here on what changes is kept until somebody takes it; all that stands here already counts as changed.
    pub fn watch(&mut self) {
        self.changes = Some(Changes {
            sendings: (0..number(self.sendings.len())).collect(),
            ..Changes::default()
        });
    }

    /// What changed since it was last taken; the next changes count from here.
    pub fn take_changes(&mut self) -> Changes {
        self.take_changes_before(u32::MAX)
    }

    /// The same, with no new rows from this one on, nor reasons that only those have.
    pub fn take_changes_before(&mut self, row: u32) -> Changes {
        // Rows that were never read are found again by whoever reads on.
        let read = number(self.read);
        let Some(mut changes) = self.changes.take() else {
            return Changes::default();
        };
        let mut to = row.min(read).max(changes.rows_from);
        // A request that is about to leave is taken whole, or not at all.
        loop {
            let bodies = changes.sendings.iter().filter_map(|sending| self.body(*sending));
            let begun = bodies.filter(|body| body.rows.iter().any(|item| item.row < to));
            let last = begun.flat_map(|body| &body.rows).map(|item| item.row).max();
            match last {
                Some(last) if last >= to => to = last + 1,
                _ => break,
            }
        }
        changes.rows.extend(changes.rows_from..to);
        changes.faults_to = if to == read {
            self.faults.len()
        } else {
            let reasons = changes.rows.iter().filter_map(|row| self.faults_of.get(row));
            let last = reasons.max().map_or(0, |last| *last as usize + 1);
            last.max(changes.faults_from)
        };
        let waits = |sending: &u32| {
            self.body(*sending)
                .is_some_and(|body| body.rows.iter().any(|item| item.row >= to))
        };
        let (later, sendings) = std::mem::take(&mut changes.sendings).into_iter().partition(waits);
        changes.sendings = sendings;
        self.changes = Some(Changes {
            rows_from: to,
            sendings: later,
            faults_from: changes.faults_to,
            ..Changes::default()
        });
        changes
    }

    /// Puts back changes that could not be written down.
    pub fn put_back(&mut self, changes: Changes) {
        if let Some(now) = &mut self.changes {
            now.rows.extend(changes.rows);
            now.rows = now.rows.range(..changes.rows_from).copied().collect();
            now.rows_from = changes.rows_from;
            now.sendings.extend(changes.sendings);
            now.faults_from = changes.faults_from;
        }
    }

    /// Whether something changed that nobody has taken yet.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.changes.as_ref().is_some_and(|changes| {
            let new = changes.rows_from < number(self.read) || changes.faults_from < self.faults.len();
            new || !changes.rows.is_empty() || !changes.sendings.is_empty()
        })
    }

    /// How many rows were among the changes that were taken.
    #[must_use]
    pub fn taken(&self) -> u32 {
        let changes = self.changes.as_ref();
        changes.map_or(number(self.read), |changes| changes.rows_from)
    }

    /// What is to be kept of a row.
    #[must_use]
    pub fn record(&self, row: u32) -> Record<'_> {
        let at = row as usize;
        Record {
            row,
            label: self.label(row),
            key: self.own_key(row),
            state: self.states[at],
            id: self.id(row),
            digest: self.digests[at],
            sending: Some(self.sendings_of[at]).filter(|number| *number != NONE),
            fault: self.faults_of.get(&row).copied(),
            same_as: self.same_as.get(&row).copied(),
        }
    }

    /// Puts back what was kept of the next row.
    pub fn restore(&mut self, record: &Record<'_>) {
        let row = self.push(match record.label {
            OwnedLabel::Number => Label::Number,
            OwnedLabel::Int(number) => Label::Int(*number),
            OwnedLabel::Text(text) => Label::Text(text),
        });
        self.name_last(record.key, false);
        if let Some(id) = &record.id {
            self.set_id(row, id);
        }
        let at = row as usize;
        self.states[at] = record.state;
        self.digests[at] = record.digest;
        self.sendings_of[at] = record.sending.unwrap_or(NONE);
        self.faults_of.extend(record.fault.map(|fault| (row, fault)));
        self.same_as.extend(record.same_as.map(|first| (row, first)));
    }

    /// Puts back a request.
    pub fn restore_sending(&mut self, sending: Sending) {
        self.sendings.push(sending);
    }

    /// Puts back what a request carried.
    pub fn restore_body(&mut self, sending: u32, body: SentBody) {
        self.bodies.insert(sending, body);
    }

    /// Requests, in the order of their numbers.
    #[must_use]
    pub fn sendings(&self) -> &[Sending] {
        &self.sendings
    }

    /// Reasons, in the order of their numbers.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// For each row of the last input the row it is; `None`: they are the same rows in the same places.
    #[must_use]
    pub fn input(&self) -> Option<&[u32]> {
        self.input.as_deref()
    }

    /// Notes which row each row of the input is.
    pub fn set_input(&mut self, rows: Option<Vec<u32>>) {
        self.input = rows;
    }

    /// For each row that others share the outcome of, those others.
    #[must_use]
    pub fn twins(&self) -> HashMap<u32, Vec<u32>> {
        let mut twins: HashMap<u32, Vec<u32>> = HashMap::new();
        for (twin, first) in &self.same_as {
            twins.entry(*first).or_default().push(*twin);
        }
        twins
    }

    /// The row that this one says the same as, where it does.
    #[must_use]
    pub fn same_as(&self, row: u32) -> Option<u32> {
        self.same_as.get(&row).copied()
    }

    /// The digest of a row's cells; 0 where it was not read.
    #[must_use]
    pub fn digest(&self, row: u32) -> u64 {
        self.digests.get(row as usize).copied().unwrap_or(0)
    }

    /// Which run this is, to be told from others.
    #[must_use]
    pub fn run(&self) -> u64 {
        self.import_prefix
            .as_ref()
            .map_or(0, |prefix| xxh3_64(prefix.as_bytes()))
    }

    /// How many rows were read; those after them are only known to exist.
    #[must_use]
    pub fn read(&self) -> usize {
        self.read
    }

    /// Forgets the rows that were never read: whoever reads on adds them.
    pub fn forget_unread(&mut self) {
        let read = self.read;
        self.states.truncate(read);
        self.ids.truncate(read);
        self.sendings_of.truncate(read);
        self.digests.truncate(read);
        self.key_ends.truncate(read);
        if !self.labels.is_empty() {
            self.labels.truncate(read);
        }
    }

    /// Clears what belongs to one call only, so that the next one starts from the verdicts.
    pub fn reopen(&mut self) {
        self.stats = Stats::default();
        self.plan = Plan::default();
        self.warnings = Vec::new();
        self.columns = Vec::new();
        self.not_sent = None;
        self.input = None;
        self.forget_unread();
    }

    /// Which of these ids belong to a row already.
    #[must_use]
    pub fn claimed<'t>(&self, ids: impl Iterator<Item = &'t str>) -> HashSet<String> {
        let mut odd: HashSet<&str> = HashSet::new();
        let mut uuids: HashMap<Uuid, &str> = HashMap::new();
        for id in ids {
            match Uuid::try_parse(id) {
                Ok(uuid) => drop(uuids.insert(uuid, id)),
                Err(_) => drop(odd.insert(id)),
            }
        }
        let settled = self.ids.iter().zip(&self.states);
        let known = settled
            .filter(|(_, state)| state.good())
            .filter_map(|(id, _)| uuids.get(id).copied());
        let others = self.other_ids.values().map(AsRef::as_ref);
        known
            .chain(others.filter(|id| odd.contains(id)))
            .map(str::to_owned)
            .collect()
    }

    /// The keys of rows in doubt, but for these rows.
    #[must_use]
    pub fn keys_in_doubt(&self, but: &HashSet<u32>) -> Vec<&str> {
        (0..number(self.rows()))
            .filter(|row| self.states[*row as usize] == State::Unknown && !but.contains(row))
            .map(|row| self.own_key(row))
            .collect()
    }

    /// How many rows have a verdict; those in flight have none.
    #[must_use]
    pub fn settled_rows(&self) -> usize {
        let settled = |state: State| !matches!(state, State::NotSent | State::Unknown);
        let repeats = self
            .same_as
            .values()
            .filter(|first| settled(self.states[**first as usize]))
            .count();
        self.states.iter().filter(|state| settled(**state)).count() + repeats
    }

    /// The state of a row.
    #[must_use]
    pub fn state(&self, row: u32) -> State {
        self.states[self.settled(row) as usize]
    }

    /// The label of a row.
    #[must_use]
    pub fn label(&self, row: u32) -> &OwnedLabel {
        self.labels.get(row as usize).unwrap_or(&OwnedLabel::Number)
    }

    /// What a message calls a row; `title` says what its label is, where that is a place in a file.
    #[must_use]
    pub fn name_of(&self, row: u32, title: Option<&str>) -> String {
        match (title, self.label(row)) {
            (Some(title), OwnedLabel::Int(number)) => format!("{title} {number}"),
            _ => format!("row {row}"),
        }
    }

    fn id(&self, row: u32) -> Option<String> {
        let id = self.ids[row as usize];
        if id.is_nil() {
            self.other_ids.get(&row).map(ToString::to_string)
        } else {
            Some(id.to_string())
        }
    }

    /// What the row is known by: its client asset id, or its id.
    #[must_use]
    pub fn key(&self, row: u32) -> Option<String> {
        match self.own_key(row) {
            "" => self.id(row),
            key => Some(key.to_owned()),
        }
    }

    fn own_key(&self, row: u32) -> &str {
        if let Some(key) = self.new_keys.get(&row) {
            return key;
        }
        let row = row as usize;
        let start = row.checked_sub(1).map_or(0, |before| self.key_ends[before]);
        let range = |start, end| Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?);
        range(start, self.key_ends[row])
            .and_then(|range| self.keys.get(range))
            .unwrap_or("")
    }

    fn fault(&self, row: u32) -> Option<&Fault> {
        static IN_FLIGHT: OnceLock<Fault> = OnceLock::new();
        match self.faults_of.get(&row) {
            Some(fault) => self.faults.get(*fault as usize),
            // Rows become unknown as their request leaves; most are settled a moment later, so no reason is stored.
            None if self.states[row as usize] == State::Unknown => Some(IN_FLIGHT.get_or_init(|| {
                Fault::new(
                    "in_flight",
                    "the request was sent and its answer was not waited for",
                    "look the row up in the project before sending it again",
                )
            })),
            None => None,
        }
    }

    fn outcome(&self, row: u32) -> Outcome<'_> {
        let settled = self.settled(row);
        let sending = self.sendings.get(self.sendings_of[settled as usize] as usize);
        Outcome {
            row,
            label: self.label(row),
            key: self.key(row),
            state: self.states[settled as usize],
            id: self.id(settled),
            fault: self.fault(settled),
            attempts: sending.map_or(0, |sending| sending.attempts),
            request_id: sending.and_then(|sending| sending.request_id.as_deref()),
        }
    }

    /// The row whose verdict this row shares: itself, but for repeats of an earlier one.
    fn settled(&self, row: u32) -> u32 {
        self.same_as.get(&row).copied().unwrap_or(row)
    }
}

/// A ledger, or some rows of it, as users read it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct View {
    pub ledger: Arc<Ledger>,
    /// Row numbers, where not all rows are meant.
    rows: Option<Vec<Number>>,
}

impl View {
    /// All rows of a ledger.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>) -> Self {
        Self { ledger, rows: None }
    }

    /// Whether its parts fit together.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let known = |row: &u32| (*row as usize) < self.ledger.rows();
        self.ledger.is_whole() && self.rows.iter().flatten().all(known)
    }

    /// How many rows it shows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or(self.ledger.rows(), Vec::len)
    }

    /// Whether it shows no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn numbers(&self) -> impl Iterator<Item = u32> {
        (0..self.len()).map(|index| self.row_at(index))
    }

    fn row_at(&self, index: usize) -> u32 {
        match &self.rows {
            Some(rows) => rows[index],
            None => number(index),
        }
    }

    /// What there is to say of the index-th row; `None` past the end.
    #[must_use]
    pub fn outcome(&self, index: usize) -> Option<Outcome<'_>> {
        (index < self.len()).then(|| self.ledger.outcome(self.row_at(index)))
    }

    /// The ledger as a further run finds it.
    #[must_use]
    pub fn reopened(&self) -> Ledger {
        let mut ledger = Ledger::clone(&self.ledger);
        ledger.reopen();
        ledger
    }

    /// The rows shown in one of these states; for one that repeats another, that one.
    #[must_use]
    pub fn settled_in(&self, states: &[State]) -> HashSet<u32> {
        self.numbers()
            .map(|row| self.ledger.settled(row))
            .filter(|row| states.contains(&self.ledger.state(*row)))
            .collect()
    }

    /// All outcomes, in input order.
    pub fn outcomes(&self) -> impl Iterator<Item = Outcome<'_>> {
        self.numbers().map(|row| self.ledger.outcome(row))
    }

    /// Rows a state, in the order of `State::ALL`, states without rows left out.
    #[must_use]
    pub fn counts(&self) -> Vec<(State, usize)> {
        let mut counts = [0; State::ALL.len()];
        for row in self.numbers() {
            counts[self.ledger.state(row) as usize] += 1;
        }
        State::ALL
            .into_iter()
            .zip(counts)
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// Ids aligned with the rows.
    #[must_use]
    pub fn ids(&self) -> Vec<Option<String>> {
        self.numbers()
            .map(|row| self.ledger.id(self.ledger.settled(row)))
            .collect()
    }

    /// Only the rows in one of these states.
    #[must_use]
    pub fn select(&self, states: &[State]) -> Self {
        let rows = self
            .numbers()
            .filter(|row| states.contains(&self.ledger.state(*row)))
            .collect();
        Self {
            ledger: self.ledger.clone(),
            rows: Some(rows),
        }
    }

    /// The rows at these indices.
    #[must_use]
    pub fn slice(&self, indices: impl Iterator<Item = usize>) -> Self {
        let rows = indices
            .filter(|index| *index < self.len())
            .map(|index| self.row_at(index))
            .collect();
        Self {
            ledger: self.ledger.clone(),
            rows: Some(rows),
        }
    }

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

/// The number of a row.
pub(super) fn number(index: usize) -> u32 {
    // A ledger of four billion rows would need more than 100 GB; the cast cannot cut.
    u32::try_from(index).unwrap_or(NONE)
}
