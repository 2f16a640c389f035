//! The violations in a batch.

use crate::simulator::contract::{Switch, Switches};
use crate::simulator::refusal::{Refusal, Violation};

/// The violations found in a batch, each labeled with the index or id of its item.
pub struct BatchViolations<'a> {
    switches: &'a Switches,
    violations: Vec<Violation>,
    pub status: u16,
}

impl<'a> BatchViolations<'a> {
    pub fn new(switches: &'a Switches) -> Self {
        Self {
            switches,
            violations: Vec::new(),
            status: 400,
        }
    }

    pub fn add(&mut self, index: usize, id: Option<&str>, found: Vec<Violation>) {
        for mut violation in found {
            let from_1 = self.switches.is(Switch::BatchErrorShape, "list_index_from_1");
            let index = index + usize::from(from_1);
            match id.filter(|_| self.switches.is(Switch::BatchErrorShape, "list_id")) {
                Some(id) => violation.metadata.insert("id".into(), id.into()),
                None => violation.metadata.insert("index".into(), index.into()),
            };
            self.violations.push(violation);
        }
    }

    /// Rejects the whole batch if it has any violations ("Manage assets" tutorial).
    pub fn into_result(self) -> Result<(), Refusal> {
        if self.violations.is_empty() {
            return Ok(());
        }
        Err(Refusal::Service {
            status: self.status,
            code: "VALIDATION_FAILED",
            detail: "At least one item is invalid; nothing was applied.".into(),
            violations: self.violations,
        })
    }
}
