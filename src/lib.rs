//! The bulk client for the Assets API and the Relationship API of Autodesk Construction Cloud, BIM 360 and Forma.
//!
//! The modules, lowest first. A module uses only the modules listed above it.

#![deny(unsafe_code)]

pub mod error;
pub mod options;

pub mod ids;

pub mod model;

pub mod http;

pub mod api;

pub mod columns;

pub mod call;

pub mod settings;

pub mod listing;

pub mod input;

pub mod rows;

pub mod table;

pub mod sheet;

pub mod ledger;

pub mod run;

pub mod reads;

#[cfg(feature = "simulator")]
pub mod simulator;

#[cfg(feature = "python")]
mod python;
