//! The integration tests of the core, in one binary, so that the core is linked once.

// Shared by the tests.
mod bench;
mod events;
mod fuzz;
mod lists;
mod plant;
mod recorded;
mod uses;
mod written;

mod activity;
mod batch_limit;
mod columns;
mod contract;
mod drift;
mod endpoints;
mod import_keys;
mod journal;
mod layers;
mod ledger;
mod listing;
mod memory;
mod names;
mod outage;
mod pairing;
mod parts;
#[cfg(unix)]
mod power_loss;
mod readers;
mod reads;
mod reconcile;
mod relationship_rows;
mod replay;
mod schedules;
mod setup;
mod simulation;
mod simulator;
mod value_rules;
