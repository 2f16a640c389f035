//! The reasons for row statuses in a run, stored compactly for many rows and rendered on demand.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Fault;
use super::bodies::Bodies;
use super::numbers::number;
use super::phrases::{Phrases, Raw, Reader, write_number, write_text};
use super::pool::Pool;
use crate::rows::Problem;

/// The number of recent reasons to remember, so that rows can share them.
const REMEMBERED: usize = 1000;

/// The reasons for row statuses, by number. Reasons from this client's checks have even numbers, all others
/// have odd numbers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Faults {
    pub phrases: Phrases,
    /// The problems found by checks, kept even if no row has them anymore.
    pub checks: Pool,
    /// All other reasons, each kept as long as a row has it.
    pub others: BTreeMap<u32, Other>,
    next_other: u32,
    pub bodies: Bodies,
    /// The numbers of recent reasons, keyed by digest.
    #[serde(skip)]
    remembered: HashMap<u64, u32>,
}

impl PartialEq for Faults {
    fn eq(&self, other: &Self) -> bool {
        (&self.phrases, &self.checks, &self.others, &self.bodies)
            == (&other.phrases, &other.checks, &other.others, &other.bodies)
    }
}

/// A reason, and how many rows have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Other {
    pub bytes: Box<[u8]>,
    uses: u32,
}

/// A reason for a row status. Problems from checks are not rendered yet.
pub(super) enum Reason<'a> {
    Checks(Vec<Raw<'a>>),
    Other(Box<Fault>),
}

impl Faults {
    /// Adds a row's problems as one reason and returns the reason's number.
    pub fn add_problems(&mut self, problems: &[Problem]) -> u32 {
        let mut bytes = Vec::with_capacity(32);
        write_number(problems.len() as u64, &mut bytes);
        for problem in problems {
            self.phrases.write_problem(problem, &mut bytes);
        }
        let digest = xxh3_64(&bytes);
        let known = self.remembered.get(&digest).copied();
        if let Some(known) = known.filter(|known| is_check(*known) && *self.bytes(*known) == *bytes) {
            return known;
        }
        self.checks.push(&bytes);
        let number = number(self.checks.len() - 1).saturating_mul(2);
        self.remember(digest, number);
        number
    }

    /// Adds a reason. Returns the reason's number and, if the reason has a response body, the number of that
    /// body.
    pub fn add(&mut self, fault: &Fault) -> (u32, Option<u32>) {
        let body = fault.body.as_ref().map(|body| self.bodies.add(body));
        let bytes = self.written(fault, body);
        let digest = xxh3_64(&bytes);
        let known = self.remembered.get(&digest).copied();
        if let Some(known) = known.filter(|known| !is_check(*known) && *self.bytes(*known) == *bytes) {
            return (known, body);
        }
        if let Some(body) = body {
            self.bodies.hold(body);
        }
        let index = self.next_other;
        self.next_other = index.saturating_add(1);
        let other = Other {
            bytes: bytes.into(),
            uses: 0,
        };
        self.others.insert(index, other);
        let number = index.saturating_mul(2) | 1;
        self.remember(digest, number);
        (number, body)
    }

    fn remember(&mut self, digest: u64, number: u32) {
        if self.remembered.len() >= REMEMBERED {
            self.remembered.clear();
        }
        self.remembered.insert(digest, number);
    }

    /// Records that one more row has this reason.
    pub fn hold(&mut self, number: u32) {
        if let Some(other) = self.other_mut(number) {
            other.uses += 1;
        }
    }

    /// Records that one fewer row has this reason, and drops the reason if no row is left. A reason from a
    /// check is never dropped. If the reason was dropped, returns its index, and the number of its body if
    /// the body was dropped too.
    pub fn release(&mut self, number: u32) -> Option<(u32, Option<u32>)> {
        let other = self.other_mut(number)?;
        other.uses = other.uses.saturating_sub(1);
        if other.uses > 0 {
            return None;
        }
        let body = self.body_of(&self.others.get(&(number / 2))?.bytes);
        self.others.remove(&(number / 2));
        Some((number / 2, body.filter(|body| self.bodies.release(*body))))
    }

    fn other_mut(&mut self, number: u32) -> Option<&mut Other> {
        (number % 2 == 1)
            .then(|| self.others.get_mut(&(number / 2)))
            .flatten()
    }

    fn bytes(&self, number: u32) -> &[u8] {
        let index = number / 2;
        if is_check(number) {
            self.checks.get(index as usize)
        } else {
            self.others.get(&index).map_or(&[], |other| &other.bytes)
        }
    }

    /// Returns whether a reason with this number exists.
    pub fn has(&self, number: u32) -> bool {
        let index = number / 2;
        if is_check(number) {
            (index as usize) < self.checks.len()
        } else {
            self.others.contains_key(&index)
        }
    }

    /// Returns the numbers of all reasons.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        let checks = (0..number(self.checks.len())).map(|index| index * 2);
        checks.chain(self.others.keys().map(|index| index.saturating_mul(2) | 1))
    }

    /// Returns a reason without rendering problems from checks.
    pub fn reason(&self, number: u32) -> Option<Reason<'_>> {
        let mut reader = Reader::new(self.bytes(number), &self.phrases);
        if !is_check(number) {
            return self.read(&mut reader).map(|fault| Reason::Other(Box::new(fault)));
        }
        let problems = (0..reader.number()?).map(|_| reader.problem());
        problems.collect::<Option<_>>().map(Reason::Checks)
    }

    /// Renders a reason.
    pub fn get(&self, number: u32) -> Option<Fault> {
        self.reason(number).map(|reason| match reason {
            Reason::Checks(problems) => Fault::invalid(problems.iter().map(Raw::rendered).collect()),
            Reason::Other(fault) => *fault,
        })
    }

    fn written(&mut self, fault: &Fault, body: Option<u32>) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + fault.message.len());
        self.phrases.write(&fault.code, &mut out);
        write_text(&fault.message, &mut out);
        write_number(u64::from(fault.status.is_some()), &mut out);
        write_number(fault.status.unwrap_or(0).into(), &mut out);
        write_number(body.map_or(0, |body| u64::from(body) + 1), &mut out);
        for text in [&fault.column, &fault.fix] {
            write_number(u64::from(text.is_some()), &mut out);
            if let Some(text) = text {
                self.phrases.write(text, &mut out);
            }
        }
        let metadata = fault.metadata.as_ref().map(ToString::to_string);
        for text in [&fault.value, &metadata] {
            write_number(u64::from(text.is_some()), &mut out);
            if let Some(text) = text {
                write_text(text, &mut out);
            }
        }
        write_number(fault.problems.len() as u64, &mut out);
        for problem in &fault.problems {
            self.phrases.write_problem(problem, &mut out);
        }
        out
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<Fault> {
        let (code, message) = (reader.phrase()?.to_owned(), reader.text()?.to_owned());
        let has_status = reader.number()? == 1;
        let status = u16::try_from(reader.number()?).ok()?;
        let body = match u32::try_from(reader.number()?).ok()?.checked_sub(1) {
            None => None,
            Some(body) => Some(self.bodies.texts.get(&body)?.text.clone()),
        };
        let mut phrase = || match reader.number()? {
            0 => Some(None),
            _ => reader.phrase().map(|text| Some(text.to_owned())),
        };
        let (column, fix) = (phrase()?, phrase()?);
        let mut text = || match reader.number()? {
            0 => Some(None),
            _ => reader.text().map(|text| Some(text.to_owned())),
        };
        let (value, metadata) = (text()?, text()?);
        let metadata = match metadata {
            None => None,
            Some(text) => Some(serde_json::from_str(&text).ok()?),
        };
        let problems = (0..reader.number()?)
            .map(|_| reader.problem().map(|problem| problem.rendered()))
            .collect::<Option<Vec<_>>>()?;
        Some(Fault {
            code,
            message,
            column,
            value,
            fix,
            status: has_status.then_some(status),
            body,
            metadata,
            problems,
        })
    }

    /// Returns the number of the response body that an encoded reason refers to.
    fn body_of(&self, bytes: &[u8]) -> Option<u32> {
        let mut reader = Reader::new(bytes, &self.phrases);
        reader.phrase()?;
        reader.text()?;
        reader.number()?;
        reader.number()?;
        u32::try_from(reader.number()?).ok()?.checked_sub(1)
    }

    // ---- restore ----

    /// Restores the next reason from a check. Returns `false` if the bytes are invalid.
    pub fn restore_checks(&mut self, bytes: &[u8]) -> bool {
        self.checks.push(bytes);
        self.phrases.can_read_problems(bytes)
    }

    /// Restores a reason that is not from a check. Returns `false` if the bytes are invalid.
    pub fn restore_other(&mut self, index: u32, bytes: &[u8]) -> bool {
        let mut reader = Reader::new(bytes, &self.phrases);
        let fits = self.read(&mut reader).is_some() && reader.is_at_end();
        if let Some(body) = self.body_of(bytes) {
            self.bodies.hold(body);
        }
        self.next_other = self.next_other.max(index.saturating_add(1));
        let other = Other {
            bytes: bytes.into(),
            uses: 0,
        };
        self.others.insert(index, other);
        fits
    }

    /// Returns whether all reasons are readable. After loading a damaged pickle, some reasons may be
    /// unreadable.
    pub fn is_whole(&self) -> bool {
        let readable = |other: &Other| {
            let mut reader = Reader::new(&other.bytes, &self.phrases);
            self.read(&mut reader).is_some() && reader.is_at_end()
        };
        let mut checks = (0..self.checks.len()).map(|index| self.checks.get(index));
        self.checks.is_whole()
            && checks.all(|bytes| self.phrases.can_read_problems(bytes))
            && self.others.values().all(readable)
            && self.others.keys().all(|index| *index < self.next_other)
            && self.bodies.is_whole()
    }
}

/// Returns whether this is the number of a reason from a check.
pub(super) fn is_check(number: u32) -> bool {
    number.is_multiple_of(2)
}
