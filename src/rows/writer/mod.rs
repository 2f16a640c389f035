//! Checks rows of any kind and writes them into request bodies. What is particular to a kind of row is a [`RowKind`].

mod columns;
mod digits;
mod field;
mod headings;
mod missing;
mod options;
mod row;
mod state;
mod warnings;

pub(super) use state::{Given, Label, RowKind, Slot, Writer, WrittenField, called_of};
