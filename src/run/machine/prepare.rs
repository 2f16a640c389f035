//! Prepares the next batch: reads rows, and compares them with the assets that have their import keys.

use std::collections::HashMap;

use serde_json::Value;

use super::{Awaited, Comparison, Machine};
use crate::error::Error;
use crate::http::Phase;
use crate::run::event::Command;
use crate::run::existing::{Existing, Search};

impl Machine {
    /// Prepares the next batch, or reads rows for it.
    pub(super) fn prepare(&mut self, commands: &mut Vec<Command>) -> bool {
        if (self.packer.has_ready() || self.packer.is_to_be_read_again())
            && let Some((lookup, import_key)) = self.state.needs_existing(&self.packer)
        {
            // If all rows are known, so are the keys to look for.
            let wanted = (!self.more).then(|| self.packer.import_keys());
            self.awaited = Awaited::Existing;
            commands.push(Command::ReadExisting(Search {
                lookup,
                import_key,
                wanted,
            }));
            return false;
        }
        if self.packer.is_to_be_read_again() {
            self.awaited = Awaited::Rows;
            commands.push(Command::Repeat);
            return false;
        }
        self.begin_comparison() || self.more && self.read(commands)
    }

    pub(super) fn read(&mut self, commands: &mut Vec<Command>) -> bool {
        for (index, part) in (0..).zip(&self.state.job.parts) {
            let name = part.write.endpoint.name;
            let most = self.state.caller.row_limit(name, |limit| limit.most());
            self.packer.at_most(index, most);
        }
        self.invalid = self.packer.invalid;
        self.awaited = Awaited::Rows;
        commands.push(Command::Read);
        false
    }

    pub(super) fn on_existing(&mut self, existing: Result<Existing, Error>) {
        self.awaited = Awaited::Nothing;
        match existing {
            Ok(existing) => self.state.existing = Some(existing),
            // The run was stopped meanwhile, so nothing more is sent.
            Err(_) if self.state.stop.phase() > Phase::Run => return,
            Err(error) => return self.give_up(error),
        }
        // Before the first request, so that on_error="stop" sends nothing.
        let rows = if self.packer.is_to_be_read_again() {
            self.packer.seen.keyed()
        } else {
            let ready = self.packer.ready();
            ready.flat_map(|batch| self.state.keyed(batch)).collect()
        };
        let writer = self.packer.keyed_writer();
        self.state.refuse_numbers(&rows, writer);
        self.state.refuse_short_keys(&rows, writer);
    }

    /// Takes the next batch of the packer, if there is one.
    pub(super) fn begin_comparison(&mut self) -> bool {
        let may_send: Vec<bool> = (0..self.flights.len()).map(|part| self.may_send(part)).collect();
        let Some(batch) = self.packer.take(|part| may_send[part]) else {
            return false;
        };
        // Without known assets, no key is compared.
        let rows = self.state.existing.as_ref().map(|_| self.state.keyed(&batch));
        let (rows, writer) = (rows.unwrap_or_default(), self.packer.keyed_writer());
        self.state.refuse_numbers(&rows, writer);
        self.state.refuse_short_keys(&rows, writer);
        self.comparison = Some(Comparison {
            matched: self.state.matched(&batch),
            batch,
            is_missing: false,
        });
        true
    }

    pub(super) fn on_contents(&mut self, contents: Result<HashMap<String, Value>, Error>) {
        self.awaited = Awaited::Nothing;
        let Some(mut comparison) = self.comparison.take() else {
            return;
        };
        match contents {
            Ok(contents) => {
                let was_missing = comparison.is_missing;
                comparison.is_missing = !self.state.note_contents(&mut comparison.matched, &contents);
                if was_missing && comparison.is_missing {
                    self.on_compared(comparison);
                } else {
                    self.comparison = Some(comparison);
                }
            }
            // The run was stopped meanwhile, so nothing more is sent.
            Err(_) if self.state.stop.phase() > Phase::Run => {}
            Err(error) => self.give_up(error),
        }
    }

    /// Lets the rows that are still to be sent wait.
    pub(super) fn on_compared(&mut self, comparison: Comparison) {
        let Comparison { batch, matched, .. } = comparison;
        let writer = self.packer.writer(batch.part_of_run);
        let wanted = self.state.still_wanted(batch, &matched, writer);
        self.state.waiting.extend(wanted);
    }
}
